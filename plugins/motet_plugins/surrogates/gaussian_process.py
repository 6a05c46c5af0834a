"""The surrogate `gaussian_process`, also called `gp`."""

import math

import numpy as np
from pydantic import Field

from motet.contracts.learning import Array, Predict, Prediction
from motet.model.values import Frozen
from motet_plugins.surrogates.cholesky import factored, half_solved, solved
from motet_plugins.surrogates.marginal_likelihood import Hyperparameters, Prior, matern, most_probable
from motet_plugins.surrogates.one_thread import one_blas_thread

POINTS = 400
"""At most so many values decide on the hyper-parameters: the cost grows with the third power of their number."""

CHUNK = 4096
"""Points that are predicted together, which bounds the memory needed."""


class Options(Frozen):
    """Options of `gaussian_process` and `gp`."""

    length: float = Field(default=0.3, gt=0)
    """How far apart points are still alike, as a fraction of a parameter's range: the median of a broad prior."""
    noise: float = Field(default=0.03, gt=0)
    """Noise of a value, in standard deviations of the values measured: the median of a broad prior."""


class Posterior:
    """What a Gaussian process with given hyper-parameters knows from values y (n,) at rows x (n, d).

    Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press (2006), algorithm 2.1 (eqs. 2.25,
    2.26), with mean 0 and one length scale for each column (eq. 5.1). In double precision; the rows are
    sorted first, so that their order changes no digit.
    """

    @one_blas_thread()
    def __init__(self, x: Array, y: Array, hyper: Hyperparameters) -> None:
        order = np.lexsort((y, *x.T[::-1]))
        self._x, self._y, self._hyper = x[order], y[order], hyper
        covariance = self._covariance(self._x)
        covariance[np.diag_indices_from(covariance)] += hyper.noise**2
        self._factor = factored(covariance)
        self._alpha = solved(self._factor, self._y)

    @one_blas_thread()
    def __call__(self, pool: Array) -> Prediction:
        """Mean and std (m,) of the function, without the noise of a value, at the rows of `pool` (m, d)."""
        parts = [self._predict(pool[begin : begin + CHUNK]) for begin in range(0, max(1, len(pool)), CHUNK)]
        mean, std = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Prediction(mean, std)

    def knowing(self, x: Array, y: Array) -> "Posterior":
        """The same hyper-parameters with values y (k,) at rows x (k, d) besides."""
        return Posterior(np.vstack([self._x, x]), np.concatenate([self._y, y]), self._hyper)

    def _predict(self, rows: Array) -> tuple[Array, Array]:
        across = self._covariance(rows)
        mean = across @ self._alpha
        known = half_solved(self._factor, across.T)
        variance = self._hyper.signal**2 - np.einsum("ij,ij->j", known, known)
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def _covariance(self, rows: Array) -> Array:
        """Between `rows` (m, d) and the values' rows, shape (m, n)."""
        squares = np.zeros((len(rows), len(self._x)))
        for column, length in enumerate(self._hyper.lengths):
            difference = (rows[:, column, None] - self._x[:, column]) / length
            squares += difference**2
        return self._hyper.signal**2 * matern(np.sqrt(squares))


class GaussianProcess:
    """An exact Gaussian process with a Matern-5/2 kernel; its hyper-parameters are the most probable ones.

    One length scale for each column, constant mean 0, noise on every value. Rasmussen and Williams (2006):
    kernel eq. 4.17, likelihood eq. 5.8, one length scale for each column ch. 5.1. The priors are log-normal;
    that of the length scales grows with the square root of the number of columns, as the distances do
    (Hvarfner, Hellsten, Nardi, Vanilla Bayesian optimization performs great in high dimensions, ICML 2024).
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    @one_blas_thread()
    def fit(self, x: Array, y: Array, seed: int) -> Predict:
        """The posterior of values y (n,) at rows x (n, d). More than 400 are drawn from for hyper-parameters."""
        drawn = np.lexsort((y, *x.T[::-1]))
        if len(drawn) > POINTS:
            drawn = drawn[np.sort(np.random.default_rng(seed).choice(len(drawn), POINTS, replace=False))]
        prior = Prior(self._options.length * math.sqrt(max(1, x.shape[1])), self._options.noise)
        return Posterior(x, y, most_probable(x[drawn], y[drawn], prior))
