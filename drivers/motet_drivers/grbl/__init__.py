"""A three-axis gantry on a Grbl 1.1 controller, on a serial line (115200 baud, 8N1).

    $I, $$                       version and stored name, settings: travel, rates, accelerations
    G53 G0/G1 X Y Z F            go, in the coordinates of the machine, in mm and mm/min
    $H                           find the limit switches
    ?  !  0x18                   status report, feed hold, soft reset: single bytes that act at once
    M3 S, M5, M8, M9             spindle, coolant: whatever hangs on these outputs

`motet_drivers.grbl.protocol` says where this is from. A motion has ended when the status is Idle at the target: right
after a line was taken Grbl may still say Idle. Positions are those of the machine less `origin`; work coordinates (G54,
G92) of other programs do not matter.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from motet.devices import Context, Device, Expected, Output, Verified, verb
from motet.errors import InstrumentError, NoReply, Retryable
from motet_drivers.grbl import protocol
from motet_drivers.grbl.controller import GrblController
from motet_drivers.grbl.gantry import AXES, Axis, Gantry, given
from motet_drivers.grbl.protocol import Alarmed, GrblFraming, Refused, Status, Vector

_MM: dict[str, str] = {"x": "mm", "y": "mm", "z": "mm", "feed": "mm/min"}
_FIRST_PAUSE_S = 0.005
_IDLE_TIMES = 3
"""So often a controller may say that it is idle before it has begun."""


class Options(Expected):
    """How the gantry is built and driven. `serial_number` is the name that `$I=` has stored in the controller."""

    origin: dict[Axis, float] = Field(default_factory=dict[Axis, float])
    """Where the lab's zero is, mm in the coordinates of the machine, which count down from its home corner."""
    feed: float | None = Field(default=None, gt=0)
    """Feed of moves that state none, mm/min; without it they are rapid."""
    output: Literal["spindle", "coolant"] = "coolant"
    """What `output` switches: spindle (M3, M5) or coolant (M8, M9)."""
    output_speed: float = Field(default=1000.0, ge=0)
    """S of the spindle."""
    tolerance: float = Field(default=0.02, gt=0)
    """How far from its target an axis may come to rest, mm."""
    watch: float = Field(default=0.25, gt=0)
    """Longest time between two looks at a motion, s."""
    margin: float = Field(default=5.0, gt=0)
    """Time for a motion beyond half as much again as settings and distance give, s."""


