"""The acquisition `variance_reduction`, also called `alc`."""

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, Correlated, Gives, View
from motet.model.values import Frozen, Whole
from motet_plugins.acquisitions.given import correlated

CHUNK = 8192
"""Points whose covariances are held in memory together."""


class Options(Frozen):
    """Options of `variance_reduction`."""

    references: Whole = Field(default=500, ge=1, le=10_000)
    """Points over which the variance is averaged, drawn anew for every suggestion where the space has more."""


class VarianceReduction:
    """By how much measuring a point lowers the variance of the prediction, on average over the whole space.

    Called ALC. Cohn, Neural network exploration using optimal experiment design, Neural Networks 9 (1996)
    1071-1083; for Gaussian processes Seo, Wallat, Graepel, Obermayer, Gaussian process regression: active
    data selection and test point rejection, IJCNN (2000): the mean over points r of cov(x, r)^2 / (var(x) +
    noise^2), which is 0 where nothing is left to learn.
    """

    needs = frozenset({Gives.MEAN_STD, Gives.COVARIANCE})
    scale = "positive"

    def __init__(self, options: Options) -> None:
        self._references = options.references

    def score(self, view: View) -> Array:
        """Scores (n,), none below 0, standardized variances."""
        model = correlated(view)
        references = self._drawn(view)
        # Over the whole pool: models keep what they know of it, and the candidates change with every suggestion.
        parts = (view.pool[begin : begin + CHUNK] for begin in range(0, len(view.pool), CHUNK))
        reduced = np.concatenate([_mean_square(model, part, references) for part in parts])[view.rows]
        variance = view.prediction.std**2 + model.noise**2
        return np.divide(reduced, variance, out=np.zeros_like(reduced), where=variance > 0)

    def _drawn(self, view: View) -> Array:
        """Reference points (r, d) out of the pool, evenly from all of the space."""
        even = view.pool[view.even]
        if len(even) <= self._references:
            return even
        return even[np.sort(view.rng.choice(len(even), self._references, replace=False))]


def _mean_square(model: Correlated, x: Array, references: Array) -> Array:
    covariance = model.covariance(x, references)
    return np.einsum("ij,ij->i", covariance, covariance) / len(references)
