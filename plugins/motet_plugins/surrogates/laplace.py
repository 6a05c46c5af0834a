"""Laplace's approximation of a Gaussian process for two classes.

Equations and algorithms are those of Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press
(2006). The likelihood is the probit, so that the mean probability has a closed form (that of eq. 3.82).
"""

import math
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from motet.contracts.belief import Array

ROUNDS = 100
"""Of Newton's method at most; some ten are needed."""

ENOUGH = 1e-9
"""Of the logarithm of the posterior: a round that gains less is the last."""


@dataclass(frozen=True)
class Likelihood:
    """Phi(sign * f) for each of n values: its logarithm and the derivatives of that by f (eq. 3.16), each (n,)."""

    signs: Array
    f: Array

    @cached_property
    def logs(self) -> Array:
        """Logarithms."""
        special: Any = import_module("scipy.special")
        return np.asarray(special.log_ndtr(self.signs * self.f), dtype=np.float64)

    @cached_property
    def _ratio(self) -> Array:
        """Density over distribution function, of the normal distribution."""
        return np.exp(-0.5 * self.f**2 - 0.5 * math.log(2 * math.pi) - self.logs)

    @cached_property
    def slope(self) -> Array:
        """First derivatives."""
        return self.signs * self._ratio

    @cached_property
    def curvature(self) -> Array:
        """Minus the second derivatives, all positive."""
        return np.maximum(self._ratio * (self._ratio + self.signs * self.f), 1e-12)

    @cached_property
    def third(self) -> Array:
        """Third derivatives."""
        margin = self.signs * self.f
        change = -self._ratio * (margin + self._ratio)
        return -self.signs * (2 * self._ratio * change + self._ratio + margin * change)


class Laplace:
    """The Gaussian that approximates the posterior of f at values with signs (n,), 1 or -1, and covariance (n, n).

    Algorithm 3.1: Newton's method, a round that does not gain being halved.
    """

    def __init__(self, covariance: Array, signs: Array) -> None:
        self._covariance = covariance
        a, here = np.zeros(len(signs)), Likelihood(signs, np.zeros(len(signs)))
        height = float(here.logs.sum())
        for _ in range(ROUNDS):
            step = self._newton(here) - a
            gain, size = 0.0, 1.0
            for size in (1.0, 0.5, 0.25, 0.125):
                tried = a + size * step
                there = Likelihood(signs, covariance @ tried)
                gain = float(there.logs.sum()) - 0.5 * float(tried @ there.f) - height
                if gain > 0:
                    a, here, height = tried, there, height + gain
                    break
            if gain < ENOUGH:
                break
        self.a, self.here = a, here
        self.root = np.sqrt(here.curvature)
        self.half = _inverse(_factor(self.root, covariance))
        """(n, n): half' half is the inverse of B (eq. 3.26)."""
        self.evidence = height + float(np.log(np.diagonal(self.half)).sum())
        """Approximate logarithm of the marginal likelihood (eq. 3.32)."""

    def gradient(self, slopes: Array) -> Array:
        """Derivatives of the evidence by m hyper-parameters; `slopes` (m, n, n) are those of the covariance.

        Algorithm 5.1.
        """
        scaled = self.half * self.root
        r = scaled.T @ scaled
        inside = scaled @ self._covariance
        spread = np.diagonal(self._covariance) - (inside**2).sum(axis=0)
        shift = 0.5 * spread * self.here.third
        b = slopes @ self.here.slope
        moved = b - (b @ r) @ self._covariance
        explicit = 0.5 * (slopes @ self.a) @ self.a - 0.5 * np.einsum("mij,ij->m", slopes, r)
        return explicit + moved @ shift

    def probability(self, across: Array, variance: float) -> Array:
        """Of sign 1 at m rows, whose covariance with the values is (m, n) and own variance is given (alg. 3.2)."""
        special: Any = import_module("scipy.special")
        mean = across @ self.here.slope
        known = (across * self.root) @ self.half.T
        left = np.maximum(variance - (known**2).sum(axis=1), 0.0)
        return np.asarray(special.ndtr(mean / np.sqrt(1 + left)), dtype=np.float64)

    def _newton(self, here: Likelihood) -> Array:
        """Where a full round of Newton's method leads, as a with f = K a."""
        root = np.sqrt(here.curvature)
        b = here.curvature * here.f + here.slope
        inside = root * (self._covariance @ b)
        return b - root * _lapack().dpotrs(_factor(root, self._covariance), inside, lower=1)[0]


def _factor(root: Array, covariance: Array) -> Array:
    """The lower Cholesky factor of B = I + W^1/2 K W^1/2, whose eigenvalues are 1 at least; 0 above the diagonal.

    Raises ArithmeticError where there is none.
    """
    b = root[:, None] * covariance * root
    b[np.diag_indices_from(b)] += 1.0
    factor, failed = _lapack().dpotrf(b.T, lower=1, overwrite_a=1, clean=1)
    if failed:
        raise ArithmeticError(f"the covariance of {len(b)} values holds what is not a number")
    return np.asarray(factor, dtype=np.float64)


def _inverse(factor: Array) -> Array:
    return np.asarray(_lapack().dtrtri(factor, lower=1, overwrite_c=1)[0], dtype=np.float64)


def _lapack() -> Any:
    return import_module("scipy.linalg.lapack")  # takes a tenth of a second the first time
