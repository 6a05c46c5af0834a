"""The stop rule `experiments`."""

from pydantic import Field

from motet.contracts.learning import History
from motet.model.values import Frozen, Whole


class Options(Frozen):
    """Options of `experiments`."""

    count: Whole = Field(ge=1)
    """Experiments, failed ones included."""


class Experiments:
    """After so many experiments, failed ones included."""

    def __init__(self, options: Options) -> None:
        self._count = options.count

    def reason(self, history: History) -> str | None:
        """Holds when `count` experiments have ended."""
        ended = len(history.outcomes)
        return f"{ended} experiments have ended" if ended >= self._count else None

    def most(self) -> int | None:
        """The count itself."""
        return self._count
