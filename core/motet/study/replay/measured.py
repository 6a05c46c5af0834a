"""A measured table: the points of a search space with what was measured there."""

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from motet.model.objective import Objective
from motet.model.space import Categorical, Continuous, Fixed, Parameter, Space
from motet.model.values import Point, Value
from motet.store.encode import dumps
from motet.study.replay.choices import Repeats
from motet.study.statistics import Floats


@dataclass(frozen=True)
class Measured:
    """Distinct points in the order of their parameters, whatever order the rows of the table had."""

    parameters: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    """The parameters of each point: numbers, or words for a category."""
    values: tuple[float, ...]
    """What was measured at each point, in the objective's unit."""
    objective_name: str
    objective: Objective

    def __len__(self) -> int:
        """Number of points."""
        return len(self.rows)

    @property
    def digest(self) -> str:
        """The same for the same points and values."""
        return hashlib.sha256(dumps([self.parameters, self.rows, self.values]).encode()).hexdigest()

    @cached_property
    def merits(self) -> Floats:
        """The values (n,) turned so that higher is better."""
        return np.array([self.objective.merit(value) for value in self.values])

    @cached_property
    def points(self) -> Sequence[Point]:
        """The parameters of each point by their names."""
        return [dict(zip(self.parameters, row, strict=True)) for row in self.rows]

    @cached_property
    def space(self) -> Space:
        """The points as a table of candidates, the whole of which is the pool."""
        columns = zip(*self.rows, strict=True)
        spans = {name: _span(column) for name, column in zip(self.parameters, columns, strict=True)}
        return Space(spans, self.points)

    @cached_property
    def places(self) -> Mapping[tuple[Value, ...], int]:
        """The number of each point, from 0, by its parameters."""
        return {row: number for number, row in enumerate(self.rows)}


def gathered(
    rows: Sequence[tuple[Value, ...]], values: Sequence[float], objective: Objective, how: Repeats
) -> tuple[tuple[tuple[Value, ...], ...], tuple[float, ...]]:
    """Rows of equal parameters as one point each, sorted, with the value that they come to."""
    found: dict[tuple[Value, ...], list[float]] = {}
    for row, value in zip(rows, values, strict=True):
        found.setdefault(row, []).append(value)
    points = sorted(found)
    return tuple(points), tuple(_together(found[point], objective, how) for point in points)


def _together(values: list[float], objective: Objective, how: Repeats) -> float:
    """One value for several, which does not depend on their order."""
    match how:
        case "unique":
            return statistics.fmean(sorted(set(values)))
        case "mean":
            return statistics.fmean(sorted(values))
        case "median":
            return float(statistics.median(values))
        case "best":
            return max(values, key=objective.merit)


def _span(column: Sequence[Value]) -> Parameter:
    """The parameter that a column of the table spans."""
    distinct = sorted(set(column))
    first = distinct[0]
    if len(distinct) == 1:
        return Fixed(value=first)
    if isinstance(first, str):
        return Categorical(choices=tuple(map(str, distinct)))
    return Continuous(low=float(first), high=float(distinct[-1]))
