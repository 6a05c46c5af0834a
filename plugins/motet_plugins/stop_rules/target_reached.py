"""The stop rule `target_reached`."""

from motet.contracts.learning import History
from motet.model.values import Frozen, Real
from motet_plugins.stop_rules.objectives import merits, objective_of


class Options(Frozen):
    """Options of `target_reached`."""

    value: Real
    """In the objective's unit: this or better. With `goal: target`, the largest distance to the target."""
    objective: str | None = None
    """The campaign's first one when left out."""


class TargetReached:
    """When an experiment reached a value of the objective, or a better one."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def reason(self, history: History) -> str | None:
        """Holds when the best value so far is as good as `value`.

        Raises CampaignError for an objective that the campaign does not have.
        """
        name, objective = objective_of(history, self._options.objective, "target_reached")
        wanted = self._options.value
        bound = -abs(wanted) if objective.goal == "target" else objective.merit(wanted)
        if not any(merit >= bound for (merit,) in merits(history, [name])):
            return None
        return f"{name} has reached {wanted:g}"

    def most(self) -> int | None:
        """No bound."""
        return None
