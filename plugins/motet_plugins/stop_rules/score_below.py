"""The stop rule `score_below`."""

from pydantic import Field

from motet.contracts.belief import View
from motet.contracts.learning import History
from motet.model.values import Frozen, Real, Whole
from motet_plugins.stop_rules.rows import last, times

_NAME = "best score"


class Options(Frozen):
    """Options of `score_below`."""

    eps: Real
    """In the acquisition's unit: for `ei` standard deviations of the values measured, for its log form their log."""
    k: Whole = Field(default=1, ge=1)
    """Suggestions in a row."""


class ScoreBelow:
    """When the best score that the acquisition found was below eps, k suggestions in a row.

    Suggestions that the model did not make (start design, a fit that failed) break the row.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def note(self, view: View, chosen: int, score: float) -> dict[str, float]:
        """The score itself: with a note, a suggestion is judged before it is carried out."""
        return {_NAME: score}

    def reason(self, history: History) -> str | None:
        """Holds when each of the last k suggestions scored less."""
        options = self._options
        found = last(history, options.k, lambda suggestion: suggestion.notes.get(_NAME))
        if not found or max(found) >= options.eps:
            return None
        return f"{times(options.k)} had a score below {options.eps:g}"

    def most(self) -> int | None:
        """No bound."""
        return None
