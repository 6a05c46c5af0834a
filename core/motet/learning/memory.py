"""What a learner knows: the values measured, the points that failed, and the points that are pending."""

import math
from bisect import insort
from collections import Counter

import numpy as np

from motet.contracts.learning import Array
from motet.errors import LearnerError
from motet.learning.encoding import Encoder
from motet.model.experiment import Outcome, State
from motet.model.objective import Objective


class Memory:
    """The outcomes told so far, once each, and the points asked for but not told yet, by `Encoder.key`.

    A point may be pending several times. With `repeats` pending points may be suggested again.
    """

    def __init__(self, encoder: Encoder, objective_name: str, objective: Objective, *, repeats: bool = False) -> None:
        self._encoder = encoder
        self._name = objective_name
        self._objective = objective
        self._repeats = repeats
        self._told: set[str] = set()
        self._measured: list[tuple[bytes, float]] = []
        self._pending = Counter[bytes]()
        self._seen: set[bytes] = set()
        self._data: tuple[Array, Array] | None = None
        self.waiting = 0
        """Number of points pending, each as often as it is."""

    def tell(self, outcome: Outcome) -> bytes | None:
        """Take in an outcome: its point's key, None when this experiment was told before.

        Raises LearnerError for one that is not ended, lacks the objective or has a value that is not finite.
        """
        if outcome.experiment.id in self._told:
            return None
        merit = self._merit(outcome)
        key = self._encoder.key(outcome.experiment.parameters)
        self._told.add(outcome.experiment.id)
        self._seen.add(key)
        if merit is not None:
            insort(self._measured, (key, merit))
            self._data = None
        self.release(key)
        return key

    def _merit(self, outcome: Outcome) -> float | None:
        if outcome.state is State.FAILED:
            return None
        name = outcome.experiment.id
        if outcome.state is not State.DONE:
            raise LearnerError(f"experiment {name} is {outcome.state}; a learner is told of done or failed ones")
        if self._name not in outcome.values:
            given = ", ".join(outcome.values) or "none"
            raise LearnerError(f"experiment {name} has no value of the objective {self._name}; it has: {given}")
        value = outcome.values[self._name]
        if not math.isfinite(value):
            raise LearnerError(f"experiment {name}: {self._name} = {value}; a finite number is needed")
        return self._objective.merit(value)

    def hold(self, key: bytes) -> None:
        """A point is pending from now on, or once more."""
        self._pending[key] += 1
        self.waiting += 1

    def release(self, key: bytes) -> None:
        """A point is pending no longer, or once less; one that is not pending is left alone."""
        times = self._pending[key]
        if not times:
            return
        self.waiting -= 1
        if times == 1:
            del self._pending[key]
        else:
            self._pending[key] = times - 1

    def blocks(self, key: bytes) -> bool:
        """Whether a point may not be suggested: measured, failed or, without `repeats`, pending."""
        return key in self._seen or (not self._repeats and key in self._pending)

    @property
    def told(self) -> int:
        """Number of outcomes, failed ones included."""
        return len(self._told)

    @property
    def valued(self) -> int:
        """Number of outcomes with a value."""
        return len(self._measured)

    def pending(self) -> list[bytes]:
        """Keys of the points pending, each as often as it is, in rising order."""
        return sorted(self._pending.elements())

    def data(self) -> tuple[Array, Array]:
        """Rows (n, d) and merits (n,) of what was measured, in the same order whoever finished first."""
        if self._data is None:
            rows = np.frombuffer(b"".join(key for key, _ in self._measured))
            merits = np.array([merit for _, merit in self._measured])
            self._data = rows.reshape(self.valued, self._encoder.width), merits
        return self._data
