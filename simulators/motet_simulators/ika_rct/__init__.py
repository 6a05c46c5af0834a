"""A simulated IKA RCT digital or RET control-visc magnetic stirrer with hot plate, byte by byte.

NAMUR commands as in IKA's operating instructions "IKA Plate (RCT digital)" (20014388, 11/2018, section Interfaces and
outputs, NAMUR commands, p. 30 of the English part) and "RET control-visc" (20000004159, pp. 31 to 34), read in the
copy at manualarchiveguide.com and as six published drivers transcribe them (ika, ika-control, labmcp-ika,
matterlab_hotplates, PyLabware's ika_rct_digital and ika_ret_control_visc):

    IN_NAME, IN_TYPE       name, type                    IN_PV_1, _2, _4, _5   probe, plate, speed, viscosity trend
    IN_SP_1, _3, _4        set and safety temperature, set speed               OUT_SP_1 x, OUT_SP_4 x   set them
    START_n, STOP_n        heater (1), motor (4), viscosity trend (5)          RESET, SET_MODE_n
    OUT_SP_12@n, _42@n     what the watchdog falls back to                     OUT_WD1@m, OUT_WD2@m     the watchdog

A command ends with CR LF, with or without blanks before it; a reply is the value, the number of the channel, a blank
and CR LF: `25.0 1 \\r\\n`. What sets is not answered, what has an `@` repeats the value, and what is no command or out
of range is passed over in silence: the instrument never reports an error by itself and shows `Er 2` (watchdog) and
others on its display only. The RET control-visc also knows IN_PV_3, IN_SP_2, OUT_SP_2, START_2, STOP_2, IN_VERSION,
IN_SOFTWARE_ID and OUT_NAME. STATUS_1 (`11 1` heats, `12 1` does not), _2 and _4 are not in the manual; ika-control
reads them.

Not simulated: weighing, pH, the second probe, intermittent stirring, the keys. Could not be verified: that values out
of range are passed over, what a probe that is not plugged in reads (0.0 here), the decimals of an echo, the numbers on
the display for anything but the watchdog, and what ends the state after a watchdog event (any watchdog command here).
"""

import re
from collections.abc import Callable
from typing import ClassVar

from pydantic import Field

from motet.contracts.simulation import Clock
from motet.contracts.worlds import World
from motet.simulation import SimulatedInstrument
from motet_simulators.ika_rct.plate import Plate, PlateOptions

_LONGEST = 80
_COMMAND = re.compile(r"(?P<name>[A-Z]+(?:_[A-Z0-9]+)*)(?:(?P<sep>[@ ]+)(?P<value>.+))?")
_NUMBER = re.compile(r"\d+(?:\.\d*)?")


class Options(PlateOptions):
    """The hot plate, what stands on it, and how it shows in the world."""

    name: str | None = None
    """What it says its name is; left out: that of the model."""
    version: str = "110"
    """What a RET control-visc answers to IN_VERSION."""
    temperature_noise: float = Field(default=0.03, ge=0)
    """Standard deviation of a temperature, K."""
    heats: str = "temperature"
    """The quantity of the world that is the medium's temperature, degC: it is driven, and read by the probe."""
    heats_plate: str = "plate_temperature"
    """The quantity of the world that is the plate's temperature, degC."""
    stirs: str = "stirring"
    """The quantity of the world that is the speed of the stirrer, 1/min."""


