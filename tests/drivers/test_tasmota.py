"""The Tasmota driver against the simulated device: on a bus in memory, in virtual time, and over mosquitto."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from motet.bus import Bus, MemoryBus, Message
from motet.devices import Context, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LineLost, NoReply, ProcedureError
from motet.simulation import LoopClock, MqttHost
from motet.simulation.virtual import VirtualLoop
from motet_drivers import tasmota as driver
from motet_drivers.tasmota.protocol import Names, Topics, pulse_seconds, pulse_setting
from motet_simulators import tasmota as simulator

SCALE = 50.0
RELAYS = {"pump": 1, "lamp": 2}
SENSORS = {
    "temperature": {"path": "SI7021.Temperature", "unit": "degC"},
    "power": {"path": "ENERGY.Power", "unit": "W"},
}
SIMULATED = {"relays": 2, "sensors": [{"path": "SI7021.Temperature", "value": 21.5}, {"path": "ENERGY.Power"}]}
DROP = {"kind": "drop", "times": None}


@dataclass
class Bench:
    """A driver, the device behind it, and the bus between them."""

    driver: driver.Tasmota
    device: simulator.Tasmota
    bus: Bus
    host: MqttHost
    clock: LoopClock
    heard: list[Message] = field(default_factory=list[Message])

    def said(self) -> list[tuple[str, bytes]]:
        """The commands that went to the device."""
        return [(m.topic.removeprefix("cmnd/plug/"), m.payload) for m in self.heard if m.topic.startswith("cmnd/")]


@asynccontextmanager
async def bench(
    bus: Bus,
    node_bus: Bus,
    simulated: Mapping[str, Any] | None = None,
    *,
    connect: bool = True,
    scale: float = SCALE,
    **options: Any,
) -> AsyncGenerator[Bench]:
    clock = LoopClock(asyncio.get_running_loop(), scale)
    device = simulator.Tasmota(simulator.Options.model_validate({**SIMULATED, **(simulated or {})}), None, clock, 1)
    given = {"timeout": 0.1, "retries": 1, "relays": RELAYS, "sensors": SENSORS, **options}
    context = Context(
        "bench-plug",
        driver.Options.model_validate(given),
        Limits("bench-plug", {}),
        bus=bus,
        topic="plug",
        scale=scale,
    )
    tasmota = driver.Tasmota(context)
    async with MqttHost(device, node_bus, "plug") as host:
        made = Bench(tasmota, device, bus, host, clock)
        await bus.subscribe("cmnd/plug/#", made.heard.append)
        if connect:
            await tasmota.connect()
        made.heard.clear()
        yield made
    await tasmota.close()


Make = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes benches on a bus in memory."""
    async with AsyncExitStack() as stack:

        async def one(simulated: Mapping[str, Any] | None = None, **options: Any) -> Bench:
            bus = await stack.enter_async_context(MemoryBus())
            return await stack.enter_async_context(bench(bus, bus, simulated, **options))

        yield one


async def read(device: driver.Tasmota) -> dict[str, Any]:
    """What the signals say."""
    reading = cast("dict[str, Any]", await device.read())
    return {key.removeprefix("bench-plug-"): found["value"] for key, found in reading.items()}


async def test_a_relay_is_switched_to_a_state_and_read(make: Make) -> None:
    plug = await make()
    await plug.driver.switch("lamp", on=True)
    await plug.driver.switch("lamp", on=True)
    assert await read(plug.driver) == {"pump": False, "lamp": True, "temperature": 21.5, "power": 0.0}
    assert plug.device.unit.bits == 2
    await plug.driver.switch("lamp", on=False)
    assert plug.device.unit.bits == 0
    assert {payload for _, payload in plug.said()} == {b"ON", b"OFF", b"", b"10"}


@pytest.mark.parametrize("simulated", [{"relays": 1}, {"relays": 1, "set_option_26": True}, {"set_option_4": True}])
async def test_power_with_and_without_a_number_and_with_results_elsewhere(
    make: Make, simulated: dict[str, Any]
) -> None:
    plug = await make(simulated, relays={"pump": 1})
    await plug.driver.switch("pump", on=True)
    assert plug.device.unit.is_on(1)
    assert await plug.driver.measure() == {"temperature": 21.5, "power": 0.0}


async def test_a_measurement_asks_and_never_takes_telemetry(make: Make) -> None:
    plug = await make(connect=False)
    stale = {"Time": "2020-01-01T00:00:00", "SI7021": {"Temperature": 99.0}, "ENERGY": {"Power": 99.0}}
    for topic in ("tele/plug/SENSOR", "stat/plug/STATUS10"):
        await plug.bus.publish(topic, json.dumps({"StatusSNS": stale, **stale}), retain=True)
    await plug.driver.connect()
    await plug.bus.publish("tele/plug/SENSOR", json.dumps(stale))
    assert await plug.driver.measure() == {"temperature": 21.5, "power": 0.0}
    assert ("Status", b"10") in plug.said()


