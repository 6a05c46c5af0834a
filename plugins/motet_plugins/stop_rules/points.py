"""The stop rule `points`."""

import math

from pydantic import Field

from motet.contracts.learning import History
from motet.errors import CampaignError
from motet.model.experiment import Outcome, State
from motet.model.values import Frozen, Point, Value


class Options(Frozen):
    """Options of `points`."""

    at: tuple[dict[str, Value], ...] = Field(min_length=1)
    """Points by parameter; parameters that are left out may have any value."""


class Points:
    """When all of the given points have been measured successfully."""

    def __init__(self, options: Options) -> None:
        self._points = options.at

    def reason(self, history: History) -> str | None:
        """Holds when each point has an experiment that is done.

        Raises CampaignError for a name in `at` that is no parameter of the campaign.
        """
        for outcome in history.outcomes[:1]:
            self._check(outcome)
        done = [outcome.experiment.parameters for outcome in history.outcomes if outcome.state is State.DONE]
        if not all(any(_is_at(point, wanted) for point in done) for wanted in self._points):
            return None
        return f"all {len(self._points)} given points are measured"

    def most(self) -> int | None:
        """No bound."""
        return None

    def _check(self, outcome: Outcome) -> None:
        known = outcome.experiment.parameters
        if strange := sorted({name for point in self._points for name in point} - set(known)):
            names = f"no parameter {', '.join(strange)}; there are {', '.join(known)}"
            raise CampaignError(f"stop rule points: {names}")


def _is_at(point: Point, wanted: Point) -> bool:
    return all(_equal(point[name], value) for name, value in wanted.items())


def _equal(a: Value, b: Value) -> bool:
    if isinstance(a, str | bool) or isinstance(b, str | bool):
        return a == b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
