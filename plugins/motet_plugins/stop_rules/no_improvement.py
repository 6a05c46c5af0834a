"""The stop rule `no_improvement`."""

import numpy as np
from pydantic import Field

from motet.contracts.learning import History
from motet.errors import CampaignError
from motet.model.values import Frozen, Real, Whole
from motet_plugins.stop_rules.objectives import merits, objective_of


class Options(Frozen):
    """Options of `no_improvement`."""

    k: Whole = Field(ge=1)
    """Successful experiments in a row."""
    by: Real = Field(default=0.0, ge=0)
    """What counts as an improvement: more than this, in the objective's unit."""
    objective: str | None = None
    """The one to look at. When left out, all of them: better is then what no earlier experiment equals in each."""


class NoImprovement:
    """When the last k successful experiments brought no better value.

    With several objectives and none named: no new trade-off, that is, each of the last k is equalled or beaten in all
    objectives by one experiment before them. Experiments without a value of an objective looked at do not count.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def reason(self, history: History) -> str | None:
        """Holds when none of the last k is better than those before it.

        Raises CampaignError for an objective that the campaign does not have, and for `by` without one of several.
        """
        k, names = self._options.k, self._names(history)
        found = np.array(merits(history, names)).reshape(-1, len(names))
        before, last = found[:-k], found[-k:]
        if not len(before):
            return None
        equalled = np.all(last[:, None] <= before[None] + self._options.by, axis=2)  # (last, before)
        if not equalled.any(axis=1).all():
            return None
        what = f"better {names[0]}" if len(names) == 1 else f"new trade-off of {', '.join(names)}"
        return f"no {what} in the last {k} experiments"

    def most(self) -> int | None:
        """No bound."""
        return None

    def _names(self, history: History) -> list[str]:
        options = self._options
        if options.objective is None and len(history.objectives) > 1:
            names = list(history.objectives)
            if options.by > 0:
                one_of = f"name one with `objective`; there are {', '.join(names)}"
                raise CampaignError(f"stop rule no_improvement: by = {options.by:g} is for one objective; {one_of}")
            return names
        return [objective_of(history, options.objective, "no_improvement")[0]]
