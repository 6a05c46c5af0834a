"""The benchmark functions, and their driver against the simulated instrument, over a pseudo-terminal and in memory."""

import asyncio
import math
import statistics
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.contracts.simulation import SerialSimulator
from motet.devices import Context, Limits
from motet.errors import GarbledReply, InstrumentError, NoReply, ProcedureError
from motet.lines import Line, Opener, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import LoopClock, MemoryOpener, PtyServer
from motet.simulation.manual import ManualClock
from motet_drivers import benchmark_function as driver
from motet_simulators import benchmark_function as simulator

SCALE = 1000.0


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("branin", (-math.pi, 12.275), 0.397887),
        ("branin", (math.pi, 2.275), 0.397887),
        ("branin", (9.42478, 2.475), 0.397887),
        ("hartmann3", (0.114614, 0.555649, 0.852547), -3.86278),
        ("hartmann6", (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573), -3.32237),
        ("schwefel", (420.968746,), 0.0),
        ("schwefel", (420.968746,) * 4, 0.0),
    ],
)
def test_the_functions_are_lowest_where_the_literature_says(
    name: simulator.Name, at: tuple[float, ...], value: float
) -> None:
    function = simulator.FUNCTIONS[name]
    assert function.of(at) == pytest.approx(value, abs=1e-5)
    for index, (low, high) in enumerate(function.ranges[: len(at)]):
        for step in (-1e-3 * (high - low), 1e-3 * (high - low)):
            assert function.of([x + step * (i == index) for i, x in enumerate(at)]) > function.of(at)


class Host:
    """The other end of the simulator's line."""

    def __init__(self, seed: int = 1, **options: Any) -> None:
        self.clock = ManualClock()
        self.instrument = simulator.BenchmarkFunction(simulator.Options(**options), None, self.clock, seed)
        self.received = b""
        self.instrument.attach(self._receive)

    def _receive(self, data: bytes) -> None:
        self.received += data

    def ask(self, line: str) -> str:
        """The answer to a command."""
        self.received = b""
        self.instrument.receive(line.encode() + b"\n")
        return self.received.decode().removesuffix("\n")

    def seconds(self, command: str = "MEASURE 0 0") -> float:
        """How long something takes, when it is waited for."""
        word, number = self.ask(command).split()
        assert word == "BUSY"
        self.clock.advance(float(number))
        assert self.ask("RESULT").startswith("DONE")
        return float(number)


def test_a_measurement_takes_its_time_and_then_has_a_value() -> None:
    host = Host(spread=0)
    assert host.ask("ID") == "ID branin"
    assert host.ask("MEASURE 3.141592653589793 2.275") == "BUSY 60.000000"
    host.clock.advance(59.0)
    assert host.ask("RESULT") == "BUSY 1.000000"
    assert host.ask("CLEAN") == "ERROR 3 busy"
    host.clock.advance(1.0)
    assert host.ask("RESULT") == "DONE 0.39788735772973816"
    assert [host.seconds(command) for command in ("PREPARE", "CLEAN")] == [10.0, 20.0]
    assert host.ask("STOP") == "DONE"
    assert host.ask("RESULT") == "ERROR 4 nothing was done"


def test_times_are_log_normal_and_the_seeds_own() -> None:
    host = Host(duration=30, spread=0.5)
    logs = [math.log(host.seconds()) for _ in range(2000)]
    assert statistics.median(logs) == pytest.approx(math.log(30), abs=0.04)
    assert statistics.stdev(logs) == pytest.approx(0.5, abs=0.03)
    one, same, other = ([Host(seed).seconds() for _ in range(3)] for seed in (1, 1, 2))
    assert one == same != other


