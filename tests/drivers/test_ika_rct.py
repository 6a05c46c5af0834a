"""The IKA hot plate driver against the simulated plate, in memory and on a pseudo-terminal."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.devices import Context, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, MotetError, NoReply
from motet.lines import Line, Opener, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import LoopClock, MemoryOpener, PtyServer
from motet_drivers import ika_rct as driver
from motet_drivers.ika_rct import protocol
from motet_simulators import ika_rct as simulator

SCALE = 2000.0


class Spied(simulator.IkaRct):
    """A simulated plate that remembers what it received."""

    def __init__(self, options: simulator.Options, world: object | None, clock: LoopClock, seed: int) -> None:
        super().__init__(options, world, clock, seed)
        self.sent: list[bytes] = []
        self._heard = asyncio.Event()

    def receive(self, data: bytes) -> None:
        super().receive(data)
        self.sent.append(data)
        self._heard.set()

    async def heard(self, command: bytes) -> None:
        """Wait until a command has come."""
        while command not in self.sent:
            self._heard.clear()
            await self._heard.wait()


@dataclass
class Bench:
    """A hot plate, its other end, and the clock of both."""

    plate: driver.IkaRct
    far: Spied
    clock: LoopClock
    line: Line


Make = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes benches, in memory by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            *,
            pty: bool = False,
            connect: bool = True,
            simulated: Mapping[str, Any] | None = None,
            answer_within: float = 0.5,
            scale: float = SCALE,
            **options: Any,
        ) -> Bench:
            clock = LoopClock(asyncio.get_running_loop(), scale)
            far = Spied(simulator.Options(**(simulated or {})), None, clock, seed=1)
            opener: Opener = MemoryOpener(far)
            if pty:
                server = await stack.enter_async_context(PtyServer(far))
                opener = SerialOpener(SerialLine(url=server.path))  # glibc refuses 7E1 on a pseudo-terminal
            line = Line("h-plate", opener, driver.IkaRct.framing, timeout=answer_within)
            context = Context("h-plate", driver.Options(**options), Limits("h-plate", {}), line, scale=scale)
            plate = driver.IkaRct(context)
            stack.push_async_callback(plate.close)
            if connect:
                await plate.connect()
            return Bench(plate, far, clock, line)

        yield one


@pytest.mark.parametrize("pty", [True, False])
async def test_heat_waits_until_the_probe_was_at_the_temperature_for_the_time_stated(make: Make, pty: bool) -> None:
    bench = await make(pty=pty)
    began = bench.clock.now()
    await bench.plate.heat(60.0, wait=True, tolerance=1.0, hold=120.0)
    assert await bench.plate.get_probe_temperature() == pytest.approx(60.0, abs=1.2)
    assert 60.0 < bench.clock.now() - began < 3600.0
    assert bench.far.plate.heating


async def test_heat_without_waiting_returns_at_once_and_heat_off_switches_off(make: Make) -> None:
    bench = await make()
    await bench.plate.heat(80.0)
    assert bench.far.plate.heating
    assert await bench.plate.get_temperature_setpoint() == 80.0
    assert await bench.plate.get_probe_temperature() < 40
    await bench.plate.heat_off()
    assert not bench.far.plate.heating


async def test_without_a_probe_the_plate_is_waited_for(make: Make) -> None:
    bench = await make(probe=False, simulated={"probe": False})
    await bench.plate.heat(50.0, wait=True, hold=30.0)
    assert await bench.plate.get_plate_temperature() == pytest.approx(50.0, abs=1.2)
    assert "probe_temperature" not in dict(bench.plate.children())


async def test_a_temperature_above_the_safety_temperature_is_refused_before_anything_is_sent(make: Make) -> None:
    bench = await make(simulated={"safety_temperature": 100.0})
    sent = len(bench.far.sent)
    with pytest.raises(LimitError, match=r"h-plate: 120 degC is beyond .* \[0, 100\] degC"):
        await bench.plate.heat(120.0)
    assert len(bench.far.sent) == sent


async def test_values_beyond_the_model_are_refused_by_the_verbs(make: Make) -> None:
    bench = await make()
    for verb, arguments in (("heat", {"temperature": 311.0}), ("stir", {"speed": 1501.0}), ("stir", {"speed": -1.0})):
        with pytest.raises(LimitError):
            bench.plate.verbs[verb].check(arguments)
    with pytest.raises(LimitError, match=r"speed = 20 rpm: 0, or \[50, 1500\] rpm"):
        await bench.plate.stir(20.0)
    ret = await make(
        model="IKARET", max_temperature=340.0, max_speed=1700.0, simulated={"model": "ret_control_visc"}, firmware="110"
    )
    ret.plate.verbs["heat"].check({"temperature": 340.0})
    await ret.plate.stir(1700.0)
    assert await ret.plate.get_speed() == pytest.approx(1700.0, abs=100)
    assert await ret.plate.identity() == "IKA IKARET, firmware 110"


@pytest.mark.parametrize("pty", [True, False])
async def test_stir_comes_to_its_speed_and_stir_off_to_rest(make: Make, pty: bool) -> None:
    bench = await make(pty=pty)
    await bench.plate.stir(600.0)
    assert await bench.plate.get_speed() == pytest.approx(600.0, abs=45)
    assert await bench.plate.get_speed_setpoint() == 600.0
    await bench.plate.stir_off()
    assert await bench.plate.get_speed() < 20
    await bench.plate.stir(300.0)
    await bench.plate.stir(0.0)
    assert not bench.far.plate.stirrer.running


async def test_stop_ends_the_wait_and_heating_goes_on(make: Make) -> None:
    bench = await make()
    waiting = asyncio.create_task(bench.plate.heat(200.0, wait=True))
    await bench.far.heard(b"IN_PV_1\r\n")
    await bench.plate.stop()
    with pytest.raises(InstrumentError, match="h-plate: stopped; heating goes on as it was set"):
        await waiting
    assert bench.far.plate.heating


async def test_safe_switches_heating_and_stirring_off_also_in_the_middle_of_a_wait(make: Make) -> None:
    bench = await make()
    await bench.plate.stir(500.0)
    waiting = asyncio.create_task(bench.plate.heat(200.0, wait=True))
    await bench.far.heard(b"IN_PV_1\r\n")
    await bench.plate.safe()
    with pytest.raises(InstrumentError, match="stopped"):
        await waiting
    assert not bench.far.plate.heating
    assert not bench.far.plate.stirrer.running


async def test_a_set_point_that_is_not_taken_is_an_error(make: Make) -> None:
    bench = await make(simulated={"faults": [{"kind": "error", "times": None}]})
    with pytest.raises(InstrumentError, match=r"h-plate.*set to 50 degC and has 0 degC"):
        await bench.plate.heat(50.0)


@pytest.mark.parametrize(("kind", "reached"), [("stuck", "0 rpm"), ("stall", "rpm")])
async def test_a_stirrer_that_does_not_come_to_its_speed_is_an_error(make: Make, kind: str, reached: str) -> None:
    bench = await make(simulated={"faults": [{"kind": kind}]})
    with pytest.raises(InstrumentError, match=rf"h-plate: .*{reached} after 30 s, not 500 rpm: the motor is blocked"):
        await bench.plate.stir(500.0)


async def test_a_heater_that_stays_cold_is_an_error_after_the_longest_time(make: Make) -> None:
    bench = await make(simulated={"faults": [{"kind": "stuck"}]})
    with pytest.raises(InstrumentError, match=r"h-plate: 2\d(\.\d)? degC after 300 s, not 60 \+- 1 degC"):
        await bench.plate.heat(60.0, wait=True, longest=300.0)


async def test_a_temperature_that_was_set_by_hand_ends_the_wait(make: Make) -> None:
    bench = await make()
    waiting = asyncio.create_task(bench.plate.heat(200.0, wait=True))
    await bench.far.heard(b"IN_PV_1\r\n")
    bench.far.plate.heat_to(30.0)
    with pytest.raises(InstrumentError, match="heats to another temperature than 200 degC"):
        await waiting


async def test_the_watchdog_is_fed_while_connected_and_switches_off_when_nobody_does(make: Make) -> None:
    bench = await make(watchdog=20.0, scale=200.0)
    await bench.plate.heat(60.0)
    await bench.plate.stir(300.0)
    await asyncio.sleep(60.0 / 200.0)
    bench.far.plate.advance()
    assert bench.far.plate.heating
    await bench.plate.close()
    await asyncio.sleep(25.0 / 200.0)
    bench.far.plate.advance()
    assert not bench.far.plate.heating
    assert bench.far.plate.display == "Er 2"
    assert await bench.plate.recover() == driver.IkaRct.forgets
    await bench.plate.stir(300.0)


async def test_another_instrument_than_the_lab_file_names_is_refused(make: Make) -> None:
    bench = await make(connect=False, simulated={"name": "C-MAG HS7"})
    with pytest.raises(ConnectionProblem, match=r"h-plate: memory.*'C-MAG HS7'; the lab file says RCT"):
        await bench.plate.connect()
    bench = await make(connect=False, serial_number="1")
    with pytest.raises(ConnectionProblem, match="does not tell its serial number"):
        await bench.plate.connect()


async def test_a_plate_that_answers_nothing_gives_no_reply(make: Make) -> None:
    bench = await make(connect=False, answer_within=0.02, simulated={"faults": [{"kind": "drop", "times": None}]})
    with pytest.raises(NoReply, match="h-plate"):
        await bench.plate.connect()


@pytest.mark.parametrize("kind", ["drop", "garble", "truncate", "echo", "delay", "duplicate"])
async def test_one_damaged_answer_does_not_change_what_is_read(make: Make, kind: str) -> None:
    faults = [{"kind": kind, "after": 3, "seconds": 100.0}]
    bench = await make(answer_within=0.03, simulated={"faults": faults, "temperature_noise": 0.0})
    for _ in range(4):
        assert await bench.plate.get_plate_temperature() == 22.0
        assert await bench.plate.get_temperature_setpoint() == 0.0


async def test_the_signals_read_what_the_plate_measures_and_what_is_set(make: Make) -> None:
    bench = await make(simulated={"temperature_noise": 0.0})
    reading = cast("dict[str, Any]", await bench.plate.read())
    assert {key.removeprefix("h-plate-"): found["value"] for key, found in reading.items()} == {
        "probe_temperature": 22.0,
        "plate_temperature": 22.0,
        "speed": 0.0,
        "temperature_setpoint": 0.0,
        "speed_setpoint": 0.0,
    }


@pytest.mark.parametrize("frame", [b"", b"25.0 2 \r", b"nan 1 \r", b"1e5 1", b"25.0 1 1", b"25,0 1", b"\xb2\xb5.0 1"])
def test_what_is_no_reply_of_the_channel_is_garbled(frame: bytes) -> None:
    with pytest.raises(GarbledReply):
        protocol.value(frame, 1)


def test_replies_with_and_without_a_channel_are_read() -> None:
    for frame in (b"25.0 1 \r", b"25.0 1\r", b"25.0\r", b" 25 1", b"25."):
        assert protocol.value(frame, 1) == 25.0
    assert protocol.value(b"-3.5 1 \r", 1) == -3.5


@settings(max_examples=500)
@given(st.binary(max_size=40))
def test_no_garbage_becomes_a_value(data: bytes) -> None:
    try:
        found = protocol.value(data, 1)
    except MotetError:
        return
    assert data.strip(b"\r\n").lstrip(b" ").startswith((b"-", *(str(digit).encode() for digit in range(10))))
    assert found == found
