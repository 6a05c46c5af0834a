"""How probable it is that an experiment gives a value, and one that the constraints on outcomes allow."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from motet.contracts.belief import Array, Data
from motet.learning.checked import CheckedSurrogate
from motet.learning.modelling import Course, Model
from motet.learning.pool import Pool
from motet.model.objective import OutcomeConstraint

EXACT = 1e-9
"""The smallest standard deviation, in those of the values measured: a model may be certain, rounding is not."""

TINY = 1e-300
"""The smallest probability: its logarithm is finite."""


def allowed(constraints: Sequence[OutcomeConstraint], models: Course, pool: Pool, rows: NDArray[np.intp]) -> Array:
    """Log probability (n,) that a value at rows of a pool meets every constraint; one model for each.

    Gardner et al., Bayesian optimization with inequality constraints, ICML (2014), eq. 8: a product, as constraints
    are taken to be independent.
    """
    total = np.zeros(len(rows))
    for constraint, model in zip(constraints, models, strict=True):
        prediction = model.over(pool).at(rows)
        mean = model.data.centre + model.data.spread * prediction.mean
        std = model.data.spread * np.maximum(prediction.std, EXACT)
        low = -np.inf if constraint.at_least is None else (constraint.at_least - mean) / std
        high = np.inf if constraint.at_most is None else (constraint.at_most - mean) / std
        total += _log_between(np.broadcast_to(low, mean.shape), np.broadcast_to(high, mean.shape))
    return total


def _log_between(low: Array, high: Array) -> Array:
    """Log probability (n,) of a standard normal number to lie between; by the lower tail, where it is exact."""
    from scipy.special import log_ndtr

    upper = low > 0
    first, last = np.where(upper, -high, low), np.where(upper, -low, high)
    below, up_to = log_ndtr(first), log_ndtr(last)
    return up_to + np.log1p(-np.minimum(np.exp(below - up_to), 1 - 1e-16))


def best_allowed(data: Data, constraints: Mapping[str, OutcomeConstraint], others: Mapping[str, Data]) -> float:
    """The highest y of `data` at a point where every constraint's mean value is met; the lowest of all when none is.

    `others` are what was measured of the numbers with constraints, as far as anything was.
    """
    if not constraints:
        return float(data.y.max())
    bad: set[bytes] = set()
    for name, constraint in constraints.items():
        found: defaultdict[bytes, list[float]] = defaultdict(list)
        if name in others:
            for row, value in zip(others[name].x, others[name].merits, strict=True):
                found[row.tobytes()].append(float(value))
        bad |= {key for key, values in found.items() if not constraint.allows(fmean(values))}
    good = [y for row, y in zip(data.x, data.y, strict=True) if row.tobytes() not in bad]
    return float(max(good, default=data.y.min()))


class Success:
    """Learns from failed experiments where they fail."""

    def __init__(self, classifier: CheckedSurrogate, seed: int) -> None:
        self._classifier = classifier
        self._seed = seed
        self._fitted: tuple[int, Model] | None = None

    def probability(self, data: Data, told: int, pool: Pool, rows: NDArray[np.intp]) -> Array | None:
        """Log probability (n,) of success at rows of a pool; None while nothing has failed, or nothing succeeded.

        Raises FitFailed.
        """
        if len(np.unique(data.merits)) < 2:
            return None
        if self._fitted is None or self._fitted[0] != told:
            self._fitted = told, Model(self._classifier.fit(data, self._seed), data, data)
        probabilities = self._fitted[1].over(pool).at(rows).probabilities
        assert probabilities is not None, "a classifier was asked for when the learner was built"
        return np.log(np.maximum(probabilities[:, 1], TINY))
