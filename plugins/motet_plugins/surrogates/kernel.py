"""The Matern kernel with one length scale for each column, its slope and its spectrum.

Equations are those of Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press (2006).
"""

import math
from dataclasses import dataclass

import numpy as np

from motet.contracts.belief import Array

SMOOTHNESS = 2.5
"""The kernel's nu: 2.5 for functions with two derivatives, 1.5 for rougher ones with one."""

BLOCK = 1 << 15
"""Covariances that are computed together: so many that they stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Length scales (d,) of the columns; standard deviations of the function, of the noise on a value, and of the
    unknown constant about which the function varies."""

    lengths: Array
    signal: float
    noise: float
    constant: float = 0.0

    @property
    def variance(self) -> float:
        """Of the function at any one row, before a value is known."""
        return self.signal**2 + self.constant**2


def with_slope(squares: Array) -> tuple[Array, Array]:
    """The correlation (eq. 4.17) at squared distances in length scales, and minus twice its slope by them."""
    r = np.sqrt(2 * SMOOTHNESS * squares)
    decay = np.exp(-r)
    if SMOOTHNESS == 1.5:
        return (1 + r) * decay, 3 * decay
    return (1 + r + r**2 / 3) * decay, (5 / 3) * (1 + r) * decay


def covariance(first: Array, second: Array, hyper: Hyperparameters) -> Array:
    """Of the function between rows first (m, d) and second (n, d): shape (m, n); that of the constant included.

    Squared distances come from one product of matrices. What cancels in it is of the order of the squared distance
    from the middle, 0.5, times the machine's precision.
    """
    scales = math.sqrt(2 * SMOOTHNESS) / hyper.lengths
    one, other = (first - 0.5) * scales, (second - 0.5) * scales
    left = np.column_stack([one, np.square(one).sum(axis=1), np.ones(len(one))])
    right = np.column_stack([-2 * other, np.ones(len(other)), np.square(other).sum(axis=1)]).T.copy()
    found = np.empty((len(one), len(other)))
    rows = max(1, BLOCK // max(1, len(other)))
    for begin in range(0, len(one), rows):
        block = found[begin : begin + rows]
        np.matmul(left[begin : begin + rows], right, out=block)
        _correlate(block, hyper.signal**2, hyper.constant**2)
    return found


def frequencies(count: int, hyper: Hyperparameters, rng: np.random.Generator) -> Array:
    """Draws (d, count) from the kernel's spectral density (eq. 4.15): a multivariate t with 2 nu degrees of freedom."""
    normal = rng.standard_normal((len(hyper.lengths), count))
    return normal * np.sqrt(2 * SMOOTHNESS / rng.chisquare(2 * SMOOTHNESS, count)) / hyper.lengths[:, None]


def _correlate(squares: Array, variance: float, constant: float) -> None:
    """Turn squared distances, times 2 nu in length scales, into covariances in place."""
    np.maximum(squares, 0, out=squares)
    r = np.sqrt(squares)
    decay = np.exp(-r)
    if SMOOTHNESS == 1.5:
        np.multiply(r, variance, out=squares)
    else:
        squares *= variance / 3
        r *= variance
        squares += r
    squares += variance
    squares *= decay
    squares += constant
