"""What the stop rules that look at an objective have in common."""

import math
from collections.abc import Sequence

from motet.contracts.learning import History
from motet.errors import CampaignError
from motet.model.experiment import State
from motet.model.objective import Objective


def objective_of(history: History, name: str | None, rule: str) -> tuple[str, Objective]:
    """The objective of that name, the first one for None.

    Raises CampaignError when there is none, or it is a class: of classes none is better than another.
    """
    name = next(iter(history.objectives)) if name is None else name
    if name not in history.objectives:
        raise CampaignError(f"stop rule {rule}: no objective {name!r}; there are {', '.join(history.objectives)}")
    if history.objectives[name].goal == "classify":
        raise CampaignError(f"stop rule {rule}: {name} is a class; an objective that can be better or worse is needed")
    return name, history.objectives[name]


def merits(history: History, names: Sequence[str]) -> list[tuple[float, ...]]:
    """The merits of all successful experiments that have a value of each of these objectives, in the order told."""
    return [
        tuple(history.objectives[name].merit(outcome.values[name]) for name in names)
        for outcome in history.outcomes
        if outcome.state is State.DONE and all(math.isfinite(outcome.values.get(name, math.nan)) for name in names)
    ]
