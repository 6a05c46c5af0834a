"""The start design `grid`."""

import math
from collections.abc import Sequence
from itertools import islice, product

import numpy as np

from motet.contracts.belief import Array
from motet.contracts.learning import Beginning
from motet_plugins.starts.nearest import nearest
from motet_plugins.starts.sized import Sized


class Options(Sized):
    """Options of `grid`."""


class Grid:
    """A full factorial of at most n points: every parameter at evenly spaced levels; the rest of n at random.

    The parameters get levels in turn, the first ones one more where n does not allow as many for all: 12 points of
    two parameters are 4 x 3, 20 of six are 2 x 2 x 2 x 2 x 1 x 1. Two levels are the ends of the range, one is its
    middle. A parameter has no more levels than values; a category (columns of zeros and ones that sum to one) has its
    choices, in the order of the file. Each point is taken to the nearest candidate that is free.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def count(self, stations: int) -> int:
        """As many as the option says, or one a station."""
        return self._options.points(stations)

    def choose(self, beginning: Beginning) -> int:
        """The candidate nearest to the grid point of this number; any one when the grid is used up."""
        x = beginning.candidates.x
        known = np.vstack([x, beginning.taken()])
        factors = [_Factor(known[:, columns]) for columns in _factors(known)]
        numbers = _levels([factor.most for factor in factors], beginning.count)
        if beginning.number >= math.prod(numbers):
            return int(beginning.rng.integers(len(x)))
        grid = product(*(factor.levels(count) for factor, count in zip(factors, numbers, strict=True)))
        parts = next(islice(grid, beginning.number, None))
        return nearest(x, np.concatenate([*parts, np.zeros(0)]))


class _Factor:
    """One parameter, by the columns (n, w) that it fills: one, or as many as a category has choices."""

    def __init__(self, values: Array) -> None:
        self._width = values.shape[1]
        self.most = self._width if self._width > 1 else len(np.unique(values))

    def levels(self, count: int) -> list[Array]:
        """So many places (w,)."""
        if count == 1:
            return [np.full(self._width, 1 / max(2, self._width))]
        if self._width > 1:
            return list(np.eye(self._width)[:count])
        return [np.array([level]) for level in np.linspace(0, 1, count)]


def _factors(x: Array) -> list[list[int]]:
    """The columns of each parameter, found from the rows (n, d): a category's are 0 or 1 and sum to one."""
    binary = np.all((x == 0) | (x == 1), axis=0)
    found: list[list[int]] = []
    at = 0
    while at < x.shape[1]:
        width = _width_of_category(x[:, at:], binary[at:])
        found.append(list(range(at, at + width)))
        at += width
    return found


def _width_of_category(x: Array, binary: Sequence[bool]) -> int:
    """How many of the first columns make one category; 1 when the first is a number."""
    total = np.zeros(len(x))
    for width, (column, is_binary) in enumerate(zip(x.T, binary, strict=True), 1):
        total += column
        if not is_binary or total.max() > 1:
            return 1
        if width > 1 and total.min() == 1:
            return width
    return 1


def _levels(most: Sequence[int], count: int) -> list[int]:
    """Levels of each factor, given out in turn as long as there are at most `count` points."""
    levels = [1] * len(most)
    growing = True
    while growing:
        growing = False
        for at, limit in enumerate(most):
            more = math.prod(levels) // levels[at] * (levels[at] + 1)
            if levels[at] == limit:
                continue
            if more > count:
                return levels
            levels[at] += 1
            growing = True
    return levels
