"""The OWIS driver against the simulated controller, over a pseudo-terminal and in memory."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import pytest
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
from motet.lines import Capture, Line, Opener, SerialOpener, read_capture
from motet.model.lab import SerialLine
from motet.simulation import LoopClock, MemoryOpener, PtyServer
from motet_drivers import owis_ps90 as driver
from motet_simulators import owis_ps90 as simulator

SCALE = 100.0
LINES = (pytest.param("pty", marks=pytest.mark.slow), "memory")
LIMITS = {"x": Limit(-5, 60, "mm"), "y": Limit(-5, 60, "mm"), "z": Limit(-4, 40, "mm")}


class Surroundings:
    """A world that only notices when the stage begins to move."""

    takes = frozenset("xyz")
    reads: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.moving = asyncio.Event()

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        return self.moving.set

    def add(self, quantity: str, amount: float) -> None:
        raise KeyError(quantity)

    def read(self, quantity: str) -> float:
        raise KeyError(quantity)


@dataclass
class Bench:
    """A stage, the controller it talks to, its world, and the file of what they said."""

    stage: driver.OwisPs90
    controller: simulator.OwisPs90
    world: Surroundings
    clock: LoopClock
    capture: Capture
    line: Line

    async def on_the_way(self) -> None:
        """Returns a lab second after the stage began to move."""
        async with asyncio.timeout(5):
            await self.world.moving.wait()
        await asyncio.sleep(1 / SCALE)

    async def sent(self) -> bytes:
        """Everything that went to the controller. The capture is closed by this."""
        await self.line.close()
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
) -> AsyncGenerator[Bench]:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    world = Surroundings()
    controller = simulator.OwisPs90(simulator.Options(**simulated), world, clock, seed=1)
    capture = Capture(path / "traffic.jsonl")

    def make(opener: Opener) -> Bench:
        line = Line("cell-stage", opener, driver.OwisPs90.framing, timeout=0.1, retries=1, capture=capture)
        context = Context("cell-stage", driver.Options(**options), Limits("cell-stage", LIMITS), line, scale=SCALE)
        return Bench(driver.OwisPs90(context), controller, world, clock, capture, line)

    if lines == "memory":
        made = make(MemoryOpener(controller))
        if connect:
            await made.stage.connect()
        yield made
        await made.stage.close()
    else:
        async with PtyServer(controller) as server:
            made = make(SerialOpener(SerialLine(url=server.path)))
            if connect:
                await made.stage.connect()
            yield made
            await made.stage.close()
    await capture.close()


@pytest.fixture
async def make(tmp_path: Path) -> AsyncGenerator[Make]:
    """Makes benches, in memory by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            *,
            lines: Literal["pty", "memory"] = "memory",
            connect: bool = True,
            simulated: Mapping[str, Any] | None = None,
            **options: Any,
        ) -> Bench:
            return await stack.enter_async_context(bench(tmp_path, lines, simulated or {}, options, connect))

        yield one


async def read(stage: driver.OwisPs90) -> tuple[float, ...]:
    """What the signals say."""
    reading = cast("dict[str, Any]", await stage.read())
    return tuple(reading[f"cell-stage-{axis}"]["value"] for axis in "xyz")


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_a_move_arrives_and_takes_the_time_that_its_distance_needs(make: Make, lines: str) -> None:
    cell = await make(lines=lines, simulated={"speed": 10})
    started = cell.clock.now()
    await cell.stage.move(x=20, y=-3, z=12.5)
    assert cell.clock.now() - started >= 2.0
    assert await read(cell.stage) == pytest.approx((20, -3, 12.5))
    assert cell.controller.position() == pytest.approx((20, -3, 12.5))


async def test_all_axes_of_one_move_start_before_any_is_waited_for(make: Make) -> None:
    cell = await make()
    await cell.stage.move(x=1, y=1)
    sent = await cell.sent()
    commands = [command for command in sent.split(b"\r") if command not in (b"?MSG", b"")]
    first = commands.index(b"PGO1")
    assert commands[first : first + 2] == [b"PGO1", b"PGO2"]


