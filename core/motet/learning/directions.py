"""Directions along which a point can be moved without changing any sum that must stay what it is.

They are the circuits of the matrix of equalities: of every set of parameters that can balance one another, without
one to spare, the one direction that does (Rockafellar, The elementary vectors of a subspace of R^N, 1969). With one
sum these are the exchanges between two parameters. Moves along them reach the points between bounds, where moves of one
parameter at a time would leave the sum.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from math import comb, lcm

import numpy as np
from numpy.typing import NDArray

from motet.model.axes import Array, Axes

MOST = 2000
"""Sets of parameters that are looked at for one matrix; of more, a part is drawn."""

_DENOMINATOR = 1000
"""Ratios of steps up to such whole numbers are known for what they are."""

_ZERO = 1e-9


def directions(axes: Axes) -> Array:
    """Directions over codes (m, P): whole on axes with whole codes, 0 on choices.

    Beside those that keep the equalities there are those that keep one of the other sums too, along its bound.
    """
    sums = axes.sums
    equal = sums.low == sums.high
    numbers = np.flatnonzero(~axes.choice)
    found: dict[tuple[float, ...], Array] = {}
    matrices = [sums.weights[equal]] + [
        np.vstack([sums.weights[equal], weights]) for weights in sums.weights[~equal] if np.count_nonzero(weights) > 1
    ]
    for matrix in matrices:
        for subset, amounts in _circuits(matrix[:, numbers]):
            direction = np.zeros(len(axes.names))
            direction[numbers[subset]] = amounts
            if (usable := _whole(direction, axes.whole)) is not None:
                found.setdefault(tuple(np.round(usable, 9)), usable)
    return np.array(list(found.values())).reshape(len(found), len(axes.names))


def _circuits(matrix: Array) -> Iterator[tuple[NDArray[np.intp], Array]]:
    """Columns that balance, and how much of each, for a matrix (r, p)."""
    scale = np.max(np.abs(matrix), axis=1, initial=0.0)
    matrix = matrix / np.where(scale > 0, scale, 1.0)[:, None]
    used = np.any(matrix != 0.0, axis=0)
    for column in np.flatnonzero(~used):
        yield np.array([column]), np.ones(1)
    matrix = _independent(matrix)
    columns = np.flatnonzero(used)
    rank = len(matrix)
    if not rank:
        return
    for subset in _subsets(columns, rank + 1):
        square = matrix[:, subset]
        minors = [(-1) ** i * np.linalg.det(np.delete(square, i, axis=1)) for i in range(rank + 1)]
        amounts = np.array(minors)
        largest = np.max(np.abs(amounts))
        if largest < _ZERO:
            continue
        amounts = amounts / largest
        there = np.abs(amounts) > _ZERO
        yield subset[there], amounts[there]


def _independent(matrix: Array) -> Array:
    """Rows of a matrix that are not sums of those before."""
    kept = matrix[:0]
    for row in matrix:
        longer = np.vstack([kept, row])
        if np.linalg.matrix_rank(longer, tol=_ZERO) == len(longer):
            kept = longer
    return kept


def _subsets(columns: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    if comb(len(columns), size) <= MOST:
        yield from (np.array(subset) for subset in combinations(columns.tolist(), size))
        return
    rng = np.random.default_rng(0)  # the same ones for the same space, always
    for _ in range(MOST):
        yield np.sort(rng.choice(columns, size, replace=False))


def _whole(direction: Array, whole: NDArray[np.bool_]) -> Array | None:
    """The shortest multiple of a direction that is whole where it must be, None where there is none."""
    amounts = direction[whole & (direction != 0.0)]
    if not len(amounts):
        return direction
    ratios = [Fraction(float(a / amounts[0])).limit_denominator(_DENOMINATOR) for a in amounts]
    if any(abs(float(ratio) - a / amounts[0]) > _ZERO for ratio, a in zip(ratios, amounts, strict=True)):
        return None
    factor = lcm(*(ratio.denominator for ratio in ratios)) / float(amounts[0])
    found: Array = direction * factor
    return np.where(whole, np.round(found), found)
