"""IKA RCT digital or RET control-visc magnetic stirrer with hot plate, on a serial line (9600 baud, 7E1).

    IN_PV_1, _2, _4, IN_SP_1, _3, _4     probe, plate, speed; set temperature, safety temperature, set speed
    OUT_SP_1, OUT_SP_4                   set temperature and speed
    START_1, STOP_1, START_4, STOP_4     heater and motor on and off
    OUT_WD1@m                            watchdog: off, unless it comes again within m seconds

`motet_drivers.ika_rct.protocol` says where this is from. What sets has no reply, so the set point is read back and
compared. The instrument tells no errors on the line, only on its display: a heater or motor that does not do what it
was told to is seen by its temperature or speed. `stop` ends the wait of a verb; heating and stirring go on, as what was
set is a state. `safe` and the watchdog switch both off.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, Field

from motet.devices import Context, Device, Expected, Identity, Limit, Output, VerbSpec, Verified, verb, verbs_of
from motet.errors import ConnectionProblem, InstrumentError, LimitError, NoReply
from motet.lines import Terminated
from motet_drivers.ika_rct import protocol
from motet_drivers.ika_rct.plate import FIRST_PAUSE_S, GROWTH, SETPOINT_TOLERANCE, Plate
from motet_drivers.ika_rct.protocol import PLATE, PROBE, SAFETY, SPEED, WATCHDOG_S

_CELSIUS, _RPM = Output("degC"), Output("rpm")
_SLOWEST_RPM = 50.0
_MARGIN_RPM, _PART_RPM = 15.0, 0.05
"""So near its set point a speed counts as reached."""


class Options(Expected):
    """Which hot plate it is, and how it is driven."""

    model: str = "RCT"
    """What the name that it gives itself must begin with: `RCT digital` is that of an RCT digital, `IKARET` that of a
    RET control-visc, unless it was given another."""
    probe: bool = True
    """Whether a probe is plugged in; without one the plate's temperature is regulated and waited for."""
    max_temperature: float = Field(default=310.0, gt=0, le=500)
    """Highest temperature of the model, degC: 310 for an RCT digital, 340 for a RET control-visc."""
    max_speed: float = Field(default=1500.0, gt=0, le=3000)
    """Highest speed of the model, rpm: 1500 for an RCT digital, 1700 for a RET control-visc."""
    watchdog: float | None = Field(default=None, ge=WATCHDOG_S[0], le=WATCHDOG_S[1])
    """Switch heating and stirring off after so long without this program, s; so too after the device was closed."""
    ramp: float = Field(default=30.0, gt=0)
    """Longest time in which the stirrer comes to its speed, s."""
    poll: float = Field(default=5.0, gt=0)
    """Longest time between two looks at a temperature that is waited for, s."""