async def test_a_relative_move_goes_on_from_where_the_stage_is(make: Make) -> None:
    cell = await make(lines="pty")
    await cell.stage.move(z=0.3)
    for _ in range(3):
        await cell.stage.move_by(z=-0.02)
    assert await cell.stage.get_z() == pytest.approx(0.24)


async def test_velocities_of_the_lab_file_are_set(make: Make) -> None:
    cell = await make(simulated={"speed": 1}, speed={"x": 40})
    started = cell.clock.now()
    await cell.stage.move(x=40)
    assert 1.0 <= cell.clock.now() - started < 10


@pytest.mark.parametrize("lines", LINES)
async def test_stop_in_the_middle_of_a_move_brakes_all_axes_and_ends_the_verb(make: Make, lines: str) -> None:
    cell = await make(lines=lines, simulated={"speed": 2}, watch=0.05)
    moving = asyncio.create_task(cell.stage.move(x=50, y=50))
    await cell.on_the_way()
    await cell.stage.stop()
    with pytest.raises(InstrumentError, match="cell-stage: stopped before it arrived"):
        async with asyncio.timeout(10):
            await moving
    at_rest = await read(cell.stage)
    assert 1 < at_rest[0] < 40
    await asyncio.sleep(1 / SCALE)
    assert await read(cell.stage) == at_rest


async def test_a_verb_that_is_cancelled_leaves_nothing_moving(make: Make) -> None:
    cell = await make(simulated={"speed": 2})
    moving = asyncio.create_task(cell.stage.move(x=50))
    await cell.on_the_way()
    moving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await moving
    await asyncio.sleep(1 / SCALE)
    at_rest = cell.controller.position()
    assert at_rest[0] < 40
    await asyncio.sleep(1 / SCALE)
    assert cell.controller.position() == at_rest


async def test_a_move_that_waits_for_another_is_ended_by_the_same_stop(make: Make) -> None:
    cell = await make(simulated={"speed": 2})
    both = [asyncio.create_task(cell.stage.move(x=50)), asyncio.create_task(cell.stage.move(y=50))]
    await cell.on_the_way()
    await cell.stage.stop()
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [type(result) for result in results] == [InstrumentError, InstrumentError]
    assert cell.controller.position()[1] == 0.0


@pytest.mark.parametrize("target", [{"x": 61}, {"x": 10, "y": -5.001}, {"z": float("nan")}])
async def test_a_target_beyond_a_limit_is_refused_before_any_byte(make: Make, target: dict[str, float]) -> None:
    cell = await make()
    with pytest.raises(LimitError, match=r"cell-stage: [xyz] = .* is beyond its limit"):
        await cell.stage.move(**target)
    sent = await cell.sent()
    assert sent.endswith(b"?ACC3\r"), "the last thing that connecting asks for"


async def test_a_relative_move_beyond_a_limit_is_refused_for_all_axes(make: Make) -> None:
    cell = await make()
    with pytest.raises(LimitError, match=r"z = -5 mm is beyond its limit \[-4, 40\] mm"):
        await cell.stage.move_by(x=1, z=-25)
    assert b"PSET" not in await cell.sent()


async def test_a_move_of_nothing_is_a_mistake_of_the_procedure(make: Make) -> None:
    cell = await make()
    with pytest.raises(ProcedureError, match="at least one of x, y, z"):
        await cell.stage.move()


async def test_running_onto_a_limit_switch_names_axis_state_and_switch(make: Make) -> None:
    cell = await make(simulated={"travel": [(-10, 30), (-10, 90), (-5, 45)]})
    with pytest.raises(InstrumentError, match=r"x \(axis 1\) is switched off after it ran onto a limit switch \[L\]"):
        await cell.stage.move(x=50)
    with pytest.raises(InstrumentError, match=r"\(MAXSTOP\)"):
        await cell.stage.move(x=10)


async def test_home_frees_a_limit_switch_and_finds_every_reference_point(make: Make) -> None:
    cell = await make(
        simulated={"travel": [(-10, 30), (-10, 90), (-5, 45)], "speed": 40},
        home_position={"x": -9.5, "y": -9.5, "z": -4.5},
    )
    with pytest.raises(InstrumentError):
        await cell.stage.move(x=50)
    await cell.stage.home()
    assert await read(cell.stage) == pytest.approx((-9.5, -9.5, -4.5))
    await cell.stage.move(x=10)
    assert cell.controller.position()[0] == pytest.approx(10)


