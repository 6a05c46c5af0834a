"""Ask, tell, release: what to measure next, from everything that was measured."""

from collections.abc import Sequence

import numpy as np

from motet.contracts.learning import Acquisition, Pending, StartDesign, Surrogate
from motet.learning.checked import Checked, Labels
from motet.learning.encoding import Encoder
from motet.learning.free import Free, Supply
from motet.learning.memory import Memory
from motet.learning.modelling import Model, Models
from motet.model.experiment import Outcome, Suggestion
from motet.model.objective import Objective
from motet.model.space import Space
from motet.model.values import Point

TIE = 1e-9
"""Scores this close to the best, as a fraction of their spread, are equal: rounding must not choose."""

_CHOICE = 1
"""Keeps the random numbers of choices apart from those of fits."""


class Learner:
    """Chooses points by a surrogate and an acquisition, after a start design; it sees outcomes only.

    Deterministic: what it proposes follows from the seed, the outcomes told (in any order) and the points
    pending. Each proposal draws its random numbers from (seed, number told, number pending), so that
    proposing without using it disturbs nothing, and `ask(2)` gives what two times `ask()` gives. Ties are
    broken by those random numbers.

    Surrogates get merits (higher is better) standardized over the values measured: neither the objective's
    unit nor its sign changes a choice. A suggestion's mean and std are in the objective's own unit and sign;
    with `goal: target` the model is of the distance to the target, which `why` tells, and there is no mean.
    Not thread-safe: one thread at a time.
    """

    def __init__(
        self,
        space: Space,
        objective_name: str,
        objective: Objective,
        *,
        start: StartDesign,
        surrogate: Surrogate,
        acquisition: Acquisition,
        pending: Pending,
        seed: int,
        stations: int = 1,
        labels: Labels | None = None,
    ) -> None:
        self._objective = objective
        self._seed = seed
        self._parts = Checked(start, surrogate, acquisition, pending, labels or Labels())
        self.start_count = self._parts.count(stations)
        """Points that the start design gives before there is a model."""
        self.repeats = self._parts.repeats
        """Whether points that are pending may be suggested again."""
        self._encoder = Encoder(space)
        self._memory = Memory(self._encoder, objective_name, objective, repeats=self.repeats)
        self._supply = Supply(space, self._encoder, seed, self._memory.blocks)
        self._models = Models(self._parts, seed)

    def warm_up(self) -> None:
        """Fit made-up values and forget them: libraries are imported, and a broken plugin shows at once."""
        if width := self._encoder.width:
            x = np.vstack([np.zeros(width), np.ones(width)])
            self._models.trial(x)

    def ask(self, n: int = 1) -> list[Suggestion]:
        """`propose`, and remember the points as pending."""
        found = self._choose(n, [])
        for key, _ in found:
            self._hold(key)
        return [suggestion for _, suggestion in found]

    def propose(self, n: int, pending: Sequence[Point] = ()) -> list[Suggestion]:
        """The next n points to measure, each chosen as if those before it and `pending` were pending too.

        Changes nothing. Never a point that is measured or failed, nor one that is pending unless the pending
        strategy repeats such points; fewer than n, or none, when no other is left. Raises LearnerError when a
        plugin fails.
        """
        return [suggestion for _, suggestion in self._choose(n, [self._encoder.key(point) for point in pending])]

    def tell(self, outcome: Outcome) -> None:
        """Take in how an experiment ended. Telling it again changes nothing: the first outcome stands.

        A failed one yields no value, and its point is not suggested again. A point that is pending several
        times is once less pending. Raises LearnerError for a value that is missing or not finite.
        """
        key = self._memory.tell(outcome)
        if key is not None:
            self._models.forget()
            self._supply.update(key)

    def hold(self, point: Point) -> None:
        """Remember a point as pending; when it is pending already, once more."""
        self._hold(self._encoder.key(point))

    def release(self, point: Point) -> None:
        """Give a pending point back: it may be suggested again when it is not pending any more."""
        self._release(self._encoder.key(point))

    def _choose(self, n: int, pending: Sequence[bytes]) -> list[tuple[bytes, Suggestion]]:
        """What `propose` gives, with the keys of the points."""
        held = [*pending]
        found: list[tuple[bytes, Suggestion]] = []
        try:
            for key in held:
                self._hold(key)
            while len(found) < n and (one := self._next()) is not None:
                found.append(one)
                held.append(one[0])
                self._hold(one[0])
        finally:
            for key in held:
                self._release(key)
        return found

    def _hold(self, key: bytes) -> None:
        self._memory.hold(key)
        self._supply.update(key)

    def _release(self, key: bytes) -> None:
        self._memory.release(key)
        self._supply.update(key)

    def _next(self) -> tuple[bytes, Suggestion] | None:
        """The next point with its key, as things stand."""
        memory = self._memory
        rng = np.random.default_rng([_CHOICE, self._seed, memory.told, memory.waiting])
        begun = memory.valued + memory.waiting
        if begun < self.start_count or not memory.valued:
            free = self._supply.at_start(memory.told + memory.waiting)
            return self._start(free, begun, rng) if free else None
        free = self._supply.to_score(rng)
        if not free:
            return None
        x, merits = memory.data()
        return self._best(free, self._models.fitted(x, merits, memory.pending(), memory.told), rng)

    def _start(self, free: Free, begun: int, rng: np.random.Generator) -> tuple[bytes, Suggestion]:
        row = free.row(self._parts.choose(free, rng))
        of = f"of {self.start_count}" if begun < self.start_count else "(no value to model yet)"
        why = f"{self._parts.labels.start} start {begun + 1} {of}"
        return free.key(row), Suggestion(free.point(row), why)

    def _best(self, free: Free, model: Model, rng: np.random.Generator) -> tuple[bytes, Suggestion]:
        prediction = model.over(free.pool, free.rows())
        scores = self._parts.score(prediction, model.best, rng)
        ties = np.flatnonzero(scores >= scores.max() - TIE * np.ptp(scores))
        at = int(ties[rng.integers(len(ties))])
        row, score = free.row(at), float(scores[at])
        labels = self._parts.labels
        rank = "best" if len(ties) == 1 else f"one of {len(ties)} equal best"
        why = f"{labels.acquisition} of {labels.surrogate} on {model.values} values, {self._memory.waiting} pending: "
        why += f"{rank} of {len(free)}"
        merit, std = model.merit(float(prediction.mean[at]), float(prediction.std[at]))
        if self._objective.goal == "target":
            why += f", {-merit:.4g} from the target expected"
            return free.key(row), Suggestion(free.point(row), why, score)
        mean = -merit if self._objective.goal == "minimize" else merit
        return free.key(row), Suggestion(free.point(row), why, score, mean, std)
