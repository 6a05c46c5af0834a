"""The source of the simulated Model 2450: level, limit and range of both functions, and the region of 20 W."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from motet_simulators.keithley_2450.load import Load, Point, operating_point
from motet_simulators.keithley_2450.scpi import ScpiError
from motet_simulators.keithley_2450.settings import HIGH_CURRENT, HIGH_VOLTAGE, MOST, OVERRANGE, RANGES, fixed_range

OTHER: Mapping[str, str] = {"VOLT": "CURR", "CURR": "VOLT"}
LEAST_LIMIT: Mapping[str, float] = {"CURR": 1e-9, "VOLT": 0.02}
"""Of the current when voltage is sourced, A, and of the voltage, V."""
DEFAULT_LIMIT: Mapping[str, float] = {"CURR": 105e-6, "VOLT": 21.0}


@dataclass
class Source:
    """What is sourced once the output is on. Voltages in V, currents in A.

    `limits` are by the quantity that is limited. `ranges` are those set by hand; the automatic one fits the level.
    """

    function: str = "VOLT"
    output: bool = False
    levels: dict[str, float] = field(default_factory=lambda: {"VOLT": 0.0, "CURR": 0.0})
    limits: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_LIMIT))
    ranges: dict[str, float] = field(default_factory=dict[str, float])
    protection: float = MOST["VOLT"]

    def select(self, function: str) -> None:
        """Source voltage (`VOLT`) or current (`CURR`). A change turns the output off."""
        if function != self.function:
            self.output = False
        self.function = function
        self._adjust(function)

    def set_level(self, function: str, level: float) -> None:
        """-222 beyond what the instrument can source, -221 beyond a range set by hand."""
        if abs(level) > MOST[function]:
            raise ScpiError(-222)
        fixed = self.ranges.get(function)
        if fixed is not None and abs(level) > fixed * OVERRANGE:
            raise ScpiError(-221)
        self.levels[function] = level
        self._adjust(function)

    def set_limit(self, quantity: str, limit: float) -> None:
        """A limit's size counts, not its sign (Model 2461 manual, p. 6-94). -222 beyond what can be limited to."""
        if not LEAST_LIMIT[quantity] <= abs(limit) <= MOST[quantity]:
            raise ScpiError(-222)
        self.limits[quantity] = abs(limit)
        self._adjust(OTHER[quantity])

    def set_range(self, function: str, value: float) -> None:
        """By hand: the lowest range for the value. -221 when it does not hold the level."""
        found = fixed_range(function, value)
        if abs(self.levels[function]) > found * OVERRANGE:
            raise ScpiError(-221)
        self.ranges[function] = found
        self._adjust(function)

    def range(self, function: str) -> float:
        """The present range."""
        return self.ranges.get(function) or fixed_range(function, self.levels[function])

    def point(self, load: Load, level: float | None = None) -> Point:
        """Where the source comes to rest; at another level, that of a sweep. With the output off, 0 V."""
        if not self.output:
            return operating_point(load, "VOLT", 0.0, RANGES["CURR"][-1] / 10)
        function, limit = self.function, self.limits[OTHER[self.function]]
        wanted = self.levels[function] if level is None else level
        if function == "VOLT":
            wanted = min(max(wanted, -self.protection), self.protection)
        else:
            limit = min(limit, self.protection)
        return operating_point(load, function, wanted, limit)

    def _adjust(self, function: str) -> None:
        """A limit that does not go with the range is changed to one that does; the manual calls for a warning only."""
        quantity = OTHER[function]
        high, most = (HIGH_VOLTAGE, HIGH_CURRENT) if function == "VOLT" else (HIGH_CURRENT, HIGH_VOLTAGE)
        if function == self.function and self.range(function) * OVERRANGE > high * (1 + 1e-9):
            self.limits[quantity] = min(self.limits[quantity], most)
