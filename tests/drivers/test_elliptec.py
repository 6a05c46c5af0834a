"""The Elliptec driver against simulated modules, in memory, over a pseudo-terminal and on a shared bus."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.devices import Context, Limit, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, NoReply
from motet.lines import Line, Opener, Port, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import Fault, LoopClock, MemoryOpener, Multidrop, PtyServer
from motet_drivers import elliptec as driver
from motet_drivers.elliptec import protocol
from motet_simulators import elliptec as simulator

SCALE = 50.0


class Plate:
    """A world that tells when the module begins to move."""

    takes = reads = frozenset({"x"})

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.where: Callable[[], float] = float

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        self.where = value
        return self.changed.set

    def add(self, quantity: str, amount: float) -> None:
        raise KeyError(quantity)

    def read(self, quantity: str) -> float:
        return self.where()


@dataclass
class Bench:
    """A module, its simulator, the world that it moves in, and its line."""

    module: driver.Elliptec
    simulated: simulator.Elliptec
    plate: Plate
    line: Line


Make = Callable[..., Awaitable[Bench]]


def device(
    way: Opener | Port, name: str = "cell-stage", limits: dict[str, Limit] | None = None, **options: Any
) -> tuple[driver.Elliptec, Line]:
    """A module on a line of its own, or on a bus."""
    chosen = driver.Options(**options)
    line = Line(name, way, driver.Elliptec.framing_for(chosen), timeout=0.1, retries=2)
    context = Context(name, chosen, Limits(name, limits or {}), line, scale=SCALE)
    return driver.Elliptec(context), line


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes modules, in memory by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            *,
            lines: str = "memory",
            connect: bool = True,
            limits: dict[str, Limit] | None = None,
            simulated: dict[str, Any] | None = None,
            **options: Any,
        ) -> Bench:
            clock = LoopClock(asyncio.get_running_loop(), SCALE)
            plate = Plate()
            other = simulator.Elliptec(simulator.Options(**(simulated or {})), plate, clock, seed=1)
            opener: Opener = MemoryOpener(other)
            if lines == "pty":
                server = await stack.enter_async_context(PtyServer(other))
                opener = SerialOpener(SerialLine(url=server.path, baudrate=9600))
            module, line = device(opener, limits=limits, **options)
            stack.push_async_callback(module.close)
            if connect:
                await module.connect()
            return Bench(module, other, plate, line)

        yield one


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_a_linear_module_goes_home_to_a_position_and_by_a_distance(make: Make, lines: str) -> None:
    cell = await make(lines=lines, simulated={"start": 12.0})
    assert await cell.module.get_position() == pytest.approx(12.0)
    await cell.module.home()
    assert await cell.module.get_position() == 0.0
    await cell.module.move(30.5)
    assert cell.plate.read("x") == pytest.approx(30.5, abs=1 / 1024)
    await cell.module.move_by(-10.0)
    assert await cell.module.get_position() == pytest.approx(20.5, abs=1 / 1024)


async def test_a_rotary_module_turns_in_degrees(make: Make) -> None:
    cell = await make(simulated={"model": "ELL14"}, kind="rotary", home_direction="counterclockwise")
    assert cell.module.verbs["move"].spec.arguments["position"].unit == "deg"
    await cell.module.move(90.0)
    assert cell.simulated.position() == pytest.approx(90.0, abs=0.003)
    await cell.module.move_by(-100.0)
    assert await cell.module.get_position() == pytest.approx(-10.0, abs=0.003)
    await cell.module.home()


async def test_a_slider_goes_to_its_positions_by_number(make: Make) -> None:
    cell = await make(simulated={"model": "ELL9"}, kind="slider")
    assert "move_by" not in cell.module.verbs
    for slot in (3.0, 1.0, 1.0, 0.0):
        await cell.module.move(slot)
        assert await cell.module.get_position() == slot
    with pytest.raises(InstrumentError, match=r"a slider has positions 0, 1, \.\.\. 3"):
        await cell.module.move(1.5)
    with pytest.raises(LimitError, match=r"position = 4 is beyond its limit \[0, 3\]"):
        await cell.module.move(4.0)


async def test_the_signal_has_the_unit_of_the_kind(make: Make) -> None:
    cell = await make(simulated={"start": 3.0})
    described = cast("dict[str, Any]", await cell.module.describe())
    reading = cast("dict[str, Any]", await cell.module.read())
    assert described["cell-stage-position"]["units"] == "mm"
    assert reading["cell-stage-position"]["value"] == pytest.approx(3.0)


async def test_identity_and_firmware_are_read_at_connection(make: Make) -> None:
    cell = await make(serial_number="11400517", firmware="1")
    assert await cell.module.identity() == "Thorlabs ELL20, serial number 11400517, firmware 17"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"serial_number": "11400518"}, "has serial number 11400517, the lab file says 11400518"),
        ({"firmware": "2"}, r"has firmware 17, the lab file says 2\.\.\."),
        ({"kind": "rotary"}, "Thorlabs ELL20.* at address 0 .* is a linear module, the lab file says kind: rotary"),
    ],
)
async def test_another_module_than_the_lab_file_names_is_refused(
    make: Make, options: dict[str, Any], message: str
) -> None:
    cell = await make(connect=False, **options)
    with pytest.raises(ConnectionProblem, match=message):
        await cell.module.connect()


@pytest.mark.slow
async def test_no_module_at_the_address_gives_no_reply(make: Make) -> None:
    cell = await make(connect=False, address="7")
    with pytest.raises(NoReply, match="cell-stage"):
        await cell.module.connect()


async def test_beyond_travel_or_limits_nothing_is_sent(make: Make) -> None:
    cell = await make(limits={"position": Limit(5, 50, "mm")}, simulated={"start": 10.0})
    for refused in (cell.module.move(4.9), cell.module.move(50.1), cell.module.move_by(-6.0)):
        with pytest.raises(LimitError, match=r"beyond its limit \[5, 50\] mm"):
            await refused
    wide = await make()
    with pytest.raises(LimitError, match=r"position = 60.1 mm is beyond its limit \[0, 60\] mm"):
        await wide.module.move(60.1)
    assert not cell.simulated.moving
    assert cell.simulated.position() == 10.0


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("stuck", r"status 2: mechanical time out: it did not arrive \(MechanicalTimeout\)"),
        ("stall", r"status 11: motor error \(MotorError\)"),
        ("error", r"status 11: motor error \(MotorError\)"),
    ],
)
async def test_what_goes_wrong_in_a_move_is_named(make: Make, kind: str, message: str) -> None:
    cell = await make(simulated={"faults": (Fault.model_validate({"kind": kind}),)})
    with pytest.raises(InstrumentError, match=message):
        await cell.module.move(30.0)
    await cell.module.move(30.0)
    assert await cell.module.get_position() == pytest.approx(30.0)


@pytest.mark.parametrize("stops_moves", [True, False])
async def test_stop_ends_the_verb_and_returns_when_the_module_rests(make: Make, stops_moves: bool) -> None:
    cell = await make(speed=2.0, simulated={"speed": 2.0, "stops_moves": stops_moves})
    moving = asyncio.create_task(cell.module.move(20.0))
    async with asyncio.timeout(5):
        await cell.plate.changed.wait()
    await cell.module.stop()
    assert not cell.simulated.moving
    with pytest.raises(InstrumentError, match="stopped before it arrived"):
        await moving
    if stops_moves:
        assert cell.simulated.position() < 20.0
    await cell.module.move(1.0)
    assert await cell.module.get_position() == pytest.approx(1.0)


async def test_a_motion_that_does_not_end_is_an_error_after_a_stated_time(make: Make) -> None:
    cell = await make(margin=1.0, speed=100.0, simulated={"speed": 0.5})
    with pytest.raises(InstrumentError, match=r"'ma00002800' did not end within 0\.\d s"):
        await cell.module.move(10.0)


async def test_modules_that_say_that_they_are_busy_are_waited_for(make: Make) -> None:
    cell = await make(speed=5.0, simulated={"speed": 5.0, "busy_every": 0.3})
    await cell.module.move(20.0)
    assert await cell.module.get_position() == pytest.approx(20.0)


@pytest.mark.parametrize("kind", ["drop", "wrong_address", "duplicate"])
async def test_a_fault_on_the_line_does_not_change_what_is_read(make: Make, kind: str) -> None:
    fault = Fault.model_validate({"kind": kind, "after": 2, "seconds": 1.0})
    cell = await make(simulated={"start": 7.0, "faults": (fault,)})
    assert await cell.module.get_position() == pytest.approx(7.0)
    await cell.module.move(20.0)
    assert await cell.module.get_position() == pytest.approx(20.0)


async def test_velocity_is_set_when_the_lab_file_states_one(make: Make) -> None:
    cell = await make(velocity=40)
    assert await cell.line.query(b"0gv", bytes) == b"GV28"


async def test_after_a_lost_line_the_module_is_identified_again(make: Make) -> None:
    cell = await make(simulated={"start": 4.0})
    await cell.line.close()
    assert await cell.module.recover() == ("whether the module was switched off meanwhile: run `home`",)
    assert await cell.module.get_position() == pytest.approx(4.0)


async def test_modules_on_one_bus_move_at_once_and_are_not_confused() -> None:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    simulated = [
        simulator.Elliptec(simulator.Options(address=address, speed=20.0, busy_every=0.2), None, clock, seed=1)
        for address in "12B"
    ]
    port = Port("bus", MemoryOpener(Multidrop(simulated, clock)))
    modules = [device(port, f"cell-{address}", address=address, speed=20.0)[0] for address in "12B"]
    async with asyncio.timeout(20):
        for module in modules:
            await module.connect()
        for target in (20.0, 5.0, 25.0):
            async with asyncio.TaskGroup() as group:
                for offset, module in enumerate(modules):
                    group.create_task(module.move(target + offset))
            positions = [await module.get_position() for module in modules]
            assert positions == pytest.approx([target, target + 1, target + 2], abs=0.01)
        for module in modules:
            await module.close()


def framed(parts: tuple[str, str]) -> bytes:
    """A frame of an address and the rest."""
    return "".join(parts).encode("ascii")


bodies = st.from_regex(r"\A(GS0[0-9A-D]|PO[0-9A-F]{8}|HO[0-9A-F]{8})\Z")
frames = st.tuples(st.sampled_from("0123456789ABCDEF"), bodies).map(framed)


@settings(max_examples=50)
@given(st.lists(frames, max_size=8), st.lists(st.integers(0, 90), max_size=5))
def test_frames_of_the_module_come_out_however_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame + b"\r\n" for frame in sent)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    buffer, received = bytearray(), list[bytes]()
    for start, end in itertools.pairwise(edges):
        buffer += stream[start:end]
        while (frame := protocol.ModuleFraming("3").take(buffer)) is not None:
            received.append(frame)
    assert received == [frame[1:] for frame in sent if frame.startswith(b"3")]


def take_all(data: bytes) -> list[bytes]:
    """Every frame in it; at least one byte goes at each step."""
    buffer, taken = bytearray(data), list[bytes]()
    for _ in range(len(data) + 1):
        before = len(buffer)
        try:
            frame = protocol.ModuleFraming("0").take(buffer)
        except GarbledReply:
            assert len(buffer) < before
            continue
        if frame is None:
            return taken
        taken.append(frame)
    raise AssertionError("it does not end")


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_garbage_is_never_taken_for_a_value(data: bytes) -> None:
    for frame in take_all(data + b"\r\n"):
        for parse in (protocol.information, protocol.position, protocol.status, protocol.moving):
            try:
                parse(frame)
            except GarbledReply:
                continue
            assert protocol.ModuleFraming("0").take(bytearray(b"0" + frame + b"\r\n")) == frame


@given(st.integers(-(2**31), 2**31 - 1))
def test_positions_are_read_as_they_were_sent(counts: int) -> None:
    assert protocol.position(b"PO" + protocol.long(counts).encode()) == counts
