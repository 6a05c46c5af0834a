"""OWIS PS10 / PS90 position control unit with an XYZ stage, on a serial line (9600 baud, CR ends a command).

    INITn, EFREEn                switch the motor of axis n on, leave a limit switch
    REFn=m, CNTn=c               reference motion of mode m, set the position counter
    ABSOLn, PVELn=v, PSETn=c     absolute positions, velocity, target in counts
    ?ACCn                        acceleration, which with the velocity tells when a motion should end
    PGOn, STOPn                  go to the target, brake
    ?ASTAT, ?ESTATn, ?CNTn, ?REFSTn, ?PVELn, ?MSG, ?VERSION, ?SERNUM
    MONn, MOFFn                  switch the motor of axis n on and off
    ?ERR, ?EMERGINP              error memory, emergency stop input: asked for when an axis cannot be used

A stage has one axis or more of the controller (option `axes`): a PS 10 has one. See `motet_drivers.owis_ps90.protocol`
for where this is from.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel

from motet.devices import Context, Device, Identity, Output, VerbSpec, Verified, verb, verbs_of
from motet.errors import ConnectionProblem, InstrumentError, ProcedureError, Retryable
from motet.lines import Terminated
from motet_drivers.owis_ps90 import protocol
from motet_drivers.owis_ps90.controller import Axis, OwisController
from motet_drivers.owis_ps90.motion import lasts, pause
from motet_drivers.owis_ps90.options import Options
from motet_drivers.owis_ps90.protocol import State

__all__ = ["Options", "OwisPs90"]

_MM: dict[str, str] = {"x": "mm", "y": "mm", "z": "mm"}


class OwisPs90(Device):
    """A stage on an OWIS PS10/PS90, with up to three axes x, y and z.

    `safe`: every axis brakes; the motors hold, or are switched off (option `safe`).
    """

    framing: ClassVar[Terminated] = Terminated(b"\r")
    signals: ClassVar[Mapping[str, Output]] = {"x": Output("mm"), "y": Output("mm"), "z": Output("mm")}
    states: ClassVar[Mapping[str, str]] = {state.value: state.meaning for state in State}
    forgets: ClassVar[tuple[str, ...]] = ("the position of an axis that has lost its reference: run `home`",)
    verified: ClassVar[Verified] = Verified(
        manuals=("PS 10, PS 35, PS 90 operating manuals, OWIS: command tables as public drivers transcribe them",),
        drivers=(
            "EPICS motorOWISPS (GitHub gabadinho, 2020), two PyMeasure drivers of the PS 10, HELAO owis_driver, "
            "SweepMe! OWIS_PS10-32: the bytes that they send, against the simulator",
        ),
        unverified=(
            "the text of `?VERSION`, from which model and firmware are taken",
            "the unit of `?ACC`",
            "what the codes of the error memory `?ERR` mean: they are told as numbers",
        ),
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._line = context.need_line()
        self._controller = OwisController(self.name, self._line, options.axes)
        self._scale = context.scale
        self._speeds: dict[Axis, float] = {}
        self._accelerations: dict[Axis, float] = {}
        self._identity = Identity("OWIS", "")
        self._stops = 0
        self._motion = asyncio.Lock()

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """Moves take the axes that the stage has."""
        assert isinstance(options, Options)
        missing = {"x", "y", "z"} - set(options.axes)
        return {
            name: replace(spec, arguments={k: v for k, v in spec.arguments.items() if k not in missing})
            for name, spec in verbs_of(cls).items()
        }

    @classmethod
    def signals_for(cls, options: BaseModel) -> Mapping[str, Output]:
        """The position of each axis that the stage has."""
        assert isinstance(options, Options)
        return {axis: output for axis, output in cls.signals.items() if axis in options.axes}

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

    async def recover(self) -> tuple[str, ...]:
        """Open it anew, brake what may still move; the axes whose position cannot be known any more."""
        await self.close()
        await self.open()
        await self.stop()
        lost = [axis for axis in self._controller.numbers if await self._controller.number("REFST", axis) != 1]
        return tuple(f"the position of {axis}: run `home`" for axis in lost)

    async def identity(self) -> str:
        """Model, serial number and firmware as the controller gives them."""
        return str(self._identity)

    async def stop(self, success: bool = True) -> None:
        """Brake all axes at once. A verb that is running ends with InstrumentError."""
        self._stops += 1
        await self._controller.stop()

    async def safe(self) -> None:
        """Brake all axes; switch the motors off when the lab file says so, once they are at rest."""
        await self.stop()
        if self._options.safe == "release":
            async with self._motion:
                await self._arrive(tuple(self._controller.numbers), self._options.margin, self._stops, any_state=True)
                await self._power(on=False)

    @verb()
    async def power(self, on: bool) -> None:
        """Switch all motors on or off. Off: an axis can be pushed, and its position may not be true any more."""
        async with self._motion:
            await self._power(on)

    @verb()
    async def home(self) -> None:
        """Initialise every axis and find its reference point, one after the other."""
        stops = self._stops
        async with self._motion:
            for axis in self._options.homed:
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
                f"{self._line}: it answers ?VERSION with {version!r}; "
                f"an OWIS controller's answer contains {options.version!r} (option `version`)"
            )
        self._identity = protocol.identity(version, await self._controller.serial_number())
        options.check(self.name, self._line.where, self._identity)

    async def _power(self, on: bool) -> None:
        states = await self._controller.states()
        for axis, state in states.items():
            if state.moving:
                raise InstrumentError(f"{self.name}: {axis} is moving; its motor cannot be switched")
            if on and state not in (State.OFF, State.READY):
                raise await self._controller.fault(axis, state)
            if state is (State.OFF if on else State.READY):
                await self._controller.tell("MON" if on else "MOFF", axis)

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
        times = (lasts(abs(t - origins[k]), self._speeds[k], self._accelerations[k]) for k, t in targets.items())
        expected = max(times) / self._scale
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

    async def _arrive(
        self, axes: tuple[Axis, ...], longest: float, stops: int, expected: float = 0.0, *, any_state: bool = False
    ) -> None:
        """Wait until the axes are ready, or at rest in any state, which they should be after `expected` loop seconds.

        Raises InstrumentError for a fault, a `stop`, or after too long.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        while True:
            states = await self._controller.states()
            for axis in axes:
                if states[axis] is not State.READY and not states[axis].moving and not any_state:
                    raise await self._controller.fault(axis, states[axis])
            elapsed = loop.time() - started
            moving = [axis for axis in axes if states[axis].moving]
            if not moving:
                self._check_not_stopped(stops)
                return
            if elapsed > longest:
                raise InstrumentError(f"{self.name}: {', '.join(moving)} did not arrive within {longest:.1f} s")
            await asyncio.sleep(pause(expected - elapsed, self._options.watch, self._options.poll))

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
