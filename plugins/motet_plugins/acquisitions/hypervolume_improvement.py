"""The acquisition `ehvi`."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from motet.contracts.belief import Array, View
from motet.errors import LearnerError
from motet.model.standing import pareto_front
from motet.model.values import Frozen, Real
from motet_plugins.acquisitions.fronts import reference_point
from motet_plugins.acquisitions.improvement import improvement

CHUNK = 8192
"""Candidates whose improvements are held in memory together."""

OBJECTIVES = 4
"""At most so many: the work grows with the size of the front to the power of their number less one."""


class Options(Frozen):
    """Options of `ehvi`."""

    reference: tuple[Real, ...] | None = None
    """One value for each objective, in its unit: only what is better counts.

    For an objective that is minimized minus the value, for a target minus the distance from it. When left out
    it follows the measured values: the worst of the Pareto front minus a tenth of the range of all of them.
    """


class HypervolumeImprovement:
    """By how much a point is expected to enlarge the volume that the Pareto front dominates.

    Emmerich, Deutz, Klinkenberg, Hypervolume-based expected improvement: monotonicity properties and exact
    computation, IEEE CEC (2011); Yang, Emmerich, Deutz, Baeck, Efficient computation of expected hypervolume
    improvement using box decomposition algorithms, J. Global Optim. 75 (2019) 3-34. Exact for two to four
    objectives whose errors are independent of one another.
    """

    several = True
    scale = "positive"

    def __init__(self, options: Options) -> None:
        self._reference = options.reference

    def score(self, view: View) -> Array:
        """Scores (n,), none below 0, a product of standardized values. Raises LearnerError for five objectives."""
        if len(view.models) > OBJECTIVES:
            raise LearnerError(
                f"ehvi works towards at most {OBJECTIVES} objectives; found {len(view.models)}: parego takes any number"
            )
        reference = reference_point(view, self._reference)
        means = np.stack([prediction.mean for prediction in view.predictions])
        stds = np.stack([prediction.std for prediction in view.predictions])
        return expected_improvement(means, stds, view.outcomes, reference)


def expected_improvement(means: Array, stds: Array, values: Array, reference: Array) -> Array:
    """Expected hypervolume improvement (n,) over values (c, m), for independent normal beliefs (m, n) of m objectives.

    The volume above the reference point that the values leave is cut into strips along the first objective. An
    improvement within a strip from a to b has there the length (f - a)+ - (f - b)+, in which only the values
    that reach b in the first objective count for the others: a product of independent expectations.
    """
    front = pareto_front(values[np.all(values > reference, axis=1)])
    levels = [np.unique(np.append(column, low)) for column, low in zip(front.T, reference, strict=True)]
    ranks = np.empty(front.shape, dtype=np.intp)
    for number, level in enumerate(levels):
        ranks[:, number] = np.searchsorted(level, front[:, number])
    parts: list[Array] = []
    for begin in range(0, means.shape[1], CHUNK):
        part = slice(begin, begin + CHUNK)
        beliefs = zip(levels, means[:, part], stds[:, part], strict=True)
        parts.append(_volume(ranks, [_above(level, mean, std) for level, mean, std in beliefs]))
    return np.concatenate(parts)


def _above(levels: Array, mean: Array, std: Array) -> Array:
    """Expected improvements (k, n) over k levels."""
    return np.stack([improvement(mean - level, std) for level in levels])


def _volume(ranks: NDArray[np.intp], above: Sequence[Array]) -> Array:
    """The expectation for values given by the numbers of their levels (c, m), 0 the reference's."""
    if len(above) == 1:
        return above[0][ranks.max(initial=0)]
    bounds = [0, *np.unique(ranks[:, 0])]
    total = above[0][bounds[-1]] * _volume(ranks[:0, 1:], above[1:])
    for low, high in pairwise(bounds):
        length = np.maximum(above[0][low] - above[0][high], 0.0)
        total += length * _volume(ranks[ranks[:, 0] >= high, 1:], above[1:])
    return total
