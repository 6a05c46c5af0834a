"""The EmStat driver against the simulated instrument, over a pseudo-terminal and in memory."""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from pydantic import ValidationError

from motet.devices import Context, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, LineLost, NoReply
from motet.lines import Capture, Line, Opener, SerialOpener, read_capture
from motet.model.lab import SerialLine
from motet.simulation import LoopClock, MemoryOpener, PtyServer
from motet_drivers import emstat_pico as driver
from motet_simulators import emstat_pico as simulator
from motet_simulators.emstat_pico.electrochemical_cell import CellOptions, ReversibleCell

SCALE = 200.0
CV: dict[str, Any] = {"begin": -0.2, "vertex1": 0.6, "vertex2": -0.2, "scan_rate": 0.1, "step": 0.01}


class Beaker:
    """A world with a cell that tells when it is switched on."""

    def __init__(self) -> None:
        self.measuring = asyncio.Event()

    def cell(self) -> ReversibleCell:
        return _Telling(self.measuring)


class _Telling(ReversibleCell):
    def __init__(self, on: asyncio.Event) -> None:
        super().__init__(CellOptions())
        self._on = on

    def begin(self, potential: float) -> None:
        super().begin(potential)
        self._on.set()


@dataclass
class Bench:
    """A potentiostat and the instrument it talks to."""

    cell: driver.EmStatPico
    instrument: simulator.EmStatPico
    line: Line
    capture: Capture
    world: "Beaker"

    async def measuring(self) -> None:
        """Returns when the cell is on."""
        async with asyncio.timeout(5):
            await self.world.measuring.wait()

    async def sent(self) -> bytes:
        """Everything that went to the instrument. The capture is closed by this."""
        await self.capture.close()
        return b"".join(record.bytes for record in read_capture(self.capture.path) if record.dir == ">")


Make = Callable[..., Awaitable[Bench]]


@asynccontextmanager
async def bench(
    path: Path,
    lines: Literal["pty", "memory"],
    simulated: Mapping[str, Any],
    options: Mapping[str, Any],
    connect: bool,
    patience: float,
) -> AsyncGenerator[Bench]:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    world = Beaker()
    instrument = simulator.EmStatPico(simulator.Options.model_validate(simulated), world, clock, seed=1)
    async with AsyncExitStack() as stack:
        opener: Opener = MemoryOpener(instrument)
        if lines == "pty":
            server = await stack.enter_async_context(PtyServer(instrument))
            opener = SerialOpener(SerialLine(url=server.path, baudrate=230400))
        capture = Capture(path)
        stack.push_async_callback(capture.close)
        line = Line("cell-ps", opener, driver.EmStatPico.framing, timeout=patience, retries=1, capture=capture)
        context = Context("cell-ps", driver.Options(**options), Limits("cell-ps", {}), line, scale=SCALE)
        made = Bench(driver.EmStatPico(context), instrument, line, capture, world)
        stack.push_async_callback(made.cell.close)
        if connect:
            await made.cell.connect()
        yield made


