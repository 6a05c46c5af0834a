"""Ask, tell, release: what to measure next, from everything that was measured."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from motet.contracts.learning import Beginning, History, Listed, StopRule
from motet.errors import LearnerError
from motet.learning.checked import FitFailed
from motet.learning.encoding import Encoder
from motet.learning.free import Free, Supply
from motet.learning.judging import Judge
from motet.learning.memory import Memory
from motet.learning.state import LearnerState
from motet.learning.task import Task
from motet.model.experiment import Outcome, Suggestion
from motet.model.space import Space
from motet.model.values import Point

_CHOICE = 1
"""Keeps the random numbers of choices apart from those of fits."""

_START = 4
"""Keeps the random numbers of start designs apart from the others."""


class Learner:
    """Chooses points by a surrogate and an acquisition, after a start design; it sees outcomes only.

    Deterministic: what it proposes follows from the seed, the outcomes in the order told and the points
    pending. Each proposal draws its random numbers from (seed, number told, number pending), so that
    proposing without using it disturbs nothing, and `ask(2)` gives what two times `ask()` gives. Ties are
    broken by those random numbers.

    Surrogates get merits (higher is better) standardized over the values measured: neither the objective's
    unit nor its sign changes a choice. A suggestion's mean and std are in the first objective's own unit and sign;
    with `goal: target` the model is of the distance to the target, which `why` tells, and there is no mean.
    Not thread-safe: one thread at a time.
    """

    def __init__(self, space: Space, task: Task, *, seed: int, stations: int = 1, keeps: bool = True) -> None:
        """`keeps` says whether it keeps the outcomes themselves, for `state` and `should_stop`. The learner of a
        campaign need not: they are in the store."""
        self._task = task
        self._seed = seed
        self._parts = task.parts
        self.start_count = self._parts.count(stations)
        """Points that the start design gives before there is a model."""
        self.repeats = self._parts.repeats
        """Whether points that are pending may be suggested again."""
        self._encoder = Encoder(space)
        self._memory = Memory(
            self._encoder, task.objectives, task.constrained, repeats=self.repeats, again=task.config.repeats
        )
        self._supply = Supply(space, self._encoder, seed, self._memory.blocks)
        self._judge = Judge(task, self._memory, self._supply, seed)
        stated = task.parts.start.points if isinstance(task.parts.start, Listed) else ()
        self._stated = [(self._encoder.key(point), point) for point in stated]
        self._asked = 0
        self._outcomes: list[Outcome] | None = [] if keeps else None
        self._failures: list[int] = []

    @property
    def asked(self) -> int:
        """How many suggestions were handed out."""
        return self._asked

    def warm_up(self) -> None:
        """Fit made-up values and forget them: libraries are imported, and a broken plugin shows at once."""
        if width := self._encoder.width:
            self._judge.trial(np.vstack([np.zeros(width), np.ones(width)]))

    def ask(self, n: int = 1, *, instead: str = "") -> list[Suggestion]:
        """`propose`, and remember the points as pending; each suggestion gets an id."""
        found: list[Suggestion] = []
        while len(found) < n and (one := self._next(instead)) is not None:
            key, suggestion = one
            self._asked += 1
            found.append(replace(suggestion, id=str(self._asked)))
            self._held(key, found[-1])
        return found

    def propose(self, n: int, pending: Sequence[Point] = (), *, instead: str = "") -> list[Suggestion]:
        """The next n points to measure, each chosen as if those before it and `pending` were pending too.

        Changes nothing; `pending` are points that were proposed before. Never a point that is measured or failed, nor
        one that is pending unless the pending strategy repeats such points; fewer than n, or none, when no other is
        left. `instead` says why the start design is to choose in place of the model. Raises LearnerError when a
        plugin fails.
        """
        held: list[bytes] = []
        found: list[Suggestion] = []
        try:
            for key in self._encoder.keys(pending):
                held.append(key)
                self._held(key)
            while len(found) < n and (one := self._next(instead)) is not None:
                key, suggestion = one
                found.append(suggestion)
                held.append(key)
                self._held(key)
        finally:
            for key in held:
                self._memory.unhold(key)
                self._supply.update(key)
        return found

    def tell(self, outcome: Outcome) -> None:
        """Take in how an experiment ended. Telling it again changes nothing: the first outcome stands.

        A failed one yields no value, and its point is not suggested again unless its station was lost. A point that
        is pending several times is once less pending. Raises LearnerError for a value that is not finite, or missing.
        """
        key = self._memory.tell(outcome)
        if key is not None:
            if self._outcomes is not None:
                self._outcomes.append(outcome)
            self._judge.forget()
            self._supply.update(key)

    def hold(self, suggestion: Suggestion) -> None:
        """Remember a suggestion's point as pending; when it is pending already, once more.

        Holding the same suggestion again changes nothing.
        """
        if not self._memory.holds(suggestion.id):
            self._held(self._encoder.key(suggestion.parameters), suggestion)

    def release(self, suggestion: str) -> None:
        """Give a pending suggestion back by its id: its point may be suggested again when it is pending no more.

        Raises LearnerError for an id that is not pending.
        """
        self._supply.update(self._memory.release(suggestion))

    def state(self) -> LearnerState:
        """Everything that the learner knows. A learner of the same campaign that replays it goes on in its place.
        Raises LearnerError for one that keeps no outcomes."""
        return LearnerState(self._asked, tuple(self._memory.suggestions.values()), tuple(self._kept))

    def replay(self, state: LearnerState) -> None:
        """Take in the state of another learner of the same campaign; this one must not know anything yet."""
        self._asked = state.asked
        for outcome in state.outcomes:
            self.tell(outcome)
        for suggestion in state.pending:
            self.hold(suggestion)

    def should_stop(self, rules: Sequence[StopRule], elapsed_s: float = 0.0, cost: float | None = None) -> str | None:
        """Why one of the rules holds for what was told so far, None when none does. Raises LearnerError for a learner
        that keeps no outcomes."""
        suggestions = [outcome.experiment.suggestion for outcome in self._kept]
        history = History(self._kept, self._task.objectives, elapsed_s, suggestions, cost)
        return next((reason for rule in rules if (reason := rule.reason(history))), None)

    @property
    def _kept(self) -> Sequence[Outcome]:
        if self._outcomes is None:
            raise LearnerError("this learner was made to keep no outcomes: `keeps=False`")
        return self._outcomes

    def _held(self, key: bytes, suggestion: Suggestion | None = None) -> None:
        self._memory.hold(key, suggestion)
        self._supply.update(key)

    def _next(self, instead: str) -> tuple[bytes, Suggestion] | None:
        """The next point with its key, as things stand; without the model where `instead` says why."""
        memory = self._memory
        rng = np.random.default_rng([_CHOICE, self._seed, memory.told, memory.waiting])
        begun = memory.valued + memory.waiting
        if begun < self.start_count or not memory.ready:
            of = f"of {self.start_count}" if begun < self.start_count else "(no value to model yet)"
            return self._start(begun, f"start {begun + 1} {of}", rng)
        if instead:
            return self._start(begun, f"in place of a learner that failed: {instead}", rng, instead)
        try:
            found = self._judge.best(rng)
        except FitFailed as error:
            return self._without_model(error, begun, rng)
        except LearnerError as error:
            if self._task.config.on_error != "fall_back":
                raise
            return self._start(begun, f"in place of a learner that failed: {error}", rng, str(error))
        if self._failures and self._failures[-1] != memory.told:
            self._failures.clear()
        return found

    def _start(
        self, begun: int, why: str, rng: np.random.Generator, problem: str = ""
    ) -> tuple[bytes, Suggestion] | None:
        free = self._supply.at_start(self._memory.told + self._memory.waiting)
        if not free:
            return None
        found = self._listed()
        if found is None:
            row = free.row(self._parts.choose(self._beginning(free, begun, rng)))
            found = free.key(row), free.point(row)
        key, point = found
        return key, Suggestion(point, f"{self._parts.labels.start} {why}", problem=problem)

    def _beginning(self, free: Free, begun: int, rng: np.random.Generator) -> Beginning:
        seed = int(np.random.SeedSequence([_START, self._seed]).generate_state(1)[0])
        return Beginning(free, begun, self.start_count, seed, self._memory.taken, rng)

    def _listed(self) -> tuple[bytes, Point] | None:
        """The next point of a start design that states its points."""
        return next(((key, point) for key, point in self._stated if not self._memory.blocks(key)), None)

    def _without_model(self, error: FitFailed, begun: int, rng: np.random.Generator) -> tuple[bytes, Suggestion] | None:
        """The start design instead of a model that failed; not more often in a row than the campaign allows."""
        told = self._memory.told
        if not self._failures or self._failures[-1] != told:
            self._failures.append(told)
        allowed = self._task.config.failed_fits
        if len(self._failures) > allowed:
            often = f" (number {len(self._failures)} in a row, {allowed} are allowed)" if allowed else ""
            raise LearnerError(f"{error}{often}") from error
        return self._start(begun, f"in place of a model that failed: {error}", rng, str(error))
