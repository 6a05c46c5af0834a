"""Keithley Model 2450 SourceMeter on a socket (port 5025) or a serial line, with the SCPI command set.

    *IDN?, *LANG?                          who it is, and which commands it takes
    :SOUR:FUNC, :SOUR:VOLT, :SOUR:CURR     what is sourced
    :SOUR:VOLT:ILIM, :SOUR:CURR:VLIM       how far: beyond the limit the source holds the limit (:TRIP?)
    :OUTP                                  output relay
    :READ? "defbuffer1",READ,SOUR          one measurement
    :SOUR:SWE:VOLT:LIN, :INIT, :TRIG:STAT?, :TRAC:DATA?, :ABOR       a sweep
    :SYST:ERR?                             after every command: the oldest error

See `motet_drivers.keithley_2450.protocol` for where this is from. The instrument sources up to 210 V and 1.05 A, but
above 21 V no more than 105 mA (20 W): what is beyond that is refused before anything is sent.
"""

import asyncio
import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from motet.devices import Context, Device, Expected, Output, Verified, verb
from motet.errors import ConnectionProblem, InstrumentError, LimitError
from motet.lines import Terminated
from motet_drivers.keithley_2450 import protocol
from motet_drivers.keithley_2450.unit import STATES, SourceMeter

MOST_VOLTS, MOST_AMPS = 210.0, 1.05
HIGH_VOLTS, HIGH_AMPS = 21.0, 0.105
"""Above this voltage no more than this current, and the other way round."""
_LIMITS = {"voltage": (-MOST_VOLTS, MOST_VOLTS), "current_limit": (1e-9, MOST_AMPS)}
_CURRENT_LIMITS = {"current": (-MOST_AMPS, MOST_AMPS), "voltage_limit": (0.02, MOST_VOLTS)}
_SWEEP_LIMITS = {
    "start": (-MOST_VOLTS, MOST_VOLTS),
    "stop": (-MOST_VOLTS, MOST_VOLTS),
    "points": (2, 100_000),
    "delay": (0, 10_000),
    "current_limit": (1e-9, MOST_AMPS),
}
_SWEEP_UNITS = {"start": "V", "stop": "V", "delay": "s", "current_limit": "A"}


class Options(Expected):
    """How it measures."""

    model: str = "2450"
    """What the instrument's model must begin with."""
    nplc: Annotated[float, Field(ge=0.01, le=10)] = 1.0
    """How long a measurement integrates, power line cycles."""
    four_wire: bool = False
    """Sense at the load, by leads of its own."""
    line_frequency: Literal[50, 60] = 50
    """Of the mains, Hz: tells how long a sweep should take."""
    current_range: Annotated[float, Field(gt=0, le=1)] | None = None
    """Fixed range for measuring current, A; left out: automatic."""
    voltage_range: Annotated[float, Field(gt=0, le=200)] | None = None
    """Fixed range for measuring voltage, V; left out: automatic."""


