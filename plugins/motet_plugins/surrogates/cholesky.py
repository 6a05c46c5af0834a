"""Covariances factored once, by LAPACK itself: the general functions of scipy copy and check what is known here.

A covariance comes as a C-ordered array of which the lower half counts. LAPACK, which counts by columns, sees its
upper half, so that nothing has to be turned: K = U' U with the factor U.
"""

from importlib import import_module
from typing import Any

from motet.contracts.learning import Array


def factored(covariance: Array) -> Array:
    """The factor of a covariance (n, n), which is overwritten. Raises ArithmeticError when there is none."""
    factor, failed = _lapack().dpotrf(covariance.T, lower=0, overwrite_a=1, clean=0)
    if failed:
        raise ArithmeticError(f"a covariance of {len(covariance)} values is not positive definite")
    return factor


def solved(factor: Array, values: Array) -> Array:
    """The inverse covariance times values (n,)."""
    return _lapack().dpotrs(factor, values, lower=0)[0]


def half_solved(factor: Array, values: Array) -> Array:
    """The inverse of U' times values (n, m), which may be overwritten; their squares add up to values' K^-1 values."""
    return _lapack().dtrtrs(factor, values, lower=0, trans=1, overwrite_b=1)[0]


def inverse(factor: Array) -> Array:
    """The inverse covariance (n, n), C-ordered, its lower half only; the factor is overwritten."""
    return _lapack().dpotri(factor, lower=0, overwrite_c=1)[0].T


def _lapack() -> Any:
    return import_module("scipy.linalg.lapack")  # takes a tenth of a second the first time
