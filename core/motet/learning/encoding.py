"""Points of a space as rows of numbers, for surrogates and start designs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from motet.contracts.learning import Array
from motet.errors import LearnerError
from motet.model.space import Categorical, Fixed, Integer, Parameter, Space, Stepped
from motet.model.values import Point, Value


@dataclass(frozen=True, slots=True)
class _Column:
    """One parameter: how many columns it fills, and the function that fills them from its values."""

    name: str
    width: int
    fill: Callable[[Sequence[Value]], Array]


class Encoder:
    """Turns points into rows of float64: numbers scaled to [0, 1], categories one-hot, fixed left out.

    Numbers are scaled over the parameter's range, with a candidate table over the range of the table. Stepped
    and integer values are taken to their grid, so that a point has one row however its numbers were rounded
    on the way. Immutable, and thus safe to share between threads.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._columns = [
            column for name, p in space.parameters.items() if (column := _column(name, p, space.candidates))
        ]
        self.width = sum(column.width for column in self._columns)

    def encode(self, points: Sequence[Point]) -> Array:
        """Rows of shape (n, width) for points of the space; `key` checks that they are."""
        if not points:
            return np.zeros((0, self.width))
        blocks = [column.fill([point[column.name] for point in points]) for column in self._columns]
        return np.hstack(blocks) if blocks else np.zeros((len(points), 0))

    def key(self, point: Point) -> bytes:
        """What identifies a point: its row as bytes. Raises LearnerError for one outside the space."""
        if mistakes := self._space.problems(point):
            raise LearnerError(f"the point {dict(point)} is not in the search space: {'; '.join(mistakes)}")
        return self.encode([point])[0].tobytes()


def _column(name: str, parameter: Parameter, table: Sequence[Point] | None) -> _Column | None:
    if isinstance(parameter, Fixed):
        return None
    if isinstance(parameter, Categorical):
        return _Column(name, len(parameter.choices), _one_hot(parameter.choices))
    if table is not None:
        numbers = [float(point[name]) for point in table]
        return _Column(name, 1, _scaled(min(numbers, default=0.0), max(numbers, default=0.0), None))
    step = parameter.step if isinstance(parameter, Stepped) else 1.0 if isinstance(parameter, Integer) else None
    return _Column(name, 1, _scaled(float(parameter.low), float(parameter.high), step))


def _scaled(low: float, high: float, step: float | None) -> Callable[[Sequence[Value]], Array]:
    def fill(values: Sequence[Value]) -> Array:
        numbers = np.array([float(value) for value in values])[:, None]
        if high == low:
            return np.zeros_like(numbers)
        if step is not None:
            return np.round((numbers - low) / step) / round((high - low) / step) + 0.0  # no -0.0: keys are bytes
        return (numbers - low) / (high - low)

    return fill


def _one_hot(choices: Sequence[str]) -> Callable[[Sequence[Value]], Array]:
    rows = dict(zip(choices, np.eye(len(choices)), strict=True))

    def fill(values: Sequence[Value]) -> Array:
        return np.array([rows[str(value)] for value in values])

    return fill
