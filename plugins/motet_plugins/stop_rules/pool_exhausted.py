"""The stop rule `pool_exhausted`."""

from motet.contracts.belief import View
from motet.contracts.declarations import NoOptions
from motet.contracts.learning import History

_NAME = "candidates left"


class PoolExhausted:
    """When the last candidate of the pool has been measured, or has failed.

    A campaign ends then in any case, so this is for combinations such as `all`. It counts from the first suggestion
    of a model on; of a space that is sampled, it is never seen.
    """

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def note(self, view: View, chosen: int, score: float) -> dict[str, float]:
        """How many candidates there are besides the one suggested."""
        return {_NAME: float(len(view.rows) - 1)}

    def reason(self, history: History) -> str | None:
        """Holds when the suggestion that left none has ended; before that, it would never be carried out.

        Not when its station was lost: the point is free again then.
        """
        if not history.suggestions or history.suggestions[-1].notes.get(_NAME) != 0:
            return None
        last = history.suggestions[-1].id
        ended = (outcome for outcome in reversed(history.outcomes) if outcome.experiment.suggestion.id == last)
        return "no candidate is left" if any(not outcome.lost for outcome in ended) else None

    def most(self) -> int | None:
        """No bound."""
        return None