async def test_axes_that_were_not_initialised_are_told_apart_and_homed(make: Make) -> None:
    cell = await make(simulated={"initialised": False, "speed": 40}, home_mode=6)
    with pytest.raises(InstrumentError, match=r"z \(axis 3\) is not initialised \[I\]; run `home` first"):
        await cell.stage.move(z=10)
    await cell.stage.home()
    assert await read(cell.stage) == (0, 0, 0)


async def test_a_refusal_is_named_with_its_code(make: Make) -> None:
    cell = await make(simulated={"faults": [{"kind": "error"}]})
    with pytest.raises(InstrumentError, match="PGO1 was refused: 07 AXIS IS IN WRONG STATE"):
        await cell.stage.move(x=1)
    await cell.stage.move(x=1)


async def test_an_axis_that_is_slower_than_it_says_does_not_hold_the_lab_up(make: Make) -> None:
    cell = await make(simulated={"cycle": 8e-3}, margin=0.005)
    with pytest.raises(InstrumentError, match=r"x did not arrive within \d\.\d s"):
        await cell.stage.move(x=20)


@pytest.mark.parametrize("lines", LINES)
async def test_a_mute_controller_gives_no_reply(make: Make, lines: str) -> None:
    cell = await make(lines=lines, connect=False, simulated={"faults": [{"kind": "drop", "times": None}]})
    with pytest.raises(NoReply, match="cell-stage"):
        await cell.stage.connect()


async def test_a_controller_that_falls_silent_in_a_move_gives_no_reply(make: Make) -> None:
    cell = await make(simulated={"faults": [{"kind": "drop", "after": 30, "times": None}], "speed": 0.1}, watch=0.01)
    with pytest.raises(NoReply, match="ASTAT"):
        await cell.stage.move(x=50)


@pytest.mark.parametrize("lines", LINES)
async def test_garbage_is_a_garbled_reply(make: Make, lines: str) -> None:
    cell = await make(lines=lines, connect=False, simulated={"faults": [{"kind": "garble", "times": None}]})
    with pytest.raises(GarbledReply, match="is not a reply of an OWIS controller"):
        await cell.stage.connect()


async def test_garbage_in_a_move_stops_the_axes(make: Make) -> None:
    cell = await make(simulated={"faults": [{"kind": "garble", "after": 30, "times": None}], "speed": 2}, watch=0.01)
    with pytest.raises(GarbledReply):
        await cell.stage.move(x=50)
    await asyncio.sleep(1 / SCALE)
    at_rest = cell.controller.position()
    await asyncio.sleep(1 / SCALE)
    assert cell.controller.position() == at_rest


