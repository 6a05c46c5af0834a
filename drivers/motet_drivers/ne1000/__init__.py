"""New Era NE-1000 syringe pump (also sold as Aladdin and LA-100) on a serial line (19200 baud, 8N1), one of up to 100.

    VER, DIA                      who it is, the inner diameter of the syringe (mm)
    SAF                           seconds of silence after which it stops by itself (safe mode); 0: basic mode
    PHN, FUN, RAT, VOL, DIR       phase 1 of its program: rate, volume and direction; phase 2 stops
    CLD, RUN, STP, DIS            clear the counters, start, pause and then stop, what was infused and withdrawn

`motet_drivers.ne1000.protocol` says how they are sent. The pump counts what its motor moves: whether liquid came out is
not measured.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel

from motet.devices import Context, Device, Identity, Output, VerbSpec, Verified, verb, verbs_of
from motet.errors import ConnectionProblem, InstrumentError, LimitError, MotetError, Retryable
from motet_drivers.ne1000 import protocol
from motet_drivers.ne1000.options import Options
from motet_drivers.ne1000.protocol import PROMPTS, NewEraFraming, Told
from motet_drivers.ne1000.pump import RUNNING, NewEraPump

__all__ = ["Ne1000", "Options"]

_UNITS = {"volume": "mL", "rate": "mL/min"}
_ROUNDING = 0.005
"""How far the four digits of the pump may be from what was asked for, relative."""
_FIRST_POLL_S, _POLL_PART = 0.002, 0.125
"""Once a delivery should have ended, a wait between two polls is this part of the time since then."""


class Ne1000(Device):
    """A New Era NE-1000. `safe` is `stop`: the pump stops and holds its plunger; a stopped delivery is not resumed."""

    framing: ClassVar[NewEraFraming] = NewEraFraming()
    signals: ClassVar[Mapping[str, Output]] = {
        "dispensed": Output("mL"),
        "withdrawn": Output("mL"),
        "rate": Output("mL/min"),
        "state": Output(dtype="string"),
    }
    states: ClassVar[Mapping[str, str]] = {
        "infusing": "the plunger moves in",
        "withdrawing": "the plunger moves out",
        "stopped": "at rest, ready",
        "paused": "stopped in the middle of its program",
        "waiting": "in a timed pause of its program",
        "waiting for a trigger": "its program waits for an input",
        "purging": "pumps at its highest rate until stopped",
    }
    verified: ClassVar[Verified] = protocol.VERIFIED
    forgets: ClassVar[tuple[str, ...]] = ("how full the syringe is: the pump does not measure it",)

    def __init__(self, context: Context) -> None:
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        super().__init__(context)
        self._line = context.need_line()
        self._scale = context.scale
        timeout = options.safe_timeout if options.mode == "safe" else 0
        self._pump = NewEraPump(self._line, options.address, timeout)
        self._identity = ""
        self._stops = 0
        self._asked = Told()
        self._done = 0.0
        self._rate_units = "MM"
        self._ends = self._deadline = 0.0
        self._motion = asyncio.Lock()
        self._beats: asyncio.Task[None] | None = None

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
        """Open the line, make sure that it is the right pump, tell it the diameter. Nothing moves.

        Raises ConnectionProblem for another pump than the lab file names, or one that pumps with another diameter;
        NoReply or GarbledReply when something else or nothing answers.
        """
        await self._line.open()
        await self._end_beats()
        try:
            await self._pump.set_mode()
            await self._identify()
            await self._pump.set_diameter(self._options.diameter)
        except BaseException:
            await self._line.close()
            raise
        if self._options.mode == "safe":
            self._beats = asyncio.create_task(self._pump.beat(self._scale))

    async def close(self) -> None:
        """Give the line back; the pump stays as it is."""
        await self._end_beats()
        await self._line.close()

    async def recover(self) -> tuple[str, ...]:
        """Open it anew and stop it, since nobody has watched it; says what it has counted, unless its power was gone
        meanwhile."""
        await self.close()
        await self.open()
        lost_power = self._pump.take_alarm() == "R"
        pumped = await self._pump.state() in RUNNING
        if pumped:
            await self._pump.halt()
        _, (infused, withdrawn) = await self._pump.counters()
        counted = (
            "how much was pumped: its power was interrupted"
            if lost_power
            else f"{'it was still pumping and was stopped; ' if pumped else ''}"
            f"{infused:g} mL infused and {withdrawn:g} mL withdrawn since the last start"
        )
        return counted, *self.forgets

    async def identity(self) -> str:
        """Model and firmware as the pump gives them."""
        return self._identity

    async def stop(self, success: bool = True) -> None:
        """Stop the motor at once, for good. A verb that is running ends with InstrumentError."""
        self._stops += 1
        await self._pump.halt()

    @verb(units=_UNITS, outputs={"dispensed": Output("mL")}, repeatable=False)
    async def dispense(self, volume: float, rate: float) -> Mapping[str, float]:
        """Infuse a volume; gives what the pump has counted. Its counters begin at zero."""
        return {"dispensed": await self._deliver(+1, volume, rate)}

    @verb(units=_UNITS, outputs={"withdrawn": Output("mL")}, repeatable=False)
    async def withdraw(self, volume: float, rate: float) -> Mapping[str, float]:
        """Draw a volume into the syringe; gives what the pump has counted. Its counters begin at zero."""
        return {"withdrawn": await self._deliver(-1, volume, rate)}

    @verb(units=_UNITS)
    async def set_rate(self, rate: float) -> None:
        """Set the rate, also of a delivery under way."""
        if self._motion.locked():
            await self._pump.set(f"RAT{self._rate_told(rate, self._rate_units)}")
            self._expect(rate)
        else:
            await self._pump.set(f"RAT{self._rate_told(rate)}")

    @verb()
    async def clear(self) -> None:
        """Set the counters of both directions to zero."""
        await self._pump.set("CLDINF")
        await self._pump.set("CLDWDR")

    async def get_dispensed(self) -> float:
        """What was infused since the last start or `clear`, as the pump counts it, mL."""
        return (await self._pump.counters())[1][0]

    async def get_withdrawn(self) -> float:
        """What was withdrawn since the last start or `clear`, as the pump counts it, mL."""
        return (await self._pump.counters())[1][1]

    async def get_rate(self) -> float:
        """The rate that is set; while it pumps, that of now; mL/min."""
        return (await self._pump.read("RAT", protocol.rate))[0]

    async def get_state(self) -> str:
        """What the pump does, by name."""
        return PROMPTS[await self._pump.state()]

    async def _end_beats(self) -> None:
        if self._beats is not None:
            self._beats.cancel()
            await asyncio.wait([self._beats])
            self._beats = None

    async def _identify(self) -> None:
        options = self._options
        model, firmware = await self._pump.read("VER", protocol.version)
        found = Identity("New Era", f"NE-{model}", firmware=firmware)
        if options.model not in (None, model):
            raise ConnectionProblem(f"{self._line}: it is an NE-{model}, the lab file says NE-{options.model}")
        options.check(self.name, self._line.where, found)
        self._identity = str(found)

    async def _deliver(self, sign: int, volume: float, rate: float) -> float:
        """Pump a volume; what the pump counted, mL."""
        stops = self._stops
        async with self._motion:
            await self._make_ready()
            pace = self._rate_told(rate)
            self._asked = asked = await self._volume_told(volume)
            self._done = 0.0
            direction = "INF" if sign > 0 else "WDR"
            for command in ("PHN2", "FUNSTP", "PHN1", "FUNRAT", f"RAT{pace}", f"VOL{asked.text}", f"DIR{direction}"):
                await self._pump.set(command)
            await self.clear()
            async with self._stopped_on_failure():
                self._check_not_stopped(stops)
                lost = await self._pump.start()
                self._expect(rate)
                await self._finish(sign, stops)
            if abs(self._done - asked.value) > _ROUNDING * asked.value + 1.5 * asked.step:
                raise InstrumentError(f"{self._line}: it stopped before it was done: {self._delivered()}{lost}")
        return self._done

    async def _make_ready(self) -> None:
        """Alarms of before are acknowledged; a stall, or a pump that somebody else has started, is an error."""
        self._pump.take_alarm()
        state = await self._pump.state()
        if (alarm := self._pump.take_alarm()) == "S":
            raise self._pump.alarmed(alarm)
        if state in RUNNING:
            raise InstrumentError(f"{self._line}: it is {PROMPTS[state]} already, started by somebody else")
        if state == "P":
            await self._pump.halt()

    async def _finish(self, sign: int, stops: int) -> None:
        """Wait until it stops. Raises InstrumentError for an alarm, a `stop`, or after too long."""
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while True:
            try:
                state, counted = await self._pump.counters()
            except Retryable as error:
                ago = loop.time() - heard
                raise type(error)(f"{error}; {self._delivered()} when last heard of, {ago:.1f} s before") from error
            heard = loop.time()
            self._done = counted[0 if sign > 0 else 1]
            if (alarm := self._pump.take_alarm()) is not None:
                raise self._pump.alarmed(alarm, f"; {self._delivered()}")
            self._check_not_stopped(stops)
            if state not in RUNNING:
                return
            if heard > self._deadline:
                raise InstrumentError(f"{self._line}: it did not finish in time: {self._delivered()}")
            await asyncio.sleep(self._pause(self._ends - heard))

    def _expect(self, rate: float) -> None:
        """From now on it pumps at this rate: when it should have finished, and when it must have."""
        now = asyncio.get_running_loop().time()
        left = max(0.0, self._asked.value - self._done)
        seconds = left / rate * 60 / self._scale
        self._ends, self._deadline = now + seconds, now + 1.5 * seconds + self._options.margin

    def _pause(self, left: float) -> float:
        """How long to wait before the next look at a pump that should stop in `left` loop seconds."""
        if left > 0:
            return min(left + _FIRST_POLL_S, self._options.watch)
        return min(self._options.watch, max(_FIRST_POLL_S, -_POLL_PART * left))

    def _check_not_stopped(self, stops: int) -> None:
        if self._stops != stops:
            raise InstrumentError(f"{self._line}: stopped before it was done: {self._delivered()}")

    def _delivered(self) -> str:
        return f"{self._done:.4g} mL of {self._asked.value:.4g} mL were pumped"

    @contextlib.asynccontextmanager
    async def _stopped_on_failure(self) -> AsyncGenerator[None]:
        """Whatever goes wrong in the middle of a delivery, also a cancellation: the pump is not left running."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(MotetError):  # a lost line, say: the first error says more
                await self._pump.halt()
            raise

    async def _volume_told(self, volume: float) -> Told:
        """The number that tells the pump a volume, with the units set to those that tell it best."""
        has = (await self._pump.read("VOL", protocol.volume))[1]
        told = protocol.best_units(volume, protocol.VOLUME_UNITS, has)
        self._check_told("volume", volume, told, "mL")
        if told.units != has:
            await self._pump.set(f"VOL{told.units}")
        return told

    def _rate_told(self, rate: float, units: str | None = None) -> str:
        among = protocol.RATE_UNITS if units is None else {units: protocol.RATE_UNITS[units]}
        told = protocol.best_units(rate, among, "MM")
        self._check_told("rate", rate, told, "mL/min")
        self._rate_units = told.units
        return told.text + told.units

    def _check_told(self, what: str, value: float, told: Told, unit: str) -> None:
        if abs(told.value - value) > _ROUNDING * value:
            raise LimitError(
                f"{self.name}: {what} = {value:g} {unit} cannot be told to the pump in four digits: "
                f"{told.value:g} {unit} is the nearest"
            )
