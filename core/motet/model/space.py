"""The search space: parameters, or a table of candidates, and what the points must meet besides."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

from motet.model.constraints import Constraint
from motet.model.parameters import (
    STEP_TOLERANCE,
    Categorical,
    Continuous,
    Fixed,
    Integer,
    Parameter,
    Stepped,
)
from motet.model.values import Point, Value

if TYPE_CHECKING:
    from motet.model.rows import Rows

__all__ = [
    "STEP_TOLERANCE",
    "Categorical",
    "Constraint",
    "Continuous",
    "Fixed",
    "Integer",
    "Parameter",
    "Space",
    "Stepped",
    "units_of",
]


@dataclass(frozen=True)
class Space:
    """All points a learner may suggest: those of the product of the parameters, or of the rows of a candidate table,
    that meet every constraint. Raises ValueError for a constraint that does not fit the parameters."""

    parameters: Mapping[str, Parameter]
    candidates: Sequence[Point] | None = None
    constraints: Sequence[Constraint] = ()

    def __post_init__(self) -> None:
        for constraint in self.constraints:
            for fault in constraint.faults(self.parameters):
                allowed = fault.allowed or f"the parameters are {', '.join(self.parameters)}"
                raise ValueError(f"the constraint `{constraint}` names {fault.found}; {allowed}")

    @cached_property
    def size(self) -> float:
        """Number of points; infinite with a continuous parameter and no table.

        With constraints it is counted where the points can be listed; else that of the product, which is more.
        """
        if self.candidates is not None and not self.constraints:
            return len(self.candidates)
        if self.constraints and (listed := self.listed()) is not None:
            return len(listed)
        return self.product

    @property
    def product(self) -> float:
        """Number of combinations of the parameters' values, constraints and table disregarded."""
        return math.prod(parameter.size for parameter in self.parameters.values())

    def listed(self) -> "Rows | None":
        """Every point, as columns: the rows of a table, or the points of a space that is not too large to list, the
        last parameter varying fastest; None for others. Found once and kept."""
        return self._listed

    @cached_property
    def _listed(self) -> "Rows | None":
        from motet.model.axes import Axes
        from motet.model.listing import listing
        from motet.model.rows import Rows

        axes = Axes(self.parameters, self.constraints)
        if self.candidates is not None:
            rows = Rows.of(self.candidates, tuple(self.parameters))
            return rows.take(axes.allowed(rows)) if self.constraints else rows
        codes = listing(axes)
        return None if codes is None else axes.rows(codes)

    def points(self) -> Iterator[Point]:
        """Every point of a finite space, the last parameter varying fastest."""
        if self.candidates is not None and not self.constraints:
            yield from self.candidates
            return
        columns: list[Sequence[Value]] = []
        for name, parameter in self.parameters.items():
            values = parameter.values() if self.candidates is None else ()
            if values is None:
                raise ValueError(f"parameter {name} is continuous: its values cannot be enumerated")
            columns.append(values)
        listed = self.listed()
        if listed is not None:
            yield from listed
            return
        for row in product(*columns):
            point = dict(zip(self.parameters, row, strict=True))
            if all(constraint.holds(point) for constraint in self.constraints):
                yield point

    def problems(self, point: Point) -> list[str]:
        """Why `point` is not in the space: one line a mistake, empty when it is."""
        found = [f"{name} is missing" for name in self.parameters if name not in point]
        found += [f"{name} is not a parameter" for name in point if name not in self.parameters]
        for name, parameter in self.parameters.items():
            allowed = parameter.problem(point[name]) if name in point else None
            if allowed is not None:
                found.append(f"{name} = {point[name]!r} must be {allowed}")
        return found or [
            f"it breaks the constraint `{constraint}`" for constraint in self.constraints if not constraint.holds(point)
        ]


def units_of(space: Space) -> dict[str, str]:
    """The unit of each parameter that has one."""
    return {
        name: parameter.unit
        for name, parameter in space.parameters.items()
        if not isinstance(parameter, Categorical) and parameter.unit
    }