async def test_older_firmware_is_asked_for_status_8(make: Make) -> None:
    plug = await make({"oldest": True})
    for _ in range(2):
        assert await plug.driver.measure() == {"temperature": 21.5, "power": 0.0}
    assert [payload for _, payload in plug.said()] == [b"10", b"8", b"8"]


async def test_a_sensor_that_gives_nothing_or_another_unit_is_an_error(make: Make) -> None:
    plug = await make(sensors={"humidity": {"path": "SI7021.Humidity", "unit": "%"}})
    with pytest.raises(InstrumentError, match=r"bench-plug: humidity at SI7021.Humidity: nothing is there"):
        await plug.driver.measure()
    plug = await make({"temperature_unit": "F"})
    with pytest.raises(InstrumentError, match="temperature is in 'F'; the lab file says degC"):
        await plug.driver.measure()


async def test_who_it_is_stands_in_status_2_and_5(make: Make) -> None:
    plug = await make()
    expected = "Tasmota tasmota-000110-0272, serial number 24:0A:C4:00:01:10, firmware 14.3.0(release-tasmota)"
    assert await plug.driver.identity() == expected
    with pytest.raises(ConnectionProblem, match=r"has firmware 14.3.0.*, the lab file says 13"):
        await make(firmware="13")
    with pytest.raises(ConnectionProblem, match=r"has serial number 24:0A.*, the lab file says 24:00"):
        await make(serial_number="24:00")


async def test_connecting_switches_nothing(make: Make) -> None:
    plug = await make({"power": [True, False]}, connect=False)
    await plug.driver.connect()
    assert {payload for command, payload in plug.said() if "POWER" in command} == {b""}
    assert plug.device.unit.bits == 1


async def test_a_relay_that_is_not_there_is_refused(make: Make) -> None:
    with pytest.raises(InstrumentError, match=r"bench-plug: the command was refused: Error: .* on cmnd/plug/POWER3"):
        await make(relays={"valve": 3})
    plug = await make()
    with pytest.raises(ProcedureError, match="no relay 'valve'; allowed: pump, lamp"):
        await plug.driver.switch("valve", on=True)


async def test_a_refusal_names_the_command(make: Make) -> None:
    plug = await make({"faults": [{"kind": "error"}]})
    with pytest.raises(InstrumentError, match=r"refused: Error: a parameter that cannot be used: 'ON' on cmnd/plug/P"):
        await plug.driver.switch("pump", on=True)
    await plug.driver.switch("pump", on=True)


async def test_a_pulse_lasts_as_long_as_it_says_and_the_device_ends_it(make: Make) -> None:
    plug = await make()
    started = plug.clock.now()
    await plug.driver.pulse("pump", 3.0)
    assert 3.0 <= plug.clock.now() - started < 10.0
    assert plug.device.unit.bits == 0
    assert plug.device.unit.pulse_time == {1: 0, 2: 0}
    assert ("PulseTime1", b"30") in plug.said()
    assert ("POWER1", b"OFF") not in plug.said()


async def test_the_pulse_time_that_was_set_before_is_set_again(make: Make) -> None:
    plug = await make()
    plug.device.unit.set_pulse_time(1, 700)
    await plug.driver.pulse("pump", 0.5)
    assert plug.device.unit.pulse_time[1] == 700


async def test_stop_ends_a_pulse_and_leaves_other_relays_alone(make: Make) -> None:
    plug = await make()
    await plug.driver.switch("lamp", on=True)
    pulsing = asyncio.create_task(plug.driver.pulse("pump", 3000.0))
    await asyncio.sleep(2 / SCALE)
    assert plug.device.unit.bits == 3
    with pytest.raises(ProcedureError, match="a pulse of pump runs already"):
        await plug.driver.pulse("pump", 1.0)
    await plug.driver.stop()
    with pytest.raises(InstrumentError, match="pump was stopped in the middle of a pulse"):
        async with asyncio.timeout(10):
            await pulsing
    assert plug.device.unit.bits == 2
    assert plug.device.unit.pulse_time == {1: 0, 2: 0}


async def test_a_stop_at_any_moment_of_a_pulse_leaves_nothing_on(make: Make) -> None:
    plug = await make()
    for turns in range(1, 25):
        pulsing = asyncio.create_task(plug.driver.pulse("pump", 3000.0))
        for _ in range(turns):
            await asyncio.sleep(0)
        await plug.driver.stop()
        with pytest.raises(InstrumentError, match="pump was stopped"):
            await pulsing
        assert plug.device.unit.bits == 0