def test_noise_does_not_depend_on_what_else_is_done() -> None:
    values: list[str] = []
    for between in ("PREPARE", "ID"):
        host = Host(noise=1.0)
        host.seconds()
        host.ask(between)
        host.clock.advance(1000.0)
        host.ask("MEASURE 0 0")
        host.clock.advance(1000.0)
        values.append(host.ask("RESULT"))
    assert values[0] == values[1] != f"DONE {simulator.branin((0, 0))!r}"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("MEASURE 1", "2 branin takes 2 coordinates, not 1"),
        ("MEASURE 1 2 3", "2 branin takes 2 coordinates, not 3"),
        ("MEASURE 1 x", "2 coordinates are decimal numbers"),
        ("MEASURE nan 0", "2 x1 = nan is not in [-5, 10]"),
        ("MEASURE 0 15.1", "2 x2 = 15.1 is not in [0, 15]"),
        ("RESULT", "4 nothing was done"),
        ("MEASSURE 1 2", "1 'MEASSURE 1 2' is no command"),
        ("", "1 '' is no command"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(command: str, reason: str) -> None:
    assert Host().ask(command) == f"ERROR {reason}"


def test_schwefel_takes_one_to_six_coordinates() -> None:
    host = Host(function="schwefel")
    assert host.ask("MEASURE" + 7 * " 0") == "ERROR 2 schwefel takes 1 to 6 coordinates, not 7"
    assert host.ask("MEASURE" + 6 * " 0").startswith("BUSY")


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_bytes_leave_an_instrument_that_answers(data: bytes) -> None:
    host = Host()
    host.instrument.receive(data + b"\n")
    assert host.ask("STOP") == "DONE"
    assert host.ask("ID") == "ID branin"


Make = Callable[..., Awaitable[driver.BenchmarkFunction]]


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes devices, on a simulator in memory by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            lines: str = "memory", *, connect: bool = True, instrument: SerialSimulator | None = None, **options: Any
        ) -> driver.BenchmarkFunction:
            clock = LoopClock(asyncio.get_running_loop(), SCALE)
            other_end = instrument or simulator.BenchmarkFunction(simulator.Options(**options), None, clock, seed=1)
            opener: Opener = MemoryOpener(other_end)
            if lines == "pty":
                server = await stack.enter_async_context(PtyServer(other_end))
                opener = SerialOpener(SerialLine(url=server.path, baudrate=115200))
            line = Line("s1-function", opener, driver.BenchmarkFunction.framing, timeout=0.2, retries=1)
            context = Context("s1-function", driver.Options(), Limits("s1-function", {}), line, scale=SCALE)
            made = driver.BenchmarkFunction(context)
            stack.push_async_callback(made.close)
            if connect:
                await made.connect()
            return made

        yield one


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_a_value_is_the_function_at_the_point(make: Make, lines: str) -> None:
    device = await make(lines)
    assert await device.identity() == "Motet benchmark function branin"
    began = asyncio.get_running_loop().time()
    await device.prepare()
    assert await device.measure(1.0, 2.5) == {"value": simulator.branin((1.0, 2.5))}
    await device.clean()
    assert asyncio.get_running_loop().time() - began > 60 / SCALE


@pytest.mark.parametrize("name", get_args(simulator.Name))
async def test_every_function_is_measured_with_its_coordinates(make: Make, name: simulator.Name) -> None:
    device = await make(function=name)
    function = simulator.FUNCTIONS[name]
    x = [0.5 + 0.01 * number for number in range(function.fewest)]
    assert (await device.measure(*x))["value"] == function.of(x)


async def test_a_gap_in_the_coordinates_is_refused(make: Make) -> None:
    device = await make(function="schwefel")
    with pytest.raises(ProcedureError, match="measure has 2 coordinates, but not x2"):
        await device.measure(1.0, x3=2.0)


async def test_a_refusal_names_the_device_and_the_reason(make: Make) -> None:
    device = await make(faults=[{"kind": "error", "after": 1}])
    with pytest.raises(InstrumentError, match=r"s1-function .*: error 2: x1 = 11 is not in \[-5, 10\]"):
        await device.measure(11.0, 0.0)
    await device.prepare()
    with pytest.raises(InstrumentError, match="error 5: out of order"):
        await device.prepare()
    await device.clean()


async def test_stopping_ends_a_measurement_and_the_next_one_begins_at_once(make: Make) -> None:
    device = await make(duration=1e6)
    measure = device.verbs["measure"]
    status = measure.set({"x1": 0.0, "x2": 0.0})
    await asyncio.sleep(0)
    await measure.stop()
    async with asyncio.timeout(5):
        await status
        await device.prepare()


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_nobody_and_nonsense_are_told_apart(make: Make, lines: str) -> None:
    device = await make(lines, connect=False, faults=[{"kind": "drop", "times": None}])
    with pytest.raises(NoReply, match="s1-function"):
        await device.connect()
    device = await make(lines, connect=False, faults=[{"kind": "garble", "times": None}])
    with pytest.raises(GarbledReply, match="ID FUNCTION is expected"):
        await device.connect()
    device = await make(lines, faults=[{"kind": "garble", "after": 1, "times": None}])
    with pytest.raises(GarbledReply, match="BUSY SECONDS, DONE or DONE VALUE is expected"):
        await device.prepare()


class Scripted:
    """An instrument that says the same to everything but ID."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._send: Callable[[bytes], None] = lambda data: None

    def attach(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def receive(self, data: bytes) -> None:
        self._send(b"ID f\n" if data == b"ID\n" else self._answer)

    def detach(self) -> None:
        pass


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (b"BUSY 0.5\n", InstrumentError, "MEASURE 0.0 still needs 0.5 s after 10 looks"),
        (b"DONE\n", GarbledReply, "it is done with MEASURE, but gives no value"),
        (b"DONE nan\n", GarbledReply, "b'nan' is not a decimal number"),
        (b"BUSY\n", GarbledReply, "BUSY SECONDS, DONE or DONE VALUE is expected"),
    ],
)
async def test_an_instrument_that_makes_no_sense_is_an_error(
    make: Make, answer: bytes, error: type[Exception], reason: str
) -> None:
    device = await make(instrument=Scripted(answer))
    with pytest.raises(error, match=reason):
        await device.measure(0.0)