class IkaRct(Device):
    """A hot plate with magnetic stirrer. `safe` switches heating and stirring off, `stop` ends a wait only."""

    framing: ClassVar[Terminated] = Terminated(b"\n", max_length=80)
    signals: ClassVar[Mapping[str, Output]] = {
        "probe_temperature": _CELSIUS,
        "plate_temperature": _CELSIUS,
        "speed": _RPM,
        "temperature_setpoint": _CELSIUS,
        "speed_setpoint": _RPM,
    }
    verified: ClassVar[Verified] = protocol.VERIFIED
    forgets: ClassVar[tuple[str, ...]] = (
        "whether the plate still heats and stirs, as its watchdog may have switched it off: run `heat`, `stir`",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._line = context.need_line()
        self._identity = Identity("IKA", "")
        self._safety = options.max_temperature
        self._plate = Plate(self._line, context.scale)
        self._stops = 0
        self._wake = asyncio.Event()
        self._setting = asyncio.Lock()

    @classmethod
    def signals_for(cls, options: BaseModel) -> Mapping[str, Output]:
        """Without a probe there is no temperature of one."""
        assert isinstance(options, Options)
        return {key: output for key, output in cls.signals.items() if options.probe or key != "probe_temperature"}

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """The limits of temperature and speed are those of the model."""
        assert isinstance(options, Options)
        specs = dict(verbs_of(cls))
        hottest, fastest = Limit(0, options.max_temperature, "degC"), Limit(0, options.max_speed, "rpm")
        specs["heat"] = dataclasses.replace(specs["heat"], limits={**specs["heat"].limits, "temperature": hottest})
        specs["stir"] = dataclasses.replace(specs["stir"], limits={"speed": fastest})
        return specs

    async def open(self) -> None:
        """Open the line, ask for name and safety temperature, arm the watchdog. Heating and stirring stay as they are.

        Raises ConnectionProblem for another instrument than the lab file names, NoReply or GarbledReply when something
        else or nothing answers.
        """
        await self._line.open()
        try:
            await self._identify()
            self._safety = await self._plate.setpoint(SAFETY)
            if self._options.watchdog is not None:
                await self._plate.watch(self._options.watchdog)
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back. The plate stays as it is, until its watchdog switches it off where it has one."""
        await self._plate.unwatch()
        await self._line.close()

    async def identity(self) -> str:
        """The name that the instrument gives itself."""
        return str(self._identity)

    async def stop(self, success: bool = True) -> None:
        """End the wait of `heat` or `stir`, which ends with InstrumentError. Heating and stirring go on."""
        self._stops += 1
        self._wake.set()
        self._wake = asyncio.Event()

    async def safe(self) -> None:
        """Heating and stirring off, at once and whatever is going on."""
        await self.stop()
        await self._plate.switch("STOP_1", "STOP_4")
        await self._plate.actual(SPEED)  # it answers: so it has heard what went before

    @verb(
        units={"temperature": "degC", "tolerance": "K", "hold": "s", "longest": "s"},
        limits={"tolerance": (0.1, 50.0), "hold": (0.0, 86400.0), "longest": (0.0, 604800.0)},
    )
    async def heat(
        self,
        temperature: float,
        wait: bool = False,
        tolerance: float = 1.0,
        hold: float = 60.0,
        longest: float = 3600.0,
    ) -> None:
        """Heat to a temperature and keep it; with `wait`, until it was within `tolerance` for `hold`.

        Raises LimitError above the safety temperature, InstrumentError when the plate does not take the set point, when
        the temperature is not reached within `longest`, or when it was stopped; heating goes on then.
        """
        if not 0 <= temperature <= self._safety:
            raise LimitError(
                f"{self.name}: {temperature:g} degC is beyond what the safety temperature set at the {self._line} "
                f"allows, [0, {self._safety:g}] degC"
            )
        stops = self._stops
        async with self._setting:
            self._check_not_stopped(stops, "heating")
            await self._plate.set(PROBE, temperature)
            self._check_not_stopped(stops, "heating")
            await self._plate.switch("START_1")
            if abs(await self._plate.setpoint(PROBE) - temperature) > SETPOINT_TOLERANCE:
                await self._plate.set(PROBE, temperature)  # some models forget it when they begin to heat
        if wait:
            await self._reach(temperature, tolerance, hold, longest, stops)

    @verb()
    async def heat_off(self) -> None:
        """Switch the heater off."""
        async with self._setting:
            await self._plate.switch("STOP_1")
            await self._plate.setpoint(PROBE)  # it answers: so it has heard what went before

    @verb(units={"speed": "rpm"}, limits={"speed": (0.0, 3000.0)})
    async def stir(self, speed: float) -> None:
        """Stir at a speed, and wait until it is reached; 0 is `stir_off`.

        Raises LimitError between 0 and 50 rpm, InstrumentError when the plate does not take the set point or the
        stirrer does not come to its speed.
        """
        if 0 < speed < _SLOWEST_RPM:
            raise LimitError(f"{self.name}: speed = {speed:g} rpm: 0, or [50, {self._options.max_speed:g}] rpm")
        stops = self._stops
        async with self._setting:
            self._check_not_stopped(stops, "stirring")
            if speed > 0:
                await self._plate.set(SPEED, round(speed))
                self._check_not_stopped(stops, "stirring")
                await self._plate.switch("START_4")
            else:
                await self._plate.switch("STOP_4")
            await self._come_to(round(speed), stops)

    @verb()
    async def stir_off(self) -> None:
        """Stop stirring, and wait until the stirrer rests."""
        stops = self._stops
        async with self._setting:
            await self._plate.switch("STOP_4")
            await self._come_to(0.0, stops)

    async def get_probe_temperature(self) -> float:
        """Temperature of the probe, degC."""
        return await self._plate.actual(PROBE)

    async def get_plate_temperature(self) -> float:
        """Temperature of the plate, degC."""
        return await self._plate.actual(PLATE)

    async def get_speed(self) -> float:
        """Speed of the stirrer, rpm."""
        return await self._plate.actual(SPEED)

    async def get_temperature_setpoint(self) -> float:
        """Set temperature, degC."""
        return await self._plate.setpoint(PROBE)

    async def get_speed_setpoint(self) -> float:
        """Set speed, rpm."""
        return await self._plate.setpoint(SPEED)

    async def _identify(self) -> None:
        name = await self._plate.name()
        firmware = ""
        if self._options.firmware is not None:
            with contextlib.suppress(NoReply):  # an RCT digital does not know this question
                firmware = await self._plate.version()
        self._identity = Identity("IKA", name, firmware=firmware)
        if not name.startswith(self._options.model):
            raise ConnectionProblem(
                f"{self.name}: {self._line.where} gives itself the name {name!r}; the lab file says "
                f"{self._options.model}... (option `model`)"
            )
        self._options.check(self.name, self._line.where, self._identity)

    async def _reach(self, temperature: float, tolerance: float, hold: float, longest: float, stops: int) -> None:
        """Wait until the temperature was within a tolerance of its target for `hold` s, at most `longest` s."""
        loop, scale = asyncio.get_running_loop(), self.context.scale
        read = self.get_probe_temperature if self._options.probe else self.get_plate_temperature
        began, since, pause = loop.time(), None, FIRST_PAUSE_S
        while True:
            found = await read()
            if abs(await self._plate.setpoint(PROBE) - temperature) > SETPOINT_TOLERANCE:
                raise InstrumentError(
                    f"{self._line}: it heats to another temperature than {temperature:g} degC now: it was set by hand, "
                    "or its watchdog did"
                )
            now = loop.time()
            since = None if abs(found - temperature) > tolerance else (now if since is None else since)
            if since is not None and (now - since) * scale >= hold:
                return
            if (now - began) * scale > longest:
                raise InstrumentError(
                    f"{self.name}: {found:g} degC after {longest:g} s, not {temperature:g} +- {tolerance:g} degC for "
                    f"{hold:g} s; it goes on heating. See the display of the plate for an error"
                )
            left = hold if since is None else hold - (now - since) * scale
            await self._pause(min(pause, self._options.poll, max(left, FIRST_PAUSE_S)) / scale)
            self._check_not_stopped(stops, "heating")
            pause *= GROWTH

    async def _come_to(self, speed: float, stops: int) -> None:
        loop, scale = asyncio.get_running_loop(), self.context.scale
        began, pause = loop.time(), FIRST_PAUSE_S
        while abs((found := await self.get_speed()) - speed) > _MARGIN_RPM + _PART_RPM * speed:
            if (loop.time() - began) * scale > self._options.ramp:
                raise InstrumentError(
                    f"{self.name}: {found:g} rpm after {self._options.ramp:g} s, not {speed:g} rpm: the motor is "
                    "blocked or the plate shows an error (Er on its display)"
                )
            await self._pause(min(pause, self._options.poll) / scale)
            self._check_not_stopped(stops, "stirring")
            pause *= GROWTH

    async def _pause(self, seconds: float) -> None:
        """Wait so many seconds of the loop, or until it is stopped."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _check_not_stopped(self, stops: int, what: str) -> None:
        if self._stops != stops:
            raise InstrumentError(f"{self.name}: stopped; {what} goes on as it was set")
