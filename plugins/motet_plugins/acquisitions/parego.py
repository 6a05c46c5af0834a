"""The acquisition `parego`."""

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, Data, View
from motet.errors import LearnerError
from motet.model.values import Frozen, Real
from motet_plugins.acquisitions.improvement import improvement


class Options(Frozen):
    """Options of `parego`."""

    rho: Real = Field(default=0.05, ge=0)
    """Weight of the sum beside the worst objective, which keeps points out that are only as good as others."""


class ParEgo:
    """Expected improvement of one number made of all objectives, weighted at random for every suggestion.

    Knowles, ParEGO: a hybrid algorithm with on-line landscape approximation for expensive multiobjective
    optimization problems, IEEE Trans. Evol. Comput. 10 (2006) 50-66, eq. 2, the augmented Chebyshev function
    max_j(l_j f_j) + rho sum_j l_j f_j of costs f scaled to [0, 1] over the measured values. The weights l are
    drawn evenly from all that add up to 1, not from a grid; every draw is followed by a fit.
    """

    several = True
    scale = "positive"

    def __init__(self, options: Options) -> None:
        self._rho = options.rho

    def score(self, view: View) -> Array:
        """Scores (n,), none below 0. Raises LearnerError while no point has every objective measured."""
        if not len(view.outcomes):
            raise LearnerError("parego needs a point at which every objective was measured; there is none yet")
        weights = view.rng.dirichlet(np.ones(view.outcomes.shape[1]))
        merits = -chebyshev(costs(view.outcomes), weights, self._rho)
        data = Data(view.outcomes_at, merits, np.arange(len(merits)))
        belief = view.fit(data.y)(view.x)
        return improvement(belief.mean - data.y.max(), belief.std)


def costs(values: Array) -> Array:
    """Values (c, m) as costs: 0 for the best in each objective, 1 for the worst, 0 where all are equal."""
    spread = np.ptp(values, axis=0)
    return (values.max(axis=0) - values) / np.where(spread > 0, spread, 1.0)


def chebyshev(costs: Array, weights: Array, rho: float) -> Array:
    """The augmented Chebyshev function (c,) of costs (c, m) with weights (m,)."""
    weighted = costs * weights
    return weighted.max(axis=1) + rho * weighted.sum(axis=1)