@pytest.fixture
async def make(tmp_path: Path) -> AsyncGenerator[Make]:
    """Makes benches, in memory by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            *,
            lines: Literal["pty", "memory"] = "memory",
            connect: bool = True,
            simulated: Mapping[str, Any] | None = None,
            patience: float = 0.2,
            **options: Any,
        ) -> Bench:
            return await stack.enter_async_context(
                bench(tmp_path / "traffic.jsonl", lines, simulated or {}, options, connect, patience)
            )

        yield one


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_a_voltammogram_has_its_two_peaks(make: Make, lines: str) -> None:
    at = await make(lines=lines, patience=5.0)
    trace = cast("Any", await at.cell.cyclic_voltammetry(**CV))
    times, potentials, currents = trace["time"], trace["potential"], trace["current"]
    assert len(times) == len(potentials) == len(currents) == 161
    assert (potentials[0], max(potentials), potentials[-1]) == pytest.approx((-0.2, 0.6, -0.2))
    assert times[-1] - times[0] == pytest.approx(16.0, abs=0.01)
    expected = 0.4463 * 96485 * 0.0707e-6 * math.sqrt(96485 * 0.1 * 7.6e-6 / (8.314 * 298.15))
    assert max(currents) == pytest.approx(expected, rel=0.02)
    assert potentials[currents.index(max(currents))] == pytest.approx(0.2285, abs=0.01)
    assert set(trace["cycle"]) == {1.0}
    assert trace["overloads"] == 0
    assert not at.instrument.cell_on


async def test_cycles_are_numbered(make: Make) -> None:
    at = await make()
    trace = cast("Any", await at.cell.cyclic_voltammetry(**{**CV, "step": 0.05}, cycles=3))
    assert [trace["cycle"].count(float(n)) for n in (1, 2, 3)] == [33, 32, 32]


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_chronoamperometry_obeys_cottrell(make: Make, lines: str) -> None:
    at = await make(lines=lines)
    trace = cast("Any", await at.cell.chronoamperometry(0.7, duration=5.0, interval=0.1))
    assert len(trace["time"]) == 50
    for seconds, current in zip(trace["time"], trace["current"], strict=True):
        assert current == pytest.approx(96485 * 0.0707e-6 * math.sqrt(7.6e-6 / (math.pi * seconds)), rel=0.02)


async def test_the_open_circuit_is_read_with_the_cell_off(make: Make) -> None:
    at = await make()
    trace = await at.cell.open_circuit(1.0, interval=0.2)
    assert trace["time"] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert trace["potential"] == pytest.approx([0.0225] * 5, abs=0.001)
    reading = cast("dict[str, Any]", await at.cell.read())
    assert reading["cell-ps-potential"]["value"] == pytest.approx(0.0225, abs=0.001)


async def test_the_impedance_is_that_of_the_cell(make: Make) -> None:
    at = await make()
    trace = cast("Any", await at.cell.impedance(0.2, 1.0, 1e4, points_per_decade=2))
    assert trace["frequency"] == pytest.approx([1e4 / 10 ** (n / 2) for n in range(9)], rel=1e-4)
    assert trace["imaginary"][-1] == pytest.approx(-1541, rel=0.01)
    assert trace["real"][-1] == pytest.approx(1544, rel=0.01)


@pytest.mark.parametrize("model", ["EmStat Pico", "EmStat4 LR", "EmStat4 HR"])
async def test_each_model_measures(make: Make, model: str) -> None:
    at = await make(simulated={"model": model, "serial_number": "ES1"}, model=model, serial_number="ES1")
    assert await at.cell.identity() == f"PalmSens {model}, serial number ES1, firmware 1.3.0"
    assert len((await at.cell.chronoamperometry(0.3, duration=1.0))["current"]) == 10  # pyright: ignore[reportArgumentType] - a list
    trace = cast("Any", await at.cell.impedance(0.0, 10.0, 1e3, points_per_decade=1))
    assert len(trace["real"]) == 3


@pytest.mark.parametrize(
    ("model", "verb", "arguments"),
    [
        ("EmStat Pico", "chronoamperometry", {"potential": 2.5, "duration": 1.0}),
        ("EmStat4 LR", "chronoamperometry", {"potential": -3.1, "duration": 1.0}),
        ("EmStat Pico", "cyclic_voltammetry", {**CV, "step": 1e-4}),
        ("EmStat Pico", "cyclic_voltammetry", {**CV, "vertex2": -1.8}),
        ("EmStat Pico", "impedance", {"potential": 0.0, "lowest_frequency": 1.0, "highest_frequency": 1e6}),
        ("EmStat Pico", "open_circuit", {"duration": 1.0, "interval": 0.0}),
    ],
)
async def test_what_the_model_cannot_do_is_refused(
    make: Make, model: str, verb: str, arguments: dict[str, float]
) -> None:
    at = await make(simulated={"model": model}, model=model, connect=False)
    with pytest.raises(LimitError, match=rf"cell-ps\.{verb}: .* is beyond its limit \["):
        at.cell.verbs[verb].set(arguments)


@pytest.mark.parametrize(
    ("verb", "arguments", "message"),
    [
        ("cyclic_voltammetry", {**CV, "begin": -1.7, "vertex1": 1.5}, r"-1\.7 V to 1\.5 V .* 2\.6 V apart"),
        ("cyclic_voltammetry", {**CV, "vertex1": 1.5, "scan_rate": 10.0}, r"bandwidth of 6000 Hz .* up to 200000 Hz"),
        ("cyclic_voltammetry", {**CV, "step": 0.001, "cycles": 1000}, "points are beyond the limit of 100000"),
        ("open_circuit", {"duration": 1.0, "interval": 2.0}, r"interval = 2 s is above duration = 1 s"),
        ("impedance", {"potential": 0.0, "lowest_frequency": 10.0, "highest_frequency": 1.0}, "lowest_frequency = 10"),
    ],
)
async def test_what_does_not_go_together_is_refused_and_nothing_is_sent(
    make: Make, verb: str, arguments: dict[str, float], message: str
) -> None:
    at = await make(connect=False)
    await at.line.open()
    with pytest.raises(LimitError, match=message):
        await getattr(at.cell, verb)(**arguments)
    assert await at.sent() == b""


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_stop_ends_a_measurement_in_the_middle_and_the_cell_is_off(make: Make, lines: str) -> None:
    at = await make(lines=lines)
    task = asyncio.create_task(at.cell.chronoamperometry(0.5, duration=10_000.0, interval=1000.0))
    await at.measuring()
    async with asyncio.timeout(10):
        await at.cell.stop()
    assert not at.instrument.cell_on
    assert not at.instrument.running
    with pytest.raises(InstrumentError, match="stopped in the middle"):
        await task
    assert len((await at.cell.open_circuit(0.5))["time"]) == 5


async def test_a_measurement_that_waits_for_another_does_not_begin_after_stop(make: Make) -> None:
    at = await make()
    first = asyncio.create_task(at.cell.chronoamperometry(0.5, duration=1000.0, interval=1.0))
    await at.measuring()
    second = asyncio.create_task(at.cell.chronoamperometry(0.5, duration=1000.0, interval=1.0))
    await asyncio.sleep(0)
    await at.cell.stop()
    for task in (first, second):
        with pytest.raises(InstrumentError, match="stopped"):
            await task
    assert not at.instrument.cell_on


async def test_a_cancelled_measurement_leaves_the_cell_off(make: Make) -> None:
    at = await make()
    task = asyncio.create_task(at.cell.chronoamperometry(0.5, duration=1000.0, interval=1.0))
    await at.measuring()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not at.instrument.cell_on
    assert not at.instrument.running


async def test_safe_switches_the_cell_off_that_somebody_left_on(make: Make) -> None:
    at = await make()
    await at.line.send(b"e\nset_pgstat_mode 2\nset_e 500m\ncell_on\n\n")
    await at.measuring()
    await at.cell.safe()
    assert not at.instrument.cell_on


async def test_connecting_ends_what_an_earlier_session_left_running(make: Make) -> None:
    at = await make()
    task = asyncio.create_task(at.cell.chronoamperometry(0.5, duration=10_000.0, interval=0.1))
    await at.measuring()
    await at.line.close()  # the cable is pulled: nobody can tell the instrument anything
    with pytest.raises(LineLost):
        await task
    assert at.instrument.cell_on
    assert await at.cell.recover() == at.cell.forgets
    assert not at.instrument.cell_on
    assert len((await at.cell.open_circuit(0.5))["time"]) == 5


async def test_a_current_beyond_its_range_fails_the_measurement(make: Make) -> None:
    at = await make(current_range=5e-6, autoranging=False)
    with pytest.raises(InstrumentError, match=r"cell-ps: overload: .* in \d+ of 161 points; .* 5e-06 A"):
        await at.cell.cyclic_voltammetry(**CV)


async def test_it_may_be_kept_and_counted(make: Make) -> None:
    at = await make(current_range=5e-6, autoranging=False, on_overload="keep")
    trace = cast("Any", await at.cell.cyclic_voltammetry(**CV))
    assert 10 < trace["overloads"] < 160
    assert max(trace["current"]) < 10e-6


async def test_an_error_of_the_instrument_has_its_name_and_the_cell_is_off(make: Make) -> None:
    at = await make(simulated={"faults": [{"kind": "stall", "after": 5}]})
    with pytest.raises(InstrumentError, match=r"the script failed: error 0032: critical overload .*meas_loop_ca p c"):
        await at.cell.chronoamperometry(0.5, duration=10.0)
    assert not at.instrument.cell_on
    assert len((await at.cell.open_circuit(0.5))["time"]) == 5


async def test_a_refused_script_is_told_with_its_line(make: Make) -> None:
    at = await make(simulated={"faults": [{"kind": "error", "after": 1}]})
    with pytest.raises(InstrumentError, match=r"the script was refused: error 0001: unspecified .* \(var t\)"):
        await at.cell.chronoamperometry(0.5, duration=10.0)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "garble"}, GarbledReply),
        ({"kind": "truncate"}, GarbledReply),
        ({"kind": "drop"}, GarbledReply),
    ],
)
async def test_a_package_that_is_lost_or_garbled_is_not_passed_over(
    make: Make, fault: dict[str, Any], error: type[Exception]
) -> None:
    at = await make(simulated={"faults": [{**fault, "after": 20}]})
    with pytest.raises(error):
        await at.cell.chronoamperometry(0.5, duration=5.0)
    assert not at.instrument.cell_on
    assert not at.instrument.running
    assert len((await at.cell.chronoamperometry(0.5, duration=5.0))["time"]) == 50  # pyright: ignore[reportArgumentType] - a list


async def test_a_package_that_comes_twice_counts_once(make: Make) -> None:
    at = await make(simulated={"faults": [{"kind": "duplicate", "after": 20, "times": 5}]})
    trace = cast("Any", await at.cell.chronoamperometry(0.5, duration=5.0))
    assert len(trace["time"]) == 50


async def test_the_end_of_a_script_may_get_lost(make: Make) -> None:
    at = await make(simulated={"faults": [{"kind": "drop", "after": 20}]})  # connecting 7, then e, M, 10 packages, *
    with pytest.raises(NoReply):
        await at.cell.chronoamperometry(0.5, duration=1.0)
    assert not at.instrument.running


@pytest.mark.parametrize("kind", ["garble", "truncate", "drop", "duplicate", "echo", "delay"])
@pytest.mark.parametrize("after", [0, 1, 3, 7, 9, 11])
async def test_one_fault_on_the_line_does_not_hinder_reading_the_potential(make: Make, kind: str, after: int) -> None:
    at = await make(simulated={"faults": [{"kind": kind, "after": after, "seconds": 20.0}]}, connect=False)
    await at.cell.connect()
    for _ in range(2):
        assert await at.cell.get_potential() == pytest.approx(0.0225, abs=0.001)


async def test_a_mute_instrument_gives_no_reply(make: Make) -> None:
    at = await make(simulated={"faults": [{"kind": "drop", "times": None}]}, connect=False)
    with pytest.raises(NoReply, match="cell-ps"):
        await at.cell.connect()


async def test_an_instrument_that_falls_silent_is_given_up_in_time(make: Make) -> None:
    at = await make(simulated={"faults": [{"kind": "drop", "after": 12, "times": None}]})
    async with asyncio.timeout(5):
        with pytest.raises(NoReply):
            await at.cell.chronoamperometry(0.5, duration=20.0, interval=1.0)


async def test_something_else_on_the_line_is_told_with_its_answer(make: Make) -> None:
    at = await make(simulated={"faults": [{"kind": "garble", "times": None}]}, connect=False)
    with pytest.raises(GarbledReply, match="cell-ps"):
        await at.cell.connect()


@pytest.mark.parametrize(
    ("simulated", "options", "message"),
    [
        ({"model": "EmStat4 LR"}, {}, r"answers as EmStat4 LR, the lab file says EmStat Pico \(option `model`\)"),
        ({}, {"serial_number": "OTHER"}, "has serial number ESPI2201, the lab file says OTHER"),
        ({}, {"firmware": "1.6"}, r"has firmware 1\.3\.0, the lab file says 1\.6"),
    ],
)
async def test_another_instrument_than_the_lab_file_names_is_refused(
    make: Make, simulated: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    at = await make(simulated=simulated, connect=False, **options)
    with pytest.raises(ConnectionProblem, match=message):
        await at.cell.connect()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"current_range": 0.01}, r"the EmStat Pico has up to 0\.003 A"),
        ({"current_range": 1e-6, "lowest_range": 1e-3}, r"lowest_range = 0\.001 A is above current_range = 1e-06 A"),
    ],
)
def test_options_must_suit_the_model(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        driver.Options(**options)
