"""The stop rule `cost`."""

from pydantic import Field

from motet.contracts.learning import History
from motet.errors import CampaignError
from motet.model.values import Frozen, Real


class Options(Frozen):
    """Options of `cost`."""

    limit: Real = Field(gt=0)
    """In the currency of the lab's prices."""


class Cost:
    """When the campaign has cost so much, by the prices that the lab file states.

    Experiments that run then are finished and paid for: the cost may exceed the limit by theirs.
    """

    def __init__(self, options: Options) -> None:
        self._limit = options.limit

    def reason(self, history: History) -> str | None:
        """Holds from that cost on. Raises CampaignError when the lab states no prices."""
        if history.cost is None:
            raise CampaignError(
                f"stop rule cost: limit {self._limit:g}, but the lab file states no prices, so nothing has a cost"
            )
        return f"the cost has reached {history.cost:g}" if history.cost >= self._limit else None

    def most(self) -> int | None:
        """No bound."""
        return None
