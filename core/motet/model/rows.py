"""Many points as columns: 100 000 of them take megabytes, and each is made when it is looked at."""

from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from motet.model.values import Point, Value


class Rows(Sequence[Point]):
    """Points by columns (n,): float64 or int64 for numbers, objects for texts."""

    def __init__(self, columns: Mapping[str, NDArray[Any]], n: int) -> None:
        self.columns = columns
        self._n = n

    @classmethod
    def of(cls, points: Sequence[Point], names: Sequence[str]) -> "Rows":
        """Points with these names as columns; as they are when they have them already."""
        if isinstance(points, Rows) and tuple(points.columns) == tuple(names):
            return points
        return cls({name: column([point[name] for point in points]) for name in names}, len(points))

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> Point: ...
    @overload
    def __getitem__(self, index: slice) -> "Rows": ...
    def __getitem__(self, index: int | slice) -> "Point | Rows":
        if isinstance(index, slice):
            return self.take(np.arange(self._n)[index])
        if not -self._n <= index < self._n:
            raise IndexError(f"point {index} of {self._n}")
        return {name: found.item(index) for name, found in self.columns.items()}

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Rows":
        """Some of them, by number (k,) or by a mask (n,)."""
        n = int(np.count_nonzero(rows)) if rows.dtype == bool else len(rows)
        return Rows({name: found[rows] for name, found in self.columns.items()}, n)


def column(values: Sequence[Value]) -> NDArray[Any]:
    """Values of one parameter as an array that keeps their types."""
    kinds = set(map(type, values))
    if kinds == {float}:
        return np.array(values, dtype=np.float64)
    if kinds == {int} and all(-(2**63) <= int(value) < 2**63 for value in values):
        return np.array(values, dtype=np.int64)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def constant(value: Value, n: int) -> NDArray[Any]:
    """One value for n points, in the memory of one."""
    return np.broadcast_to(column([value]), (n,))
