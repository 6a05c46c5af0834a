"""Covariances factored once, by LAPACK itself: the general functions of scipy copy and check what is known here.

A covariance comes as a C-ordered array of which the lower half counts. LAPACK, which counts by columns, sees its
upper half, so that nothing has to be turned: K = U' U with the factor U.
"""

from importlib import import_module
from typing import Any

import numpy as np

from motet.contracts.belief import Array


def factored(covariance: Array) -> Array:
    """The factor of a covariance (n, n), which is overwritten. Raises ArithmeticError when there is none."""
    factor, failed = _lapack().dpotrf(covariance.T, lower=0, overwrite_a=1, clean=0)
    if failed:
        raise ArithmeticError(
            f"the covariance of {len(covariance)} values is not positive definite: value {failed} does not fit "
            f"the others (the largest variance is {np.nanmax(np.diagonal(covariance)):.3g})"
        )
    return factor


def solved(factor: Array, values: Array) -> Array:
    """The inverse covariance times values (n,)."""
    return _lapack().dpotrs(factor, values, lower=0)[0]


def half_solved(factor: Array, values: Array) -> Array:
    """The inverse of U' times values (n,) or (n, m), overwritten if they are in Fortran's order.

    Their squares add up to values' K^-1 values.
    """
    if not len(factor):
        return values
    return _lapack().dtrtrs(factor, values, lower=0, trans=1, overwrite_b=1)[0]


def inverse(factor: Array) -> Array:
    """The inverse covariance (n, n), C-ordered, its lower half only; the factor is overwritten."""
    return _lapack().dpotri(factor, lower=0, overwrite_c=1)[0].T


def root(covariance: Array) -> Array:
    """A matrix R (n, r) with R R' = K, for a covariance of any rank r; it is overwritten.

    The Cholesky decomposition with pivots, which ends where what is left is rounding: Higham, Accuracy and
    Stability of Numerical Algorithms, 2nd ed., SIAM (2002), ch. 10.3.
    """
    upper, pivots, rank, _ = _lapack().dpstrf(covariance.T, lower=0, overwrite_a=1)
    found = np.zeros((len(covariance), int(rank)))
    found[pivots - 1] = np.triu(upper)[:rank].T
    return found


def _lapack() -> Any:
    return import_module("scipy.linalg.lapack")  # takes a tenth of a second the first time