async def test_a_cancelled_pulse_leaves_nothing_on(make: Make) -> None:
    plug = await make()
    pulsing = asyncio.create_task(plug.driver.pulse("pump", 3000.0))
    await asyncio.sleep(2 / SCALE)
    pulsing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulsing
    assert plug.device.unit.bits == 0
    assert plug.device.unit.pulse_time[1] == 0


async def test_safe_switches_off_what_the_lab_file_names(make: Make) -> None:
    plug = await make({"power": [True, True]})
    await plug.driver.safe()
    assert plug.device.unit.bits == 0
    plug = await make({"power": [True, True]}, off_when_safe=["pump"])
    await plug.driver.safe()
    assert plug.device.unit.bits == 2


async def test_a_relay_that_is_switched_on_again_for_a_lost_answer_is_off_after_safe(make: Make) -> None:
    plug = await make(off_when_safe=["pump"])
    answer = plug.device.answer
    lost: list[str] = []

    def lose(topic: str, payload: bytes, retain: bool = False) -> None:
        lost.append(topic)
        if topic == "stat/plug/POWER1":
            plug.device.answer = answer

    for relay, key, left in (("pump", "POWER1", 0), ("lamp", "POWER2", 2)):
        plug.heard.clear()
        plug.device.answer = lose if relay == "pump" else answer
        switching = asyncio.create_task(plug.driver.switch(relay, on=True))
        async with asyncio.timeout(10):
            while (key, b"ON") not in plug.said():  # noqa: ASYNC110 - of the device, which tells nobody
                await asyncio.sleep(0)
            await plug.driver.safe()
            if left:
                await switching
            else:
                with pytest.raises(InstrumentError, match="pump is off again: the device was made safe"):
                    await switching
        assert plug.device.unit.bits == left
        assert plug.said().count((key, b"ON")) == (1 if left else 2)
    assert lost == ["stat/plug/RESULT", "stat/plug/POWER1"]


async def test_a_message_that_is_lost_is_said_again(make: Make) -> None:
    plug = await make(
        {"faults": [{"kind": "drop", "after": 10, "times": 2}, {"kind": "garble", "after": 12}]}, retries=2
    )
    for on in (True, False, True):
        await plug.driver.switch("pump", on=on)
        assert plug.device.unit.is_on(1) is on
    assert await plug.driver.measure() == {"temperature": 21.5, "power": 0.0}


async def test_a_late_answer_is_not_taken_for_the_next_one(make: Make) -> None:
    plug = await make({"faults": [{"kind": "delay", "after": 6, "seconds": 0.15 * SCALE}]}, retries=0)
    with pytest.raises(NoReply, match="Status"):
        await plug.driver.measure()
    assert await plug.driver.measure() == {"temperature": 21.5, "power": 0.0}


async def test_nobody_and_nonsense_are_told_apart(make: Make) -> None:
    with pytest.raises(NoReply, match=r"bench-plug: a reply to '2' on cmnd/plug/Status did not come within 0.1 s"):
        await make({"faults": [DROP]})
    with pytest.raises(GarbledReply, match="is no JSON"):
        await make({"faults": [{"kind": "garble", "times": None}]})


async def test_a_device_that_lost_its_network_is_off_line_at_once_and_found_again(make: Make) -> None:
    plug = await make({"faults": [{"kind": "disconnect", "after": 6, "seconds": 10.0}]}, timeout=5.0)
    with pytest.raises(LineLost, match="the Tasmota device 'plug' is off line, by its last will"):
        async with asyncio.timeout(4):  # before the 5 s of a reply that does not come
            await plug.driver.measure()
    with pytest.raises(LineLost, match="off line"):
        await plug.driver.switch("pump", on=True)
    await asyncio.sleep(11 / SCALE)
    assert await plug.driver.recover() == ("whether the relays kept their states: read them",)
    assert await plug.driver.measure() == {"temperature": 21.5, "power": 0.0}


async def test_a_device_that_is_off_line_at_the_start_is_not_waited_for_long() -> None:
    async with MemoryBus() as bus:
        await bus.publish("tele/plug/LWT", "Offline", retain=True)
        options = driver.Options(timeout=0.2)
        tasmota = driver.Tasmota(Context("bench-plug", options, Limits("bench-plug", {}), bus=bus, topic="plug"))
        with pytest.raises(LineLost, match="off line"):
            async with asyncio.timeout(10):
                await tasmota.connect()


async def test_verbs_and_signals_are_those_of_what_is_connected(make: Make) -> None:
    plug = await make(sensors={})
    assert set(plug.driver.verbs) == {"switch", "pulse"}
    plug = await make(relays={})
    assert set(plug.driver.verbs) == {"measure"}
    assert plug.driver.verbs["measure"].spec.outputs["temperature"].unit == "degC"
    assert set(await read(plug.driver)) == {"temperature", "power"}


