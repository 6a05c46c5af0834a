"""What the stop rules that look at suggestions in a row have in common."""

from collections.abc import Callable

from motet.contracts.learning import History
from motet.model.experiment import Suggestion


def last(history: History, k: int, figure: Callable[[Suggestion], float | None]) -> list[float]:
    """A figure of each of the last k suggestions; empty when there are fewer, or one of them has none."""
    if len(history.suggestions) < k:
        return []
    figures = [figure(suggestion) for suggestion in history.suggestions[-k:]]
    found = [figure for figure in figures if figure is not None]
    return found if len(found) == k else []


def times(k: int) -> str:
    """`the last suggestion` or `each of the last k suggestions`."""
    return "the last suggestion" if k == 1 else f"each of the last {k} suggestions"
