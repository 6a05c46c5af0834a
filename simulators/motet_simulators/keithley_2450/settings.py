"""What can be set at the simulated Model 2450, with defaults and ranges, and its fixed ranges.

Names are those of the Model 2450 Reference Manual, section 6; ranges of source and measurement those of SPEC-2450
Rev. A, p. 2; delays those of a sweep (p. 6-81). NPLC from 0.01 to 10 and averages to 100 are from the Series 2400's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from motet_simulators.keithley_2450 import scpi
from motet_simulators.keithley_2450.scpi import ScpiError

OVERRANGE = 1.05
RANGES: Mapping[str, tuple[float, ...]] = {
    "VOLT": (0.02, 0.2, 2, 20, 200),
    "CURR": (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1),
    "RES": (20, 200, 2e3, 2e4, 2e5, 2e6, 2e7, 2e8),
}
MOST: Mapping[str, float] = {"VOLT": 210, "CURR": 1.05, "RES": 2.1e8}
HIGH_VOLTAGE, HIGH_CURRENT = 21.0, 0.105
"""Above this voltage no more than this current, and the other way round: 20 W (not in the pages at hand)."""
PROTECTION = (2, 5, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180)
_FUNCTIONS = {"VOLT": "VOLTage", "CURR": "CURRent", "RES": "RESistance"}
_ON, _OFF = "1", "0"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that can be set and asked for: a number in a range, a word of `words`, or on and off (neither)."""

    name: str
    header: str
    default: str
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    whole: bool = False

    def read(self, text: str) -> str:
        """A parameter as it is kept. Raises ScpiError."""
        if self.words:
            return scpi.choice(text, self.words)
        if self.low is None or self.high is None:
            return _ON if scpi.boolean(text) else _OFF
        found = scpi.bounded(text, self.low, self.high, float(self.default))
        return scpi.shown(round(found) if self.whole else found)


def _of_functions() -> Iterator[Setting]:
    for short, long in _FUNCTIONS.items():
        sense = f"[:SENSe[1]]:{long}[:DC]" if short != "RES" else f"[:SENSe[1]]:{long}"
        yield Setting(f"{short}:NPLC", f"{sense}:NPLCycles", "1", 0.01, 10)
        yield Setting(f"{short}:RSEN", f"{sense}:RSENse", _OFF)
        yield Setting(f"{short}:AZER", f"{sense}:AZERo[:STATe]", _ON)
        yield Setting(f"{short}:AVER", f"{sense}:AVERage[:STATe]", _OFF)
        yield Setting(f"{short}:AVER:COUN", f"{sense}:AVERage:COUNt", "10", 1, 100, whole=True)
        yield Setting(f"{short}:AVER:TCON", f"{sense}:AVERage:TCONtrol", "REP", words=("REPeat", "MOVing"))
        yield Setting(f"{short}:AUTO", f"{sense}:RANGe:AUTO", _ON)
        for user in range(1, 6):
            yield Setting(f"{short}:DEL:USER{user}", f"{sense}:DELay:USER{user}", "0", 0, 10_000)
    for short in ("VOLT", "CURR"):
        source = f":SOURce[1]:{_FUNCTIONS[short]}"
        yield Setting(f"SOUR:{short}:AUTO", f"{source}:RANGe:AUTO", _ON)
        yield Setting(f"SOUR:{short}:DEL", f"{source}:DELay", "0", 0, 10_000)
        yield Setting(f"SOUR:{short}:DEL:AUTO", f"{source}:DELay:AUTO", _ON)
        yield Setting(f"SOUR:{short}:READ", f"{source}:READ:BACK", _ON)
        yield Setting(f"SOUR:{short}:HIGH", f"{source}:HIGH:CAPacitance", _OFF)
        off = ("NORMal", "HIMPedance", "ZERO", "GUARd")
        yield Setting(f"{short}:SMOD", f":OUTPut[1]:{_FUNCTIONS[short]}:SMODe", "NORM", words=off)
        for user in range(1, 6):
            yield Setting(f"SOUR:{short}:USER{user}", f"{source}:DELay:USER{user}", "0", 0, 10_000)
    protections = ("NONE", *(f"PROT{volts}" for volts in PROTECTION))
    yield Setting("PROT", ":SOURce[1]:VOLTage:PROTection[:LEVel]", "NONE", words=protections)
    yield Setting("COUN", "[:SENSe[1]]:COUNt", "1", 1, 300_000, whole=True)
    yield Setting("FORM", ":FORMat[:DATA]", "ASC", words=("ASCii",))
    yield Setting("PREC", ":FORMat:ASCii:PRECision", "0", 0, 16, whole=True)


SETTINGS: Sequence[Setting] = tuple(_of_functions())
DEFAULTS: Mapping[str, str] = {setting.name: setting.default for setting in SETTINGS}


def fixed_range(function: str, value: float) -> float:
    """The lowest range for a value. -222 for one beyond the highest."""
    return next((step for step in RANGES[function] if abs(value) <= step * OVERRANGE * (1 + 1e-9)), 0.0) or _beyond()


def _beyond() -> float:
    raise ScpiError(-222)
