"""What a learner is to do and with which parts, checked to go together."""

from collections.abc import Mapping
from dataclasses import dataclass

from motet.learning.checked import Checked, CheckedSurrogate
from motet.model.campaign import LearnerConfig
from motet.model.objective import Objective, OutcomeConstraint


@dataclass(frozen=True, slots=True)
class Task:
    """Objectives, constraints on outcomes, and the plugins that work towards them."""

    objectives: Mapping[str, Objective]
    parts: Checked
    surrogate: CheckedSurrogate
    config: LearnerConfig
    feasibility: CheckedSurrogate | None
    constraints: Mapping[str, OutcomeConstraint]

    @property
    def bounds(self) -> Mapping[str, OutcomeConstraint]:
        """The constraints on merits: those on an objective that is minimized have their sign turned, as it has."""
        turned = {name for name, objective in self.objectives.items() if objective.goal == "minimize"}
        return {name: each.turned() if name in turned else each for name, each in self.constraints.items()}

    @property
    def constrained(self) -> Mapping[str, Objective]:
        """Numbers that are modelled for their constraints alone: those that are objectives too are modelled already."""
        others = [name for name in self.constraints if name not in self.objectives]
        return {name: Objective(goal="maximize") for name in others}
