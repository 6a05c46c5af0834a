"""The stop rule `no_improvement`."""

from pydantic import Field

from motet.contracts.learning import History
from motet.model.values import Frozen
from motet_plugins.stop_rules.objectives import merits, objective_of


class Options(Frozen):
    """Options of `no_improvement`."""

    k: int = Field(ge=1)
    """Successful experiments in a row."""
    by: float = Field(default=0.0, ge=0)
    """What counts as an improvement: more than this, in the objective's unit."""
    objective: str | None = None
    """The campaign's first one when left out."""


class NoImprovement:
    """When the last k successful experiments brought no better value."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def reason(self, history: History) -> str | None:
        """Holds when none of the last k is better than the best before them.

        Raises CampaignError for an objective that the campaign does not have.
        """
        name, _ = objective_of(history, self._options.objective, "no_improvement")
        found = merits(history, name)
        before, last = found[: -self._options.k], found[-self._options.k :]
        if not before or max(last) > max(before) + self._options.by:
            return None
        return f"no better {name} in the last {self._options.k} experiments"

    def most(self) -> int | None:
        """No bound."""
        return None
