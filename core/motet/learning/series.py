"""The values of one number that is modelled, in columns: some tens of bytes each."""

from array import array
from bisect import bisect_left, bisect_right

from motet.model.objective import Objective


class Series:
    """Values sorted by point, then merit, then the order told: the same whoever finished first."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.keys: list[bytes] = []
        """The point of each, by `Encoder.key`."""
        self.merits = array("d")
        self.places = array("q")
        """The place of each in the order told."""
        self.errors = array("d")
        """Standard errors; NaN where there is none."""

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, key: bytes, merit: float, error: float) -> None:
        """One more value."""
        first, last = bisect_left(self.keys, key), bisect_right(self.keys, key)
        at = bisect_right(self.merits, merit, first, last)
        self.places.insert(at, len(self.keys))
        self.keys.insert(at, key)
        self.merits.insert(at, merit)
        self.errors.insert(at, error)


class Numbers:
    """A set of numbers from 1 that come nearly in their order: the first ones of it that have no gap take no room."""

    def __init__(self) -> None:
        self._all_to = 0
        self._beyond: set[int] = set()

    def __contains__(self, number: int) -> bool:
        return 1 <= number <= self._all_to or number in self._beyond

    def __len__(self) -> int:
        return self._all_to + len(self._beyond)

    def add(self, number: int) -> None:
        """One more."""
        if number in self:
            return
        self._beyond.add(number)
        while self._all_to + 1 in self._beyond:
            self._all_to += 1
            self._beyond.remove(self._all_to)
