"""Ask, tell, release: what to measure next, from everything that was measured."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from motet.contracts.learning import Acquisition, Pending, StartDesign, Surrogate
from motet.learning.checked import Checked, Labels
from motet.learning.encoding import Encoder
from motet.learning.memory import Memory
from motet.learning.modelling import Model, Models
from motet.learning.pool import Pool, everything, sample
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
        self._space = space
        self._objective = objective
        self._seed = seed
        self._parts = Checked(start, surrogate, acquisition, pending, labels or Labels())
        self.start_count = self._parts.count(stations)
        """Points that the start design gives before there is a model."""
        self._encoder = Encoder(space)
        self._memory = Memory(self._encoder, objective_name, objective)
        self._pool = everything(space, self._encoder)
        self._models = Models(self._parts, seed)

    def warm_up(self) -> None:
        """Fit made-up values and forget them: libraries are imported, and a broken plugin shows at once."""
        if width := self._encoder.width:
            x = np.vstack([np.zeros(width), np.ones(width)])
            self._models.trial(x)

    def ask(self, n: int = 1) -> list[Suggestion]:
        """`propose`, and remember the points as pending."""
        suggestions = self.propose(n)
        for suggestion in suggestions:
            self.hold(suggestion.parameters)
        return suggestions

    def propose(self, n: int, pending: Sequence[Point] = ()) -> list[Suggestion]:
        """The next n points to measure, each chosen as if those before it and `pending` were pending too.

        Changes nothing. Never a point that is measured, failed or pending; fewer than n, or none, when no
        other is left. Raises LearnerError when a plugin fails.
        """
        waiting = self._memory.pending | {self._encoder.key(point): point for point in pending}
        suggestions: list[Suggestion] = []
        while len(suggestions) < n and (suggestion := self._propose(waiting)) is not None:
            waiting[self._encoder.key(suggestion.parameters)] = suggestion.parameters
            suggestions.append(suggestion)
        return suggestions

    def tell(self, outcome: Outcome) -> None:
        """Take in how an experiment ended. Telling it again changes nothing: the first outcome stands.

        A failed one yields no value, and its point is not suggested again. Raises LearnerError for a value
        that is missing or not finite.
        """
        if self._memory.tell(outcome):
            self._models.forget()

    def hold(self, point: Point) -> None:
        """Remember a point as pending."""
        self._memory.hold(point)

    def release(self, point: Point) -> None:
        """Give a pending point back: it may be suggested again."""
        self._memory.release(point)

    def _propose(self, waiting: Mapping[bytes, Point]) -> Suggestion | None:
        rng = np.random.default_rng([_CHOICE, self._seed, self._memory.told, len(waiting)])
        pool = self._pool or sample(self._space, self._encoder, rng)
        free = pool.without(self._memory.seen | waiting.keys())
        if not len(free):
            return None
        begun = self._memory.valued + len(waiting)
        if begun < self.start_count or not self._memory.valued:
            row = int(free[self._parts.choose(pool.x[free], rng)])
            of = f"of {self.start_count}" if begun < self.start_count else "(no value to model yet)"
            return Suggestion(pool.points[row], f"{self._parts.labels.start} start {begun + 1} {of}")
        x, merits = self._memory.data()
        model = self._models.fitted(x, merits, sorted(waiting), self._memory.told)
        return self._best(pool, free, model, len(waiting), rng)

    def _best(
        self, pool: Pool, free: NDArray[np.intp], model: Model, waiting: int, rng: np.random.Generator
    ) -> Suggestion:
        prediction = model.over(pool, free)
        scores = self._parts.score(prediction, model.best, rng)
        ties = np.flatnonzero(scores >= scores.max() - TIE * np.ptp(scores))
        at = int(ties[rng.integers(len(ties))])
        labels = self._parts.labels
        rank = "best" if len(ties) == 1 else f"one of {len(ties)} equal best"
        why = f"{labels.acquisition} of {labels.surrogate} on {model.values} values, {waiting} pending: "
        merit, std = model.merit(float(prediction.mean[at]), float(prediction.std[at]))
        mean = -merit if self._objective.goal == "minimize" else merit
        why += f"{rank} of {len(free)}"
        point, score = pool.points[int(free[at])], float(scores[at])
        if self._objective.goal == "target":
            return Suggestion(point, f"{why}, {-merit:.4g} from the target expected", score)
        return Suggestion(point, why, score, mean, std)