class Keithley2450(Device):
    """A source-measure unit. `stop` aborts a sweep and turns the output off; so does `safe`."""

    framing: ClassVar[Terminated] = Terminated(b"\n", max_length=16384)
    signals: ClassVar[Mapping[str, Output]] = {
        "voltage": Output("V"),
        "current": Output("A"),
        "output_on": Output(dtype="boolean"),
        "limited": Output(dtype="boolean"),
    }
    states: ClassVar[Mapping[str, str]] = STATES
    forgets: ClassVar[tuple[str, ...]] = ("level and limit of the source, and what a sweep had measured",)
    verified: ClassVar[Verified] = Verified(
        manuals=(
            "Model 2450 Interactive SourceMeter Instrument Reference Manual, 2450-901-01 Rev. B (2013)",
            "Model 2450 specifications, SPEC-2450 Rev. A (2013)",
        ),
        drivers=(
            "simulator of labmcp-keithley-smu 0.1.2",
            "pymeasure 0.16.0, qcodes 0.58.0, keithley2400 0.2.6 and labmcp-keithley-smu 0.1.2 against the simulator",
        ),
        unverified=(
            "the region of 20 W: that page of the specifications was not at hand",
            "the manual's list of errors: numbers and texts are those of SCPI",
            "whether a change of the source function or the end of a sweep turns the output off: the driver does",
            "what is measured with the output off",
        ),
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._line = context.need_line()
        self._unit = SourceMeter(self._line, context.scale)
        self._identity = ""
        self._stops = 0
        self._using = asyncio.Lock()

    async def open(self) -> None:
        """Open the line, make sure who answers, and set how it measures. Output and level stay as they are.

        Raises ConnectionProblem for another instrument than the lab file names or another command set, NoReply or
        GarbledReply when something else or nothing answers.
        """
        await self._line.open()
        try:
            await self._identify()
            await self._unit.begin(self._settings())
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back; output and level stay as they are."""
        await self._line.close()

    async def identity(self) -> str:
        """Maker, model, serial number and firmware."""
        return self._identity

    async def stop(self, success: bool = True) -> None:
        """Abort a sweep and turn the output off. A verb that is running ends with InstrumentError."""
        self._stops += 1
        await self._unit.off()

    @verb(units={"voltage": "V", "current_limit": "A"}, limits=_LIMITS)
    async def source_voltage(self, voltage: float, current_limit: float) -> None:
        """Source a voltage, with no more than so much current. The output stays on or off as it is."""
        _check_power(self.name, "voltage", voltage, "current_limit", current_limit)
        async with self._using:
            await self._unit.source("VOLT", voltage, current_limit)

    @verb(units={"current": "A", "voltage_limit": "V"}, limits=_CURRENT_LIMITS)
    async def source_current(self, current: float, voltage_limit: float) -> None:
        """Source a current, with no more than so much voltage. The output stays on or off as it is."""
        _check_power(self.name, "voltage_limit", voltage_limit, "current", current)
        async with self._using:
            await self._unit.source("CURR", current, voltage_limit)

    @verb()
    async def output(self, on: bool) -> None:
        """Turn the output on or off."""
        stops = self._stops
        async with self._using:
            self._check_not_stopped(stops)
            try:
                await self._unit.tell(f":OUTP {'ON' if on else 'OFF'}")
            finally:
                if on and self._stops != stops:  # where its reply was lost it may have been sent again after the stop
                    await self._unit.off()
            self._check_not_stopped(stops)
            if await self.get_output_on() != on:
                raise InstrumentError(
                    f"{self._line}: the output did not turn {'on' if on else 'off'}: see its interlock"
                )

    @verb(
        outputs={
            "voltage": Output("V"),
            "current": Output("A"),
            "resistance": Output("ohm"),
            "limited": Output(dtype="boolean"),
        }
    )
    async def measure(self) -> Mapping[str, float]:
        """Measure voltage and current at once; `limited` says that the source is held by its limit.

        The resistance is voltage / current, 9.9e37 ohm without any current. Raises InstrumentError for a reading beyond
        its range and while the output is off.
        """
        async with self._using:
            if not await self.get_output_on():
                raise InstrumentError(f"{self._line}: the output is off: run `output` with `on: true` first")
            voltage, current, limited = await self._unit.read()
        resistance = voltage / current if current else math.inf
        return {
            "voltage": voltage,
            "current": current,
            "resistance": max(-9.9e37, min(resistance, 9.9e37)),
            "limited": limited,
        }

    @verb(
        units=_SWEEP_UNITS,
        limits=_SWEEP_LIMITS,
        outputs={"voltage": Output("V", "array"), "current": Output("A", "array"), "limited": Output(dtype="boolean")},
        repeatable=False,
    )
    async def sweep(
        self, start: float, stop: float, points: int, delay: float, current_limit: float
    ) -> Mapping[str, object]:
        """Source so many voltages from start to stop, each for the delay, and measure at each; the output is off then.

        `limited` says that the source was held by its limit at a point at least.
        """
        stops = self._stops
        for voltage in (start, stop):
            self.limits.check("voltage", voltage)
            _check_power(self.name, "voltage", voltage, "current_limit", current_limit)
        async with self._using:
            await self._unit.source("VOLT", start, current_limit)
            setup = f"{start:.7G},{stop:.7G},{points},{delay:.7G}"
            await self._unit.tell(f':SOUR:SWE:VOLT:LIN {setup},1,BEST,OFF,OFF,"defbuffer1"')
            self._check_not_stopped(stops)
            try:
                await self._unit.tell(":INIT", once=True)
                expected = points * (delay + self._options.nplc / self._options.line_frequency)
                await self._unit.ended(expected, points, lambda: self._check_not_stopped(stops))
                voltages, currents, limited = await self._unit.fetch(points)
            finally:
                await self._unit.tell(":OUTP OFF")
        return {"voltage": voltages, "current": currents, "limited": limited}

    async def get_voltage(self) -> float:
        """Voltage at the terminals, V; with the output off, what the instrument measures then."""
        return (await self._unit.read())[0]

    async def get_current(self) -> float:
        """Current, A."""
        return (await self._unit.read())[1]

    async def get_output_on(self) -> bool:
        """Whether the output is on."""
        return await self._unit.output_on()

    async def get_limited(self) -> bool:
        """Whether the source is held by its limit."""
        return await self._unit.limited()

    async def _identify(self) -> None:
        found = await self._line.query(b"*IDN?\n", protocol.identity)
        if found.maker != "Keithley" or not found.model.startswith(self._options.model):
            raise ConnectionProblem(
                f"{self.name}: {found} answers at {self._line}; a Keithley {self._options.model} is expected "
                "(option `model`)"
            )
        self._options.check(self.name, self._line, found)
        language = await self._line.query(b"*LANG?\n", protocol.text)
        if language != "SCPI":
            raise ConnectionProblem(
                f"{self.name}: {found} at {self._line} takes the command set {language!r}; "
                "send `*LANG SCPI` and switch it off and on again"
            )
        self._identity = str(found)

    def _settings(self) -> list[str]:
        options, sense = self._options, "ON" if self._options.four_wire else "OFF"
        settings = [":SENS:COUN 1"]
        for quantity, fixed in (("CURR", options.current_range), ("VOLT", options.voltage_range)):
            settings += [
                f":SENS:{quantity}:NPLC {options.nplc:.7G}",
                f":SENS:{quantity}:RSEN {sense}",
                f":SENS:{quantity}:RANG:AUTO ON" if fixed is None else f":SENS:{quantity}:RANG {fixed:.7G}",
                f":SOUR:{quantity}:READ:BACK ON",
            ]
        return settings

    def _check_not_stopped(self, stops: int) -> None:
        if self._stops != stops:
            raise InstrumentError(f"{self._line}: stopped, with the output off")


def _check_power(device: str, volts_of: str, volts: float, amps_of: str, amps: float) -> None:
    """Raises LimitError beyond the region of 20 W."""
    if abs(volts) > HIGH_VOLTS and abs(amps) > HIGH_AMPS:
        raise LimitError(
            f"{device}: {volts_of} = {volts:g} V with {amps_of} = {amps:g} A is beyond the instrument's 20 W: above "
            f"{HIGH_VOLTS:g} V it takes {amps_of} in [-{HIGH_AMPS:g}, {HIGH_AMPS:g}] A"
        )
