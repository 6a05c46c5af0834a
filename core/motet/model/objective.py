"""What a campaign tries to reach."""

from typing import Literal

from pydantic import model_validator

from motet.model.values import Frozen, Real


class Objective(Frozen):
    """A number that an analysis yields, and what is wanted of it."""

    goal: Literal["maximize", "minimize", "target"]
    """What is wanted of the number."""
    target: Real | None = None
    """The value wanted, with `goal: target`."""
    unit: str | None = None
    """The unit in which the analysis yields it."""

    @model_validator(mode="after")
    def _target_goes_with_goal(self) -> "Objective":
        if (self.goal == "target") != (self.target is not None):
            raise ValueError("`target: NUMBER` goes with `goal: target`, and only with it")
        return self

    def merit(self, value: float) -> float:
        """The value turned so that higher is better; same unit as the value."""
        match self.goal:
            case "maximize":
                return value
            case "minimize":
                return -value
            case "target":
                assert self.target is not None
                return -abs(value - self.target)
