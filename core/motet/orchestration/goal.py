"""What a campaign is after, and when it ends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from motet.contracts.learning import StopRule
from motet.model.campaign import Budget, FailurePolicy
from motet.model.objective import Objective, OutcomeConstraint


@dataclass(frozen=True)
class Goal:
    """What a campaign is after and when it ends. `retry_wait_s` is the wait before another try of an experiment,
    seconds of the loop's clock; `cost` what so many runs of each stage cost, with the hours of each station.
    `safe_within_s` is how long its end waits for devices to be safe.
    `pause_on_learner_error`: a learner that fails pauses the campaign, instead of ending it."""

    objectives: Mapping[str, Objective]
    stop: Sequence[StopRule] = ()
    budget: Budget = field(default_factory=Budget)
    failures: FailurePolicy = field(default_factory=FailurePolicy)
    retry_wait_s: float = 0.0
    safe_within_s: float = 30.0
    constraints: Mapping[str, OutcomeConstraint] = field(default_factory=dict[str, OutcomeConstraint])
    pause_on_learner_error: bool = False
    cost: Callable[[Mapping[str, int], Mapping[str, float]], float | None] = lambda runs, busy_h: None
