"""A simulated Keithley Model 2450 source-measure unit, SCPI command set, message by message.

Commands, replies, defaults and ranges are those of the Model 2450 Reference Manual (2450-901-01; page numbers of
revision B): common commands in appendix B, SCPI in section 6, status model in appendix C. The source gives its level or
stays at its limit as its load decides (`keithley_2450_load`); a measurement takes its NPLC in power line cycles and is
the noisier the fewer there are; a sweep runs on while other messages are answered, and *WAI, *OPC? and :FETCh? wait for
its end.

Could not be verified: the number of the error for an unknown buffer (-224 here), for an empty one (-230), and for a
level beyond a range set by hand (-221); what is measured with the output off (0 V and 0 A here); the least limits (1 nA
and 20 mV, as labmcp-keithley-smu has them from revision D); that a change of the source function turns the output off;
that a sweep turns it on and, at its end, off; that `:*CLS`, as PyMeasure sends it, is taken. On a raw socket and a
serial line nobody sees whether an answer was read: -410 and -420 never come.
"""

import math
from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import Field

from motet.contracts.simulation import Clock
from motet.contracts.worlds import World
from motet.simulation.faults import Faults
from motet_simulators.keithley_2450.buffer import FOUR_WIRE, LIMITED, OUTPUT_ON, OVERFLOW, Buffer, Reading
from motet_simulators.keithley_2450.commands import command
from motet_simulators.keithley_2450.handlers import Wait
from motet_simulators.keithley_2450.load import Diode, Leads, Load, Point, Resistor
from motet_simulators.keithley_2450.messages import MessageExchange
from motet_simulators.keithley_2450.scpi import ScpiError, Unit
from motet_simulators.keithley_2450.settings import DEFAULTS, MOST, OVERRANGE, RANGES, fixed_range
from motet_simulators.keithley_2450.source import Source
from motet_simulators.keithley_2450.status import OPERATION_COMPLETE
from motet_simulators.keithley_2450.sweep import Plan, Run

OVERHEAD = 0.002
"""Of a measurement beyond its integration, s."""
_OPEN = 1e15


class Options(Faults):
    """The load and the instrument's data. `error` faults refuse commands with -200, `drift` shifts readings."""

    load: Literal["resistor", "diode", "open"] = "resistor"
    """What is connected, where the world has no resistance."""
    resistance: float = Field(default=1000.0, ge=0)
    """Of the resistor, ohm."""
    saturation: float = Field(default=2.5e-9, gt=0)
    """Saturation current of the diode, A."""
    ideality: float = Field(default=1.75, gt=0)
    """Of the diode."""
    series: float = Field(default=0.5, ge=0)
    """Series resistance of the diode, ohm."""
    leads: float = Field(default=0.0, ge=0)
    """Resistance of both leads, ohm; four-wire sensing does not see it."""
    noise: float = Field(default=2e-6, ge=0)
    """Standard deviation of a measurement over 1 power line cycle, part of the range."""
    line_frequency: Literal[50, 60] = 50
    """Of the mains, Hz."""
    reads: str = "resistance"
    """The quantity of the world that is the load, ohm."""
    drives: str = "voltage"
    """The quantity of the world that follows the voltage at the terminals, V."""
    serial_number: str = "04096331"
    firmware: str = "1.7.12b"


