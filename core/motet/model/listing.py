"""Every point of a space of steps and choices that meets its constraints, found without going through the product.

Axis by axis, the points so far are continued by those codes alone with which the linear constraints can still be
met. With one sum each of them leads to a point, so that the cost is that of the points found.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motet.model.axes import Array, Axes
from motet.model.constraints import ROUNDING

LISTED_AT_MOST = 100_000
"""The largest product of parameters, constraints regarded, that is listed in full; tables always are."""

BEGUN_AT_MOST = 4 * LISTED_AT_MOST
"""Unfinished points at which listing is given up."""


def listing(axes: Axes, most: int = LISTED_AT_MOST) -> Array | None:
    """The codes (n, P) of all points, the last axis varying fastest; None when there are more or it cannot be told."""
    if not axes.whole.all():
        return None
    count = len(axes.names)
    codes: Array = np.zeros((1, 0))
    sums: Array = np.zeros((1, len(axes.sums)))
    for axis in range(count):
        after = np.arange(axis + 1, count)
        low, high = axes.sums.room(axis, sums, axes.sums.rest(after, axes.low, axes.high))
        first = np.ceil(np.maximum(low, 0.0) - ROUNDING)
        each = np.maximum(np.floor(np.minimum(high, axes.high[axis]) + ROUNDING) - first + 1.0, 0.0)
        if each.sum() > BEGUN_AT_MOST:
            return None
        times = each.astype(np.intp)
        before = np.repeat(np.arange(len(codes)), times)
        code = _float(np.arange(len(before)) - (np.cumsum(times) - times)[before] + first[before])
        codes = np.column_stack([codes[before], code])
        sums = _float(sums[before] + code[:, None] * axes.sums.weights[:, axis])
        kept = _few(axes, codes)
        codes, sums = codes[kept], sums[kept]
    codes = codes[axes.met(codes)]
    return codes if len(codes) <= most else None


def _float(values: NDArray[Any]) -> Array:
    return np.asarray(values, dtype=np.float64)


def _few(axes: Axes, codes: Array) -> NDArray[np.bool_]:
    """Which unfinished points have no more codes that differ from 0 than they may."""
    kept = np.ones(len(codes), dtype=bool)
    for counted, most in axes.counted:
        begun = counted[counted < codes.shape[1]]
        kept &= np.count_nonzero(codes[:, begun] != axes.zero[begun], axis=1) <= most
    return kept
