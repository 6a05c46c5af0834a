"""The stop rule `uncertainty_below`."""

from pydantic import Field

from motet.contracts.belief import View
from motet.contracts.learning import History
from motet.model.values import Frozen, Real, Whole
from motet_plugins.stop_rules.rows import last, times

_NAME = "largest standard deviation of a candidate"


class Options(Frozen):
    """Options of `uncertainty_below`."""

    eps: Real = Field(gt=0)
    """As a fraction of the standard deviation of the values measured so far."""
    k: Whole = Field(default=1, ge=1)
    """Suggestions in a row."""


class UncertaintyBelow:
    """When the model is sure of all candidates: no standard deviation reaches eps, k suggestions in a row.

    The standard deviation is that of the function, without the noise of a measurement as far as the surrogate tells
    them apart; it is compared with the spread of the values measured, so that the unit does not matter. With several
    objectives, all of them count. Suggestions that the model did not make break the row.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def note(self, view: View, chosen: int, score: float) -> dict[str, float]:
        """The largest standard deviation over the candidates and objectives, standardized."""
        return {_NAME: max(float(prediction.std.max()) for prediction in view.predictions)}

    def reason(self, history: History) -> str | None:
        """Holds when none was as large as eps at any of the last k suggestions."""
        options = self._options
        found = last(history, options.k, lambda suggestion: suggestion.notes.get(_NAME))
        if not found or max(found) >= options.eps:
            return None
        when = times(options.k)
        return f"at {when} no candidate was as uncertain as {options.eps:g} standard deviations of the values"

    def most(self) -> int | None:
        """No bound."""
        return None
