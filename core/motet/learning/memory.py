"""What a learner knows: the values measured, the points that failed, and the points that are pending."""

import math

import numpy as np

from motet.contracts.learning import Array
from motet.errors import LearnerError
from motet.learning.encoding import Encoder
from motet.model.experiment import Outcome, State
from motet.model.objective import Objective
from motet.model.values import Point


class Memory:
    """The outcomes told so far, once each, and the points asked for but not told yet."""

    def __init__(self, encoder: Encoder, objective_name: str, objective: Objective) -> None:
        self._encoder = encoder
        self._name = objective_name
        self._objective = objective
        self._merits: dict[str, tuple[bytes, float | None]] = {}
        self._pending: dict[bytes, Point] = {}
        self._seen: set[bytes] = set()
        self._data: tuple[Array, Array] | None = None
        self.valued = 0
        """Number of outcomes with a value."""

    def tell(self, outcome: Outcome) -> bool:
        """Take in an outcome; False when this experiment was told before.

        Raises LearnerError for one that is not ended, lacks the objective or has a value that is not finite.
        """
        if outcome.experiment.id in self._merits:
            return False
        merit = self._merit(outcome)
        key = self._encoder.key(outcome.experiment.parameters)
        self._merits[outcome.experiment.id] = (key, merit)
        self._seen.add(key)
        self.valued += merit is not None
        self._data = None
        self._pending.pop(key, None)
        return True

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

    def hold(self, point: Point) -> None:
        """A point is pending from now on."""
        self._pending[self._encoder.key(point)] = point

    def release(self, point: Point) -> None:
        """A pending point is given back and may be suggested again."""
        self._pending.pop(self._encoder.key(point), None)

    @property
    def told(self) -> int:
        """Number of outcomes, failed ones included."""
        return len(self._merits)

    @property
    def pending(self) -> dict[bytes, Point]:
        """The pending points by key."""
        return dict(self._pending)

    @property
    def seen(self) -> set[bytes]:
        """Keys of all points measured or failed."""
        return self._seen

    def data(self) -> tuple[Array, Array]:
        """Rows (n, d) and merits (n,) of what was measured, in the same order whoever finished first."""
        if self._data is not None:
            return self._data
        rows = sorted((key, merit) for key, merit in self._merits.values() if merit is not None)
        x = np.array([np.frombuffer(key) for key, _ in rows]).reshape(len(rows), self._encoder.width)
        self._data = x, np.array([merit for _, merit in rows])
        return self._data
