"""The JSON node's driver against the node simulated from the same options: in memory and over mosquitto."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from motet.bus import Bus, MemoryBus, Message
from motet.devices import Context, Limit, Limits
from motet.errors import (
    ConnectionProblem,
    GarbledReply,
    InstrumentError,
    LimitError,
    LineLost,
    NoReply,
    ProcedureError,
)
from motet.simulation import LoopClock, MqttHost
from motet.simulation.virtual import VirtualLoop
from motet_drivers import mqtt_json as driver
from motet_drivers.mqtt_json.node import Node
from motet_drivers.mqtt_values import filled
from motet_simulators import mqtt_json as simulator
from motet_simulators.potentiostat_node import Options as PotentiostatOptions
from motet_simulators.potentiostat_node import PotentiostatNode

SCALE = 50.0
DEVICE: dict[str, Any] = {
    "request_id": "id",
    "availability": {"path": "is", "online": "here", "offline": "gone"},
    "identity": {
        "topic": "{topic}/reply",
        "request": {"payload": {"cmd": "who"}},
        "maker": "Lab",
        "model": "model",
        "serial_number": "serial",
        "firmware": "fw",
    },
    "verbs": {
        "dose": {
            "doc": "Dose a volume.",
            "arguments": {
                "volume": {"unit": "mL", "limits": [0, 10]},
                "inlet": {"type": "text", "values": ["left", "right"], "default": "left"},
            },
            "publish": {"payload": {"cmd": "dose", "ml": "{volume}", "from": "inlet {inlet}"}},
            "reply": {"path": "state", "done": "ok", "failed": ["error", "aborted"], "message": "why"},
            "outputs": {"dosed": {"path": "result.0", "unit": "mL"}, "trace": {"path": "trace", "type": "array"}},
            "longest": 60,
        },
        "stir": {
            "arguments": {"speed": {"unit": "rpm", "limits": [0, 2000]}},
            "publish": {"topic": "{topic}/speed", "payload": "{speed}"},
            "repeatable": True,
        },
    },
    "signals": {
        "speed": {"path": "speed", "unit": "rpm", "max_age": 5},
        "lid": {"path": "lid", "type": "text", "max_age": 5},
        "level": {"topic": "{topic}/reply", "path": "level", "unit": "mL", "request": {"payload": {"cmd": "level"}}},
    },
    "stop": {"payload": {"cmd": "stop"}},
    "safe": {"payload": {"cmd": "safe"}},
    "timeout": 0.1,
    "retries": 1,
}
BEHIND: dict[str, Any] = {
    "variables": {"lid": "closed", "level": 1.5, "trace": [0.0, 1.0]},
    "does": {
        "dose": {"per": {"volume": 2.0}, "gives": {"dosed": "{volume}"}},
        "stir": {"sets": {"speed": "{speed}"}},
    },
    "stops": {"speed": 0.0},
    "makes_safe": {"speed": 0.0, "lid": "locked"},
}


@dataclass
class Bench:
    """A driver, the node behind it, and the bus between them."""

    driver: driver.MqttJson
    node: simulator.MqttJson
    bus: Bus
    host: MqttHost
    clock: LoopClock
    heard: list[Message] = field(default_factory=list[Message])

    async def do(self, verb: str, **arguments: Any) -> Mapping[str, Any]:
        """Run a verb as Bluesky does; its outputs."""
        made = self.driver.verbs[verb]
        await made.set(arguments)
        return made.outputs

    async def read(self) -> dict[str, Any]:
        """What the signals say."""
        reading = cast("dict[str, Any]", await self.driver.read())
        return {key.removeprefix("bench-node-"): found["value"] for key, found in reading.items()}


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
    given = {**DEVICE, **options}
    own = {"device": given, **BEHIND, **(simulated or {})}
    node = simulator.MqttJson(simulator.Options.model_validate(own), None, clock, 1)
    limits = Limits("bench-node", {"volume": Limit(0, 8, "mL")})
    context = Context(
        "bench-node", driver.Options.model_validate(given), limits, bus=bus, topic="lab/node", scale=scale
    )
    device = driver.MqttJson(context)
    async with MqttHost(node, node_bus, "lab/node") as host:
        made = Bench(device, node, bus, host, clock)
        await bus.subscribe("lab/node/#", made.heard.append)
        if connect:
            await device.connect()
        yield made
    await device.close()


Make = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes benches on a bus in memory."""
    async with AsyncExitStack() as stack:

        async def one(simulated: Mapping[str, Any] | None = None, **options: Any) -> Bench:
            bus = await stack.enter_async_context(MemoryBus())
            return await stack.enter_async_context(bench(bus, bus, simulated, **options))

        yield one


