"""The search space: parameters, or a table of candidates."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Literal, TypeGuard, TypeVar

from pydantic import Field, ValidationInfo, field_validator

from motet.model.values import Frozen, Point, Real, Value, Whole

STEP_TOLERANCE = 1e-6
"""How far from a whole number of steps a stepped value may lie, in steps."""


class _Range(Frozen):
    low: Real
    high: Real
    unit: str | None = None

    @field_validator("high")
    @classmethod
    def _right_way_up(cls, high: float, info: ValidationInfo) -> float:
        return _above_low(high, info)


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

    @property
    def size(self) -> float:
        """Infinitely many values."""
        return math.inf


class Stepped(_Range):
    """Numbers low, low + step, ... up to high."""

    type: Literal["stepped"] = "stepped"
    step: Real = Field(gt=0)

    @field_validator("step")
    @classmethod
    def _whole_steps(cls, step: float, info: ValidationInfo) -> float:
        if {"low", "high"} <= info.data.keys():
            low, high = info.data["low"], info.data["high"]
            steps = (high - low) / step
            if abs(steps - round(steps)) > STEP_TOLERANCE:
                raise ValueError(f"the step must divide the range from low {low:g} to high {high:g} evenly")
        return step

    def problem(self, value: Value) -> str | None:
        """Why `value` is not in this parameter's domain, or None."""
        allowed = f"a number from {self.low:g} to {self.high:g} in steps of {self.step:g}"
        if not _is_number(value) or not self.low <= float(value) <= self.high:
            return allowed
        steps = (float(value) - self.low) / self.step
        return allowed if abs(steps - round(steps)) > STEP_TOLERANCE else None

    def values(self) -> tuple[float, ...]:
        """Every value of the grid, in rising order."""
        return tuple(self.value(i) for i in range(self.size))

    def value(self, i: int) -> float:
        """Value number i of the grid, from 0, rounded: 0.3, not 0.30000000000000004."""
        digits = 12 - math.floor(math.log10(self.step))
        return min(round(self.low + i * self.step, digits), self.high)

    @property
    def size(self) -> int:
        """Number of values."""
        return round((self.high - self.low) / self.step) + 1


class Integer(Frozen):
    """Whole numbers in [low, high]."""

    type: Literal["integer"] = "integer"
    low: Whole
    high: Whole
    unit: str | None = None

    @field_validator("high")
    @classmethod
    def _right_way_up(cls, high: int, info: ValidationInfo) -> int:
        return _above_low(high, info)

    def problem(self, value: Value) -> str | None:
        """Why `value` is not in this parameter's domain, or None."""
        if not _is_number(value) or not float(value).is_integer() or not self.low <= value <= self.high:
            return f"a whole number in [{self.low}, {self.high}]"
        return None

    def values(self) -> range:
        """Every value, in rising order."""
        return range(self.low, self.high + 1)

    @property
    def size(self) -> int:
        """Number of values."""
        return self.high - self.low + 1


class Categorical(Frozen):
    """One of several named choices."""

    type: Literal["categorical"] = "categorical"
    choices: tuple[str, ...] = Field(min_length=2)

    @field_validator("choices")
    @classmethod
    def _no_duplicates(cls, choices: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({choice for choice in choices if choices.count(choice) > 1})
        if twice:
            raise ValueError(f"each choice once; there more than once: {', '.join(twice)}")
        return choices

    def problem(self, value: Value) -> str | None:
        """Why `value` is not in this parameter's domain, or None."""
        return None if value in self.choices else f"one of {', '.join(self.choices)}"

    def values(self) -> tuple[str, ...]:
        """Every choice, in the order of the file."""
        return self.choices

    @property
    def size(self) -> int:
        """Number of choices."""
        return len(self.choices)


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

    @property
    def size(self) -> int:
        """One."""
        return 1


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
        return math.prod(parameter.size for parameter in self.parameters.values())

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
        found = [f"{name} is missing" for name in self.parameters if name not in point]
        found += [f"{name} is not a parameter" for name in point if name not in self.parameters]
        for name, parameter in self.parameters.items():
            allowed = parameter.problem(point[name]) if name in point else None
            if allowed is not None:
                found.append(f"{name} = {point[name]!r} must be {allowed}")
        return found


N = TypeVar("N", int, float)


def _above_low(high: N, info: ValidationInfo) -> N:
    low = info.data.get("low")
    if low is not None and not low < high:
        raise ValueError(f"high must be above low, which is {low:g}")
    return high


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def units_of(space: Space) -> dict[str, str]:
    """The unit of each parameter that has one."""
    return {
        name: parameter.unit
        for name, parameter in space.parameters.items()
        if not isinstance(parameter, Categorical) and parameter.unit
    }
