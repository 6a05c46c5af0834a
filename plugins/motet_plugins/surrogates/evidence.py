"""How probable the values are under a linear model: its evidence, and the hyper-parameters that maximize it.

The model: y = w0 + phi' w + noise, w0 ~ N(0, 1), weights w ~ N(0, 1 / alpha), noise ~ N(0, 1 / beta + v) with v the
known squared error of a value. Bishop, Pattern Recognition and Machine Learning, Springer (2006), ch. 3.5; MacKay,
Bayesian interpolation, Neural Computation 4 (1992) 415-447.
"""

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from motet.contracts.belief import Array

DECIMALS = 6
"""To which the logarithms of hyper-parameters are rounded: further ones depend on the machine's arithmetic."""

BOUNDS = {"alpha": (1e-4, 1e6), "noise": (1e-6, 4.0)}
"""Lowest and highest precision of the weights and variance of the noise."""

TRIED = (1e-3, 0.1, 1.0)
"""Variances of the noise from which the search starts: the evidence may have several maxima."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Log-normal priors of alpha and of the noise's variance: medians, standard deviations of the logarithms."""

    alpha: float
    noise: float = 0.01
    alpha_spread: float = 2.0
    noise_spread: float = 2.0


class NegativeLogEvidence:
    """Minus the log evidence less the logarithm of the prior, by the logarithms of alpha and the noise's variance.

    Of values y (n,) with features in orthogonal coordinates z (n, r); `known` are squared errors (n,), or 0.
    """

    def __init__(self, z: Array, y: Array, known: Array, prior: Prior) -> None:
        self._design = np.hstack([np.ones((len(y), 1)), z])
        self._y, self._known = y, known
        self._equal = bool(np.all(known == known[0]))
        self._squares = (self._design**2).sum(axis=0)
        self._medians = np.log([prior.alpha, prior.noise])
        self._spreads = np.array([prior.alpha_spread, prior.noise_spread])

    def __call__(self, logs: Array) -> tuple[float, Array]:
        """Value and gradient. Bishop eqs. 3.81 to 3.86, with a variance for each value."""
        alpha, noise = np.exp(logs)
        weights = 1 / (noise + self._known)
        precisions = np.full(self._design.shape[1], alpha)
        precisions[0] = 1.0
        weighted = self._design.T @ (weights * self._y)
        if self._equal:  # then the precision of the posterior is diagonal, as the columns are orthogonal
            diagonal = precisions + weights[0] * self._squares
            variances = 1 / diagonal
            mean = weighted * variances
            log_determinant = float(np.log(diagonal).sum())
            leverage = self._design**2 @ variances
        else:
            precision: Array = (self._design.T * weights) @ self._design
            precision[np.diag_indices_from(precision)] += precisions
            inverse = np.asarray(np.linalg.inv(precision), dtype=np.float64)
            variances = np.diagonal(inverse)
            mean = inverse @ weighted
            log_determinant = float(np.linalg.slogdet(precision)[1])
            leverage = np.einsum("ij,ij->i", self._design @ inverse, self._design)
        missed = self._y - self._design @ mean
        squares = float(weights @ missed**2 + precisions @ mean**2)
        likely = float(np.log(weights).sum() + np.log(precisions).sum()) - log_determinant - squares
        likely -= len(self._y) * math.log(2 * math.pi)
        off = (logs - self._medians) / self._spreads
        gradient = off / self._spreads
        gradient[0] -= 0.5 * float((1 - alpha * (variances + mean**2))[1:].sum())
        gradient[1] += 0.5 * noise * float(weights.sum() - weights**2 @ (leverage + missed**2))
        return 0.5 * float((off**2).sum() - likely), gradient


def most_probable(z: Array, y: Array, known: Array, prior: Prior) -> tuple[float, float]:
    """Precision of the weights and variance of the noise that are the most probable."""
    optimize: Any = import_module("scipy.optimize")  # takes a fifth of a second the first time
    improbable = NegativeLogEvidence(z, y, known, prior)
    limits = np.log([BOUNDS["alpha"], BOUNDS["noise"]])
    found: list[Any] = [
        optimize.minimize(improbable, np.log([prior.alpha, noise]), jac=True, method="L-BFGS-B", bounds=limits)
        for noise in TRIED
    ]
    logs: Array = min(found, key=lambda each: each.fun).x
    alpha, noise = np.exp(np.round(logs, DECIMALS))
    return float(alpha), float(noise)