@pytest.mark.parametrize(
    ("simulated", "options", "message"),
    [
        ({"version": "GRBL 1.1"}, {}, "answers \\?VERSION with 'GRBL 1.1'"),
        ({}, {"serial_number": "1"}, "has serial number 08070255, the lab file says 1"),
        ({"travel": [(0, 9)], "start": [1]}, {}, "y is axis 2 of a controller that has 1"),
    ],
)
async def test_another_controller_than_the_lab_file_names_is_refused(
    make: Make, simulated: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    cell = await make(connect=False, simulated=simulated, **options)
    with pytest.raises(ConnectionProblem, match=message):
        await cell.stage.connect()


async def test_connecting_moves_nothing(make: Make) -> None:
    cell = await make()
    sent = await cell.sent()
    assert not any(command in sent for command in (b"INIT", b"REF", b"PGO", b"EFREE", b"MON"))
    assert await cell.stage.identity() == "OWIS PS90, serial number 08070255, firmware 6.2-120815"


async def test_after_a_lost_line_the_stage_is_where_it_was(make: Make) -> None:
    cell = await make(lines="pty")
    await cell.stage.move(x=7)
    await cell.line.close()
    with pytest.raises(LineLost, match="it was closed"):
        await cell.stage.get_x()
    await cell.stage.open()
    assert await cell.stage.get_x() == pytest.approx(7)


async def test_a_stage_of_one_axis_has_the_verbs_and_signals_of_one(make: Make) -> None:
    cell = await make(simulated={"travel": [(-10, 90)], "start": [0], "version": "PS10-V1.0"}, axes={"x": 1})
    assert set(cell.stage.verbs["move"].spec.arguments) == {"x"}
    assert list(cast("dict[str, Any]", await cell.stage.read())) == ["cell-stage-x"]
    with pytest.raises(ProcedureError, match="no argument 'y'"):
        cell.stage.verbs["move"].check({"y": 1.0})
    await cell.stage.home()
    await cell.stage.move(x=10)
    assert await cell.stage.get_x() == pytest.approx(10)
    assert await cell.stage.identity() == "OWIS PS10, serial number 08070255, firmware 1.0"


async def test_motors_are_switched_off_and_on_again(make: Make) -> None:
    cell = await make()
    await cell.stage.power(on=False)
    with pytest.raises(InstrumentError, match=r"x \(axis 1\) is switched off \[O\]"):
        await cell.stage.move(x=1)
    await cell.stage.power(on=True)
    await cell.stage.power(on=True)
    await cell.stage.move(x=1)


async def test_safe_brakes_and_releases_the_motors_where_the_lab_says_so(make: Make) -> None:
    cell = await make(simulated={"speed": 2}, safe="release", watch=0.02)
    moving = asyncio.create_task(cell.stage.move(x=50))
    await cell.on_the_way()
    await cell.stage.safe()
    with pytest.raises(InstrumentError, match="stopped before it arrived"):
        await moving
    assert cell.controller.at_rest
    with pytest.raises(InstrumentError, match=r"switched off \[O\]"):
        await cell.stage.move(x=1)


async def test_a_stuck_axis_is_noticed_by_where_it_came_to_rest(make: Make) -> None:
    cell = await make(simulated={"faults": [{"kind": "stuck"}]})
    with pytest.raises(InstrumentError, match="x came to rest at 0 mm, not at 5 mm"):
        await cell.stage.move(x=5)
    await cell.stage.move(x=5)


async def test_a_stalled_axis_is_named_with_its_state_and_the_error_memory(make: Make) -> None:
    cell = await make(simulated={"faults": [{"kind": "stall"}], "error_memory": ["1211", "1001"]})
    with pytest.raises(InstrumentError, match=r"switched off after a motion error \[E\] \(error 1211, error 1001\)"):
        await cell.stage.move(x=5)
    await cell.stage.home()


async def test_a_pressed_emergency_stop_is_named(make: Make) -> None:
    cell = await make(simulated={"emergency_stop": True, "initialised": False})
    with pytest.raises(InstrumentError, match=r"not initialised \[I\] \(emergency stop\)"):
        await cell.stage.move(x=5)


async def test_recovery_brakes_what_still_moves_and_says_what_is_not_known(make: Make) -> None:
    cell = await make(lines="pty", simulated={"speed": 0.5}, watch=0.02)
    moving = asyncio.create_task(cell.stage.move(x=50))
    await cell.on_the_way()
    await cell.line.close()
    with pytest.raises(LineLost):
        await moving
    assert not cell.controller.at_rest
    assert await cell.stage.recover() == ()
    await asyncio.sleep(1 / SCALE)
    assert cell.controller.at_rest
    lost = await make(simulated={"initialised": False})
    assert await lost.stage.recover() == tuple(f"the position of {axis}: run `home`" for axis in "xyz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"axes": {"x": 2, "y": 2}}, "each needs its own"),
        ({"axes": {"x": 10}}, "from 1 to 9"),
        ({"axes": {}}, "at least 1 item"),
        ({"axes": {"x": 1}, "speed": {"y": 1}}, "speed names y; `axes` has x only"),
        ({"axes": {"x": 1}, "home_order": ["z", "x"]}, "home_order names z"),
        ({"speed": {"x": 0}}, "greater than 0"),
        ({"speed": {"w": 1}}, "'x', 'y' or 'z'"),
        ({"velocity": 1}, "Extra inputs"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        driver.Options.model_validate(options)
