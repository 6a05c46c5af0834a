"""OWIS PS10 / PS90 position control unit with an XYZ stage, on a serial line (9600 baud, CR ends a command).

    INITn, EFREEn                switch the motor of axis n on, leave a limit switch
    REFn=m, CNTn=c               reference motion of mode m, set the position counter
    ABSOLn, PVELn=v, PSETn=c     absolute positions, velocity, target in counts
    ?ACCn                        acceleration, which with the velocity tells when a motion should end
    PGOn, STOPn                  go to the target, brake
    ?ASTAT, ?ESTATn, ?CNTn, ?REFSTn, ?PVELn, ?MSG, ?VERSION, ?SERNUM

See `owis_protocol` for where this is from. Verified against four public drivers of these controllers, not yet
on hardware. Not verified: the text of `?VERSION`, the unit of `?ACC`, and the error memory `?ERR`, which is not used.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from motet.devices import Context, Device, Output, verb
from motet.errors import ConnectionProblem, InstrumentError, ProcedureError, Retryable
from motet.lines import Terminated
from motet_drivers import owis_protocol as protocol
from motet_drivers.owis_controller import Axis, OwisController
from motet_drivers.owis_protocol import State

_MM: dict[str, str] = {"x": "mm", "y": "mm", "z": "mm"}
_FIRST_POLL_S = 0.001
_POLL_PART = 0.125
"""Once a motion should have ended, a wait between two polls is this part of the time since then."""


class Axes(BaseModel):
    """The number of each axis at the controller."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    x: int = Field(default=1, ge=1, le=9)
    y: int = Field(default=2, ge=1, le=9)
    z: int = Field(default=3, ge=1, le=9)

    @model_validator(mode="after")
    def _each_its_own(self) -> "Axes":
        if len({self.x, self.y, self.z}) < 3:
            raise ValueError(f"x, y and z are axes {self.x}, {self.y} and {self.z}; each needs its own")
        return self


class Options(BaseModel):
    """How the stage is built and driven."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    axes: Axes = Axes()
    counts_per_mm: float = Field(default=10_000, gt=0)
    speed: dict[Axis, PositiveFloat] = {}
    """Velocity of each axis, mm/s; an axis left out keeps the velocity that the controller has."""
    cycle: float = Field(default=256e-6, gt=0)
    """Cycle of the motion controller, s: velocities are sent in counts a cycle."""
    poll: float = Field(default=0.02, gt=0)
    """Longest time between two looks at an axis that should have arrived, s."""
    watch: float = Field(default=0.5, gt=0)
    """Longest time between two looks at an axis that is on its way, s: a fault is seen after so long."""
    tolerance: float = Field(default=0.001, gt=0)
    """How far from its target an axis may come to rest, mm."""
    margin: float = Field(default=5.0, gt=0)
    """Time for a motion beyond half as much again as distance / velocity, s."""
    home_order: tuple[Axis, ...] = ("z", "x", "y")
    """The axes that `home` references, one after the other; the controller's RMK says by which switch."""
    home_mode: Literal[1, 2, 4, 5, 6, 7] = 4
    """Mode of the reference motion; 4: to the reference switch, then count from there."""
    home_position: dict[Axis, float] = {}
    """The position of the reference point in the lab's coordinates, mm; left out: as `home_mode` sets it."""
    home_timeout: float = Field(default=120.0, gt=0)
    """Longest time for one reference motion, s."""
    version: str = "PS"
    """What the answer to `?VERSION` must contain."""
    serial_number: str | None = None
    """What the controller's serial number must be."""