class Grbl(Device):
    """A gantry on a Grbl controller. `safe` is `stop`.

    `stop` is a feed hold followed by a soft reset: the axes brake along their way, the position is kept, what was still
    to be done is forgotten, spindle and coolant go off. Homing is cut short: then `home` is needed.
    """

    framing: ClassVar[GrblFraming] = GrblFraming()
    signals: ClassVar[Mapping[str, Output]] = {"x": Output("mm"), "y": Output("mm"), "z": Output("mm")}
    states: ClassVar[Mapping[str, str]] = protocol.STATES
    verified: ClassVar[Verified] = protocol.VERIFIED
    forgets: ClassVar[tuple[str, ...]] = ("the position: run `home`",)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._line = context.need_line()
        self._controller = GrblController(self._line)
        self._gantry = Gantry(origin=options.origin)
        self._stops = 0
        self._homing = False
        self._motion = asyncio.Lock()

    async def open(self) -> None:
        """Open the line, make sure that it is the right controller, read its settings.

        What is still moving from before is held and cancelled. Raises ConnectionProblem for another controller than
        the lab file names, NoReply or GarbledReply when something else or nothing answers.
        """
        await self._line.open()
        try:
            if (await self._first_status()).state not in ("Idle", "Alarm"):
                await self._halt()
            build = await self._controller.build()
            self._options.check(self.name, self._line, build.identity)
            self._gantry = Gantry(build, await self._controller.settings(), self._options.origin)
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back; the gantry stays where it is."""
        await self._line.close()

    async def recover(self) -> tuple[str, ...]:
        """After a lost line: the position is known as long as the controller was not reset."""
        await self.close()
        await self.open()
        kept = self._gantry.homes and (await self._controller.status()).state == "Idle"
        return () if kept else self.forgets

    async def identity(self) -> str:
        """Version and stored name."""
        return str(self._gantry.build.identity)

    async def stop(self, success: bool = True) -> None:
        """Brake and forget what was to be done. A verb that is running ends with InstrumentError."""
        self._stops += 1
        if self._homing:
            await self._controller.reset()
        else:
            await self._halt()

    @verb()
    async def home(self) -> None:
        """Find the limit switches: z first, then x and y. The position is known afterwards."""
        stops = self._stops
        async with self._motion:
            self._need(await self._controller.status(), "Idle", "Alarm")
            if not self._gantry.homes:
                raise InstrumentError(f"{self._line}: homing is not enabled in the controller ($22=0)")
            self._check_not_stopped(stops)
            self._homing = True
            try:
                async with self._braked_on_failure(stops):
                    await self._home(stops)
            finally:
                self._homing = False

    @verb(units=_MM, limits={"feed": (0.1, math.inf)})
    async def move(
        self, x: float | None = None, y: float | None = None, z: float | None = None, feed: float | None = None
    ) -> None:
        """Go to a position in a straight line; axes left out stay where they are. Without a feed as fast as it can."""
        wanted = given(self.name, x, y, z)
        self._gantry.check(self.limits, wanted)
        stops = self._stops
        async with self._motion:
            await self._go(wanted, feed, stops)

    @verb(units=_MM, limits={"feed": (0.1, math.inf)}, relative=("x", "y", "z"))
    async def move_by(
        self, x: float | None = None, y: float | None = None, z: float | None = None, feed: float | None = None
    ) -> None:
        """Go a distance from where it is in a straight line; axes left out stay."""
        steps = given(self.name, x, y, z)
        stops = self._stops
        async with self._motion:
            at = self._gantry.lab((await self._controller.status()).position)
            wanted: dict[Axis, float] = {axis: at[axis] + step for axis, step in steps.items()}
            self._gantry.check(self.limits, wanted)
            await self._go(wanted, feed, stops)

    @verb()
    async def output(self, on: bool) -> None:
        """Switch spindle or coolant, whichever the options name."""
        if self._options.output == "spindle":
            await self._controller.do(f"M3S{self._options.output_speed:g}" if on else "M5")
        else:
            await self._controller.do("M8" if on else "M9")

    async def get_x(self) -> float:
        """Position of x, mm."""
        return self._gantry.lab((await self._controller.status()).position)["x"]

    async def get_y(self) -> float:
        """Position of y, mm."""
        return self._gantry.lab((await self._controller.status()).position)["y"]

    async def get_z(self) -> float:
        """Position of z, mm."""
        return self._gantry.lab((await self._controller.status()).position)["z"]

    async def _first_status(self) -> Status:
        """The first answer; a controller that waits for a reset after an alarm is given one."""
        await self._controller.quiet()  # opening the line may have started the board: its banner
        try:
            return await self._controller.status()
        except (NoReply, InstrumentError):
            await self._controller.reset()
            return await self._controller.status()

    async def _go(self, wanted: Mapping[Axis, float], feed: float | None, stops: int) -> None:
        status = await self._controller.status()
        self._need(status, "Idle")
        target = self._gantry.machine(wanted, status.position)
        feed = feed or self._options.feed
        words = "".join(f"{axis.upper()}{at:.4f}" for axis, at in zip(AXES, target, strict=True) if axis in wanted)
        mode = "G0" if feed is None else f"G1F{feed:.3f}"
        expected = self._gantry.lasts(status.position, target, feed) / self.context.scale
        self._check_not_stopped(stops)
        async with self._braked_on_failure(stops):
            await self._controller.do(f"G21G90G94G53{mode}{words}")
            await self._arrive(target, expected, stops)

    async def _arrive(self, target: Vector, expected: float, stops: int) -> None:
        """Wait until it is idle at the target. Raises InstrumentError for an alarm, a stop, or after too long."""
        loop = asyncio.get_running_loop()
        started, idle, pause = loop.time(), 0, _FIRST_PAUSE_S
        longest = 1.5 * expected + self._options.margin / self.context.scale
        while True:
            status = await self._status_on_the_way()
            self._check_not_stopped(stops)
            elapsed = loop.time() - started
            if status.state == "Idle":
                if math.dist(status.position, target) <= self._options.tolerance:
                    return
                idle += 1
            if status.state in ("Alarm", "Sleep", "Check") or (idle > _IDLE_TIMES and elapsed > expected):
                at = ", ".join(f"{axis} {place:g}" for axis, place in self._gantry.lab(status.position).items())
                raise InstrumentError(f"{self._line}: it is in state {status.meaning} at {at} mm, not at its target")
            if elapsed > longest:
                raise InstrumentError(f"{self._line}: it did not arrive within {longest:.1f} s: {status.meaning}")
            await self._controller.listen(min(max(pause, 0.4 * (expected - elapsed)), self._options.watch))
            pause = min(1.5 * pause, self._options.watch)

    async def _status_on_the_way(self) -> Status:
        """The status. A controller that has become silent waits for a reset: its alarm was missed."""
        try:
            return await self._controller.status()
        except NoReply as error:
            await self._halt()
            status = await self._controller.status()
            silent = "it reported nothing on its way, as after a limit alarm, and was reset"
            why = self._controller.alarm or f"{silent}; now it is in state {status.meaning}"
            raise Alarmed(f"{self._line}: {why}") from error

    async def _home(self, stops: int) -> None:
        loop = asyncio.get_running_loop()
        started, pause = loop.time(), _FIRST_PAUSE_S
        longest = (1.5 * self._gantry.homing + self._options.margin) / self.context.scale
        await self._controller.begin_homing()
        while not await self._controller.homing_ended(pause):
            self._check_not_stopped(stops)
            if loop.time() - started > longest:
                raise InstrumentError(f"{self._line}: homing did not end within {longest:.1f} s")
            pause = min(1.5 * pause, self._options.watch)
        self._check_not_stopped(stops)
        await self._controller.quiet()
        self._need(await self._controller.status(), "Idle")

    async def _halt(self) -> None:
        """Feed hold, then, when nothing moves any more, soft reset. Raises InstrumentError when it goes on moving."""
        await self._controller.hold()
        if await self._locked_after_braking():
            return
        await self._controller.reset()
        await self._controller.status()

    async def _locked_after_braking(self) -> bool:
        """Wait until it has braked; whether it is locked by an alarm anyway."""
        loop = asyncio.get_running_loop()
        longest = (self._gantry.braking + self._options.margin) / self.context.scale
        deadline, pause = loop.time() + longest, _FIRST_PAUSE_S
        while loop.time() < deadline:
            try:
                status = await self._controller.status()
            except (NoReply, Alarmed):  # after a limit alarm it waits for the reset and reports nothing
                return False
            if str(status) not in ("Run", "Jog", "Hold:1", "Door:2"):
                return status.state == "Alarm"
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, self._options.watch)
        raise InstrumentError(f"{self._line}: it still moves after a feed hold")

    @contextlib.asynccontextmanager
    async def _braked_on_failure(self, stops: int) -> AsyncGenerator[None]:
        """Whatever goes wrong in the middle of a motion, also a cancellation: nothing is left moving."""
        try:
            yield
        except Refused:
            raise  # nothing has begun to move
        except BaseException as error:
            if self._stops != stops:
                if isinstance(error, Retryable):  # what the stop made of an answer
                    raise InstrumentError(f"{self.name}: stopped before it arrived") from error
            else:
                with contextlib.suppress(Retryable, InstrumentError):  # the first error says more
                    await (self._controller.reset() if isinstance(error, Alarmed) else self.stop())
            raise

    def _need(self, status: Status, *states: str) -> None:
        if status.state not in states:
            told = f"; it told {self._controller.alarm}" if self._controller.alarm else ""
            raise InstrumentError(f"{self._line}: it is in state {status.meaning}; allowed: {', '.join(states)}{told}")

    def _check_not_stopped(self, stops: int) -> None:
        if self._stops != stops:
            raise InstrumentError(f"{self.name}: stopped before it arrived")
