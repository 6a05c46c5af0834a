"""Points of a space as rows of numbers, for surrogates and start designs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motet.contracts.belief import Array
from motet.errors import LearnerError
from motet.model.rows import Rows
from motet.model.space import Categorical, Continuous, Fixed, Integer, Parameter, Space, Stepped
from motet.model.values import Point


@dataclass(frozen=True, slots=True)
class _Column:
    """One parameter: how many columns it fills, and the function that makes them (n, width) of its values (n,)."""

    name: str
    width: int
    fill: Callable[[NDArray[Any]], Array]


class Encoder:
    """Turns points into rows of float64: numbers scaled to [0, 1], categories one-hot or by their descriptors, which
    are scaled over the choices; fixed ones are left out.

    Numbers are scaled over the parameter's range, with a candidate table over the range of the table; those on a log
    scale by their logarithms. Stepped and integer values are taken to their grid, so that a point has one row however
    its numbers were rounded on the way. Immutable, and thus safe to share between threads.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._names = tuple(space.parameters)
        table = None if space.candidates is None else Rows.of(space.candidates, self._names)
        self._columns = [column for name, p in space.parameters.items() if (column := _column(name, p, table))]
        self.width = sum(column.width for column in self._columns)

    def encode(self, points: Sequence[Point]) -> Array:
        """Rows of shape (n, width) for points of the space; `key` checks that they are."""
        if not points:
            return np.zeros((0, self.width))
        columns = Rows.of(points, self._names).columns
        found = np.empty((len(points), self.width))
        at = 0
        for column in self._columns:
            found[:, at : at + column.width] = column.fill(columns[column.name])
            at += column.width
        return found

    def key(self, point: Point) -> bytes:
        """What identifies a point: its row as bytes. Raises LearnerError for one outside the space."""
        return self.keys([point])[0]

    def keys(self, points: Sequence[Point]) -> list[bytes]:
        """The key of each of some points. Raises LearnerError for one outside the space."""
        for point in points:
            if mistakes := self._space.problems(point):
                raise LearnerError(f"the point {dict(point)} is not in the search space: {'; '.join(mistakes)}")
        return [row.tobytes() for row in self.encode(points)]


def _column(name: str, parameter: Parameter, table: Rows | None) -> _Column | None:
    if isinstance(parameter, Fixed):
        return None
    if isinstance(parameter, Categorical):
        rows = _described(parameter)
        return _Column(name, rows.shape[1], _looked_up(parameter.choices, rows))
    log = isinstance(parameter, Continuous) and parameter.scale == "log"
    if table is not None and len(table):
        numbers = _numbers(table.columns[name])
        low, high = float(numbers.min()), float(numbers.max())
        return _Column(name, 1, _log_scaled(low, high) if log else _scaled(low, high, None))
    low, high = float(parameter.low), float(parameter.high)
    step = parameter.step if isinstance(parameter, Stepped) else 1.0 if isinstance(parameter, Integer) else None
    return _Column(name, 1, _log_scaled(low, high) if log else _scaled(low, high, step))


def _numbers(values: NDArray[Any]) -> Array:
    """Side by side in memory: numpy's functions then give the same bits for one number as for many."""
    return np.ascontiguousarray(values, dtype=np.float64)


def _scaled(low: float, high: float, step: float | None) -> Callable[[NDArray[Any]], Array]:
    def fill(values: NDArray[Any]) -> Array:
        numbers = _numbers(values)[:, None]
        if high == low:
            return np.zeros_like(numbers)
        if step is not None:
            return np.round((numbers - low) / step) / round((high - low) / step) + 0.0  # no -0.0: keys are bytes
        return (numbers - low) / (high - low) + 0.0

    return fill


def _log_scaled(low: float, high: float) -> Callable[[NDArray[Any]], Array]:
    of_logarithms = _scaled(float(np.log(low)), float(np.log(high)), None)

    def fill(values: NDArray[Any]) -> Array:
        return of_logarithms(np.log(_numbers(values)))

    return fill


def _described(parameter: Categorical) -> Array:
    """The rows (choices, width) of the choices."""
    if parameter.descriptors is None:
        return np.eye(parameter.size)
    names = list(parameter.descriptors[parameter.choices[0]])
    table = np.array([[parameter.descriptors[choice][name] for name in names] for choice in parameter.choices])
    low, extent = table.min(axis=0), np.ptp(table, axis=0)
    return (table - low) / np.where(extent > 0, extent, 1.0) + 0.0


def _looked_up(choices: Sequence[str], rows: Array) -> Callable[[NDArray[Any]], Array]:
    numbers = {choice: number for number, choice in enumerate(choices)}

    def fill(values: NDArray[Any]) -> Array:
        return rows[[numbers[str(value)] for value in values.tolist()]]

    return fill
