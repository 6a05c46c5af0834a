"""Which points of a table count as its top, and how much of something is meant."""

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.study.statistics import Floats

_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<percent>%)?")
_ROUNDING = 1e-9
"""A share of a whole may miss a whole number by this much: 5 % of 600 is 30."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A part of a whole: so many, or so many per cent."""

    number: float
    percent: bool

    @classmethod
    def of(cls, text: str) -> "Amount":
        """`30` or `5 %`. Raises ValueError saying what is allowed."""
        match = _AMOUNT.fullmatch(text.strip())
        number = float(match["number"]) if match else 0.0
        percent = bool(match and match["percent"])
        if not number or (percent and number > 100) or (not percent and not number.is_integer()):
            raise ValueError("a share above 0 % and up to 100 %, such as `5%`, or a whole number from 1 is needed")
        return cls(number, percent)

    def count(self, whole: int) -> int:
        """How many of `whole` that is: a share is rounded up, so 1 % of 2121 are 22."""
        return math.ceil(self.number * whole / 100 - _ROUNDING) if self.percent else int(self.number)

    def __str__(self) -> str:
        return f"{self.number:g}{' %' if self.percent else ''}"


def top(merits: Floats, count: int) -> NDArray[np.bool_]:
    """Which points (n,) are the best `count`. Points equal to the last of them belong to them too, as nothing tells
    them apart: so there may be more."""
    return merits >= np.sort(merits)[::-1][min(count, merits.size) - 1]


def needed(share: float, whole: int) -> int:
    """How many of `whole` make up a share of 0 to 1 at least: 80 % of 9 are 8."""
    return math.ceil(share * whole - _ROUNDING)