async def test_a_verb_publishes_its_payload_and_waits_for_its_reply(make: Make) -> None:
    cell = await make()
    started = cell.clock.now()
    assert await cell.do("dose", volume=3) == {"dosed": 3.0, "trace": [0.0, 1.0]}
    assert 6.0 <= cell.clock.now() - started < 20.0
    (sent,) = [m.json() for m in cell.heard if m.topic.endswith("/command") and m.json()["cmd"] == "dose"]
    assert sent == {"cmd": "dose", "ml": 3.0, "from": "inlet left", "id": sent["id"]}


async def test_verbs_and_signals_are_declared_by_the_options(make: Make) -> None:
    cell = await make()
    spec = cell.driver.verbs["dose"].spec
    assert (spec.doc, spec.arguments["volume"].unit, spec.repeatable) == ("Dose a volume.", "mL", False)
    assert spec.outputs["trace"].dtype == "array"
    assert not spec.arguments["inlet"].required
    assert cell.driver.verbs["stir"].spec.repeatable
    assert await cell.read() == {"speed": 0.0, "lid": "closed", "level": 1.5}


async def test_a_verb_without_a_reply_is_done_when_it_was_published_and_the_signals_follow_it(make: Make) -> None:
    cell = await make()
    for speed in (300.0, 500.0):
        await cell.do("stir", speed=speed)
        assert (await cell.read())["speed"] == speed


