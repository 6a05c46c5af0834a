"""What the stop rules that look at an objective have in common."""

from motet.contracts.learning import History
from motet.errors import CampaignError
from motet.model.experiment import State
from motet.model.objective import Objective


def objective_of(history: History, name: str | None, rule: str) -> tuple[str, Objective]:
    """The objective of that name, the first one for None. Raises CampaignError when there is none."""
    if name is None:
        return next(iter(history.objectives.items()))
    if name not in history.objectives:
        raise CampaignError(f"stop rule {rule}: no objective {name!r}; there are {', '.join(history.objectives)}")
    return name, history.objectives[name]


def merits(history: History, name: str) -> list[float]:
    """The merits of all successful experiments, in the order told."""
    done = (outcome for outcome in history.outcomes if outcome.state is State.DONE)
    return [history.objectives[name].merit(outcome.values[name]) for outcome in done]
