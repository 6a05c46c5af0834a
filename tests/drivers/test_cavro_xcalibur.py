"""The Cavro XCalibur driver against the simulated pump, over a pseudo-terminal and in memory."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

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
from motet.lines import Line, Opener, Port, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import Fault, FaultInjector, LoopClock, MemoryOpener, Multidrop, PtyServer
from motet_drivers import cavro_xcalibur as driver
from motet_drivers.cavro_xcalibur import protocol
from motet_simulators import cavro_xcalibur as simulator

SCALE = 50.0
PORTS = {"water": 1, "salt": 2, "cell": 3}
STEP = pytest.approx


@dataclass
class Bench:
    """A pump and its simulator."""

    pump: driver.CavroXcalibur
    simulator: simulator.CavroXcalibur

    def fails(self, *faults: dict[str, Any]) -> None:
        """From now on these go wrong."""
        pump: Any = self.simulator
        pump._injector = FaultInjector([Fault.model_validate(fault) for fault in faults], 1)

    @property
    def delivered(self) -> Mapping[str, float]:
        self.simulator.update()
        return self.simulator.syringe.in_vessel


Make = Callable[..., Awaitable[Bench]]


def device(way: Opener | Port, options: Mapping[str, Any], name: str = "cell-pump") -> driver.CavroXcalibur:
    timeout = 1.0 if isinstance(way, SerialOpener) else 0.05
    line = Line(name, way, driver.CavroXcalibur.framing, timeout=timeout, retries=1)
    given = {"syringe": 1.0, "ports": PORTS, "rate": 30.0, **options}
    return driver.CavroXcalibur(
        Context(name, driver.Options.model_validate(given), Limits(name, {}), line, scale=SCALE)
    )


@asynccontextmanager
async def bench(
    lines: Literal["pty", "memory"], simulated: Mapping[str, Any], options: Mapping[str, Any], connect: bool
) -> AsyncGenerator[Bench]:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    given = {"valve_ports": 6, "ports": {"1": "water", "2": "salt"}, "vessel": "3", "initialized": True, **simulated}
    pump = simulator.CavroXcalibur(simulator.Options.model_validate(given), None, clock, seed=1)
    async with AsyncExitStack() as stack:
        opener: Opener = MemoryOpener(pump)
        if lines == "pty":
            server = await stack.enter_async_context(PtyServer(pump))
            opener = SerialOpener(SerialLine(url=server.path, baudrate=9600))
        made = device(opener, options)
        stack.push_async_callback(made.close)
        if connect:
            await made.connect()
        yield Bench(made, pump)


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes benches, in memory by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            *,
            lines: Literal["pty", "memory"] = "memory",
            connect: bool = True,
            simulated: Mapping[str, Any] | None = None,
            **options: Any,
        ) -> Bench:
            return await stack.enter_async_context(bench(lines, simulated or {}, options, connect))

        yield one


async def moving(cell: Bench) -> None:
    """Until the plunger is on its way: looked at every millisecond, for 5 s at most."""
    start = cell.simulator.volume()
    for _ in range(5000):
        if abs(cell.simulator.volume() - start) > 0.01:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never moved")


@pytest.mark.parametrize("lines", ["pty", "memory"])
@pytest.mark.parametrize("protocol", ["dt", "oem"])
async def test_what_is_aspirated_here_is_dispensed_there(make: Make, lines: str, protocol: str) -> None:
    cell = await make(lines=lines, protocol=protocol, simulated={"initialized": False})
    assert await cell.pump.get_state() == "not initialized"
    await cell.pump.initialize()
    assert await cell.pump.aspirate(volume=0.5, port="water") == {"aspirated": STEP(0.5)}
    assert await cell.pump.aspirate(volume=0.25, port="salt") == {"aspirated": STEP(0.25)}
    assert [await cell.pump.get_volume(), await cell.pump.get_port()] == [STEP(0.75), "salt"]
    assert await cell.pump.dispense(volume=0.3, port="cell", rate=60.0) == {"dispensed": STEP(0.3)}
    assert cell.delivered == {"water": STEP(0.2), "salt": STEP(0.1)}
    assert [await cell.pump.get_volume(), await cell.pump.get_port()] == [STEP(0.45), "cell"]
    await cell.pump.move_plunger(volume=0.0)
    assert sum(cell.delivered.values()) == STEP(0.75)
    assert await cell.pump.get_state() == "ready"


async def test_a_valve_without_distribution_has_letters(make: Make) -> None:
    cell = await make(simulated={"valve_ports": 0}, ports={"input": "I", "output": "O", "bypass": "B"})
    for port in ("output", "bypass", "input"):
        await cell.pump.valve(port=port)
        assert await cell.pump.get_port() == port
    await cell.pump.valve(port="bypass")
    with pytest.raises(
        InstrumentError, match=r"cell-pump.*error 11: plunger move not allowed.*the valve is at its bypass"
    ):
        await cell.pump.move_plunger(volume=0.5)


async def test_it_tells_its_firmware(make: Make) -> None:
    assert await (await make()).pump.identity() == "Tecan Cavro XCalibur, firmware 733085-B"


async def test_another_firmware_than_the_lab_file_names_is_refused(make: Make) -> None:
    cell = await make(connect=False, firmware="9")
    with pytest.raises(ConnectionProblem, match=r"cell-pump.*has firmware 733085-B, the lab file says 9"):
        await cell.pump.connect()


async def test_without_an_initialization_it_says_so(make: Make) -> None:
    cell = await make(simulated={"initialized": False})
    for call in (
        cell.pump.aspirate(volume=0.1, port="water"),
        cell.pump.valve(port="water"),
        cell.pump.move_plunger(volume=0.1),
    ):
        with pytest.raises(InstrumentError, match="error 7: device not initialized: run `initialize`"):
            await call


async def test_a_pump_that_lost_its_power_says_that_it_is_not_initialized(make: Make) -> None:
    cell = await make()
    cell.simulator.machine.initialized = False
    with pytest.raises(InstrumentError, match="error 7: device not initialized to 'I1': run `initialize`"):
        await cell.pump.aspirate(volume=0.1, port="water")
    assert await cell.pump.get_state() == "not initialized"
    assert (await cell.pump.recover())[0] == "the plunger's position and the valve's: run `initialize`"
    await cell.pump.initialize()
    await cell.pump.aspirate(volume=0.1, port="water")


async def test_limits_follow_from_the_syringe(make: Make) -> None:
    cell = await make(syringe=0.25, rate=None)
    limits = cell.pump.verbs["aspirate"].spec.limits
    assert limits == {"volume": Limit(0.0, 0.25, "mL"), "rate": Limit(0.0125, 15.0, "mL/min")}


async def test_more_than_there_is_room_for_or_than_is_in_the_syringe_is_refused(make: Make) -> None:
    cell = await make()
    await cell.pump.aspirate(volume=0.6, port="water")
    with pytest.raises(LimitError, match=r"volume = 0.5 mL is beyond its limit \[0, 0.4\] mL: 0.6 mL of 1 mL are in"):
        await cell.pump.aspirate(volume=0.5, port="salt")
    with pytest.raises(LimitError, match=r"volume = 0.7 mL is beyond its limit \[0, 0.6\] mL: 0.6 mL of 1 mL are in"):
        await cell.pump.dispense(volume=0.7, port="cell")
    assert await cell.pump.get_port() == "water"


async def test_a_port_that_there_is_not_is_refused_with_those_that_there_are(make: Make) -> None:
    cell = await make()
    with pytest.raises(ProcedureError, match="cell-pump: port = 'acid' is none of water, salt, cell"):
        await cell.pump.aspirate(volume=0.1, port="acid")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ports": {"a": "Q"}}, "a is at 'Q'; I, O, B, E or a number from 1 to 12 is expected"),
        ({"ports": {"a": 13}}, "a is at '13'"),
        ({"ports": {}}, "at least 1 item"),
        ({"home_to": "nowhere"}, "'nowhere' is no port of a distribution valve"),
        ({"rate": 100.0}, "100 mL/min is beyond"),
        ({"address": "F"}, "address"),
        ({"address": 15}, "address"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        driver.Options.model_validate({"syringe": 1.0, **options})


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({"syringe": 5.0}, "Z0"),
        ({"syringe": 0.5, "home": "Y"}, "Y1"),
        ({"syringe": 0.1, "home": "W", "home_to": "cell"}, "W2"),
        ({"syringe": 1.0, "home_to": "cell"}, "Z0,0,3"),
        ({"syringe": 1.0, "home_from": "salt", "home_to": "cell"}, "Z0,2,3"),
    ],
)
def test_the_initialization_depends_on_syringe_and_valve(options: dict[str, Any], command: str) -> None:
    assert driver.Options.model_validate({"ports": PORTS, **options}).initialization() == command


async def test_a_stop_ends_the_move_and_says_where_the_plunger_is(make: Make) -> None:
    cell = await make(lines="pty")
    await cell.pump.aspirate(volume=1.0, port="water")
    task = asyncio.create_task(cell.pump.dispense(volume=1.0, port="cell", rate=4.0))
    await moving(cell)
    await cell.pump.stop()
    with pytest.raises(
        InstrumentError, match=r"stopped before it was done; the plunger was at 0\.\d+ mL on its way to 0"
    ):
        await task
    left = await cell.pump.get_volume()
    assert 0.3 < left < 0.995
    assert cell.delivered["water"] == pytest.approx(1.0 - left, abs=1e-4)
    assert await cell.pump.dispense(volume=0.1, port="cell") == {"dispensed": STEP(0.1, abs=1e-4)}


async def test_an_overload_is_named_and_needs_an_initialization(make: Make) -> None:
    cell = await make()
    cell.fails({"kind": "stall"})
    with pytest.raises(
        InstrumentError, match=r"error 9: plunger overload; the plunger was at .*: too much back pressure"
    ):
        await cell.pump.aspirate(volume=1.0, port="water")
    with pytest.raises(InstrumentError, match="error 7"):
        await cell.pump.aspirate(volume=0.1, port="water")
    await cell.pump.initialize()
    await cell.pump.aspirate(volume=0.1, port="water")


async def test_an_overload_is_named_also_when_somebody_else_has_asked_for_the_state(make: Make) -> None:
    cell = await make(watch=0.2)
    cell.fails({"kind": "stall"})
    task = asyncio.create_task(cell.pump.aspirate(volume=1.0, port="water", rate=10.0))
    await moving(cell)
    while not task.done():
        await cell.pump.get_state()
        await asyncio.sleep(0.002)
    with pytest.raises(InstrumentError, match="error 9: plunger overload"):
        await task


async def test_a_refused_string_is_named(make: Make) -> None:
    cell = await make()
    cell.fails({"kind": "error"})
    with pytest.raises(
        InstrumentError, match="error 4: invalid command sequence to 'I2': the string's structure is wrong"
    ):
        await cell.pump.valve(port="salt")


async def test_a_command_whose_answer_is_lost_moves_the_plunger_once(make: Make) -> None:
    cell = await make()
    await cell.pump.valve(port="water")
    cell.fails({"kind": "drop", "after": 5})
    assert await cell.pump.aspirate(volume=0.25, port="water") == {"aspirated": STEP(0.25)}
    assert await cell.pump.get_volume() == STEP(0.25)
    assert cell.simulator.machine.counts["plunger"] == 2  # with the look whether it is initialized


async def test_a_lost_line_says_where_the_plunger_was_and_it_is_stopped_when_the_line_is_back(make: Make) -> None:
    cell = await make(watch=0.02)
    task = asyncio.create_task(cell.pump.aspirate(volume=1.0, port="water", rate=0.5))
    await moving(cell)
    await asyncio.sleep(0.05)
    cell.fails({"kind": "disconnect", "seconds": 5.0})
    with pytest.raises(LineLost, match=r"the plunger was at 0\.\d+ mL on its way to 1 mL from 0 mL, 0\.\d s before"):
        await task
    await asyncio.sleep(0.2)
    told = await cell.pump.recover()
    assert told[0].startswith("it was still moving and was stopped: 0.")
    cell.simulator.update()
    assert not cell.simulator.machine.busy


async def test_it_does_not_wait_for_ever(make: Make) -> None:
    cell = await make(margin=0.05)
    await cell.pump.valve(port="water")
    task = asyncio.create_task(cell.pump.aspirate(volume=0.2, port="water", rate=30.0))
    await moving(cell)
    cell.simulator.machine.change_speed(cell.simulator.clock.now(), 5)
    with pytest.raises(InstrumentError, match=r"it was not ready within 0\.\d s; the plunger was at 0\.\d+ mL"):
        await task
    assert not cell.simulator.machine.busy


async def test_the_pump_s_own_speed_is_used_when_no_rate_is_named(make: Make) -> None:
    cell = await make(rate=None)
    await cell.pump.aspirate(volume=0.1, port="water")
    assert cell.simulator.machine.speeds.top == 1400
    await cell.pump.dispense(volume=0.1, port="cell", rate=6.0)
    assert cell.simulator.machine.speeds.top == 600


async def test_a_valve_that_does_not_arrive_is_told(make: Make) -> None:
    cell = await make()
    machine: Any = cell.simulator.machine
    turn = machine._turn

    def stick(token: Any) -> float:
        seconds: float = turn(token)
        machine.valve = "6"
        return seconds

    machine._turn = stick
    with pytest.raises(InstrumentError, match=r"the valve is at '6', not at 2 \(salt\)"):
        await cell.pump.valve(port="salt")


@pytest.mark.parametrize(
    ("simulated", "found"),
    [
        ({"valve_ports": 6}, None),
        (
            {"valve_ports": 6, "syringe": 5.0},
            "the driver's syringe is 1 mL, the simulator's 5 mL: state `syringe` for both",
        ),
        ({"valve_ports": 6, "increments": 6000}, "the driver's increments is 3000, the simulator's 6000"),
        ({"valve_ports": 2}, "the driver's port cell is at 3, the simulator has 2 `valve_ports`"),
    ],
)
def test_a_simulator_that_does_not_fit_the_driver_is_a_problem(simulated: dict[str, Any], found: str | None) -> None:
    options = driver.Options.model_validate({"syringe": 1.0, "ports": PORTS})
    problem = simulator.problem(options, simulator.Options.model_validate(simulated))
    assert problem == found if found is None else found in (problem or "")


def test_letters_do_not_fit_a_distribution_valve() -> None:
    problem = simulator.problem(driver.Options(syringe=1.0), simulator.Options(valve_ports=6))
    assert problem == "the driver's port input is at I, the simulator's valve is a distribution valve"


async def test_nobody_there_is_no_reply(make: Make) -> None:
    cell = await make(connect=False, simulated={"faults": [{"kind": "drop", "times": None}]})
    with pytest.raises(NoReply, match="cell-pump"):
        await cell.pump.connect()


async def test_two_pumps_share_a_line() -> None:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    ends = [
        simulator.CavroXcalibur(
            simulator.Options(address=address, valve_ports=6, initialized=True), None, clock, seed=1
        )
        for address in (0, 14)
    ]
    port = Port("bus", MemoryOpener(Multidrop(ends, clock)))
    pumps = [device(port, {"address": address}, f"cell-pump-{address}") for address in ("0", "E")]
    for pump in pumps:
        await pump.connect()
    await asyncio.gather(*(pump.move_plunger(volume=0.1 + 0.2 * n) for n, pump in enumerate(pumps)))
    assert [end.volume() for end in ends] == STEP([0.1, 0.3])
    for pump in pumps:
        await pump.close()


middles = st.one_of(st.sampled_from([b"0`", b"0@", b"0`24000", b"0i", b"0`733085-B", b"0g", b"0`i"]))


def framed(middle: bytes, oem: bool) -> bytes:
    block = b"\x02" + middle + b"\x03"
    return block + bytes([protocol.checksum(block)]) if oem else b"/" + middle + b"\x03\r\n"


@given(
    st.lists(st.tuples(middles, st.booleans(), st.booleans()), max_size=8), st.lists(st.integers(0, 120), max_size=5)
)
def test_answers_come_out_as_they_went_in_however_they_are_cut(
    sent: list[tuple[bytes, bool, bool]], cuts: list[int]
) -> None:
    stream = b"".join((b"\xff" if sync else b"") + framed(middle, oem) for middle, oem, sync in sent)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    buffer, received = bytearray(), list[bytes]()
    for start, end in itertools.pairwise(edges):
        buffer += stream[start:end]
        while (frame := driver.CavroXcalibur.framing.take(buffer)) is not None:
            received.append(frame)
    assert received == [middle for middle, _, _ in sent]


@given(st.binary(max_size=120))
def test_garbage_is_dropped_and_never_a_wrong_value(data: bytes) -> None:
    buffer = bytearray(data)
    for _ in range(len(data) + 1):
        before = len(buffer)
        try:
            frame = driver.CavroXcalibur.framing.take(buffer)
        except GarbledReply:
            assert len(buffer) < before
            continue
        if frame is None:
            break
        try:
            answer = protocol.parse(frame)
        except GarbledReply:
            continue
        assert 0 <= answer.error <= 15


def test_every_error_code_has_a_name() -> None:
    assert sorted(protocol.ERRORS) == list(range(1, 16))