class OwisPs90(Device):
    """An XYZ stage on an OWIS PS10/PS90. `safe` is `stop`: every axis brakes, the motors hold."""

    framing: ClassVar[Terminated] = Terminated(b"\r")
    signals: ClassVar[Mapping[str, Output]] = {"x": Output("mm"), "y": Output("mm"), "z": Output("mm")}

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._line = context.need_line()
        axes = options.axes
        self._controller = OwisController(self.name, self._line, {"x": axes.x, "y": axes.y, "z": axes.z})
        self._scale = context.scale
        self._speeds: dict[Axis, float] = {}
        self._accelerations: dict[Axis, float] = {}
        self._identity = ""
        self._stops = 0
        self._motion = asyncio.Lock()

    async def open(self) -> None:
        """Open the line, make sure that it is the right controller, set velocities. Nothing moves.

        Raises ConnectionProblem for another controller than the lab file names or too few axes, NoReply or
        GarbledReply when something else or nothing answers.
        """
        await self._line.open()
        try:
            await self._identify()
            await self._controller.begin()
            for axis in self._controller.numbers:
                await self._set_up(axis)
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back; the motors hold."""
        await self._line.close()

    async def identity(self) -> str:
        """Version and serial number as the controller gives them."""
        return self._identity

    async def stop(self, success: bool = True) -> None:
        """Brake all axes at once. A verb that is running ends with InstrumentError."""
        self._stops += 1
        await self._controller.stop()

    @verb()
    async def home(self) -> None:
        """Initialise every axis and find its reference point, one after the other."""
        stops = self._stops
        async with self._motion:
            for axis in self._options.home_order:
                await self._home(axis, stops)

    @verb(units=_MM)
    async def move(self, x: float | None = None, y: float | None = None, z: float | None = None) -> None:
        """Go to a position; axes left out stay where they are, the others start together."""
        stops = self._stops
        async with self._motion:
            await self._go(_given(self.name, x, y, z), stops)

    @verb(units=_MM, relative=("x", "y", "z"))
    async def move_by(self, x: float | None = None, y: float | None = None, z: float | None = None) -> None:
        """Go a distance from where the stage is; axes left out stay, the others start together."""
        stops = self._stops
        async with self._motion:
            steps = _given(self.name, x, y, z)
            origins: dict[Axis, float] = {axis: await self._position(axis) for axis in steps}
            await self._go({axis: origins[axis] + step for axis, step in steps.items()}, stops, origins)

    async def get_x(self) -> float:
        """Position of x, mm."""
        return await self._position("x")

    async def get_y(self) -> float:
        """Position of y, mm."""
        return await self._position("y")

    async def get_z(self) -> float:
        """Position of z, mm."""
        return await self._position("z")

    async def _identify(self) -> None:
        options = self._options
        version = await self._controller.version()
        if options.version not in version:
            raise ConnectionProblem(
                f"{self.name}: its line answers ?VERSION with {version!r}; "
                f"an OWIS controller's answer contains {options.version!r} (option `version`)"
            )
        serial_number = await self._controller.serial_number()
        if options.serial_number not in (None, serial_number):
            raise ConnectionProblem(
                f"{self.name}: the controller has serial number {serial_number}, "
                f"the lab file says {options.serial_number}"
            )
        self._identity = f"OWIS {version}, serial number {serial_number}"

    async def _set_up(self, axis: Axis) -> None:
        options = self._options
        await self._controller.tell("ABSOL", axis)
        if axis in options.speed:
            counts_s = options.speed[axis] * options.counts_per_mm
            await self._controller.tell("PVEL", axis, protocol.velocity_number(counts_s, options.cycle))
        pvel = max(1, await self._controller.number("PVEL", axis))
        self._speeds[axis] = protocol.velocity(pvel, options.cycle) / options.counts_per_mm
        acc = await self._controller.number("ACC", axis)
        self._accelerations[axis] = protocol.acceleration(acc, options.cycle) / options.counts_per_mm

    async def _go(self, targets: Mapping[Axis, float], stops: int, origins: Mapping[Axis, float] | None = None) -> None:
        """Go to the targets, mm, from the origins where these are known already; `stops` is how often the stage had
        been stopped when this was asked for."""
        for axis, target in targets.items():
            self.limits.check(axis, target)
        states = await self._controller.states()
        for axis in targets:
            if states[axis] is not State.READY:
                raise await self._controller.fault(axis, states[axis])
        if origins is None:
            origins = {axis: await self._position(axis) for axis in targets}
        expected = max(self._lasts(axis, target - origins[axis]) for axis, target in targets.items())
        async with self._braked_on_failure():
            for axis, target in targets.items():
                await self._controller.tell("PSET", axis, round(target * self._options.counts_per_mm))
            for axis in targets:
                await self._start("PGO", axis, stops)
            await self._arrive(tuple(targets), 1.5 * expected + self._options.margin, stops, expected)
        for axis, target in targets.items():
            reached = await self._position(axis)
            if abs(reached - target) > self._options.tolerance:
                raise InstrumentError(f"{self.name}: {axis} came to rest at {reached:g} mm, not at {target:g} mm")

    async def _home(self, axis: Axis, stops: int) -> None:
        options = self._options
        async with self._braked_on_failure():
            await self._start("INIT", axis, stops)
            if (await self._controller.states())[axis] is State.LIMIT_SWITCH:
                await self._start("EFREE", axis, stops)
            await self._arrive((axis,), options.home_timeout, stops)
            await self._start("REF", axis, stops, options.home_mode)
            await self._arrive((axis,), options.home_timeout, stops)
        if await self._controller.number("REFST", axis) != 1:
            raise InstrumentError(f"{self.name}: {axis} did not find its reference point")
        if axis in options.home_position:
            await self._controller.tell("CNT", axis, round(options.home_position[axis] * options.counts_per_mm))

    async def _start(self, command: str, axis: Axis, stops: int, value: int | None = None) -> None:
        """Send a command that sets an axis in motion, unless a stop came first."""
        self._check_not_stopped(stops)
        await self._controller.tell(command, axis, value)

    def _lasts(self, axis: Axis, way: float) -> float:
        """How long a motion should take, from rest to rest with a trapezoidal profile of velocity; loop seconds.

        At most a second more than three times distance / velocity: whatever the controller says of its acceleration.
        """
        speed, acceleration, distance = self._speeds[axis], self._accelerations[axis], abs(way)
        ramp = min(speed / acceleration, math.sqrt(distance / acceleration)) if acceleration > 0 else 0.0
        cruise = max(0.0, distance - ramp * ramp * acceleration) / speed
        return min(2 * ramp + cruise, 3 * distance / speed + 1.0) / self._scale

    async def _arrive(self, axes: tuple[Axis, ...], longest: float, stops: int, expected: float = 0.0) -> None:
        """Wait until the axes are ready, which they should be after `expected` loop seconds.

        Raises InstrumentError for a fault, a `stop`, or after too long.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        while True:
            states = await self._controller.states()
            for axis in axes:
                if states[axis] is not State.READY and not states[axis].moving:
                    raise await self._controller.fault(axis, states[axis])
            elapsed = loop.time() - started
            moving = [axis for axis in axes if states[axis].moving]
            if not moving:
                self._check_not_stopped(stops)
                return
            if elapsed > longest:
                raise InstrumentError(f"{self.name}: {', '.join(moving)} did not arrive within {longest:.1f} s")
            await asyncio.sleep(self._pause(expected - elapsed))

    def _pause(self, left: float) -> float:
        """How long to wait before the next look at a motion that should end in `left` loop seconds."""
        if left > 0:
            return min(left + _FIRST_POLL_S, self._options.watch)
        return min(self._options.poll, max(_FIRST_POLL_S, -_POLL_PART * left))

    def _check_not_stopped(self, stops: int) -> None:
        if self._stops != stops:
            raise InstrumentError(f"{self.name}: stopped before it arrived")

    @contextlib.asynccontextmanager
    async def _braked_on_failure(self) -> AsyncGenerator[None]:
        """Whatever goes wrong in the middle of a motion, also a cancellation: nothing is left moving."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(Retryable):  # a lost line: the first error says more
                await self.stop()
            raise

    async def _position(self, axis: Axis) -> float:
        return await self._controller.number("CNT", axis) / self._options.counts_per_mm


def _given(name: str, x: float | None, y: float | None, z: float | None) -> dict[Axis, float]:
    given: tuple[tuple[Axis, float | None], ...] = (("x", x), ("y", y), ("z", z))
    wanted: dict[Axis, float] = {axis: value for axis, value in given if value is not None}
    if not wanted:
        raise ProcedureError(f"{name}: at least one of x, y, z is needed")
    return wanted
