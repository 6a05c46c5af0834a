"""How probable hyper-parameters of a Gaussian process are, given values and a prior.

Equations are those of Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press (2006).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.contracts.belief import Array
from motet_plugins.surrogates.cholesky import factored, inverse, solved
from motet_plugins.surrogates.kernel import Hyperparameters, with_slope


@dataclass(frozen=True, slots=True)
class Prior:
    """Log-normal priors: medians, and standard deviations of the natural logarithms.

    The median length grows with the square root of the number of columns, as distances do (Hvarfner, Hellsten and
    Nardi, Vanilla Bayesian optimization performs great in high dimensions, ICML 2024). A signal of median 1 suits
    values that are standardized.
    """

    length: float = 0.3
    """For one column."""
    length_spread: float = 0.5
    signal: float = 1.0
    signal_spread: float = 0.5
    noise: float = 0.03
    noise_spread: float = 1.0
    constant: float = 1.0
    """Standard deviation of the constant about which the function varies: what was measured is no fair sample of it, so
    that its mean need not be the function's. Normal, with mean 0; integrated out (R&W eq. 2.40, one basis function)."""

    def medians(self, columns: int) -> Hyperparameters:
        """The most probable hyper-parameters before a value is known."""
        length = self.length * math.sqrt(max(1, columns))
        return Hyperparameters(np.full(columns, length), self.signal, self.noise, self.constant)

    def spreads(self, columns: int) -> Array:
        """Standard deviations of the logarithms, in the order of `logarithms`."""
        return np.array([self.length_spread] * columns + [self.signal_spread, self.noise_spread])


def logarithms(hyper: Hyperparameters) -> Array:
    """The d length scales, signal and noise as logarithms (d + 2,)."""
    return np.log([*hyper.lengths, hyper.signal, hyper.noise])


class NegativeLogPosterior:
    """How improbable logarithms of hyper-parameters are, and its gradient by them.

    Minus the log marginal likelihood (eq. 5.8) of values y (n,) at rows x (n, d) with mean 0, minus the logarithm
    of the prior's density, up to a constant. `errors` (n,) are known variances of the values besides the noise
    that all have. Squared differences are computed once for all looks.
    """

    def __init__(self, x: Array, y: Array, errors: Array, prior: Prior) -> None:
        self._y = y
        self._errors = errors
        n, d = x.shape
        self._pairs: NDArray[np.intp] = np.flatnonzero(np.tri(n, k=-1, dtype=bool))
        self._squares = np.array([np.subtract.outer(column, column).ravel()[self._pairs] for column in x.T])
        self._squares = np.square(self._squares).reshape(d, len(self._pairs))
        self.constant = prior.constant
        self._medians = logarithms(prior.medians(d))
        self._spreads = prior.spreads(d)

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
        correlation, slope = with_slope(np.exp(-2 * logs[:-2]) @ self._squares)
        covariance = np.zeros((n, n))
        constant = self.constant**2
        covariance.ravel()[self._pairs] = signal * correlation + constant
        covariance.ravel()[:: n + 1] = signal + constant + noise + self._errors
        factor = factored(covariance)
        alpha = solved(factor, self._y)
        value = 0.5 * float(self._y @ alpha) + float(np.log(np.diagonal(factor)).sum())
        value += 0.5 * float((((logs - self._medians) / self._spreads) ** 2).sum())
        return _Look(value, alpha, factor, correlation, slope)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at hyper-parameters computes; correlation and slope for each pair."""

    value: float
    alpha: Array
    factor: Array
    correlation: Array
    slope: Array