class IkaRct(SimulatedInstrument):
    """A hot plate with stirrer, a vessel on it and a probe in the vessel."""

    terminator: ClassVar[bytes] = b" \r\n"

    def __init__(self, options: Options, world: object | None, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self.plate = Plate(options, clock.now)
        self._name = options.name or self.plate.model.name
        self._trend_begun = False
        self._buffer = b""
        self._world = world if isinstance(world, World) else None
        sources = (
            (options.heats, self.medium_temperature),
            (options.heats_plate, self.plate_temperature),
            (options.stirs, self.speed),
        )
        taken = frozenset[str]() if self._world is None else self._world.takes
        self._changed = [
            self._world.drive(quantity, value)
            for quantity, value in sources
            if self._world is not None and quantity in taken
        ]

    def medium_temperature(self) -> float:
        """Of what is in the vessel, degC."""
        self.plate.advance()
        return self.plate.heat.medium

    def plate_temperature(self) -> float:
        """Of the plate, degC."""
        self.plate.advance()
        return self.plate.heat.plate

    def probe_temperature(self) -> float:
        """What the probe senses, degC: the world's temperature where it has one."""
        self.plate.advance()
        if not self._options.probe:
            return 0.0
        if self._world is not None and self._options.heats in self._world.reads:
            return self._world.read(self._options.heats)
        return self.plate.heat.sensed

    def speed(self) -> float:
        """Of the stirrer, 1/min."""
        self.plate.advance()
        return self.plate.stirrer.speed

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""
        super().attach(send)
        self._buffer = b""

    def receive(self, data: bytes) -> None:
        """Bytes from the host: commands ended by CR LF."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._buffer = self._buffer[-2 * _LONGEST :]
        for line in lines:
            if line.isascii() and len(line) <= _LONGEST:
                self._line(line.decode("ascii").strip())

    def _line(self, line: str) -> None:
        self.plate.advance()
        command = _COMMAND.fullmatch(line)
        if command is None:
            return
        name, value, at = command["name"], command["value"], "@" in (command["sep"] or "")
        if value is None:
            reply = self._told(name)
            if reply is None:
                self._switch(name)
        elif name == "OUT_NAME" and self.plate.model.extended:
            self._name = value
            return
        else:
            reply = self._set(name, float(value), at) if _NUMBER.fullmatch(value) else None
        if reply is not None:
            self.answer(f"{reply} \r\n".encode("ascii"), line.encode("ascii") + b"\r\n")

    def _told(self, name: str) -> str | None:
        """The answer to a question."""
        plate = self.plate
        if name in ("IN_PV_1", "IN_PV_2"):
            value = self.probe_temperature() if name == "IN_PV_1" else plate.heat.plate
            return f"{value + self.drift() + self.random.gauss(0.0, self._options.temperature_noise):.1f} {name[-1]}"
        if name in ("IN_PV_4", "IN_SP_4"):
            value = round(plate.stirrer.speed if name == "IN_PV_4" else plate.stirrer.target)
            return f"{value} 4" if plate.model.extended else f"{value:.1f} 4"
        answers = {
            "IN_NAME": self._name,
            "IN_TYPE": plate.model.name,
            "IN_PV_5": f"{100.0 if self._trend_begun else 0.0:.1f} 5",  # percent of before; nothing thickens here
            "IN_SP_1": f"{plate.set_temperature:.1f} 1",
            "IN_SP_3": f"{self._options.safety_temperature:.1f} 3",
            "STATUS_1": f"{11 if plate.heating else 12} 1",
            "STATUS_2": "-90 2",
            "STATUS_4": f"{1 if plate.stirrer.running else 0} 4",
        }
        if plate.model.extended:
            answers |= {
                "IN_PV_3": f"{plate.heat.plate:.1f} 3",
                "IN_SP_2": f"{plate.set_temperature:.1f} 2",
                "IN_VERSION": self._options.version,
                "IN_SOFTWARE_ID": self._options.version,
            }
        return answers.get(name)

    def _set(self, name: str, value: float, at: bool) -> str | None:
        """Set a value; what is to be repeated."""
        plate = self.plate
        if name in ("OUT_WD1", "OUT_WD2"):
            return f"{value:.0f}" if at and plate.watch(int(name[-1]), value) else None
        temperatures = ("OUT_SP_1", "OUT_SP_12", "OUT_SP_2") if plate.model.extended else ("OUT_SP_1", "OUT_SP_12")
        if name in temperatures:
            allowed = value <= plate.hottest
        else:
            allowed = name in ("OUT_SP_4", "OUT_SP_42") and value <= plate.model.fastest
        if not allowed or self.fault("error") is not None:
            return None
        match name:
            case "OUT_SP_12":
                plate.fall_back_to(temperature=value)
            case "OUT_SP_42":
                plate.fall_back_to(speed=value)
            case "OUT_SP_4":
                self._change(lambda: plate.turn_at(value))
            case _:
                self._change(lambda: plate.heat_to(value))
        return f"{value:.1f}" if name in ("OUT_SP_12", "OUT_SP_42") else None

    def _switch(self, name: str) -> None:
        """Commands without a value that are not answered."""
        plate = self.plate
        if name == "START_2" and plate.model.extended:
            name = "START_1"
        if name in ("START_1", "START_4") and (plate.display or self.fault("error") is not None):
            return
        match name:
            case "START_1":
                works = self.fault("stuck") is None
                self._change(lambda: plate.heater(True, works=works))
            case "START_4":
                stuck, stalls = self.fault("stuck") is not None, self.fault("stall") is not None
                self._change(lambda: plate.stirrer.start(stuck, stalls))
            case "STOP_1" | "STOP_2":
                self._change(lambda: plate.heater(False))
            case "STOP_4":
                self._change(plate.stirrer.stop)
            case "START_5" | "STOP_5":
                self._trend_begun = name == "START_5"
            case "RESET":
                plate.display = ""
                self._change(plate.all_off)
            case _:
                return

    def _change(self, change: Callable[[], None]) -> None:
        """Do what changes the course of things; the world hears of it before and after."""
        self._tell_world()
        change()
        self._tell_world()
        if self._changed:
            self.later(self.plate.stirrer.ramp, self._tell_world)

    def _tell_world(self) -> None:
        for changed in self._changed:
            changed()
