"""Experiments that people add to a campaign, before, between or instead of the learner's. Pure values."""

from dataclasses import dataclass
from enum import StrEnum

from motet.model.values import Point

QUEUED_ID, TOLD_ID = "queue-", "told-"
"""What ids of suggestions begin with that people queued, and of those measured by hand; a learner's are numbers."""


MODE = "queue mode"
"""The kind of event that says when queued experiments are run from then on."""

HIGHEST = 1000
"""Priorities go from minus this to this."""


class QueueMode(StrEnum):
    """When queued experiments are run: all of them first, in turns with the learner's, or only they."""

    BEFORE = "before"
    BETWEEN = "between"
    INSTEAD = "instead"

    @property
    def words(self) -> str:
        """`before the learner's`, `instead of the learner's`."""
        return f"{self}{' of' if self is QueueMode.INSTEAD else ''} the learner's"


class QueueState(StrEnum):
    """What became of an entry. Only what is `queued` can be edited, moved or cancelled."""

    QUEUED = "queued"
    BEGUN = "begun"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A point that somebody wants measured: why, who asked, and its place in the line.

    Entries are begun in the order of `position`, the lowest first; there is room between any two.
    """

    parameters: Point
    why: str
    who: str
    position: float