@pytest.mark.parametrize(
    ("verb", "arguments", "error", "message"),
    [
        ("dose", {"volume": 11.0}, LimitError, r"volume = 11 mL is beyond its limit \[0, 10\] mL"),
        ("dose", {"volume": 9.0}, LimitError, r"volume = 9 mL is beyond its limit \[0, 8\] mL"),
        ("dose", {"volume": float("nan")}, LimitError, "not a finite number"),
        ("dose", {"volume": "3"}, ProcedureError, "must be of type float"),
        ("dose", {"volume": 1.0, "inlet": "top"}, ProcedureError, "inlet = 'top'; allowed: left, right"),
        ("dose", {}, ProcedureError, "needs the argument 'volume'"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_sent(
    make: Make, verb: str, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    cell = await make()
    cell.heard.clear()
    with pytest.raises(error, match=message):
        await cell.do(verb, **arguments)
    assert [m for m in cell.heard if m.topic.endswith("/command")] == []


async def test_a_failure_is_named_with_its_reason(make: Make) -> None:
    cell = await make({"faults": [{"kind": "error"}]})
    with pytest.raises(InstrumentError, match="bench-node: dose failed: error: out of order"):
        await cell.do("dose", volume=1.0)
    cell = await make({"faults": [{"kind": "stall"}]})
    with pytest.raises(InstrumentError, match="dose failed: error: it came to a halt"):
        await cell.do("dose", volume=1.0)


async def test_stop_ends_a_verb_and_the_one_that_waits_for_it(make: Make) -> None:
    cell = await make()
    await cell.do("stir", speed=300.0)
    both = [asyncio.create_task(getattr(cell.driver, "dose")(volume=8.0)) for _ in range(2)]  # noqa: B009 - made at run time
    await asyncio.sleep(2 / SCALE)
    assert cell.node.busy
    await cell.driver.stop()
    async with asyncio.timeout(10):
        results = await asyncio.gather(*both, return_exceptions=True)
    assert [str(found) for found in results] == ["bench-node: stopped before it was done"] * 2
    await asyncio.sleep(1 / SCALE)
    assert not cell.node.busy
    assert (await cell.read())["speed"] == 0.0


async def test_safe_says_what_the_lab_file_says(make: Make) -> None:
    cell = await make()
    await cell.driver.safe()
    assert (await cell.read())["lid"] == "locked"
    cell = await make(safe=None)
    await cell.do("stir", speed=300.0)
    await cell.driver.safe()
    assert (await cell.read())["speed"] == 0.0


async def test_a_cancelled_verb_is_stopped_at_the_node(make: Make) -> None:
    cell = await make()
    dosing = asyncio.create_task(cell.do("dose", volume=8.0))
    await asyncio.sleep(2 / SCALE)
    dosing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dosing
    await asyncio.sleep(1 / SCALE)
    assert not cell.node.busy


async def test_a_verb_that_takes_too_long_gives_no_reply_and_is_stopped(make: Make) -> None:
    verbs = {**DEVICE["verbs"], "dose": {**DEVICE["verbs"]["dose"], "longest": 2.0}}
    cell = await make(verbs=verbs)
    with pytest.raises(NoReply, match=r"dose: a reply that it is done to .* did not come within 0.14 s"):
        await cell.do("dose", volume=8.0)
    await asyncio.sleep(1 / SCALE)
    assert not cell.node.busy


async def test_a_value_that_is_too_old_is_no_value(make: Make) -> None:
    cell = await make({"period": 1000.0})
    await asyncio.sleep(6 / SCALE)
    with pytest.raises(NoReply, match=r"no value of \w+ on lab/node/state that is at most 5 s old: the newest is"):
        await cell.read()


async def test_a_retained_value_is_no_news(make: Make) -> None:
    cell = await make({"period": 1000.0}, connect=False)
    await asyncio.sleep(1 / SCALE)
    await cell.bus.publish("lab/node/state", json.dumps({"speed": 99.0, "lid": "open"}), retain=True)
    await cell.driver.connect()
    with pytest.raises(NoReply, match="none has come"):
        await cell.read()


async def test_who_it_is_stands_in_its_answer(make: Make) -> None:
    cell = await make()
    assert await cell.driver.identity() == "Lab JSON node, serial number 000001, firmware 1.0"
    with pytest.raises(ConnectionProblem, match="has serial number 000001, the lab file says 7"):
        await make(serial_number="7")
    told = {"topic": "{topic}/info", "serial_number": "serial"}
    cell = await make(identity=told)
    assert await cell.driver.identity() == "lab/node, serial number 000001"
    cell = await make(identity=None)
    assert await cell.driver.identity() == "lab/node"


async def test_an_answer_that_came_twice_late_or_to_somebody_else_is_passed_over(make: Make) -> None:
    cell = await make({"faults": [{"kind": "duplicate", "times": None}]})
    stranger = {"state": "ok", "id": "stranger", "result": [99.0], "trace": []}
    dosing = asyncio.create_task(cell.do("dose", volume=1.0))
    await asyncio.sleep(0.5 / SCALE)
    await cell.bus.publish("lab/node/reply", json.dumps(stranger))
    assert (await dosing)["dosed"] == 1.0
    assert (await cell.do("dose", volume=2.0))["dosed"] == 2.0


async def test_without_an_id_the_next_reply_counts(make: Make) -> None:
    cell = await make(request_id=None)
    assert (await cell.do("dose", volume=1.0))["dosed"] == 1.0
    assert (await cell.read())["level"] == 1.5
    late = await make({"faults": [{"kind": "delay", "after": 1, "seconds": 0.15 * SCALE}]}, request_id=None, retries=0)
    with pytest.raises(NoReply):
        await late.read()
    assert (await late.read())["level"] == 1.5


async def test_questions_are_asked_again(make: Make) -> None:
    cell = await make({"faults": [{"kind": "drop", "after": 1}, {"kind": "garble", "after": 2}]}, retries=2)
    assert (await cell.read())["level"] == 1.5


async def test_nobody_and_nonsense_are_told_apart(make: Make) -> None:
    with pytest.raises(NoReply, match=r"bench-node: a reply to .*who.* on lab/node/command did not come within 0.1 s"):
        await make({"faults": [{"kind": "drop", "times": None}]})
    with pytest.raises(GarbledReply, match=r"bench-node: lab/node/reply: .* is no JSON"):
        await make({"faults": [{"kind": "garble", "times": None}]})


async def test_a_node_that_is_gone_is_noticed_at_once_and_found_again(make: Make) -> None:
    cell = await make({"faults": [{"kind": "disconnect", "after": 1, "seconds": 10.0}]}, timeout=5.0)
    with pytest.raises(LineLost, match="the node at lab/node is off line"):
        async with asyncio.timeout(4):  # before the 5 s of a reply that does not come
            await cell.read()
    with pytest.raises(LineLost):
        await cell.do("stir", speed=1.0)
    await asyncio.sleep(11 / SCALE)
    assert await cell.driver.recover() == ("what the node did meanwhile: read it",)
    assert (await cell.read())["level"] == 1.5


def test_a_verb_of_hours_takes_no_time_in_virtual_time() -> None:
    slow = {"period": 1000.0, "does": {"dose": {"seconds": 10_000.0, "gives": {"dosed": "{volume}"}}}}
    verbs = {**DEVICE["verbs"], "dose": {**DEVICE["verbs"]["dose"], "longest": 20_000.0}}

    async def scenario() -> float:
        async with MemoryBus() as bus, bench(bus, bus, slow, scale=1.0, verbs=verbs) as cell:
            started = cell.clock.now()
            await cell.do("dose", volume=1.0)
            return cell.clock.now() - started

    loop = VirtualLoop()
    try:
        assert loop.run_until_complete(scenario()) == pytest.approx(10_000.0)
    finally:
        loop.close()


async def test_over_mosquitto_with_the_last_will_of_a_node_that_dies(mosquitto: str) -> None:
    async with Bus(mosquitto, client_id="lab") as bus, Bus(mosquitto, client_id="node") as node_bus:
        gone = asyncio.Event()
        async with bench(bus, node_bus, timeout=2.0) as cell:
            assert (await cell.do("dose", volume=1.0))["dosed"] == 1.0
            assert (await cell.read())["lid"] == "closed"

            def look(message: Message) -> None:
                if b"gone" in message.payload:
                    gone.set()

            await bus.subscribe("lab/node/availability", look)
            await cell.host.__aexit__(None, None, None)
            async with asyncio.timeout(5):
                await gone.wait()
            with pytest.raises(LineLost, match="off line"):
                await cell.read()
            await cell.host.__aenter__()
            await cell.driver.recover()
            assert (await cell.read())["level"] == 1.5


async def test_a_node_that_was_not_made_from_these_options_is_driven_all_the_same() -> None:
    """The potentiostat node, whose protocol is its own."""
    measure = {
        "arguments": {"potential": {"unit": "V"}, "duration": {"unit": "s"}, "points": {"type": "integer"}},
        "publish": {
            "payload": {
                "command": "measure", "potential_V": "{potential}", "duration_s": "{duration}", "points": "{points}"
            }
        },
        "reply": {"path": "status", "done": "done", "failed": "error", "message": "message"},
        "outputs": {"current": {"path": "current_mA", "type": "array", "unit": "mA"}},
    }  # fmt: skip
    options = driver.Options.model_validate(
        {
            "request_id": "id",
            "availability": {"topic": "{topic}/status", "path": "status", "online": "online"},
            "identity": {"request": {"payload": {"command": "identify"}}, "model": "model", "firmware": "firmware"},
            "verbs": {"measure": measure},
            "stop": {"payload": {"command": "stop"}},
        }
    )
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    node = PotentiostatNode(PotentiostatOptions(), None, clock, 1)
    async with MemoryBus() as bus, MqttHost(node, bus, "lab/p"):
        context = Context("bench-p", options, Limits("bench-p", {}), bus=bus, topic="lab/p", scale=SCALE)
        device = driver.MqttJson(context)
        await device.connect()
        assert await device.identity() == "PN-1, firmware 1.0"
        verb = device.verbs["measure"]
        await verb.set({"potential": 0.5, "duration": 2.0, "points": 3})
        assert verb.outputs == {"current": [0.5, 0.5, 0.5]}
        with pytest.raises(InstrumentError, match="measure failed: error: points: Input should be greater than"):
            await verb.set({"potential": 0.5, "duration": 2.0, "points": 1})
        await device.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"verbs": {"stop": {}}}, "stop cannot be the name"),
        ({"verbs": {"x": {}}, "signals": {"x": {}}}, "x cannot be the name"),
        ({"verbs": {"x": {"publish": {"payload": {"a": "{b}"}}}}}, "the payload names b; arguments: none"),
        ({"verbs": {"x": {"outputs": {"y": {}}}}}, "outputs are in a reply"),
        ({"verbs": {"x": {"reply": {"path": "a"}}}}, "path and done go together"),
        ({"verbs": {"x": {"arguments": {"a": {"limits": [1, 0]}}}}}, "a lower and a higher number are needed"),
        ({"verbs": {"x": {"arguments": {"a": {"values": ["b"]}}}}}, "values are for texts"),
        ({"signals": {"x": {"type": "array"}}}, "arrays are for the outputs of verbs"),
        ({"serial_number": "1"}, "need `identity`"),
        ({"signals": {"x": {"unit": "1/min"}}}, r"signals.x.unit\n.*'1/min' is not a known unit"),
        ({"verbs": {"x": {"arguments": {"a": {"unit": "mLL"}}}}}, "did you mean 'mL'"),
        ({"request_id": "id", "verbs": {"x": {"publish": {"payload": "a"}, "reply": {}}}}, "that of x is none"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        driver.Options.model_validate(options)


payloads = st.one_of(
    st.binary(max_size=30),
    st.dictionaries(
        st.sampled_from(["state", "id", "result", "trace", "level", "serial", "model", "fw"]),
        st.none() | st.text(max_size=4) | st.floats() | st.lists(st.integers(), max_size=2) | st.just("ok"),
    ).map(lambda found: json.dumps(found).encode()),
)


@given(payloads)
@settings(max_examples=50, deadline=None)
def test_any_message_is_understood_garbled_or_about_something_else(payload: bytes) -> None:
    options = driver.Options.model_validate(DEVICE)
    node = Node(options, "lab/node", "bench-node")
    message = Message("lab/node/reply", payload)
    for read_it in (
        lambda: node.outcome("dose", options.verbs["dose"], "1", message),
        lambda: node.value(message, options.signals["level"], "level"),
        lambda: str(node.identity(message)),
    ):
        try:
            found = read_it()
        except (GarbledReply, InstrumentError):
            continue
        assert found is None or isinstance(found, dict | float | str)


@given(st.dictionaries(st.sampled_from("ab"), st.floats(allow_nan=False) | st.text(max_size=5) | st.booleans()))
@settings(max_examples=50, deadline=None)
def test_arguments_keep_their_type_where_they_stand_alone(arguments: dict[str, Any]) -> None:
    found = filled({"x": "{a}", "y": ["{b}", "k {a}"], "z": 1}, arguments)
    assert found["x"] == arguments.get("a", "{a}")
    assert found["y"][0] == arguments.get("b", "{b}")
    assert isinstance(found["y"][1], str)
    assert found["z"] == 1
