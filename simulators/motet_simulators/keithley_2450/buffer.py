"""Reading buffers of the simulated Model 2450, and the elements that can be asked of them.

Elements, their order in an answer and the bits of a source status are those of the Model 2450 Reference Manual
(:TRACe:DATA?, p. 6-109; `sourcestatuses`, p. 8-29).
"""

import statistics
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from motet_simulators.keithley_2450.scpi import ScpiError, choice, reading
from motet_simulators.keithley_2450.status import stamp

DEFAULT_SIZE = 100_000
OVERFLOW = 9.9e37
LIMITED, FOUR_WIRE, OUTPUT_ON = 32, 64, 128
ELEMENTS = (
    "DATE", "FORMatted", "FRACtional", "READing", "RELative", "SEConds", "SOURce", "SOURFORMatted", "SOURSTATus",
    "SOURUNIT", "STATus", "TIME", "TSTamp", "UNIT",
)  # fmt: skip
MOST_ELEMENTS = 14
FRONT = 8
_UNITS = {"VOLT": "Volt DC", "CURR": "Amp DC", "RES": "Ohm"}
_PREFIXES = ((1e-9, "n"), (1e-6, "u"), (1e-3, "m"), (1.0, ""), (1e3, "k"), (1e6, "M"))


@dataclass(frozen=True, slots=True)
class Reading:
    """One source-measure point: what was measured, what was sourced, when (lab seconds), and the source's status."""

    at: float
    function: str
    value: float
    source_function: str
    source: float
    status: int


class Buffer:
    """A reading buffer: when it is full the oldest readings go (fill mode CONTinuous, the default)."""

    def __init__(self, size: int = DEFAULT_SIZE) -> None:
        self.readings: deque[Reading] = deque(maxlen=size)
        self.size = size

    def resize(self, size: int) -> None:
        """:TRACe:POINts, which also clears it."""
        self.size = size
        self.readings = deque(maxlen=size)

    def add(self, point: Reading) -> None:
        """One more."""
        self.readings.append(point)

    def last(self, elements: Sequence[str]) -> str:
        """The latest reading. -230 when there is none."""
        if not self.readings:
            raise ScpiError(-230)
        return self._shown(self.readings[-1], elements)

    def data(self, first: int, last: int, elements: Sequence[str]) -> str:
        """Readings from `first` to `last`, counted from 1. -222 for those that are not there."""
        if not 1 <= first <= last <= len(self.readings):
            raise ScpiError(-222)
        points = list(self.readings)[first - 1 : last]
        return ",".join(self._shown(point, elements) for point in points)

    def statistic(self, name: str) -> float:
        """AVERage, MAXimum, MINimum, PK2Pk or STDDev of all readings; 0 without any."""
        values = [point.value for point in self.readings]
        if not values:
            return 0.0
        match name:
            case "AVER":
                return statistics.fmean(values)
            case "MAX":
                return max(values)
            case "MIN":
                return min(values)
            case "PK2P":
                return max(values) - min(values)
            case _:
                return statistics.stdev(values) if len(values) > 1 else 0.0

    def _shown(self, point: Reading, elements: Sequence[str]) -> str:
        return ",".join(self._element(point, element) for element in elements)

    def _element(self, point: Reading, element: str) -> str:
        match element:
            case "READ":
                return reading(point.value)
            case "SOUR":
                return reading(point.source)
            case "REL":
                return reading(point.at - self.readings[0].at)
            case "SOURSTAT":
                return str(point.status)
            case _:
                return _TEXTS[element](point)


_TEXTS: Mapping[str, Callable[[Reading], str]] = {
    "STAT": lambda point: str(FRONT),
    "UNIT": lambda point: _UNITS[point.function],
    "SOURUNIT": lambda point: _UNITS[point.source_function],
    "FORM": lambda point: _formatted(point.value, _UNITS[point.function]),
    "SOURFORM": lambda point: _formatted(point.source, _UNITS[point.source_function]),
    "DATE": lambda point: f"{stamp(point.at):%m/%d/%Y}",
    "TIME": lambda point: f"{stamp(point.at):%H:%M:%S}",
    "TST": lambda point: f"{stamp(point.at):%m/%d/%Y %H:%M:%S}.{_fraction(point)}",
    "SEC": lambda point: str(int(stamp(point.at).timestamp())),
    "FRAC": lambda point: f"0.{_fraction(point)}",
}


def _fraction(point: Reading) -> str:
    return f"{point.at % 1:.9f}"[2:]


def elements_of(names: Sequence[str]) -> tuple[str, ...]:
    """The elements asked for, in short form; the reading alone without any. -224 for an unknown one."""
    if len(names) > MOST_ELEMENTS:
        raise ScpiError(-108)
    return tuple(choice(name, ELEMENTS) for name in names) or ("READ",)


def _formatted(value: float, unit: str) -> str:
    """As the front panel shows it, with a prefix."""
    if abs(value) >= OVERFLOW:
        return "Overflow"
    factor, prefix = next((p for p in reversed(_PREFIXES) if abs(value) >= p[0]), _PREFIXES[0])
    return f"{value / factor:+.5f} {prefix}{unit.partition(' ')[0][0]}"