def test_a_pulse_of_hours_takes_no_time_in_virtual_time() -> None:
    async def scenario() -> float:
        async with MemoryBus() as bus, bench(bus, bus, scale=1.0) as plug:
            started = plug.clock.now()
            await plug.driver.pulse("pump", 10_000.0)
            return plug.clock.now() - started

    assert 10_000.0 <= virtually(scenario()) < 10_300.0


def virtually(scenario: Coroutine[Any, Any, float]) -> float:
    """Run it on a loop of virtual time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(scenario)
    finally:
        loop.close()


async def test_over_mosquitto_with_the_last_will_of_a_device_that_dies(mosquitto: str) -> None:
    async with Bus(mosquitto, client_id="lab") as bus, Bus(mosquitto, client_id="plug") as node_bus:
        offline = asyncio.Event()
        async with bench(bus, node_bus, timeout=2.0) as plug:
            await plug.driver.switch("pump", on=True)
            assert await plug.driver.measure() == {"temperature": 21.5, "power": 0.0}
            await plug.driver.pulse("lamp", 1.0)

            def look(message: Message) -> None:
                if message.payload == b"Offline":
                    offline.set()

            await bus.subscribe("tele/plug/LWT", look)
            await plug.host.__aexit__(None, None, None)
            async with asyncio.timeout(5):
                await offline.wait()
            with pytest.raises(LineLost, match="off line"):
                await plug.driver.measure()
            await plug.host.__aenter__()
            await plug.driver.recover()
            assert await plug.driver.measure() == {"temperature": 21.5, "power": 0.0}


def connect_packet(client: bytes, topic: bytes, will: bytes) -> bytes:
    """An MQTT 3.1.1 CONNECT with a retained last will (section 3.1)."""

    def text(found: bytes) -> bytes:
        return len(found).to_bytes(2, "big") + found

    body = text(b"MQTT") + bytes((4, 0b00100110, 0, 30)) + text(client) + text(topic) + text(will)
    return bytes((0x10, len(body))) + body


async def test_the_broker_s_own_last_will_ends_what_is_waited_for(mosquitto: str) -> None:
    port = int(mosquitto.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(connect_packet(b"plug", b"tele/plug/LWT", b"Offline"))
    async with asyncio.timeout(5), Bus(mosquitto, client_id="lab") as bus:
        assert (await reader.readexactly(4))[0] == 0x20, "CONNACK"
        options = driver.Options(timeout=1.0)
        tasmota = driver.Tasmota(Context("bench-plug", options, Limits("bench-plug", {}), bus=bus, topic="plug"))
        asked = asyncio.Event()
        await bus.subscribe("cmnd/plug/#", lambda message: asked.set())
        connecting = asyncio.create_task(tasmota.connect())
        await asked.wait()
        writer.transport.abort()  # as when the plug is pulled
        with pytest.raises(LineLost, match="the Tasmota device 'plug' is off line, by its last will"):
            await connecting


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"relays": {"pump": 1, "lamp": 1}}, "two names for one relay"),
        ({"relays": {"pump": 0}}, "greater than or equal to 1"),
        ({"relays": {"stop": 1}}, "stop cannot be the name"),
        ({"relays": {"x": 1}, "sensors": {"x": {"path": "a.b"}}}, "x names a relay and a sensor"),
        ({"off_when_safe": ["valve"]}, "off_when_safe names valve"),
        ({"full_topic": "%topic%/"}, "pattern"),
        ({"sensors": {"t": {"path": ""}}}, "at least 1 item"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        driver.Options.model_validate(options)


NAMES = Names(Topics("%prefix%/%topic%/", "plug"), "bench-plug")
topics = st.sampled_from([f"stat/plug/{what}" for what in ("RESULT", "POWER", "POWER1", "STATUS10", "PULSETIME1")])
json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["POWER1", "PulseTime1", "Set"]), inner)
    ),
)
payloads = st.one_of(st.binary(max_size=40), json_values.map(lambda found: json.dumps(found).encode()))


@given(topics, payloads)
@settings(max_examples=50, deadline=None)
def test_any_message_is_understood_garbled_or_about_something_else(topic: str, payload: bytes) -> None:
    message = Message(topic, payload)
    for read_it in (
        lambda: NAMES.relay(message, 1),
        lambda: NAMES.status(message, 10, "StatusSNS"),
        lambda: NAMES.pulse_time(message, 1),
    ):
        with contextlib.suppress(GarbledReply, InstrumentError):
            assert read_it() in (None, True, False) or isinstance(read_it(), int | dict)


@given(st.floats(0.1, 64_800.0))
def test_a_pulse_is_set_to_a_tenth_of_a_second_or_to_a_second(seconds: float) -> None:
    assert abs(pulse_seconds(pulse_setting(seconds)) - seconds) <= (0.051 if seconds <= 11.1 else 0.51)