class Keithley2450(MessageExchange):
    """A Model 2450 with something to source and measure."""

    def __init__(self, options: Options, world: World | None, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self.options = options
        self.language = "SCPI"
        self.terminals = "FRON"
        self.texts: dict[str, str] = {}
        self.load = self._connected(world)
        self._changed: Callable[[], None] = lambda: None
        self.reset()
        if isinstance(world, World) and options.drives in world.takes:
            self._changed = world.drive(options.drives, lambda: self.point().voltage)

    def reset(self) -> None:
        """*RST: every setting as after power-on, no readings, no sweep."""
        self.source = Source()
        self.settings = dict(DEFAULTS)
        self.sense = "CURR"
        self.ranges = {"VOLT": 0.02, "CURR": 1e-8, "RES": 2e8}
        self.buffers = {"defbuffer1": Buffer(), "defbuffer2": Buffer()}
        self.plan: Plan | None = None
        self.run: Run | None = None
        self.state = "EMPTY"
        self._tells_end = False

    def prepare(self, plan: Plan | None) -> None:
        """Set up a trigger model, None for an empty one. -213 while one runs."""
        if self.run is not None:
            raise ScpiError(-213)
        self.plan, self.state = plan, "EMPTY" if plan is None else "IDLE"

    def point(self) -> Point:
        """Voltage and current at the terminals now, without noise; at the load with four-wire sensing."""
        level = self.run.level if self.run is not None else None
        return self.source.point(self._seen(), level)

    def measure(self, name: str) -> None:
        """Take one reading into a buffer."""
        self.find(name).add(self._reading(self.clock.now()))

    def reading_time(self) -> float:
        """How long one takes with the present settings, s."""
        sense = self.sense
        several = int(self.settings[f"{sense}:AVER:COUN"]) if self.settings[f"{sense}:AVER"] == "1" else 1
        delay = float(self.settings[f"SOUR:{self.source.function}:DEL"])
        return delay + several * float(self.settings[f"{sense}:NPLC"]) / self.options.line_frequency + OVERHEAD

    def measuring_range(self, quantity: str) -> float:
        """The present one: that of the source where it is the same quantity (p. 6-54), else as set, or automatic."""
        if quantity == self.source.function:
            return self.source.range(quantity)
        if self.settings[f"{quantity}:AUTO"] == "0":
            return self.ranges[quantity]
        point = self.point()
        ohms = min(abs(point.voltage / point.current), MOST["RES"]) if point.current else MOST["RES"]
        return fixed_range(quantity, {"VOLT": point.voltage, "CURR": point.current, "RES": ohms}[quantity])

    def find(self, name: str) -> Buffer:
        """A buffer by its name. -224 for one that is not there."""
        if name not in self.buffers:
            raise ScpiError(-224)
        return self.buffers[name]

    def initiate(self) -> None:
        """:INITiate: run the trigger model that was set up. -213 while one runs, -221 without any."""
        if self.run is not None:
            raise ScpiError(-213)
        if self.plan is None:
            raise ScpiError(-221)
        self.find(self.plan.buffer)
        if self.plan.function is not None:
            self.source.select(self.plan.function)
            self.buffers[self.plan.buffer].readings.clear()
            self.source.output = True
        self.run = Run(self.plan, self.clock.now(), self.plan.delay + self.reading_time())
        self.state = "RUNNING"
        self._point_later()

    def abort(self) -> None:
        """:ABORt: the trigger model stops where it is; the output stays on."""
        if self.run is not None:
            if self.run.level is not None:
                self.source.levels[self.source.function] = self.run.level
            self.run, self.state = None, "ABORTED"

    def idle_at(self) -> float:
        """When the trigger model will have ended."""
        return self.clock.now() if self.run is None else self.run.ends

    def catch_up(self) -> None:
        """Measure the points of a sweep that are due: nobody does it while the line is closed."""
        run = self.run
        while run is not None and not run.over and run.next_at <= self.clock.now() + 1e-9:
            reading = self._reading(run.next_at)
            self.buffers[run.plan.buffer].add(reading)
            run.done += 1
            if run.plan.fail_abort and reading.status & LIMITED:
                self._end(run, "ABORTED")
                return
        if run is not None and run.over:
            self._end(run, "IDLE")

    def _end(self, run: Run, state: str) -> None:
        self.run, self.state = None, state
        if self._tells_end:
            self._tells_end = False
            self.operation_complete()
        if run.plan.function is not None:
            self.source.output = False
            self.source.levels[run.plan.function] = run.plan.levels[-1] or 0.0

    def _point_later(self) -> None:
        if self.run is not None and self.attached:
            self.later(max(0.0, self.run.next_at - self.clock.now()), self._point_due)

    def _point_due(self) -> None:
        self._changed()
        self.catch_up()
        self._changed()
        self._point_later()

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""
        super().attach(send)
        self.catch_up()
        self._point_later()

    def _connected(self, world: World | None) -> Load:
        options = self.options
        if isinstance(world, World) and options.reads in world.reads:
            return Resistor(lambda: world.read(options.reads))
        if options.load == "diode":
            return Diode(options.saturation, options.ideality, options.series)
        resistance = _OPEN if options.load == "open" else options.resistance
        return Resistor(lambda: resistance)

    def _seen(self) -> Load:
        four_wire = self.settings[f"{self.sense}:RSEN"] == "1"
        return self.load if four_wire or not self.options.leads else Leads(self.load, self.options.leads)

    def _reading(self, at: float) -> Reading:
        point, source = self.point(), self.source
        volts, amps = self._noisy(point.voltage, "VOLT"), self._noisy(point.current, "CURR")
        values: Mapping[str, float] = {
            "VOLT": volts, "CURR": amps, "RES": volts / amps if amps and source.output else OVERFLOW,
        }  # fmt: skip
        value = values[self.sense] + self.drift()
        if self.settings[f"{self.sense}:AUTO"] == "0" and self.sense != source.function:
            value = value if abs(value) <= self.ranges[self.sense] * OVERRANGE else math.copysign(OVERFLOW, value)
        level = self.run.level if self.run is not None and self.run.level is not None else None
        sourced = source.levels[source.function] if level is None else level
        if self.settings[f"SOUR:{source.function}:READ"] == "1":
            sourced = values[source.function]
        status = (LIMITED if point.limited else 0) | (OUTPUT_ON if source.output else 0)
        status |= FOUR_WIRE if self.settings[f"{self.sense}:RSEN"] == "1" else 0
        return Reading(at, self.sense, value, source.function, sourced, status)

    def _noisy(self, value: float, quantity: str) -> float:
        step = next((step for step in RANGES[quantity] if abs(value) <= step * OVERRANGE), RANGES[quantity][-1])
        cycles = float(self.settings[f"{self.sense}:NPLC"])
        return value + self.random.gauss(0.0, self.options.noise * step / math.sqrt(cycles))

    def execute(self, unit: Unit) -> str | Wait | None:
        """Carry out one command or query; the world hears of every change. Raises ScpiError."""
        handler = command(unit.header, unit.query)
        if unit.query:
            return handler(self, unit.parameters)
        if self.fault("error") is not None:
            raise ScpiError(-200)
        self._changed()
        try:
            return handler(self, unit.parameters)
        finally:
            self._changed()

    def operation_complete(self) -> None:
        """*OPC: say so in the Standard Event Register once no sweep runs any more."""
        if self.run is None:
            self.status.events |= OPERATION_COMPLETE
        else:
            self._tells_end = True
