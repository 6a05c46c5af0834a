"""The parameters of a search space: what each of them may be."""

import math
from typing import Annotated, Literal, TypeGuard, TypeVar

from pydantic import Field, ValidationInfo, field_validator

from motet.model.values import Frozen, Name, Real, Value, Whole

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
    scale: Literal["linear", "log"] = "linear"
    """`log` for a parameter whose ratios matter, such as a concentration from 1e-6 to 1e-1."""

    @field_validator("scale")
    @classmethod
    def _log_of_positive(cls, scale: str, info: ValidationInfo) -> str:
        low = info.data.get("low")
        if scale == "log" and low is not None and not low > 0:
            raise ValueError(f"a log scale needs low above 0; it is {low:g}")
        return scale

    def problem(self, value: Value) -> str | None:
        """Why `value` is not in this parameter's domain, or None."""
        if not is_number(value) or not self.low <= float(value) <= self.high:
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
        if not is_number(value) or not self.low <= float(value) <= self.high:
            return allowed
        steps = (float(value) - self.low) / self.step
        return allowed if abs(steps - round(steps)) > STEP_TOLERANCE else None

    def values(self) -> tuple[float, ...]:
        """Every value of the grid, in rising order."""
        return tuple(self.value(i) for i in range(self.size))

    def value(self, i: int) -> float:
        """Value number i of the grid, from 0, rounded: 0.3, not 0.30000000000000004."""
        digits = 12 - math.floor(math.log10(self.step))
        return max(self.low, min(round(self.low + i * self.step, digits), self.high))

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
        if not is_number(value) or not float(value).is_integer() or not self.low <= value <= self.high:
            return f"a whole number in [{self.low}, {self.high}]"
        return None

    def values(self) -> range:
        """Every value, in rising order."""
        return range(self.low, self.high + 1)

    def value(self, i: int) -> int:
        """Value number i, from 0."""
        return self.low + i

    @property
    def size(self) -> int:
        """Number of values."""
        return self.high - self.low + 1


class Categorical(Frozen):
    """One of several named choices."""

    type: Literal["categorical"] = "categorical"
    choices: tuple[str, ...] = Field(min_length=2)
    descriptors: dict[str, dict[Name, Real]] | None = None
    """What is known of each choice in numbers, the same for all: choices with like numbers count as alike."""

    @field_validator("choices")
    @classmethod
    def _no_duplicates(cls, choices: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({choice for choice in choices if choices.count(choice) > 1})
        if twice:
            raise ValueError(f"each choice once; there more than once: {', '.join(twice)}")
        return choices

    @field_validator("descriptors")
    @classmethod
    def _of_every_choice(
        cls, found: dict[str, dict[str, float]] | None, info: ValidationInfo
    ) -> dict[str, dict[str, float]] | None:
        choices: tuple[str, ...] | None = info.data.get("choices")
        if found is None or choices is None:
            return found
        if missing := [choice for choice in choices if choice not in found]:
            raise ValueError(f"every choice needs its descriptors; there are none of {', '.join(missing)}")
        if more := [name for name in found if name not in choices]:
            raise ValueError(f"descriptors of choices only; {', '.join(more)} is none of {', '.join(choices)}")
        first = found[choices[0]]
        if not first:
            raise ValueError(f"at least one descriptor is needed; {choices[0]} has none")
        for choice in choices[1:]:
            if found[choice].keys() != first.keys():
                there = ", ".join(found[choice]) or "none"
                raise ValueError(f"the same descriptors of every choice: {', '.join(first)}; {choice} has {there}")
        by_numbers: dict[tuple[float, ...], str] = {}
        for choice in choices:
            like = by_numbers.setdefault(tuple(found[choice][name] for name in first), choice)
            if like != choice:
                raise ValueError(f"descriptors that tell the choices apart; {like} and {choice} have equal ones")
        return found

    def problem(self, value: Value) -> str | None:
        """Why `value` is not in this parameter's domain, or None."""
        return None if value in self.choices else f"one of {', '.join(self.choices)}"

    def values(self) -> tuple[str, ...]:
        """Every choice, in the order of the file."""
        return self.choices

    def value(self, i: int) -> str:
        """Choice number i, from 0."""
        return self.choices[i]

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


def is_numeric(parameter: Parameter) -> bool:
    """Whether a parameter's values are numbers."""
    return not isinstance(parameter, Categorical) and not (
        isinstance(parameter, Fixed) and isinstance(parameter.value, str | bool)
    )


N = TypeVar("N", int, float)


def _above_low(high: N, info: ValidationInfo) -> N:
    low = info.data.get("low")
    if low is not None and not low < high:
        raise ValueError(f"high must be above low, which is {low:g}")
    return high


def is_number(value: Value) -> TypeGuard[float]:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
