"""The surrogate `gp_classifier`."""

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motet.contracts.belief import Array, Data, Gives, Predict, Prediction
from motet.model.values import Frozen, Real
from motet_plugins.surrogates.classes import Classes, class_prediction
from motet_plugins.surrogates.kernel import with_slope
from motet_plugins.surrogates.laplace import Laplace
from motet_plugins.surrogates.one_thread import one_blas_thread

POINTS = 200
"""At most so many values decide on the hyper-parameters: the cost grows with the third power of their number."""

CHUNK = 4096
"""Points that are predicted together, which bounds the memory needed."""

DECIMALS = 6
"""To which the logarithms of hyper-parameters are rounded: further ones depend on the machine's arithmetic."""

SIGNAL, SIGNAL_SPREAD, LENGTH_SPREAD = 2.0, 0.7, 1.0
"""Median of the log-normal prior of the latent function's standard deviation; spreads of the logarithms."""

BOUNDS = {"length": (2e-2, 1e2), "signal": (0.3, 10.0)}
"""Lowest and highest hyper-parameter."""


class Options(Frozen):
    """Options of `gp_classifier`."""

    length: Real = Field(default=0.5, gt=0)
    """How far apart points are still alike, as a fraction of a parameter's range: the median of a broad prior."""


class GaussianProcessClassifier:
    """A Gaussian process for each class against the others, by Laplace's approximation.

    Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press (2006), ch. 3.4 and 5.5.1. A
    Matern kernel with one length scale for each column and a free constant, with the most probable
    hyper-parameters. Several classes: probabilities one against the rest, divided by their sum.
    """

    gives = frozenset({Gives.PROBABILITIES})

    def __init__(self, options: Options) -> None:
        self._length = options.length

    @one_blas_thread()
    def fit(self, data: Data, seed: int) -> Predict:
        """One process a class seen, one for two classes. The seed draws values where there are too many."""
        classes = Classes(data)
        count = len(classes.seen)
        one_of_two = [
            np.where(classes.places == place, 1.0, -1.0) for place in range(count if count > 2 else count - 1)
        ]
        drawn = np.arange(len(data))
        if len(data) > POINTS:
            drawn = np.sort(np.random.default_rng(seed).choice(len(data), POINTS, replace=False))
        median = self._length * math.sqrt(max(1, data.x.shape[1]))
        models = [Binary(data.x, signs, drawn, median) for signs in one_of_two]

        def predict(x: Array) -> Prediction:
            return class_prediction(classes.of_all(_probabilities(models, x)))

        return predict


class Binary:
    """The probability of sign 1, from signs (n,) at rows x (n, d); `drawn` of them decide on hyper-parameters."""

    def __init__(self, x: Array, signs: Array, drawn: NDArray[np.intp], median: float) -> None:
        self._x = x
        logs = most_probable(x[drawn], signs[drawn], median)
        self._lengths, self._signal = np.exp(logs[:-1]), float(np.exp(logs[-1]))
        self._laplace = Laplace(self._covariance(x), signs)

    def __call__(self, x: Array) -> Array:
        """(m,) at rows x (m, d)."""
        return self._laplace.probability(self._covariance(x), self._signal**2 + 1)

    def _covariance(self, x: Array) -> Array:
        return latent(squares(x, self._x), self._lengths, self._signal)


class Improbable:
    """Minus the evidence of signs (n,) at rows x (n, d) less the logarithm of the prior, by logarithms of d lengths
    and the signal."""

    def __init__(self, x: Array, signs: Array, median: float) -> None:
        self._squares, self._signs = squares(x, x), signs
        columns = x.shape[1]
        self._medians = np.log([median] * columns + [SIGNAL])
        self._spreads = np.array([LENGTH_SPREAD] * columns + [SIGNAL_SPREAD])

    def __call__(self, logs: Array) -> tuple[float, Array]:
        """Value and gradient."""
        lengths, signal = np.exp(logs[:-1]), float(np.exp(logs[-1]))
        correlation, slope = with_slope(_squared_distances(self._squares, lengths))
        laplace = Laplace(signal**2 * correlation + 1, self._signs)
        by_length = self._squares * (signal**2 * slope) / lengths[:, None, None] ** 2
        slopes = np.concatenate([by_length, [2 * signal**2 * correlation]])
        off = (logs - self._medians) / self._spreads
        return 0.5 * float(off @ off) - laplace.evidence, off / self._spreads - laplace.gradient(slopes)


def squares(first: Array, second: Array) -> Array:
    """Squared differences (d, n, m) by columns, between rows (n, d) and (m, d)."""
    return (first.T[:, :, None] - second.T[:, None, :]) ** 2


def latent(differences: Array, lengths: Array, signal: float) -> Array:
    """Covariance (n, m) of the latent function, with a variance of 1 for the constant."""
    return signal**2 * with_slope(_squared_distances(differences, lengths))[0] + 1


def most_probable(x: Array, signs: Array, median: float) -> Array:
    """Logarithms (d + 1,) of length scales and signal."""
    optimize: Any = import_module("scipy.optimize")  # takes a fifth of a second the first time
    columns = x.shape[1]
    limits = np.log([BOUNDS["length"]] * columns + [BOUNDS["signal"]])
    start = np.log([median] * columns + [SIGNAL])
    found: Any = optimize.minimize(Improbable(x, signs, median), start, jac=True, method="L-BFGS-B", bounds=limits)
    return np.round(np.asarray(found.x, dtype=np.float64), DECIMALS)


@one_blas_thread()
def _probabilities(models: Sequence[Binary], x: Array) -> Array:
    """(m, number of classes seen) at rows x (m, d)."""
    if not models:
        return np.ones((len(x), 1))
    parts = [x[begin : begin + CHUNK] for begin in range(0, max(1, len(x)), CHUNK)]
    of = np.stack([np.concatenate([model(part) for part in parts]) for model in models], axis=1)
    if len(models) == 1:
        return np.hstack([of, 1 - of])
    return of / of.sum(axis=1, keepdims=True)


def _squared_distances(differences: Array, lengths: Array) -> Array:
    """In length scales (n, m)."""
    return np.einsum("dnm,d->nm", differences, lengths**-2)
