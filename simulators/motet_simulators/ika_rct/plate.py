"""What a simulated hot plate does between two commands: heater, stirrer, watchdog, and what it shows of an error.

Nothing runs on the clock: whoever looks lets everything happen that has happened by then, the watchdog's event at its
own time. A watchdog that is not fed within its time switches heating and stirring off and shows `Er 2` (mode 1), or
falls back to set values of its own (mode 2); any watchdog command or RESET ends that state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from motet_simulators.ika_rct.heat import Heat, HeatOptions
from motet_simulators.ika_rct.stirrer import Stirrer

WATCHDOG_S = (20.0, 1500.0)
WELL_STIRRED = 500.0
"""1/min."""
SAFETY_MARGIN = 15.0
"""The set temperature stays so many K below the safety temperature (operating instructions, Safety temperature)."""


@dataclass(frozen=True, slots=True)
class Model:
    """What differs from one model to the other: degC, 1/min, and whether it has the longer list of commands."""

    name: str
    hottest: float
    fastest: float
    extended: bool


MODELS = {
    "rct_digital": Model("RCT digital", 310.0, 1500.0, False),
    "ret_control_visc": Model("IKARET", 340, 1700, True),
}


class PlateOptions(HeatOptions):
    """The hot plate, and what stands on it."""

    model: Literal["rct_digital", "ret_control_visc"] = "rct_digital"
    safety_temperature: float = Field(default=360.0, ge=50)
    """As set with the screwdriver, degC."""
    acceleration: float = Field(default=150.0, gt=0)
    """Of the stirrer, 1/min in a second."""


class Plate:
    """Heater, stirrer and watchdog. `now` gives lab seconds."""

    def __init__(self, options: PlateOptions, now: Callable[[], float]) -> None:
        self._options = options
        self._now = now
        self._at = now()
        self.model = MODELS[options.model]
        self.heat = Heat.cold(options)
        self.stirrer = Stirrer(options.acceleration, self._at)
        self.heating = False
        self.set_temperature = 0.0
        self.display = ""
        """What it shows of an error: `Er 2`."""
        self._heater_works = True
        self._watchdog: tuple[int, float] | None = None
        self._fallback = (0.0, 0.0)

    @property
    def hottest(self) -> float:
        """The highest temperature that can be set, degC."""
        return min(self.model.hottest, self._options.safety_temperature - SAFETY_MARGIN)

    def heater(self, on: bool, *, works: bool = True) -> None:
        """Switch the heater; one that does not work stays cold."""
        self.heating, self._heater_works = on, works

    def turn_at(self, speed: float) -> None:
        """Set the speed, 1/min; the stirrer keeps whole ones."""
        self.stirrer.target = float(round(speed))

    def heat_to(self, temperature: float) -> None:
        """Set the temperature, degC; tenths are kept."""
        self.set_temperature = round(temperature, 1)

    def all_off(self) -> None:
        """Heating and stirring off."""
        self.heater(False)
        self.stirrer.stop()

    def fall_back_to(self, *, temperature: float | None = None, speed: float | None = None) -> None:
        """What a watchdog of mode 2 sets."""
        before = self._fallback
        self._fallback = (before[0] if temperature is None else temperature, before[1] if speed is None else speed)

    def watch(self, mode: int, seconds: float) -> bool:
        """Arm or feed the watchdog; 0 s in mode 2 ends it. False for a time that it does not take."""
        low, high = WATCHDOG_S
        if not low <= seconds <= high and (mode, seconds) != (2, 0):
            return False
        self._watchdog = (mode, self._now() + seconds) if seconds else None
        self.display = ""
        return True

    def advance(self) -> None:
        """Let everything happen that has happened by now."""
        now = self._now()
        if self._watchdog is not None and self._watchdog[1] <= now:
            mode, due = self._watchdog
            self._pass(due)
            self._watchdog = None
            if mode == 1:
                self.display = "Er 2"
                self.all_off()
            else:
                self.heat_to(self._fallback[0])
                self.turn_at(self._fallback[1])
        self._pass(now)

    def _pass(self, now: float) -> None:
        seconds, self._at = now - self._at, now
        self.stirrer.advance(now)
        if self.stirrer.blocked:
            self.display = "Er 4"
        if seconds > 0:
            target = self.set_temperature if self.heating and self._heater_works else None
            stirred = min(1.0, self.stirrer.speed / WELL_STIRRED)
            self.heat.advance(seconds, target, self.model.hottest, stirred)
            if self.heat.plate > self._options.safety_temperature:
                self.heating = False
