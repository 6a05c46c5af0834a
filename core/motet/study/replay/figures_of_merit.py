"""The numbers that a learner is judged by, over runs that differ in their seed alone.

Q. Liang et al., npj Comput. Mater. 7 (2021) 188: Top%, enhancement factor EF, acceleration factor AF. Standard errors
of ratios: W. G. Cochran, Sampling Techniques (1977), section 2.11.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motet.study.statistics import Floats, kaplan_meier_spread, quantiles

SHARES = (0.1, 0.9)
"""Between these quantiles over the runs lies a band."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard error; None where it is not known: the mean without numbers, the error with one only."""

    mean: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class Wait:
    """How much it took until something happened, over the runs in the order of their seeds.

    `each` has None for a run that ended before it. `mean` and `error` are None unless it happened in all of them;
    `at_least` is the mean in which the others count with what they did until their end, so the mean is no less.
    `median` is by Kaplan and Meier, None where it happened in less than half.
    """

    each: tuple[float | None, ...]
    mean: float | None
    error: float | None
    at_least: float | None
    median: float | None

    @property
    def reached(self) -> int:
        """In how many runs it happened."""
        return sum(one is not None for one in self.each)


@dataclass(frozen=True, slots=True)
class Curve:
    """Something over the runs after `x` experiments: mean and standard deviation, and the 10 % and 90 % quantiles."""

    x: Floats
    mean: Floats
    deviation: Floats
    low: Floats
    high: Floats

    def __truediv__(self, by: Floats) -> "Curve":
        """All of it as a multiple of something."""
        return Curve(self.x, self.mean / by, self.deviation / by, self.low / by, self.high / by)


def mean_of(numbers: Sequence[float]) -> Mean:
    """The mean with its standard error."""
    if not numbers:
        return Mean(None, None)
    values = np.asarray(numbers, dtype=float)
    error = float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else None
    return Mean(float(values.mean()), error)


def wait_of(each: Sequence[float | None], ends: Sequence[float]) -> Wait:
    """Numbers until something happened, None where it did not until the run's end."""
    happened = [one is not None for one in each]
    known = [end if one is None else one for one, end in zip(each, ends, strict=True)]
    found = mean_of(known)
    complete = all(happened)
    return Wait(
        tuple(each),
        found.mean if complete else None,
        found.error if complete else None,
        found.mean,
        kaplan_meier_spread(known, happened).median,
    )


def ratio_of(over: Sequence[float], under: Sequence[float]) -> Mean:
    """The ratio of two means over pairs, with its standard error."""
    if not over:
        return Mean(None, None)
    above, below = np.asarray(over, dtype=float), np.asarray(under, dtype=float)
    ratio = float(above.mean() / below.mean())
    if above.size < 2:
        return Mean(ratio, None)
    spread = float(np.sqrt(((above - ratio * below) ** 2).sum() / (above.size - 1)))
    return Mean(ratio, spread / math.sqrt(above.size) / float(below.mean()))


def curve_of(rows: Sequence[Floats], complete: Sequence[bool]) -> Curve:
    """What runs had after 1, 2 ... experiments; each row begins with what it had before the first.

    A run that is `complete` keeps its last value for ever; of the others nothing is known after their end, so the curve
    ends where the first of them does.
    """
    if not rows:
        nothing = np.empty(0)
        return Curve(nothing, nothing, nothing, nothing, nothing)
    known = [row.size for row, whole in zip(rows, complete, strict=True) if not whole]
    length = min(known) if known else max(row.size for row in rows)
    table = np.array([row[np.minimum(np.arange(1, length), row.size - 1)] for row in rows], dtype=float)
    low, high = quantiles(table, SHARES)
    deviation = table.std(axis=0, ddof=1) if len(table) > 1 else np.full(length - 1, math.nan)
    return Curve(np.arange(1.0, length), table.mean(axis=0), deviation, low, high)


def medians_of(rows: Sequence[Sequence[float]]) -> Floats:
    """The median of the first, second ... number over the rows that have as many; up to where half of them have."""
    sizes = sorted((len(row) for row in rows), reverse=True)
    most = sizes[(len(sizes) - 1) // 2] if sizes else 0
    return np.array([float(np.median([row[place] for row in rows if len(row) > place])) for place in range(most)])
