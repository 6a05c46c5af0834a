"""What the simulated EmStat instruments can do, and how they write numbers.

Models, potential and current ranges: MethodSCRIPT manual v1.8, appendix B; indices of the current ranges as in
PalmSens' own reader of packages (MethodSCRIPT_Examples, palmsens/mscript.py). Numbers in packages: manual, ch. 4 and 5:
seven hexadecimal digits with 0x8000000 for zero, then an SI prefix.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

PREFIXES: Mapping[str, float] = {
    "a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, " ": 1.0,
    "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
}  # fmt: skip
_ZERO = 0x8000000
OVERLOAD, UNDERLOAD, NEAR_OVERLOAD = 0x2, 0x4, 0x8
"""Bits of the status of a value (manual, ch. 5)."""
_NEAR, _UNDER = 0.95, 0.04
HIGH_SPEED = 3
"""The PGStat mode that impedance needs on an EmStat Pico (manual, appendix B.1)."""


def encoded(value: float, *, integer: bool = False) -> str:
    """A number as packages have it: with the finest prefix whose digits suffice; `     nan` for what is no number."""
    if integer:
        return f"{_ZERO + max(-_ZERO, min(_ZERO - 1, round(value))):07X}i"
    if value == 0:
        return f"{_ZERO:07X} "
    for prefix, factor in PREFIXES.items():
        if math.isfinite(value) and abs(digits := round(value / factor)) < _ZERO:
            return f"{_ZERO + digits:07X}{prefix}"
    return "     nan"


@dataclass(frozen=True, slots=True)
class Range:
    """A current range: its index in packages, and the largest current in it, A."""

    index: int
    largest: float

    def status(self, current: float) -> int:
        """Whether a current is too large or small for the range."""
        if abs(current) > self.largest:
            return OVERLOAD
        if abs(current) > _NEAR * self.largest:
            return NEAR_OVERLOAD
        return UNDERLOAD if abs(current) < _UNDER * self.largest and self.index else 0


_SLOW = (60e-9, 1.17e-6, 2.34e-6, 4.68e-6, 9.38e-6, 18.7e-6, 37.5e-6, 75e-6, 150e-6, 300e-6, 600e-6, 3e-3)
_FAST = (60e-9, 600e-9, 3.6e-6, 7.8e-6, 15e-6, 30e-6, 60e-6, 120e-6, 600e-6, 3e-3)
_PICO_SLOW = tuple(Range(index, largest) for index, largest in enumerate(_SLOW))
_PICO_FAST = tuple(Range(128 + index, largest) for index, largest in enumerate(_FAST))
_LR = tuple(Range(3 * n, 3 * 10.0 ** (n - 10)) for n in range(1, 9))
_HR = tuple(Range(3 * n, 3 * 10.0 ** (n - 10)) for n in range(3, 10))


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of instrument."""

    code: str
    """The first six characters of its firmware version."""
    potentials: Mapping[int, tuple[float, float]]
    """The range of potentials by PGStat mode, V."""
    fastest: float
    """Highest frequency of an impedance, Hz."""
    widest: float
    """Highest amplitude of an impedance, V rms."""
    ranges: Mapping[int, tuple[Range, ...]]
    """The current ranges by PGStat mode, smallest first."""

    @property
    def pico(self) -> bool:
        """Whether PGStat modes make a difference."""
        return self.code == "espico"


MODELS: Mapping[str, Model] = {
    "EmStat Pico": Model(
        "espico",
        {2: (-1.25, 2.0), 3: (-1.7, 2.0), 4: (-1.7, 2.0)},
        200e3,
        0.429,
        {2: _PICO_SLOW, 3: _PICO_FAST, 4: _PICO_FAST},
    ),
    "EmStat4 LR": Model("es4_lr", dict.fromkeys((2, 3, 4), (-3.0, 3.0)), 200e3, 0.9, dict.fromkeys((2, 3, 4), _LR)),
    "EmStat4 HR": Model("es4_hr", dict.fromkeys((2, 3, 4), (-6.0, 6.0)), 200e3, 0.9, dict.fromkeys((2, 3, 4), _HR)),
}


def range_for(ranges: tuple[Range, ...], current: float) -> Range:
    """The smallest range that holds a current, A; the largest one when none does."""
    return next((one for one in ranges if current <= one.largest * 1.0001), ranges[-1])
