"""What a learner knows: the values measured, the points that failed, and the points that are pending."""

import math
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from motet.contracts.belief import Array, Data
from motet.errors import LearnerError
from motet.learning.encoding import Encoder
from motet.learning.series import Numbers, Series
from motet.model.experiment import Outcome, State, Suggestion
from motet.model.objective import Objective

LOST_ONCE = 1
"""A point whose station was lost more often than that counts as failed: perhaps it is the point that does it."""


class Memory:
    """The outcomes told so far, once each, and the points asked for but not told yet, by `Encoder.key`.

    `objectives` are those of the campaign, `others` further numbers to model, such as those with constraints.
    A point may be pending several times. With `repeats` pending points may be suggested again, with `again`
    measured ones.
    """

    def __init__(
        self,
        encoder: Encoder,
        objectives: Mapping[str, Objective],
        others: Mapping[str, Objective],
        *,
        repeats: bool = False,
        again: bool = False,
    ) -> None:
        self._encoder = encoder
        self._series = {name: Series(objective) for name, objective in {**objectives, **others}.items()}
        self._names = tuple(objectives)
        self._repeats = repeats
        self._again = again
        self._told: defaultdict[str, Numbers] = defaultdict(Numbers)
        """The numbers of the experiments told of, by campaign."""
        self._data: dict[str, Data] = {}
        self._complete: list[tuple[bytes, tuple[float, ...]]] = []
        self._succeeded: set[bytes] = set()
        self._failed: set[bytes] = set()
        self._lost = Counter[bytes]()
        self._pending = Counter[bytes]()
        self._suggestions: dict[str, tuple[bytes, Suggestion]] = {}
        self.valued = 0
        """Number of outcomes with a value of an objective."""
        self.waiting = 0
        """Number of points pending, each as often as it is."""

    def tell(self, outcome: Outcome) -> bytes | None:
        """Take in an outcome: its point's key, None when this experiment was told before.

        Raises LearnerError for one that is not ended, lacks every objective or has a value that is not finite.
        """
        experiment = outcome.experiment
        if experiment.number in self._told[experiment.campaign]:
            return None
        merits = self._merits(outcome)
        key = self._encoder.key(experiment.parameters)
        self._told[experiment.campaign].add(experiment.number)
        for name, (merit, error) in merits.items():
            self._series[name].add(key, merit, error)
            self._data.pop(name, None)
        if merits:
            self.valued += 1
            self._succeeded.add(key)
        else:
            self._lost[key] += 1
            if not outcome.lost or self._lost[key] > LOST_ONCE:
                self._failed.add(key)
        if len(self._names) > 1 and all(name in merits for name in self._names):
            insort(self._complete, (key, tuple(merits[name][0] for name in self._names)))
        self._forget(self._handed_back(experiment.suggestion.id, key))
        return key

    def _handed_back(self, suggestion: str, key: bytes) -> bytes:
        """The pending point that an outcome answers: that of its suggestion, else any suggestion of the same point."""
        if suggestion not in self._suggestions:
            suggestion = next((other for other, (point, _) in self._suggestions.items() if point == key), "")
        held = self._suggestions.pop(suggestion, None)
        return key if held is None else held[0]

    def _merits(self, outcome: Outcome) -> dict[str, tuple[float, float]]:
        """Merit and standard error of each number that is modelled; none for a failed experiment."""
        if outcome.state is State.FAILED:
            return {}
        name = outcome.experiment.id
        if outcome.state is not State.DONE:
            raise LearnerError(f"experiment {name} is {outcome.state}; a learner is told of done or failed ones")
        if not any(objective in outcome.values for objective in self._names):
            given = ", ".join(outcome.values) or "none"
            wanted = f"the objective {self._names[0]}" if len(self._names) == 1 else f"any of {', '.join(self._names)}"
            raise LearnerError(f"experiment {name} has no value of {wanted}; it has: {given}")
        found = {key: series for key, series in self._series.items() if key in outcome.values}
        return {key: self._merit(outcome, key, series.objective) for key, series in found.items()}

    def _merit(self, outcome: Outcome, name: str, objective: Objective) -> tuple[float, float]:
        value = outcome.values[name]
        where = f"experiment {outcome.experiment.id}: {name} = {value}"
        if not math.isfinite(value):
            raise LearnerError(f"{where}; a finite number is needed")
        if (allowed := objective.problem(value)) is not None:
            raise LearnerError(f"{where}; {allowed} is needed")
        error = math.nan if objective.error is None else outcome.values.get(objective.error, math.nan)
        if error < 0 or math.isinf(error):
            raise LearnerError(f"{where}: its error {objective.error} = {error}; a number from 0 is needed")
        return objective.merit(value), error

    def hold(self, key: bytes, suggestion: Suggestion | None = None) -> None:
        """A point is pending from now on, or once more; by the id of its suggestion it can be released."""
        self._pending[key] += 1
        self.waiting += 1
        if suggestion is not None and suggestion.id:
            self._suggestions[suggestion.id] = key, suggestion

    def release(self, suggestion: str) -> bytes:
        """The point of a suggestion is pending no longer, or once less: its key. Raises LearnerError."""
        if suggestion not in self._suggestions:
            pending = ", ".join(self._suggestions) or "none"
            raise LearnerError(f"no suggestion {suggestion!r} is pending; pending: {pending}")
        key, _ = self._suggestions.pop(suggestion)
        self._forget(key)
        return key

    def unhold(self, key: bytes) -> None:
        """Undo one `hold` without an id."""
        self._forget(key)

    def _forget(self, key: bytes) -> None:
        """A point is pending once less; one that is not pending is left alone."""
        times = self._pending[key]
        if not times:
            return
        self.waiting -= 1
        if times == 1:
            del self._pending[key]
        else:
            self._pending[key] = times - 1

    def blocks(self, key: bytes) -> bool:
        """Whether a point may not be suggested: failed, measured but for `again`, pending but for `repeats`.

        A point whose station was lost comes back, once.
        """
        measured = not self._again and key in self._succeeded
        return measured or key in self._failed or (not self._repeats and key in self._pending)

    @property
    def ready(self) -> bool:
        """Whether there is a value of every objective, so that all can be modelled."""
        return all(len(self._series[name]) for name in self._names)

    @property
    def told(self) -> int:
        """Number of outcomes, failed ones included."""
        return sum(map(len, self._told.values()))

    @property
    def suggestions(self) -> Mapping[str, Suggestion]:
        """The suggestions that are pending, by their ids, in the order held."""
        return {name: suggestion for name, (_, suggestion) in self._suggestions.items()}

    def holds(self, suggestion: str) -> bool:
        """Whether a suggestion is pending, by its id."""
        return suggestion in self._suggestions

    def pending(self) -> list[bytes]:
        """Keys of the points pending, each as often as it is, in rising order."""
        return sorted(self._pending.elements())

    def taken(self) -> Array:
        """Rows (k, d) of the points measured, failed or pending."""
        return self.rows(sorted({*self._succeeded, *self._failed, *self._pending}))

    def rows(self, keys: Sequence[bytes]) -> Array:
        """The rows (k, d) that keys stand for."""
        return np.frombuffer(b"".join(keys)).reshape(len(keys), self._encoder.width)

    def data(self, name: str) -> Data:
        """What was measured of one number, the same whoever finished first."""
        if name not in self._data:
            series = self._series[name]
            known = None if series.objective.error is None else np.array(series.errors)
            places = np.array(series.places, dtype=np.intp)
            classes = len(series.objective.classes)
            self._data[name] = Data(self.rows(series.keys), np.array(series.merits), places, known, classes)
        return self._data[name]

    def complete(self) -> tuple[Array, Array]:
        """Rows (c, d) and merits (c, m) of the m objectives where all of them were measured."""
        if len(self._names) == 1:
            data = self.data(self._names[0])
            return data.x, data.merits.reshape(-1, 1)
        rows = self.rows([key for key, _ in self._complete])
        return rows, np.array([merits for _, merits in self._complete]).reshape(len(rows), len(self._names))

    def successes(self) -> Data:
        """Points that failed (class 0) and that gave a value (class 1)."""
        keys = sorted({*self._succeeded, *self._failed})
        merits = np.array([float(key in self._succeeded) for key in keys])
        return Data(self.rows(keys), merits, np.arange(len(keys)), classes=2)
