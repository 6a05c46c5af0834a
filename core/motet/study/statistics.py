"""The arithmetic behind a study's statements, on plain numbers.

Sources: E. L. Kaplan and P. Meier, J. Am. Stat. Assoc. 53 (1958) 457 (censored medians); F. Wilcoxon, Biometrics
Bulletin 1 (1945) 80 (signed ranks); S. Holm, Scand. J. Statist. 6 (1979) 65 (many tests); B. Efron and R. J.
Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentile intervals).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 4000
"""Bootstrap samples behind an interval."""

SEED = 1979
"""The bootstrap's own seed: the same results give the same interval."""

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some numbers, and where the middle half of them lies. None for what is not known: fewer of the
    numbers than that are known to be as low."""

    median: float | None
    low: float | None
    high: float | None


NO_SPREAD = Spread(None, None, None)


def quartiles(numbers: Sequence[float]) -> Spread:
    """Median and quartiles, interpolated linearly; None where that many of the numbers are not finite."""
    if not len(numbers):
        return NO_SPREAD
    low, median, high = quantiles(np.asarray(numbers, dtype=float)[:, None], (0.25, 0.5, 0.75))[:, 0].tolist()
    known = [value if math.isfinite(value) else None for value in (median, low, high)]
    return Spread(*known)


def quantiles(table: Floats, shares: Sequence[float]) -> Floats:
    """Quantiles over the rows of a table (n x columns): (len(shares) x columns), interpolated linearly. NaN or infinite
    where a quantile lies among infinite numbers."""
    with np.errstate(invalid="ignore"):  # between -inf and a number there is nothing to interpolate
        return np.quantile(table, shares, axis=0)


def kaplan_meier(times: Sequence[float], reached: Sequence[bool]) -> list[tuple[float, float]]:
    """The share that has not got there yet, after each time at which some did: (time, share), by time.

    `times` are when a trial got there, or until when it had not (`reached` false: censored). A trial censored at the
    time at which others get there counts as still under way then.
    """
    left, share = len(times), 1.0
    steps: list[tuple[float, float]] = []
    order = sorted(zip(times, reached, strict=True), key=lambda one: (one[0], not one[1]))
    for time, got_there in order:
        if got_there:
            share *= (left - 1) / left
            if steps and steps[-1][0] == time:
                steps.pop()
            steps.append((time, share))
        left -= 1
    return steps


def kaplan_meier_spread(times: Sequence[float], reached: Sequence[bool]) -> Spread:
    """Median and quartiles of the time to get there: the first time at which at most a half (three quarters, a quarter)
    has not got there yet; None where more than that never got there."""
    steps = kaplan_meier(times, reached)

    def first(left: float) -> float | None:
        return next((time for time, share in steps if share <= left + _ROUNDING), None)

    return Spread(first(0.5), first(0.75), first(0.25))


def wilcoxon(differences: Floats) -> float:
    """Two-sided p of Wilcoxon's signed-rank test that paired differences are as often and as far below 0 as above.

    Infinite differences rank highest. Pairs without a difference are left out, as by Wilcoxon. Exact for few pairs,
    else by the normal approximation.
    """
    from scipy import stats

    told = differences[differences != 0]
    if not told.size:
        return 1.0
    sizes = [float(f"{abs(difference):.12g}") for difference in told.tolist()]  # rounding errors must not part ties
    # The test knows only signs and ranks, so the ranks stand in for the differences: those may be infinite.
    ranks = np.sign(told) * stats.rankdata(sizes)
    result: Any = stats.wilcoxon(ranks)
    return float(result.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: p-values that hold however many comparisons were made, in the given order."""
    count = len(p_values)
    adjusted = [1.0] * count
    highest = 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def fewest_pairs(comparisons: int, level: float) -> int:
    """How many pairs it takes before Wilcoxon's test, corrected for so many comparisons, can fall below `level` at all:
    with n pairs that all agree its p is 2^(1-n)."""
    return math.ceil(1 - math.log2(level / max(comparisons, 1)))


def median_interval(differences: Floats) -> tuple[float, float, float]:
    """The median of paired differences with its 95 % bootstrap percentile interval: (median, low, high).

    Infinite differences are allowed; a median half-way between minus and plus infinity is 0.
    """
    samples = _medians(differences[_resampled(differences.size)])
    low, high = np.quantile(samples, (0.025, 0.975), method="inverted_cdf").tolist()
    return float(_medians(differences[None, :])[0]), low, high


def _medians(rows: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.median(rows, axis=1), nan=0.0, posinf=math.inf, neginf=-math.inf)


@cache
def _resampled(count: int) -> NDArray[np.int64]:
    """Which of `count` pairs each bootstrap sample holds: (RESAMPLES, count)."""
    return np.random.default_rng(SEED).integers(count, size=(RESAMPLES, count))
