"""Tecan Cavro XCalibur syringe pump on a serial line (9600 baud, 8N1), one of up to 15 on RS-485 or daisy-chained.

    Z, Y, W                       initialize plunger and valve
    I, O, B, E                    turn the valve
    N, V, A                       resolution, top speed (pulses/s), absolute position of the plunger
    R, T                          execute, terminate
    Q, ?, ?2, ?6, &               status, plunger, top speed, valve, firmware

`motet_drivers.cavro_xcalibur.protocol` says how they are sent. Volumes are told as absolute positions, so that a
command that arrived twice would still move the plunger once. The pumps XLP 6000 and XMP 6000 are alike with 6000
increments.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel

from motet.devices import Context, Device, Identity, Output, VerbSpec, Verified, verb, verbs_of
from motet.errors import InstrumentError, LimitError, MotetError, ProcedureError, Retryable
from motet_drivers.cavro_xcalibur import protocol
from motet_drivers.cavro_xcalibur.options import STROKE_PULSES, Options
from motet_drivers.cavro_xcalibur.protocol import ERRORS, CavroFraming
from motet_drivers.cavro_xcalibur.pump import CavroPump

__all__ = ["CavroXcalibur", "Options"]

_UNITS = {"volume": "mL", "rate": "mL/min"}
_VALVE_S, _RAMP_S = 0.3, 0.2
_FIRST_POLL_S, _POLL_PART = 0.002, 0.125
"""Once a move should have ended, a wait between two polls is this part of the time since then."""
_TOLERANCE = 1
"""How far from its target the plunger may come to rest, fine increments."""


class CavroXcalibur(Device):
    """A Cavro XCalibur. `safe` is `stop`: the plunger stops and holds, the valve stays; nothing is resumed."""

    framing: ClassVar[CavroFraming] = CavroFraming()
    signals: ClassVar[Mapping[str, Output]] = {
        "volume": Output("mL"),
        "port": Output(dtype="string"),
        "state": Output(dtype="string"),
    }
    states: ClassVar[Mapping[str, str]] = {
        "ready": "at rest, ready",
        "busy": "plunger or valve move, or it initializes",
        "not initialized": "nothing moves before `initialize`",
        **{name: advice or "call service" for code, (name, advice) in ERRORS.items() if code not in (7, 13)},
    }
    verified: ClassVar[Verified] = protocol.VERIFIED
    forgets: ClassVar[tuple[str, ...]] = ("which liquids are in the syringe",)

    def __init__(self, context: Context) -> None:
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        super().__init__(context)
        self._line = context.need_line()
        self._scale = context.scale
        self._pump = CavroPump(self._line, options.address, oem=options.protocol == "oem")
        self._identity = ""
        self._stops = 0
        self._motion = asyncio.Lock()

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """With the ranges that the syringe gives: up to its volume, and the rates that the plunger's speeds make."""
        assert isinstance(options, Options)
        own = options.ranges()
        return {
            name: replace(spec, limits={key: own[key] for key in spec.arguments if key in own})
            for name, spec in verbs_of(cls).items()
        }

    async def open(self) -> None:
        """Open the line, make sure that a pump answers, set its resolution. Nothing moves.

        Raises ConnectionProblem for another pump than the lab file names, NoReply or GarbledReply when something else
        or nothing answers.
        """
        await self._line.open()
        self._pump.begin()
        try:
            found = Identity("Tecan Cavro", "XCalibur", firmware=await self._pump.report("&", protocol.firmware))
            self._options.check(self.name, self._line.where, found)
            self._identity = str(found)
            if (await self._pump.status()).ready:
                await self._pump.set_up()
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back; the pump stays as it is."""
        await self._line.close()

    async def recover(self) -> tuple[str, ...]:
        """Open it anew and stop it, since nobody has watched it; says where the plunger is."""
        await self.close()
        await self.open()
        busy = not (await self._pump.status()).ready
        if busy:
            await self._halt()
        if not self._pump.initialized:
            return ("the plunger's position and the valve's: run `initialize`", *self.forgets)
        where = f"{await self.get_volume():.4g} mL are in the syringe"
        return (f"it was still moving and was stopped: {where}" if busy else where, *self.forgets)

    async def identity(self) -> str:
        """The firmware as the pump gives it."""
        return self._identity

    async def stop(self, success: bool = True) -> None:
        """Stop the plunger at once, also in the middle of a verb, which ends with InstrumentError.

        A valve on its way arrives. The plunger may have lost steps: the maker recommends to initialize afterwards.
        """
        self._stops += 1
        await self._halt()

    @verb()
    async def initialize(self) -> None:
        """Find the plunger's and the valve's zero; what is in the syringe goes to its output."""
        options, stops = self._options, self._stops
        async with self._motion, self._halted_on_failure():
            self._check_not_stopped(stops, "")
            lost = await self._pump.run(options.initialization())
            await self._arrive(0.0, options.home_timeout, stops, "")
            await self._pump.set_up()
            if not self._pump.initialized:
                raise InstrumentError(f"{self._line}: it is not initialized{lost}")

    @verb()
    async def valve(self, port: str) -> None:
        """Turn the valve to a port, by its name in the lab file."""
        stops = self._stops
        async with self._motion:
            await self._turn(port, stops)

    @verb(units=_UNITS, outputs={"aspirated": Output("mL")}, repeatable=False)
    async def aspirate(self, volume: float, port: str, rate: float | None = None) -> Mapping[str, float]:
        """Draw a volume from a port, as far as the syringe has room for it."""
        return {"aspirated": await self._transfer(volume, port, rate)}

    @verb(units=_UNITS, outputs={"dispensed": Output("mL")}, repeatable=False)
    async def dispense(self, volume: float, port: str, rate: float | None = None) -> Mapping[str, float]:
        """Give a volume out to a port, of what is in the syringe."""
        return {"dispensed": -await self._transfer(-volume, port, rate)}

    @verb(units=_UNITS, repeatable=False)
    async def move_plunger(self, volume: float, rate: float | None = None) -> None:
        """Move the plunger to where so much is in the syringe, at the port where the valve is."""
        stops = self._stops
        async with self._motion:
            self._pump.check_initialized()
            await self._go(round(volume / self._options.syringe * self._options.full), rate, stops)

    async def get_volume(self) -> float:
        """What is in the syringe by the plunger's position, mL."""
        return self._volume(await self._pump.position())

    async def get_port(self) -> str:
        """The valve's port by its name in the lab file; as the pump calls it when it has none."""
        position = await self._pump.report("?6", protocol.valve)
        return next((name for name, each in self._options.ports.items() if each == position), position)

    async def get_state(self) -> str:
        """What the pump does, by name; an error that nobody has seen yet."""
        status = await self._pump.status()
        if status.error and status.error != protocol.NOT_INITIALIZED:
            return ERRORS[status.error][0]
        if not status.ready:
            return "busy"
        return "ready" if self._pump.initialized else "not initialized"

    async def _transfer(self, volume: float, port: str, rate: float | None) -> float:
        """Draw (positive) or give out a volume at a port; by how much the plunger has moved, mL."""
        options, stops = self._options, self._stops
        self._position_of(port)
        async with self._motion:
            self._pump.check_initialized()
            here = await self._pump.position()
            target = here + round(volume / options.syringe * options.full)
            if not 0 <= target <= options.full:
                held = self._volume(here)
                raise LimitError(
                    f"{self.name}: volume = {abs(volume):g} mL is beyond its limit "
                    f"[0, {options.syringe - held if volume > 0 else held:.4g}] mL: {held:.4g} mL of "
                    f"{options.syringe:g} mL are in the syringe"
                )
            await self._turn(port, stops)
            return self._volume(await self._go(target, rate, stops) - here)

    async def _turn(self, port: str, stops: int) -> None:
        position = self._position_of(port)
        self._pump.check_initialized()
        self._check_not_stopped(stops, "")
        lost = await self._pump.run(protocol.valve_command(position))
        await self._arrive(_VALVE_S, 1.5 * _VALVE_S / self._scale + self._options.margin, stops, "")
        reached = await self._pump.report("?6", protocol.valve)
        if reached != position:
            raise InstrumentError(f"{self._line}: the valve is at {reached!r}, not at {position} ({port}){lost}")

    async def _go(self, target: int, rate: float | None, stops: int) -> int:
        """Move the plunger to a position in fine increments; where it has come to rest."""
        options = self._options
        here = await self._pump.position()
        speed = await self._speed(rate)
        seconds = abs(target - here) / options.full * STROKE_PULSES / speed + _RAMP_S
        told = f"to {self._volume(target):.4g} mL from {self._volume(here):.4g} mL"
        async with self._halted_on_failure():
            self._check_not_stopped(stops, told)
            lost = await self._pump.run(f"V{speed}A{target}")
            await self._arrive(seconds, 1.5 * seconds / self._scale + options.margin, stops, told)
        reached = await self._pump.position()
        if abs(reached - target) > _TOLERANCE:
            raise InstrumentError(
                f"{self._line}: the plunger came to rest at {self._volume(reached):.4g} mL on its way {told}{lost}"
            )
        return reached

    async def _arrive(self, expected: float, longest: float, stops: int, told: str) -> None:
        """Wait until the pump is ready, which should be after `expected` s; `longest` is in seconds of the loop.

        Raises InstrumentError for an error of the pump, a `stop`, or after too long.
        """
        loop = asyncio.get_running_loop()
        heard = started = loop.time()
        where = ""
        while True:
            try:
                status = await self._pump.status()
                if told:
                    where = f"; the plunger was at {await self.get_volume():.4g} mL on its way {told}"
            except Retryable as error:
                raise type(error)(f"{error}{where}, {loop.time() - heard:.1f} s before") from error
            heard = loop.time()
            if error := self._pump.take_error():
                raise self._pump.refused(error, where)
            self._check_not_stopped(stops, where)
            if status.ready:
                return
            if heard - started > longest:
                raise InstrumentError(f"{self._line}: it was not ready within {longest:.1f} s{where}")
            await asyncio.sleep(self._pause(started + expected / self._scale - heard))

    def _pause(self, left: float) -> float:
        """How long to wait before the next look at a pump that should be ready in `left` loop seconds."""
        if left > 0:
            return min(left + _FIRST_POLL_S, self._options.watch)
        return min(self._options.watch, max(_FIRST_POLL_S, -_POLL_PART * left))

    async def _speed(self, rate: float | None) -> int:
        """The top speed for a rate, pulses/s."""
        options = self._options
        rate = options.rate if rate is None else rate
        if rate is None:
            return await self._pump.report("?2", protocol.number) or 1
        return round(rate / 60 / options.syringe * STROKE_PULSES)

    async def _halt(self) -> None:
        """Stop, and wait until a valve on its way has arrived."""
        await self._pump.terminate()
        await self._pump.until_ready()

    @contextlib.asynccontextmanager
    async def _halted_on_failure(self) -> AsyncGenerator[None]:
        """Whatever goes wrong in the middle of a move, also a cancellation: the plunger is not left moving."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(MotetError):  # a lost line, say: the first error says more
                await self._halt()
            raise

    def _check_not_stopped(self, stops: int, where: str) -> None:
        if self._stops != stops:
            raise InstrumentError(f"{self._line}: stopped before it was done{where}")

    def _volume(self, increments: int) -> float:
        return increments / self._options.full * self._options.syringe

    def _position_of(self, port: str) -> str:
        """The valve's position by the port's name. Raises ProcedureError."""
        if port not in self._options.ports:
            raise ProcedureError(f"{self.name}: port = {port!r} is none of {', '.join(self._options.ports)}")
        return self._options.ports[port]
