"""The replay itself: a learner is asked, and hears of what the table says, as if experiments were done.

A simulation by events: so many workers, each of which takes a point, is busy for the experiment's duration and then
tells of its value. The learner is asked whenever a worker is free, with all other points pending, and takes no time.
"""

import heapq
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from motet.errors import LearnerError
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.values import Point
from motet.study.replay.choices import Durations
from motet.study.replay.durations import durations
from motet.study.replay.measured import Measured
from motet.study.replay.run import Entry, Run

CAMPAIGN = "benchmark"
_FIRST = 1
"""Keeps the random numbers of first points apart from those of durations."""


class Replayed(Protocol):
    """What a replay needs of a learner."""

    def ask(self, n: int = 1) -> Sequence[Suggestion]:
        """The next points to measure, which are pending then."""
        ...

    def tell(self, outcome: Outcome) -> object:
        """How an experiment ended."""
        ...

    def hold(self, suggestion: Suggestion) -> object:
        """A point that it did not suggest itself is pending, under the id that is given."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every run: `initial` points are drawn at random before the learner is asked; the run ends when so
    many top points (`enough`) are found after `least` experiments, or after `most` of them."""

    initial: int
    enough: int
    least: int
    most: int
    durations: Durations = "equal"
    sigma: float = 0.5


def first_points(points: int, initial: int, seed: int) -> list[int]:
    """The numbers of the points that a run begins with: drawn at random, the same for every learner."""
    return np.random.default_rng([_FIRST, seed]).choice(points, initial, replace=False).tolist()


def replay(table: Measured, top: NDArray[np.bool_], terms: Terms, entry: Entry, seed: int, learner: Replayed) -> Run:
    """Let a learner search a table until a run ends. Raises LearnerError for a point that is not in the table."""
    bench = _Bench(table, learner, durations(terms.durations, terms.sigma, seed))
    first = first_points(len(table), min(terms.initial, terms.most), seed)
    hits: set[int] = set()
    while len(bench.order) < terms.most:
        while len(bench.running) < entry.workers and bench.started < terms.most:
            if not (bench.given(first.pop(0)) if first else bench.asked()):
                break
        if not bench.running:
            reason = "the learner had no more points to suggest"
            break
        point = bench.end()
        if top[point]:
            hits.add(point)
        if len(hits) >= terms.enough and len(bench.order) >= terms.least:
            reason = f"{len(hits)} top points were found"
            break
    else:
        reason = f"{terms.most} experiments were done"
    return bench.run(entry, seed, reason)


@dataclass(slots=True)
class _Bench:
    """Experiments that run and that have ended, and the learner that is told of them."""

    table: Measured
    learner: Replayed
    lasts: Iterator[float]
    started: int = 0
    order: list[int] = field(default_factory=list[int])
    ended: list[float] = field(default_factory=list[float])
    ask_s: list[float] = field(default_factory=list[float])
    running: list[tuple[float, int, int, Suggestion]] = field(default_factory=list[tuple[float, int, int, Suggestion]])
    problems: list[str] = field(default_factory=list[str])
    _told_s: float = 0.0

    def run(self, entry: Entry, seed: int, reason: str) -> Run:
        """What there is so far, as a run that ended for a reason."""
        problem = self.problems[0] if self.problems else ""
        times = tuple(self.ended), tuple(self.ask_s)
        return Run(entry, seed, tuple(self.order), *times, reason, problems=len(self.problems), problem=problem)

    def given(self, place: int) -> bool:
        """A worker begins with a point that the learner did not suggest."""
        point, name = self.table.points[place], f"first-{self.started + 1}"
        suggestion = Suggestion(point, "drawn at random before the learner is asked", id=name)
        self.learner.hold(suggestion)
        self._start(place, suggestion)
        return True

    def asked(self) -> bool:
        """A worker begins with a point that the learner suggests; False when it has none."""
        began = time.perf_counter()
        suggestions = self.learner.ask(1)
        if not suggestions:
            return False
        self.ask_s.append(self._told_s + time.perf_counter() - began)
        self._told_s = 0.0
        (suggestion,) = suggestions
        if suggestion.problem:
            self.problems.append(suggestion.problem)
        self._start(self._place(suggestion.parameters), suggestion)
        return True

    def end(self) -> int:
        """The experiment that ends first: its point, of which the learner has heard."""
        now, number, place, suggestion = heapq.heappop(self.running)
        self.order.append(place)
        self.ended.append(now)
        values = {self.table.objective_name: self.table.values[place]}
        outcome = Outcome(Experiment(CAMPAIGN, number, suggestion), State.DONE, values)
        began = time.perf_counter()
        self.learner.tell(outcome)
        self._told_s += time.perf_counter() - began
        return place

    def _start(self, place: int, suggestion: Suggestion) -> None:
        self.started += 1
        now = self.ended[-1] if self.ended else 0.0
        heapq.heappush(self.running, (now + next(self.lasts), self.started, place, suggestion))

    def _place(self, point: Point) -> int:
        place = self.table.places.get(tuple(point.get(name, "") for name in self.table.parameters))
        if place is None:
            raise LearnerError(f"the learner suggested {dict(point)}, which is not in the table")
        return place
