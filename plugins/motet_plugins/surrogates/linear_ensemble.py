"""The surrogate `linear_ensemble`."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, Data, Gives, Predict
from motet.model.values import Frozen, Real, Whole
from motet_plugins.surrogates.bootstrap import counts, weights
from motet_plugins.surrogates.ensemble import Ensemble
from motet_plugins.surrogates.features import Features, basis
from motet_plugins.surrogates.one_thread import one_blas_thread

PENALTIES = tuple(10.0**power for power in range(-3, 3))
"""From which the penalty is chosen when none is given."""

FEW = 3
"""Up to so many values there is nothing to choose a penalty by, and it is 1."""


class Options(Frozen):
    """Options of `linear_ensemble`."""

    members: Whole = Field(default=50, ge=2, le=10_000)
    """Lines of the ensemble. The spread of their predictions is the uncertainty."""
    degree: Literal[1, 2] = Field(default=1)
    """1 for planes; 2 with the squares and products of the columns besides."""
    penalty: Real | None = Field(default=None, gt=0)
    """What a squared weight costs, in squares of standardized values; left out, it is chosen by cross-validation."""


class LinearEnsemble:
    """Ridge regressions on bootstrap samples; mean and standard deviation over them.

    Hoerl and Kennard, Ridge regression, Technometrics 12 (1970) 55-67; Breiman, Bagging predictors, Machine
    Learning 24 (1996) 123-140. The constant is free. Values of known error are drawn by the inverse of its square.
    """

    gives = frozenset({Gives.MEAN_STD, Gives.MEMBERS, Gives.SAMPLES})

    def __init__(self, options: Options) -> None:
        self._options = options

    @one_blas_thread()
    def fit(self, data: Data, seed: int) -> Predict:
        """The lines fitted."""
        features = Features(data.x, self._options.degree)
        at = features(data.x)
        directions = basis(at)
        z = at @ directions
        penalty = self._options.penalty or chosen_penalty(z, data.y, weights(data))
        design = np.hstack([np.ones((len(z), 1)), z])
        samples = counts(data, self._options.members, np.random.default_rng(seed))
        lines = np.stack([_ridge(design, data.y, sample, penalty) for sample in samples])
        constants, slopes = lines[:, 0], directions @ lines[:, 1:].T

        @one_blas_thread()
        def means(x: Array, which: Sequence[int]) -> Array:
            return constants[which, None] + (features(x) @ slopes[:, which]).T

        return Ensemble(len(lines), means)


def chosen_penalty(z: Array, y: Array, weight: Array) -> float:
    """The penalty of the smallest generalized cross-validation error, for orthogonal coordinates z (n, r).

    Golub, Heath, Wahba, Generalized cross-validation as a method for choosing a good ridge parameter,
    Technometrics 21 (1979) 215-223, eq. 1.4. Exact for equal weights, when the columns of z stay orthogonal.
    """
    n = len(y)
    if n <= FEW:
        return 1.0
    root = np.sqrt(weight)
    centre = root / np.sqrt(weight.sum())
    rows, values = z * root[:, None], y * root
    rows, values = rows - np.outer(centre, centre @ rows), values - centre * (centre @ values)
    left, singular, _ = np.linalg.svd(rows, full_matrices=False)
    inside = left.T @ values
    outside = max(0.0, float(values @ values - inside @ inside))
    errors: list[float] = []
    for penalty in PENALTIES:
        kept = singular**2 / (singular**2 + penalty)
        free = n - 1 - float(kept.sum())
        errors.append((outside + float((((1 - kept) * inside) ** 2).sum())) / max(free, 1e-9) ** 2)
    return PENALTIES[int(np.argmin(errors))]


def _ridge(design: Array, y: Array, weight: Array, penalty: float) -> Array:
    """Constant and weights (1 + r,) of weighted values y (n,)."""
    square = (design.T * weight) @ design
    square[np.diag_indices_from(square)] += np.array([0.0] + [penalty] * (len(square) - 1))
    return np.asarray(np.linalg.solve(square, design.T @ (weight * y)), dtype=np.float64)
