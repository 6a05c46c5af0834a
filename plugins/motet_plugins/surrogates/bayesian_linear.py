"""The surrogate `bayesian_linear`."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, Data, Gives, Predict, Prediction
from motet.model.values import Frozen
from motet_plugins.surrogates.evidence import Prior, most_probable
from motet_plugins.surrogates.features import Features, basis
from motet_plugins.surrogates.one_thread import one_blas_thread


class Options(Frozen):
    """Options of `bayesian_linear`."""

    degree: Literal[1, 2] = Field(default=1)
    """1 for a plane; 2 with the squares and products of the columns besides."""


@dataclass(frozen=True, slots=True)
class Line:
    """A linear model with given hyper-parameters."""

    features: Features
    alpha: float
    """Precision of the weights."""
    misfit: float
    """Variance of what no line explains."""
    typical: float
    """Squared error of a value of which none is known; 0 when no error is."""


class Posterior:
    """What a linear model knows from values y (n,) with noise of known variances (n,) at rows x (n, d).

    Bishop, Pattern Recognition and Machine Learning (2006), eqs. 3.50, 3.51 and 3.58, 3.59 without the noise of
    a value. Directions that no value tells of keep their prior.
    """

    @one_blas_thread()
    def __init__(self, line: Line, x: Array, y: Array, variances: Array) -> None:
        self._line, self._x, self._y, self._variances = line, x, y, variances
        features = line.features(x)
        self._basis = basis(features)
        design = self._design(features)
        precision = (design.T / variances) @ design
        precision[np.diag_indices_from(precision)] += np.array([1.0] + [line.alpha] * self._basis.shape[1])
        self._mean = np.linalg.solve(precision, design.T @ (y / variances))
        self._half = np.linalg.inv(np.linalg.cholesky(precision))
        """Covariance = half' half."""

    @one_blas_thread()
    def __call__(self, x: Array) -> Prediction:
        """Mean and std (n,) of the function at rows x (n, d)."""
        features = self._line.features(x)
        design = self._design(features)
        variance = ((design @ self._half.T) ** 2).sum(axis=1)
        if features.shape[1] > self._basis.shape[1]:
            unknown = (features**2).sum(axis=1) - (design[:, 1:] ** 2).sum(axis=1)
            variance += np.maximum(unknown, 0.0) / self._line.alpha
        return Prediction(design @ self._mean, np.sqrt(variance))

    @property
    def noise(self) -> float:
        """Standard deviation of a value about the function."""
        return float(np.sqrt(self._line.misfit + self._line.typical))

    def knowing(self, x: Array, y: Array) -> "Posterior":
        """The same hyper-parameters with values y (k,) at rows x (k, d) besides."""
        variances = np.concatenate([self._variances, np.full(len(y), self.noise**2)])
        return Posterior(self._line, np.vstack([self._x, x]), np.concatenate([self._y, y]), variances)

    @one_blas_thread()
    def samples(self, x: Array, count: int, rng: np.random.Generator) -> Array:
        """Values (count, n) at rows x of lines drawn from the posterior."""
        features = self._line.features(x)
        known = self._mean + rng.standard_normal((count, len(self._mean))) @ self._half
        other = rng.standard_normal((count, features.shape[1])) / np.sqrt(self._line.alpha)
        other -= other @ self._basis @ self._basis.T
        return known @ self._design(features).T + other @ features.T

    @one_blas_thread()
    def covariance(self, first: Array, second: Array) -> Array:
        """Of the function between rows first (n, d) and second (m, d): (n, m)."""
        one, two = self._line.features(first), self._line.features(second)
        at_one, at_two = self._design(one), self._design(two)
        unknown = (one @ two.T - at_one[:, 1:] @ at_two[:, 1:].T) / self._line.alpha
        return (at_one @ self._half.T) @ (at_two @ self._half.T).T + unknown

    def _design(self, features: Array) -> Array:
        return np.hstack([np.ones((len(features), 1)), features @ self._basis])


class BayesianLinear:
    """Linear regression with a Gaussian prior; its width and the noise are those of the highest evidence.

    MacKay, Bayesian interpolation, Neural Computation 4 (1992) 415-447. Broad log-normal priors keep both of them
    reasonable where there are few values. Known errors add to the noise, value by value.
    """

    gives = frozenset({Gives.MEAN_STD, Gives.SAMPLES, Gives.COVARIANCE})

    def __init__(self, options: Options) -> None:
        self._degree = options.degree

    @one_blas_thread()
    def fit(self, data: Data, seed: int) -> Predict:
        """The posterior. Nothing is drawn: the seed changes nothing."""
        features = Features(data.x, self._degree)
        known, typical = _known(data)
        at = features(data.x)
        # Weights of this precision make a function that varies by 1, as y does, over rows spread evenly.
        prior = Prior(alpha=max(1, at.shape[1]) / 3)
        alpha, misfit = most_probable(at @ basis(at), data.y, known, prior)
        return Posterior(Line(features, alpha, misfit, typical), data.x, data.y, known + misfit)


def _known(data: Data) -> tuple[Array, float]:
    """Squared errors (n,), and the middle one, which also stands for those that are not known."""
    variances = data.variances
    if variances is None or np.isnan(variances).all():
        return np.zeros(len(data)), 0.0
    typical = float(np.nanmedian(variances))
    return np.where(np.isnan(variances), typical, variances), typical
