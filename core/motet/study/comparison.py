"""Combinations held against a reference, seed by seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from motet.study.statistics import Floats, fewest_pairs, holm, median_interval, wilcoxon

LEVEL = 0.05
"""A difference is told where the corrected p is below this."""

FEWEST = fewest_pairs(1, LEVEL)
"""With fewer pairs nothing is tested: p could not fall below the level however large the difference."""


class Measure(StrEnum):
    """What is compared: lab time and experiments to the study's goal, and the best value at the end."""

    TIME = "lab time"
    EXPERIMENTS = "experiments"
    BEST = "best at the end"


class Verdict(StrEnum):
    """What can be said."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference can be told"
    TOO_FEW = "too few seeds to tell"


@dataclass(frozen=True, slots=True)
class Side:
    """The trials of one combination: by measure, a number for each seed; infinite for a trial that never got to the
    goal, and for the best of one without a value."""

    label: str
    numbers: Mapping[Measure, Mapping[int, float]] = field(default_factory=dict[Measure, Mapping[int, float]])


@dataclass(frozen=True, slots=True)
class Comparison:
    """One combination against the reference by one measure, over the seeds that both were run with.

    `effect` is the median over the pairs, `low` and `high` its 95 % bootstrap interval: the ratio of the combination to
    the reference for times and experiments (infinite where mostly the combination alone never got there, 0 where mostly
    the reference alone did not), the difference for the best value. `p` is Wilcoxon's, `adjusted` after Holm's
    correction over all comparisons by the same measure; None where nothing is tested. `got_there` counts the pairs in
    which the combination got to the goal (has a best value) and in which the reference did; `needed` is how many pairs
    the correction asks for.
    """

    combination: str
    reference: str
    measure: Measure
    pairs: int
    got_there: tuple[int, int]
    effect: float
    low: float
    high: float
    needed: int
    verdict: Verdict
    p: float | None = None
    adjusted: float | None = None


def compare(reference: Side, others: Sequence[Side], sign: int) -> list[Comparison]:
    """Every combination against the reference by every measure; `sign` is +1 where a higher best value is better.

    A trial that never got to the goal counts as slower than every one that did; a pair in which neither did tells
    nothing.
    """
    found: list[Comparison] = []
    for measure, numbers in reference.numbers.items():
        sides = [side for side in others if numbers.keys() & side.numbers[measure].keys()]
        pairs = [_pairs(measure, side.numbers[measure], numbers) for side in sides]
        tested = [i for i, (differences, _) in enumerate(pairs) if differences.size >= FEWEST]
        p_values = [wilcoxon(pairs[i][0]) for i in tested]
        p_of = dict(zip(tested, zip(p_values, holm(p_values), strict=True), strict=True))
        better = sign if measure is Measure.BEST else -1
        for i, side in enumerate(sides):
            p, adjusted = p_of.get(i, (None, None))
            median, *interval = median_interval(pairs[i][0])
            effect, low, high = (_effect(measure, value) for value in (median, *interval))
            found.append(
                Comparison(
                    combination=side.label,
                    reference=reference.label,
                    measure=measure,
                    pairs=pairs[i][0].size,
                    got_there=pairs[i][1],
                    effect=effect,
                    low=low,
                    high=high,
                    needed=fewest_pairs(len(tested), LEVEL),
                    verdict=_verdict(adjusted, better * median),
                    p=p,
                    adjusted=adjusted,
                )
            )
    return found


def _pairs(measure: Measure, left: Mapping[int, float], right: Mapping[int, float]) -> tuple[Floats, tuple[int, int]]:
    """The differences (of logarithms, for a ratio) over the seeds of both; and how many of each side got there."""
    seeds = sorted(left.keys() & right.keys())
    ours, theirs = (np.array([side[seed] for seed in seeds]) for side in (left, right))
    got_there = int(np.isfinite(ours).sum()), int(np.isfinite(theirs).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        differences = ours - theirs if measure is Measure.BEST else np.log(ours) - np.log(theirs)
    return np.where(np.isnan(differences), 0.0, differences), got_there


def _effect(measure: Measure, difference: float) -> float:
    return difference if measure is Measure.BEST else math.exp(difference)


def _verdict(adjusted: float | None, gain: float) -> Verdict:
    if adjusted is None:
        return Verdict.TOO_FEW
    if adjusted >= LEVEL or gain == 0:
        return Verdict.NO_DIFFERENCE
    return Verdict.BETTER if gain > 0 else Verdict.WORSE
