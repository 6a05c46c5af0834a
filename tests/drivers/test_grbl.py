"""The Grbl driver against the simulated gantry, over a pseudo-terminal and in memory."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.devices import Context, Limit, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, NoReply, ProcedureError
from motet.lines import Line, Opener, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import Fault, LoopClock, MemoryOpener, PtyServer
from motet_drivers import grbl as driver
from motet_drivers.grbl import protocol
from motet_simulators import grbl as simulator

SCALE = 100.0
ORIGIN = {"x": -300.0, "y": -200.0, "z": -80.0}
START = (-150.0, -100.0, -40.0)


class Plate:
    """A world that knows where the gantry is, and tells when it begins to move."""

    takes = reads = frozenset({"x", "y", "z"})

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._where: dict[str, Callable[[], float]] = {}

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        self._where[quantity] = value
        return self.changed.set

    def add(self, quantity: str, amount: float) -> None:
        raise KeyError(quantity)

    def read(self, quantity: str) -> float:
        return self._where[quantity]()


@dataclass
class Bench:
    """A gantry, its simulator, the world that it moves in, and its line."""

    gantry: driver.Grbl
    simulated: simulator.Grbl
    plate: Plate
    line: Line

    async def under_way(self, verb: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """A verb that has set the gantry in motion."""
        self.plate.changed.clear()
        task = asyncio.create_task(verb)
        async with asyncio.timeout(5):
            await self.plate.changed.wait()
        return task


Make = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes gantries, in memory and homed by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            *,
            lines: str = "memory",
            connect: bool = True,
            limits: dict[str, Limit] | None = None,
            simulated: dict[str, Any] | None = None,
            **options: Any,
        ) -> Bench:
            clock, plate = LoopClock(asyncio.get_running_loop(), SCALE), Plate()
            chosen = {"homed": True, "start": START, "zero": tuple(ORIGIN.values()), **(simulated or {})}
            other = simulator.Grbl(simulator.Options.model_validate(chosen), plate, clock, seed=1)
            opener: Opener = MemoryOpener(other)
            if lines == "pty":
                server = await stack.enter_async_context(PtyServer(other))
                opener = SerialOpener(SerialLine(url=server.path, baudrate=115200))
            line = Line("cell-gantry", opener, driver.Grbl.framing, timeout=0.1, retries=2)
            stated = driver.Options.model_validate({"origin": ORIGIN, **options})
            gantry = driver.Grbl(Context("cell-gantry", stated, Limits("cell-gantry", limits or {}), line, scale=SCALE))
            stack.push_async_callback(gantry.close)
            if connect:
                await gantry.connect()
            return Bench(gantry, other, plate, line)

        yield one


async def test_settings_with_which_nothing_moves_are_refused_by_number(make: Make) -> None:
    for number in (24, 112, 121):
        cell = await make(connect=False, simulated={"settings": {number: 0}})
        with pytest.raises(InstrumentError, match=rf"cell-gantry.*its setting \${number} is 0; it must be above 0"):
            await cell.gantry.connect()


async def position(cell: Bench) -> list[float]:
    """What the signals read, mm."""
    return [await get() for get in (cell.gantry.get_x, cell.gantry.get_y, cell.gantry.get_z)]


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_a_gantry_homes_and_goes_where_it_is_told(make: Make, lines: str) -> None:
    cell = await make(lines=lines, simulated={"homed": False})
    with pytest.raises(InstrumentError, match=r"in state Alarm \(locked: .*run `home`\); allowed: Idle"):
        await cell.gantry.move(x=10.0)
    await cell.gantry.home()
    assert await position(cell) == [299.0, 199.0, 79.0]
    await cell.gantry.move(x=100.0, y=50.5, z=20.0)
    assert [cell.plate.read(axis) for axis in "xyz"] == pytest.approx([100.0, 50.5, 20.0])
    await cell.gantry.move_by(x=-5.25, feed=2000.0)
    assert await position(cell) == pytest.approx([94.75, 50.5, 20.0], abs=0.003)


async def test_signals_have_units_and_identity_is_read_at_connection(make: Make) -> None:
    cell = await make(simulated={"serial_number": "gantry-7"}, serial_number="gantry-7", firmware="1.1h")
    described = cast("dict[str, Any]", await cell.gantry.describe())
    assert described["cell-gantry-z"]["units"] == "mm"
    assert await cell.gantry.identity() == "Grbl, serial number gantry-7, firmware 1.1h.20190825"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"serial_number": "gantry-8"}, "has serial number gantry-7, the lab file says gantry-8"),
        ({"firmware": "1.1f"}, r"has firmware 1\.1h\.20190825, the lab file says 1\.1f\.\.\."),
    ],
)
async def test_another_controller_than_the_lab_file_names_is_refused(
    make: Make, options: dict[str, Any], message: str
) -> None:
    cell = await make(connect=False, simulated={"serial_number": "gantry-7"}, **options)
    with pytest.raises(ConnectionProblem, match=message):
        await cell.gantry.connect()


async def test_beyond_travel_or_limits_nothing_moves(make: Make) -> None:
    cell = await make(limits={"x": Limit(10, 280, "mm")})
    with pytest.raises(LimitError, match=r"x = 9 mm is beyond its limit \[10, 280\] mm"):
        await cell.gantry.move(x=9.0)
    with pytest.raises(LimitError, match=r"z = 81 mm is beyond its limit \[0, 80\] mm"):
        await cell.gantry.move(x=20.0, z=81.0)
    with pytest.raises(LimitError, match=r"y = 201 mm is beyond its limit \[0, 200\] mm"):
        await cell.gantry.move_by(y=101.0)
    with pytest.raises(ProcedureError, match="at least one of x, y, z"):
        await cell.gantry.move(feed=100.0)
    assert cell.simulated.position() == START


async def test_stop_brakes_keeps_the_position_and_leaves_the_gantry_usable(make: Make) -> None:
    cell = await make()
    moving = await cell.under_way(cell.gantry.move(x=250.0, feed=600.0))
    await cell.gantry.stop()
    assert not cell.simulated.moving
    with pytest.raises(InstrumentError, match="cell-gantry: stopped before it arrived"):
        await moving
    x = (await position(cell))[0]
    assert x == pytest.approx(cell.plate.read("x"), abs=0.003)
    assert 150.0 <= x < 250.0
    await cell.gantry.move(x=140.0)
    assert await position(cell) == [140.0, 100.0, 40.0]


async def test_stop_while_homing_says_that_home_is_needed(make: Make) -> None:
    cell = await make(simulated={"homed": False})
    homing = await cell.under_way(cell.gantry.home())
    await cell.gantry.stop()
    assert not cell.simulated.moving
    with pytest.raises(InstrumentError, match="stopped before it arrived"):
        await homing
    with pytest.raises(InstrumentError, match="run `home`"):
        await cell.gantry.move(x=10.0)
    await cell.gantry.home()
    await cell.gantry.move(x=10.0)


async def test_a_cancelled_move_leaves_nothing_moving(make: Make) -> None:
    cell = await make()
    moving = await cell.under_way(cell.gantry.move(x=250.0, feed=300.0))
    moving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await moving
    assert not cell.simulated.moving


async def test_a_limit_switch_on_the_way_is_an_alarm_by_name(make: Make) -> None:
    cell = await make(simulated={"faults": (Fault(kind="stall"),)})
    with pytest.raises(InstrumentError, match=r"alarm 1: a limit switch was hit.*\(HardLimit\); run `home`"):
        await cell.gantry.move(x=250.0)
    with pytest.raises(InstrumentError, match="in state Alarm"):
        await cell.gantry.move(x=100.0)
    await cell.gantry.home()
    await cell.gantry.move(x=100.0)


@pytest.mark.slow
async def test_an_alarm_that_nobody_heard_is_told_as_such(make: Make) -> None:
    cell = await make(simulated={"faults": (Fault(kind="stall"),)})
    moving = await cell.under_way(cell.gantry.move(x=250.0, feed=1500.0))
    say, alarm = cell.simulated.say, asyncio.Event()

    def unheard(data: bytes) -> None:
        if data.startswith(b"ALARM"):
            alarm.set()
        elif not data.startswith(b"[MSG:Reset"):
            say(data)

    cell.simulated.say = unheard
    async with asyncio.timeout(5):
        await alarm.wait()
    with pytest.raises(InstrumentError, match=r"it reported nothing on its way, as after a limit alarm.*run `home`"):
        await moving


async def test_homing_that_finds_no_switch_is_an_alarm_by_name(make: Make) -> None:
    cell = await make(simulated={"homed": False, "faults": (Fault(kind="stuck"),)})
    with pytest.raises(InstrumentError, match=r"'\$H': alarm 9: no limit switch was found \(HomingFailApproach\)"):
        await cell.gantry.home()
    await cell.gantry.home()


async def test_a_locked_controller_tells_why_until_it_was_homed(make: Make) -> None:
    cell = await make()
    await cell.line.command(b"$130=50\n", protocol.done)  # somebody makes it shorter than the driver has been told
    with pytest.raises(InstrumentError, match=r"alarm 2: .*\(SoftLimit\)"):
        await cell.gantry.move(x=100.0)
    with pytest.raises(InstrumentError, match=r"in state Alarm .*allowed: Idle; it told alarm 2: .*\(SoftLimit\)"):
        await cell.gantry.move(x=100.0)
    await cell.line.command(b"$130=300\n", protocol.done)
    await cell.gantry.home()
    await cell.gantry.move(x=100.0)


async def test_a_refused_line_is_an_error_by_name(make: Make) -> None:
    cell = await make(simulated={"faults": (Fault(kind="error"),)})
    with pytest.raises(InstrumentError, match=r"'G21G90G94G53G0X-200.0000': error 20: .*\(UnsupportedCommand\)"):
        await cell.gantry.move(x=100.0)
    await cell.gantry.move(x=100.0)


async def test_a_machine_that_cannot_home_says_so(make: Make) -> None:
    cell = await make(simulated={"settings": {20: 0, 22: 0}})
    with pytest.raises(InstrumentError, match=r"homing is not enabled in the controller \(\$22=0\)"):
        await cell.gantry.home()
    await cell.gantry.move(x=100.0)


async def test_reports_of_work_positions_and_of_inches_are_understood(make: Make) -> None:
    cell = await make(simulated={"settings": {10: 0, 13: 1}, "offsets": {"G54": (-25.4, 0.0, 5.0)}})
    assert await position(cell) == pytest.approx([150.0, 100.0, 40.0], abs=0.003)
    await cell.gantry.move(x=100.0, z=30.0)
    assert await position(cell) == pytest.approx([100.0, 100.0, 30.0], abs=0.003)


async def test_outputs_are_set_not_toggled(make: Make) -> None:
    cell = await make(output="spindle", output_speed=500.0)
    for on in (True, True, False, False):
        await cell.gantry.output(on)
        assert cell.simulated.core.spindle == ("M3" if on else "M5")


async def test_what_still_moves_from_before_is_held_when_the_line_opens(make: Make) -> None:
    cell = await make()
    await cell.line.command(b"G91G1X100F100\n", protocol.done)
    assert cell.simulated.moving
    await cell.gantry.close()
    await cell.gantry.open()
    assert not cell.simulated.moving
    await cell.gantry.move(x=100.0)


@pytest.mark.parametrize(("auto_reset", "forgotten"), [(False, ()), (True, ("the position: run `home`",))])
async def test_after_a_lost_line_the_position_is_known_unless_the_board_was_reset(
    make: Make, auto_reset: bool, forgotten: tuple[str, ...]
) -> None:
    cell = await make(simulated={"auto_reset": auto_reset})
    assert await cell.gantry.recover() == forgotten


@pytest.mark.slow
async def test_no_controller_gives_no_reply(make: Make) -> None:
    cell = await make(connect=False, simulated={"faults": (Fault(kind="drop", times=None),)})
    with pytest.raises(NoReply, match="cell-gantry"):
        await cell.gantry.connect()


@pytest.mark.parametrize("kind", ["garble", "duplicate", "echo"])
async def test_a_fault_on_the_line_does_not_change_what_is_read(make: Make, kind: str) -> None:
    fault = Fault.model_validate({"kind": kind, "after": 4, "seconds": 3.0})
    cell = await make(simulated={"faults": (fault,)})
    for _ in range(3):
        assert await position(cell) == [150.0, 100.0, 40.0]


ANSWERS = [
    b"ok\r\n",
    b"error:20\r\n",
    b"<Idle|MPos:0.000,-1.000,2.500|FS:0,0|WCO:0.000,0.000,1.000>\r\n",
    b"ALARM:1\r\n[MSG:Reset to continue]\r\n",
    b"ALARM:6\r\nok\r\n\r\nGrbl 1.1h ['$' for help]\r\n",
    b"[VER:1.1h.20190825:]\r\n[OPT:V,15,128]\r\nok\r\n",
]


@given(st.lists(st.sampled_from(ANSWERS), max_size=8), st.lists(st.integers(0, 200), max_size=5))
def test_answers_come_out_whole_however_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(sent)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    buffer, received = bytearray(), list[bytes]()
    for start, end in itertools.pairwise(edges):
        buffer += stream[start:end]
        while (frame := protocol.GrblFraming().take(buffer)) is not None:
            received.append(frame)
    assert received == [clean(answer) for answer in sent]


def clean(answer: bytes) -> bytes:
    """An answer as a frame: its lines that are not empty."""
    return b"\n".join(line for line in answer.split(b"\r\n") if line)


def test_a_status_report_is_read_field_by_field() -> None:
    status = protocol.status(b"<Hold:1|WPos:1.000,-2.500,0.000|Bf:15,128|FS:500,8000|Pn:XZ|WCO:0.000,1.000,2.000>")
    assert (status.state, status.number, str(status)) == ("Hold", 1, "Hold:1")
    assert (status.position, status.offset, status.machine, status.pins) == (
        (1.0, -2.5, 0.0), (0.0, 1.0, 2.0), False, "XZ",
    )  # fmt: skip


@pytest.mark.parametrize("frame", [b"<Idle|FS:0,0>", b"<Idle|MPos:1,2,3>", b"<Odd|MPos:0.0,0.0,0.0>", b"<>", b"ok"])
def test_what_is_no_status_report_is_garbled(frame: bytes) -> None:
    with pytest.raises(GarbledReply):
        protocol.status(frame)


@pytest.mark.parametrize(("number", "name"), [(1, "HardLimit"), (9, "HomingFailApproach"), (77, "Unknown")])
def test_alarms_have_names(number: int, name: str) -> None:
    with pytest.raises(protocol.Alarmed, match=rf"alarm {number}: .*\({name}\); run `home`"):
        protocol.done(b"ALARM:%d\nok" % number)
