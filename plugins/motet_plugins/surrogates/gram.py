"""The covariance of values at known rows, factored, and what it says of other rows. It grows by a row at a time.

What it says does not depend on when it was asked: a factor is always that of the rows that it began with, to which
the others were appended one by one; and so are the covariances with other rows.
"""

import math
from dataclasses import dataclass

import numpy as np

from motet.contracts.belief import Array
from motet_plugins.surrogates.cholesky import factored, half_solved
from motet_plugins.surrogates.kernel import Hyperparameters, covariance

ROWS = 1024
"""Rows that are whitened together."""


@dataclass(frozen=True, eq=False)
class Whitened:
    """Covariances of other rows (p, d) with the values, times the inverse of the factor's lower half L.

    In Rasmussen and Williams (2006), algorithm 2.1, this is `v`, for all test points at once.
    """

    rows: Array
    base: Array
    """(p, b): the part of the values that the Gram matrix began with."""
    tail: Array
    """(t, p): the part of the values that were appended."""
    squares: Array
    """(p,): what the values explain of the variance."""

    def __len__(self) -> int:
        """Number of values."""
        return self.base.shape[1] + len(self.tail)

    def times(self, values: Array) -> Array:
        """The product (p,) or (p, m) with whitened values (n,) or (n, m)."""
        begun = self.base.shape[1]
        return self.base @ values[:begun] + self.tail.T @ values[begun:]

    def explained(self, other: "Whitened") -> Array:
        """What the values explain of the covariance (p, q) with other rows."""
        return self.base @ other.base.T + self.tail.T @ other.tail


@dataclass(frozen=True, eq=False)
class Gram:
    """The covariance of values at rows x (n, d), with their noise, as its Cholesky factor L."""

    x: Array
    hyper: Hyperparameters
    errors: Array
    """(n,): variances of single values besides the noise that all have."""
    base: Array
    """The factor (b, b) of the first values, as LAPACK has it."""
    tail: tuple[Array, ...] = ()
    """The rows of L of the values that were appended, up to the diagonal."""

    @classmethod
    def of(cls, x: Array, hyper: Hyperparameters, errors: Array) -> "Gram":
        """Factored as a whole. Raises ArithmeticError when it is not positive definite."""
        matrix = covariance(x, x, hyper)
        matrix[np.diag_indices_from(matrix)] = hyper.variance + hyper.noise**2 + errors
        return cls(x, hyper, errors, factored(matrix))

    def __len__(self) -> int:
        """Number of values."""
        return len(self.x)

    def appended(self, row: Whitened, error: float) -> "Gram":
        """With one more value, at a row (1, d) that was whitened by this."""
        left = self.hyper.variance + self.hyper.noise**2 + error - float(row.squares[0])
        if not left > 0:
            raise ArithmeticError(
                f"value {len(self) + 1} cannot be added to a Gaussian process: its variance given the others is "
                f"{left:.3g}, it must be positive"
            )
        line = np.concatenate([row.base[0], row.tail[:, 0], [math.sqrt(left)]])
        x, errors = np.vstack([self.x, row.rows]), np.append(self.errors, error)
        return Gram(x, self.hyper, errors, self.base, (*self.tail, line))

    def whiten(self, values: Array) -> Array:
        """The inverse of L times values (n,) or (n, m)."""
        begun = len(self.base)
        found = np.empty_like(values)
        found[:begun] = half_solved(self.base, values[:begun].copy(order="F"))
        for at, line in enumerate(self.tail, begun):
            found[at] = (values[at] - line[:-1] @ found[:at]) / line[-1]
        return found

    def across(self, rows: Array) -> Whitened:
        """Covariances with other rows (p, d), whitened."""
        begun = len(self.base)
        base = np.empty((len(rows), begun))
        for begin in range(0, len(rows), ROWS):
            block = covariance(rows[begin : begin + ROWS], self.x[:begun], self.hyper)
            base[begin : begin + ROWS] = half_solved(self.base, block.T).T
        return self.extended(Whitened(rows, base, np.empty((0, len(rows))), np.einsum("ij,ij->i", base, base)))

    def extended(self, known: Whitened) -> Whitened:
        """With the values that were appended since. `known` is of this or of what this was grown from."""
        begun, have = len(self.base), len(known.tail)
        if have == len(self.tail):
            return known
        tail, squares = np.empty((len(self.tail), len(known.rows))), known.squares.copy()
        tail[:have] = known.tail
        for at, line in enumerate(self.tail[have:], have):
            # One at a time, however many there are: products of other shapes differ in the last digit.
            new = covariance(self.x[begun + at, None], known.rows, self.hyper)[0]
            tail[at] = (new - known.base @ line[:begun] - line[begun:-1] @ tail[:at]) / line[-1]
            squares += np.square(tail[at])
        return Whitened(known.rows, known.base, tail, squares)
