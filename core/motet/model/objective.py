"""What a campaign tries to reach."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from motet.model.values import Frozen, Name, Real


class Objective(Frozen):
    """A number that an analysis yields, and what is wanted of it."""

    goal: Literal["maximize", "minimize", "target", "classify"]
    """What is wanted of the number: high, low, near a target, or, when it is the number of a class, to be predicted."""
    target: Real | None = None
    """The value wanted, with `goal: target`."""
    classes: tuple[str, ...] = ()
    """The names of the classes, with `goal: classify`; the analysis yields a class's place in this list, from 0."""
    error: Name | None = None
    """The number of the analysis that is the standard error of this one, in the same unit."""
    unit: str | None = None
    """The unit in which the analysis yields it."""

    @field_validator("classes")
    @classmethod
    def _two_different_ones(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(classes) == 1 or len(set(classes)) != len(classes):
            raise ValueError(f"at least two classes with different names are needed; found {', '.join(classes)}")
        return classes

    @model_validator(mode="after")
    def _parts_go_with_goal(self) -> "Objective":
        if (self.goal == "target") != (self.target is not None):
            raise ValueError("`target: NUMBER` goes with `goal: target`, and only with it")
        if (self.goal == "classify") != bool(self.classes):
            raise ValueError("`classes: [NAME, ...]` goes with `goal: classify`, and only with it")
        return self

    def merit(self, value: float) -> float:
        """The value turned so that higher is better; same unit as the value. A class keeps its number."""
        match self.goal:
            case "maximize" | "classify":
                return value
            case "minimize":
                return -value
            case "target":
                assert self.target is not None
                return -abs(value - self.target)

    def problem(self, value: float) -> str | None:
        """Why a finite value cannot be told of, None when it can."""
        if self.classes and value not in range(len(self.classes)):
            return f"the number of a class, 0 to {len(self.classes) - 1}"
        return None


class OutcomeConstraint(Frozen):
    """A number that an analysis yields and that has to stay within bounds for an experiment to count."""

    at_least: Real | None = None
    """The lowest value allowed, in the analysis's unit."""
    at_most: Real | None = None
    """The highest value allowed, in the analysis's unit."""
    unit: str | None = Field(default=None)
    """The unit in which the analysis yields it."""

    @model_validator(mode="after")
    def _bounded(self) -> "OutcomeConstraint":
        if self.at_least is None and self.at_most is None:
            raise ValueError("`at_least`, `at_most` or both are needed")
        if self.at_least is not None and self.at_most is not None and not self.at_least < self.at_most:
            raise ValueError(f"at_most must be above at_least, which is {self.at_least:g}")
        return self

    def turned(self) -> "OutcomeConstraint":
        """The same constraint on minus the number."""
        low, high = self.at_least, self.at_most
        return OutcomeConstraint(
            at_least=None if high is None else -high, at_most=None if low is None else -low, unit=self.unit
        )

    def allows(self, value: float) -> bool:
        """Whether a value is within the bounds."""
        low, high = self.at_least, self.at_most
        return (low is None or value >= low) and (high is None or value <= high)
