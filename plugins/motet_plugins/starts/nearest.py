"""From a place in the scaled cube to a candidate."""

import numpy as np

from motet.contracts.belief import Array

TIE = 1e-12
"""Squared distances this close are equal: rounding must not choose."""


def nearest(x: Array, place: Array) -> int:
    """The row of `x` (n, d) at the smallest Euclidean distance to `place` (d,); of equal ones the first.

    The sums run over the columns one by one, so that neither threads nor the number of rows change a digit.
    """
    squares = np.zeros(len(x))
    for column, coordinate in zip(x.T, place, strict=True):
        squares += (column - coordinate) ** 2
    return int(np.argmax(squares <= squares.min() + TIE))
