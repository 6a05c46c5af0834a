"""The search space: parameters, or a table of candidates."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Literal

from pydantic import Field, model_validator

from motet.model.values import Frozen, Point, Real, Value, Whole

STEP_TOLERANCE = 1e-6
"""How far from a whole number of steps a stepped value may lie, in steps."""


class _Range(Frozen):
    low: Real
    high: Real
    unit: str | None = None

    @model_validator(mode="after")
    def _right_way_up(self) -> "_Range":
        if not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) must be below high ({self.high:g})")
        return self


class Continuous(_Range):
    """Any number in [low, high]."""

    type: Literal["continuous"] = "continuous"

    def problem(self, value: Value) -> str | None:
        """Why `value` is not in this parameter's domain, or None."""
        if not _is_number(value) or not self.low <= float(value) <= self.high:
            return f"a number in [{self.low:g}, {self.high:g}]"
        return None

    def values(self) -> None:
        """A continuous parameter cannot be enumerated."""


class Stepped(_Range):
    """Numbers low, low + step, ... up to high."""

    type: Literal["stepped"] = "stepped"
    step: Real = Field(gt=0)

    @model_validator(mode="after")
    def _whole_steps(self) -> "Stepped":
        steps = (self.high - self.low) / self.step
        if abs(steps - round(steps)) > STEP_TOLERANCE:
            raise ValueError(f"step ({self.step:g}) must divide the range [{self.low:g}, {self.high:g}]")
        return self

    def problem(self, value: Value) -> str | None:
        """Why `value` is not in this parameter's domain, or None."""
        allowed = f"a number from {self.low:g} to {self.high:g} in steps of {self.step:g}"
        if not _is_number(value) or not self.low <= float(value) <= self.high:
            return allowed
        steps = (float(value) - self.low) / self.step
        return allowed if abs(steps - round(steps)) > STEP_TOLERANCE else None

    def values(self) -> tuple[float, ...]:
        """Every value of the grid, in rising order."""
        count = round((self.high - self.low) / self.step) + 1
        return tuple(round(self.low + i * self.step, 12) for i in range(count))


class Integer(Frozen):
    """Whole numbers in [low, high]."""

    type: Literal["integer"] = "integer"
    low: Whole
    high: Whole
    unit: str | None = None

    @model_validator(mode="after")
    def _right_way_up(self) -> "Integer":
        if not self.low < self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        return self

    def problem(self, value: Value) -> str | None:
        """Why `value` is not in this parameter's domain, or None."""
        if not _is_number(value) or float(value) != math.floor(value) or not self.low <= value <= self.high:
            return f"a whole number in [{self.low}, {self.high}]"
        return None

    def values(self) -> range:
        """Every value, in rising order."""
        return range(self.low, self.high + 1)


class Categorical(Frozen):
    """One of several named choices."""

    type: Literal["categorical"] = "categorical"
    choices: tuple[str, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _no_duplicates(self) -> "Categorical":
        twice = sorted({c for c in self.choices if self.choices.count(c) > 1})
        if twice:
            raise ValueError(f"duplicate choice: {', '.join(twice)}")
        return self

    def problem(self, value: Value) -> str | None:
        """Why `value` is not in this parameter's domain, or None."""
        return None if value in self.choices else f"one of {', '.join(self.choices)}"

    def values(self) -> tuple[str, ...]:
        """Every choice, in the order of the file."""
        return self.choices


class Fixed(Frozen):
    """One value for all experiments."""

    type: Literal["fixed"] = "fixed"
    value: Value
    unit: str | None = None

    def problem(self, value: Value) -> str | None:
        """Why `value` is not in this parameter's domain, or None."""
        return None if value == self.value else f"{self.value!r}, which is fixed"

    def values(self) -> tuple[Value, ...]:
        """The one value."""
        return (self.value,)


Parameter = Annotated[Continuous | Stepped | Integer | Categorical | Fixed, Field(discriminator="type")]


@dataclass(frozen=True)
class Space:
    """All points a learner may suggest: the product of the parameters, or the rows of a candidate table."""

    parameters: Mapping[str, Parameter]
    candidates: Sequence[Point] | None = None

    @property
    def size(self) -> float:
        """Number of points; infinite with a continuous parameter and no table."""
        if self.candidates is not None:
            return len(self.candidates)
        sizes = [math.inf if (v := p.values()) is None else len(v) for p in self.parameters.values()]
        return math.prod(sizes)

    def points(self) -> Iterator[Point]:
        """Every point of a finite space, the last parameter varying fastest."""
        if self.candidates is not None:
            yield from self.candidates
            return
        columns: list[Sequence[Value]] = []
        for name, parameter in self.parameters.items():
            values = parameter.values()
            if values is None:
                raise ValueError(f"parameter {name} is continuous: its values cannot be enumerated")
            columns.append(values)
        for row in product(*columns):
            yield dict(zip(self.parameters, row, strict=True))

    def problems(self, point: Point) -> list[str]:
        """Why `point` is not in the space: one line a mistake, empty when it is."""
        found = [f"{n} = {point[n]!r} must be {p}" for n, q in self.parameters.items() if n in point and (p := q.problem(point[n]))]
        found += [f"{name} is missing" for name in self.parameters if name not in point]
        found += [f"{name} is not a parameter" for name in point if name not in self.parameters]
        return found


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
