"""How a trial went: its best so far, and when it got to the milestones of a study."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.report.text import number, with_unit
from motet.study.question import Question
from motet.study.result import TrialResult
from motet.study.statistics import Floats


@dataclass(frozen=True, slots=True)
class Course:
    """A trial's best so far. `ended_s` (n) are the ends of its experiments in seconds of lab time, `best` (n + 1) the
    best value after 0, 1, 2 ... of them, as `shown`; infinitely bad before the first value.

    A campaign that has ended keeps its best.
    """

    seed: int
    ended_s: Floats
    best: Floats

    def at_experiments(self, counts: NDArray[np.int64]) -> Floats:
        """The best after so many experiments each."""
        return self.best[np.minimum(counts, self.ended_s.size)]

    def at_times(self, seconds: Floats) -> Floats:
        """The best after so many seconds each."""
        return self.best[np.searchsorted(self.ended_s, seconds, side="right")]


def shown(question: Question, value: float) -> float:
    """What is shown of a value: itself, or how far it is from the target of an objective with `goal: target`, where
    best so far means nothing for the value itself."""
    return question.sign * question.objective.merit(value)


def course(result: TrialResult, question: Question) -> Course:
    """The course of a trial that was run."""
    worst = -question.sign * math.inf
    values = [worst, *(worst if value is None else shown(question, value) for value in result.values)]
    better = np.maximum if question.sign > 0 else np.minimum
    ended_s = np.asarray(result.ended_s, dtype=float)
    return Course(result.trial.seed, ended_s, better.accumulate(np.asarray(values, dtype=float)))


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that a campaign is after: the rule that stops it (`value` None), or a first value as good as `value`
    (as `shown`). `clause` tells it in a sentence, `short` in the head of a column."""

    short: str
    clause: str
    value: float | None = None


def milestones(question: Question) -> tuple[Milestone, ...]:
    """What the trials are judged by: the campaign's own stop rule, a target value, the top of the space; those of them
    that there are. The first one is the goal of the study."""
    found: list[Milestone] = []
    name, unit = question.objective_name, question.objective.unit
    than = {"maximize": "≥", "minimize": "≤", "target": "as near as"}[question.objective.goal]
    if question.goal:
        found.append(Milestone("goal", question.goal))
    if question.target is not None:
        clause = f"{name} {than} {with_unit(question.target, unit)} is measured"
        found.append(Milestone("target", clause, shown(question, question.target)))
    if question.threshold is not None:
        top = f"top {number(question.percentile)} %"
        clause = f"{name} in the {top} of the space ({than} {with_unit(question.threshold, unit)}) is measured"
        found.append(Milestone(top, clause, shown(question, question.threshold)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Arrival:
    """After how many experiments, and seconds of lab time, a trial got to a milestone; how far it went where it did not
    (`reached` false)."""

    experiments: int
    seconds: float
    reached: bool


def arrival(result: TrialResult, course: Course, milestone: Milestone, sign: int) -> Arrival:
    """When a trial got to a milestone. The last result counts as the moment at which a campaign's stop rule held."""
    count = course.ended_s.size
    if milestone.value is None:
        after, reached = count, result.reached
    else:
        first = int(np.searchsorted(sign * course.best, sign * milestone.value, side="left"))
        after, reached = min(first, count), first <= count
    return Arrival(after, float(course.ended_s[after - 1]) if after else 0.0, reached)
