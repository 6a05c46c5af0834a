"""Hyper-parameters of a Gaussian process: the most probable ones, given values and a prior.

Equations are those of Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press (2006).
"""

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motet.contracts.learning import Array
from motet_plugins.surrogates.cholesky import factored, inverse, solved

ROOT_5 = math.sqrt(5)
DECIMALS = 6
"""To which the logarithms of hyper-parameters are rounded: further ones depend on the machine's arithmetic."""

TRIED = tuple((length, noise) for noise in (1e-2, 0.3) for length in (0.1, 0.3, 1.0, 3.0))
"""Length scales and noise (standard deviation) at which the search looks first."""

FOLLOWED = 2
"""From how many of those it goes on: the likelihood may have several maxima (ch. 5.4.1, fig. 5.5)."""

BOUNDS = {"length": (1e-2, 1e3), "signal": (0.2, 10.0), "noise": (1e-4, 1.5)}
"""Lowest and highest hyper-parameter. The lowest noise keeps the covariance well conditioned in double precision."""


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Length scales (d,) of the columns, standard deviation of the function, and of the noise on a value."""

    lengths: Array
    signal: float
    noise: float


@dataclass(frozen=True, slots=True)
class Prior:
    """Log-normal priors: medians, and standard deviations of the natural logarithms.

    A signal of median 1 suits values that are standardized.
    """

    length: float
    noise: float
    length_spread: float = 1.0
    noise_spread: float = 1.0
    signal_spread: float = 0.5


def matern(distances: Array) -> Array:
    """The Matern correlation with nu = 5/2 (eq. 4.17) at distances in length scales."""
    r = ROOT_5 * distances
    return (1 + r + r**2 / 3) * np.exp(-r)


class NegativeLogPosterior:
    """How improbable logarithms of hyper-parameters are, and its gradient by them.

    The order is d length scales, signal, noise. Minus the log marginal likelihood (eq. 5.8) of values y (n,)
    at rows x (n, d) with mean 0, minus the logarithm of the prior's density, up to a constant. Squared
    differences are computed once for all looks.
    """

    def __init__(self, x: Array, y: Array, prior: Prior) -> None:
        self._y = y
        n, d = x.shape
        first, second = np.tril_indices(n, -1)
        self._pairs: NDArray[np.intp] = first * n + second
        self._squares = (x[first] - x[second]).T ** 2
        self._medians = np.log([prior.length] * d + [1.0, prior.noise])
        self._spreads = np.array([prior.length_spread] * d + [prior.signal_spread, prior.noise_spread])

    def value(self, logs: Array) -> float:
        """The value alone, which costs a third."""
        return self._look(logs).value

    def __call__(self, logs: Array) -> tuple[float, Array]:
        """Value and gradient (eq. 5.9, where `w` is the matrix in brackets)."""
        look = self._look(logs)
        w = np.outer(look.alpha, look.alpha) - inverse(look.factor)
        w_pairs, trace = w.ravel()[self._pairs], float(np.trace(w))
        signal, noise = np.exp(2 * logs[-2:])
        gradient = (logs - self._medians) / self._spreads**2
        gradient[:-2] -= signal * np.exp(-2 * logs[:-2]) * (self._squares @ (w_pairs * look.slope))
        gradient[-2] -= signal * (2 * float(w_pairs @ look.correlation) + trace)
        gradient[-1] -= noise * trace
        return look.value, gradient

    def _look(self, logs: Array) -> "_Look":
        n = len(self._y)
        signal, noise = np.exp(2 * logs[-2:])
        r = np.sqrt(5 * (np.exp(-2 * logs[:-2]) @ self._squares))
        decay = np.exp(-r)
        correlation = (1 + r + r**2 / 3) * decay
        covariance = np.zeros((n, n))
        covariance.ravel()[self._pairs] = signal * correlation
        covariance.ravel()[:: n + 1] = signal + noise
        factor = factored(covariance)
        alpha = solved(factor, self._y)
        value = 0.5 * float(self._y @ alpha) + float(np.log(np.diagonal(factor)).sum())
        value += 0.5 * float((((logs - self._medians) / self._spreads) ** 2).sum())
        return _Look(value, alpha, factor, correlation, (5 / 3) * (1 + r) * decay)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at hyper-parameters computes; correlation and slope (by minus the log length) for each pair."""

    value: float
    alpha: Array
    factor: Array
    correlation: Array
    slope: Array


def most_probable(x: Array, y: Array, prior: Prior) -> Hyperparameters:
    """The hyper-parameters whose logarithms are the most probable, given values y (n,) at rows x (n, d)."""
    optimize: Any = import_module("scipy.optimize")  # takes a fifth of a second the first time
    improbable = NegativeLogPosterior(x, y, prior)
    columns = x.shape[1]
    tried = [np.log([length] * columns + [1.0, noise]) for length, noise in TRIED]
    tried.sort(key=improbable.value)
    limits = np.log([BOUNDS["length"]] * columns + [BOUNDS["signal"], BOUNDS["noise"]])
    found: list[Any] = [
        optimize.minimize(improbable, logs, jac=True, method="L-BFGS-B", bounds=limits) for logs in tried[:FOLLOWED]
    ]
    logs: Array = min(found, key=lambda each: each.fun).x
    best = np.exp(np.round(logs, DECIMALS))
    return Hyperparameters(best[:-2], float(best[-2]), float(best[-1]))
