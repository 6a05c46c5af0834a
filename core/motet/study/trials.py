"""The trials of one combination, as they are gathered."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from motet.study.comparison import Measure, Side
from motet.study.course import Arrival, Course, Milestone, arrival, course
from motet.study.question import Question
from motet.study.result import Trial, TrialResult
from motet.study.statistics import NO_SPREAD, Spread, kaplan_meier_spread, quartiles


@dataclass(frozen=True, slots=True)
class Reached:
    """How the trials of a combination got to a milestone: Kaplan-Meier medians and quartiles over the trials, in which
    those that never got there are censored at their end, and how many of them got there."""

    experiments: Spread
    seconds: Spread
    reached: int
    trials: int

    @property
    def share(self) -> float:
        """The share of the trials that got there, 0 to 1."""
        return self.reached / self.trials if self.trials else 0.0


@dataclass(slots=True)
class Trials:
    """What is kept of each trial that was run: its `courses`, its `arrivals` at each milestone, and the rest of its
    result without the experiments. `errors` counts the trials that could not be run."""

    trial: Trial
    courses: list[Course] = field(default_factory=list[Course])
    arrivals: list[tuple[Arrival, ...]] = field(default_factory=list[tuple[Arrival, ...]])
    results: list[TrialResult] = field(default_factory=list[TrialResult])
    errors: int = 0
    experiments: int = 0
    failures: int = 0

    def add(self, result: TrialResult, judged: tuple[Milestone, ...], question: Question) -> None:
        """One more trial."""
        if result.error:
            self.errors += 1
            return
        went = course(result, question)
        self.courses.append(went)
        self.arrivals.append(tuple(arrival(result, went, milestone, question.sign) for milestone in judged))
        self.results.append(replace(result, ended_s=(), values=()))
        self.experiments += len(result.values)
        self.failures += sum(value is None for value in result.values)

    @property
    def label(self) -> str:
        """What its combination is called."""
        return self.trial.label

    @property
    def stations(self) -> int:
        """How many stations its campaigns had; 0 while none was run."""
        return self.results[0].stations if self.results else 0

    def reached(self, milestone: int) -> Reached:
        """How they got to one of the milestones."""
        there = [arrivals[milestone] for arrivals in self.arrivals]
        got_there = [one.reached for one in there]
        return Reached(
            kaplan_meier_spread([one.experiments for one in there], got_there),
            kaplan_meier_spread([one.seconds for one in there], got_there),
            sum(got_there),
            len(there),
        )

    def best(self) -> Spread:
        """The best values at the end."""
        return quartiles([float(course.best[-1]) for course in self.courses])

    def cost(self) -> Spread:
        """What they cost; nothing where the lab states no prices."""
        return quartiles([result.cost for result in self.results if result.cost is not None])

    def consumed(self) -> Mapping[str, float]:
        """The median amount of each consumable."""
        names = dict.fromkeys(name for result in self.results for name in result.consumed)
        spreads = {name: quartiles([result.consumed.get(name, 0.0) for result in self.results]) for name in names}
        return {name: spread.median for name, spread in spreads.items() if spread.median is not None}

    def side(self, judged: tuple[Milestone, ...]) -> Side:
        """Its part in a comparison."""
        numbers: dict[Measure, dict[int, float]] = {}
        if judged:
            goal = {course.seed: arrivals[0] for course, arrivals in zip(self.courses, self.arrivals, strict=True)}
            numbers[Measure.TIME] = {seed: _or_never(one, one.seconds) for seed, one in goal.items()}
            numbers[Measure.EXPERIMENTS] = {seed: _or_never(one, one.experiments) for seed, one in goal.items()}
        numbers[Measure.BEST] = {course.seed: float(course.best[-1]) for course in self.courses}
        return Side(self.label, numbers)

    def order(self, judged: tuple[Milestone, ...], sign: int) -> tuple[float, float, float]:
        """Where it stands: by the median lab time to the goal, then the share that got there, then the best value."""
        goal = self.reached(0) if judged else Reached(NO_SPREAD, NO_SPREAD, 0, 0)
        best = self.best().median
        time = goal.seconds.median
        return (
            math.inf if time is None else time,
            -goal.share,
            math.inf if best is None else -sign * best,
        )


def _or_never(one: Arrival, number: float) -> float:
    return float(number) if one.reached else math.inf
