"""The commands of a simulated New Era syringe pump and the settings they change.

NE-1000 user manual (publication 1200-01, 2014), section 10.4; what may be changed while pumping is in sections 6 and 7
and in the NE-500's manual (publication 1200-02), pp. 7-8. That a stopped pump refuses `STP` with `?NA` is what users of
the published driver nesp-lib meet.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from motet_simulators.ne1000.program import OPERANDS, PHASES, PLAIN, PUMPING, RATE_UNITS, VOLUME_UNITS, Program
from motet_simulators.ne1000.wire import Refused, integer, number, shown

UNITS_CHANGE_MM = 14.0
"""At or below this diameter volumes are in uL, above in mL (NE-500 manual, quick start)."""
_SWITCH = re.compile(r"(LN|LOC|AL|PF|BP|BUZ)([01]\d{0,2})?")
_TRIGGERS = ("FT", "FH", "F2", "LE", "ST", "T2", "SP", "P2", "RL", "RH", "SL", "SH", "OF")


def _switches() -> dict[str, str]:
    return {"LN": "0", "LOC": "0", "AL": "1", "PF": "0", "BP": "1", "BUZ": "0"}


@dataclass
class Settings:
    """What the pump keeps in its memory."""

    address: int
    diameter: float
    """mm."""
    safe_timeout: int = 0
    """s; 0 in basic mode."""
    trigger: str = "FT"
    switches: dict[str, str] = field(default_factory=_switches)

    @property
    def volume_units(self) -> str:
        """The units that go with the diameter."""
        return "UL" if self.diameter <= UNITS_CHANGE_MM else "ML"

    def rates(self, slowest: float, fastest: float) -> tuple[float, float]:
        """The lowest and highest rate, mL/min, for speeds of the plunger in cm/h and cm/min."""
        area = math.pi * (self.diameter / 20) ** 2
        return area * slowest / 60, area * fastest


class Commands:
    """Carries commands out on the program and the settings."""

    def __init__(
        self,
        settings: Settings,
        program: Program,
        now: Callable[[], float],
        rates: Callable[[], tuple[float, float]],
        refuses: Callable[[], object],
        version: str,
    ) -> None:
        self.settings = settings
        self.program = program
        self._now = now
        self._rates = rates
        self._refuses = refuses
        self._version = version
        self._table: Mapping[str, Callable[[str], str]] = {
            "DIA": self._diameter, "PHN": self._phase, "FUN": self._function, "RAT": self._rate, "VOL": self._volume,
            "DIR": self._direction, "RUN": self._run, "PUR": self._purge, "STP": self._stop, "DIS": self._dispensed,
            "CLD": self._clear, "SAF": self._safe, "DIN": self._input, "ROM": self._motor, "OUT": self._output,
            "TRG": self._trigger, "ADR": self._address, "VER": lambda value: self._version,
        }  # fmt: skip

    def do(self, command: str, *, system: bool = False) -> str:
        """Carry it out; the data of the answer. Raises Refused. A command without anything asks for the status."""
        if not command:
            return ""
        if switch := _SWITCH.fullmatch(command):
            return self._switch(switch[1], switch[2])
        if system and command == "RESET":
            return self._reset()
        if command[:3] not in self._table:
            raise Refused("")
        return self._table[command[:3]](command[3:])

    def _switch(self, name: str, value: str | None) -> str:
        if value is None:
            return self.settings.switches[name]
        self.settings.switches[name] = value[0]
        return ""

    def _diameter(self, value: str) -> str:
        if not value:
            return shown(self.settings.diameter)
        self._check_idle()
        self.settings.diameter = number(value, 0.1, 50.0)
        self.program.units = self.settings.volume_units
        self.program.dispensed = {+1: 0.0, -1: 0.0}
        return ""

    def _phase(self, value: str) -> str:
        if not value:
            return f"{self.program.selected:02d}"
        self._check_idle()
        self.program.selected = integer(value, 1, PHASES)
        return ""

    def _function(self, value: str) -> str:
        phase = self.program.phases[self.program.selected - 1]
        if not value:
            return phase.function + (f"{phase.operand:02d}" if phase.function in OPERANDS else "")
        self._check_idle()
        name = next((key for key in (*OPERANDS, *PLAIN, *PUMPING) if value.startswith(key)), "")
        operand = value[len(name) :]
        if not name or (operand and name not in OPERANDS):
            raise Refused("")
        phase.operand = integer(operand, 0, OPERANDS[name]) if name in OPERANDS else 0
        phase.function = name
        return ""

    def _rate(self, value: str) -> str:
        program, phase = self.program, self.program.running_phase
        if phase.function not in PUMPING:
            raise Refused("NA")
        if not value:
            motion = program.motion if program.running else None
            return f"{shown(phase.rate if motion is None else motion.rate / RATE_UNITS[phase.units])}{phase.units}"
        match = re.fullmatch(r"[CI]?([\d.]+)(UM|MM|UH|MH)?", value)
        if match is None:
            raise Refused("")
        units, given = match[2] or phase.units, number(match[1])
        if program.running and units != phase.units:
            raise Refused("NA")
        low, high = self._rates()
        if not low <= given * RATE_UNITS[units] <= high:
            raise Refused("OOR")
        if program.running:
            program.change(rate=given * RATE_UNITS[units])
        else:
            phase.rate, phase.units = given, units
        return ""

    def _volume(self, value: str) -> str:
        phase = self.program.running_phase
        if not value:
            return f"{shown(phase.volume)}{self.program.units}"
        self._check_idle()
        if value in VOLUME_UNITS:
            self.program.units = value
        else:
            phase.volume = number(value)
        return ""

    def _direction(self, value: str) -> str:
        program, phase = self.program, self.program.running_phase
        if not value:
            return phase.direction
        if value not in ("INF", "WDR", "REV", "STK"):
            raise Refused("")
        if program.running and (phase.volume or value == "STK"):
            raise Refused("NA")
        phase.direction = {"INF": "WDR"}.get(phase.direction, "INF") if value == "REV" else value
        if program.running:
            program.change(direction=+1 if phase.direction == "INF" else -1)
        return ""

    def _run(self, value: str) -> str:
        self._check_idle()
        phase = integer(value, 1, PHASES) if value else None
        if self._refuses():
            raise Refused("IGN")
        self.program.start(self._now(), phase)
        return ""

    def _purge(self, value: str) -> str:
        self._check_idle()
        self.program.purge(self._now(), self._rates()[1])
        return ""

    def _stop(self, value: str) -> str:
        if self.program.state == "S":
            raise Refused("NA")
        self.program.stop(self._now())
        return ""

    def _dispensed(self, value: str) -> str:
        factor = VOLUME_UNITS[self.program.units]
        infused, withdrawn = (shown(self.program.dispensed[sign] / factor) for sign in (+1, -1))
        return f"I{infused}W{withdrawn}{self.program.units}"

    def _clear(self, value: str) -> str:
        self._check_idle()
        if value not in ("INF", "WDR"):
            raise Refused("")
        self.program.dispensed[+1 if value == "INF" else -1] = 0.0
        return ""

    def _safe(self, value: str) -> str:
        if not value:
            return f"{self.settings.safe_timeout:03d}"
        self.settings.safe_timeout = integer(value, 0, 255)
        return ""

    def _input(self, value: str) -> str:
        integer(value, 2, 6)
        return "1"

    def _motor(self, value: str) -> str:
        return "1" if self.program.state in "IWX" else "0"

    def _output(self, value: str) -> str:
        if not re.fullmatch(r"5[01]", value):
            raise Refused("OOR")
        self.program.out = int(value[1])
        return ""

    def _trigger(self, value: str) -> str:
        if not value:
            return self.settings.trigger
        if value not in _TRIGGERS:
            raise Refused("OOR")
        self.settings.trigger = value
        return ""

    def _address(self, value: str) -> str:
        if value:
            self.settings.address = integer(value.partition("B")[0], 0, 99)
            return ""
        return f"{self.settings.address:02d}"

    def _reset(self) -> str:
        self._check_idle()
        self.program.clear()
        self.settings.address = self.settings.safe_timeout = 0
        self.settings.switches = _switches()
        return ""

    def _check_idle(self) -> None:
        if self.program.running:
            raise Refused("NA")
