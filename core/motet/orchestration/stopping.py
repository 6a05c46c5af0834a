"""When a campaign has what it wanted: its stop rules, and what they look at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from motet.contracts.learning import History, StopRule
from motet.model.experiment import Outcome, Suggestion
from motet.model.objective import Objective

Cost = Callable[[], float | None]
"""What the campaign has cost so far, None where the lab states no prices."""


@dataclass
class Stopping:
    """Asks the stop rules after every outcome and before every experiment."""

    rules: Sequence[StopRule]
    objectives: Mapping[str, Objective]
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    """Every outcome so far, in the order in which they ended; none where no rule looks at them."""
    reached: int | None = None
    """How many experiments had ended when a rule first held that does not only count them."""
    _suggestions: list[Suggestion] = field(default_factory=list[Suggestion])

    def most(self) -> int | None:
        """The largest number of experiments that the rules let through."""
        return min((most for rule in self.rules if (most := rule.most()) is not None), default=None)

    def ended(self, outcome: Outcome, elapsed_s: float, cost: Cost) -> str | None:
        """Why the campaign ends after this outcome, None when it goes on. Raises what a rule raises."""
        self.take_up([outcome], ())
        return self.reason(elapsed_s, cost)

    def taken(self, suggestion: Suggestion, elapsed_s: float, cost: Cost) -> str | None:
        """Why the campaign ends instead of carrying this suggestion out, None when it does not."""
        self.take_up((), [suggestion])
        return self.reason(elapsed_s, cost) if suggestion.notes else None

    def take_up(self, outcomes: Sequence[Outcome], suggestions: Sequence[Suggestion]) -> None:
        """What there is to look at, such as an earlier process of the campaign brought, each in its order."""
        if self.rules:
            self.outcomes += outcomes
            self._suggestions += suggestions

    def reason(self, elapsed_s: float, cost: Cost) -> str | None:
        """Why the campaign ends as things stand, None when it goes on. Raises what a rule raises."""
        if not self.rules:
            return None
        history = History(self.outcomes, self.objectives, elapsed_s, self._suggestions, cost())
        found: str | None = None
        for rule in self.rules:
            reason = rule.reason(history)
            most = rule.most()
            if reason and self.reached is None and (most is None or len(self.outcomes) < most):
                self.reached = len(self.outcomes)
            found = found or reason
        return found
