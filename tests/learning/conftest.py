"""The search space of the reference experiment, the function measured on it, and learners for it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from motet.learning import Labels, Learner, build_learner
from motet.learning.checked import Checked, CheckedSurrogate
from motet.learning.task import Task
from motet.model.campaign import LearnerConfig
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective
from motet.model.space import Space, Stepped
from motet.model.values import Point
from motet.plugins import installed

Measure = Callable[[Point], float]
MakeLearner = Callable[..., Learner]
End = Callable[[int, Point, float | None], Outcome]


@pytest.fixture
def grid() -> Space:
    """21 x 21 points over [0, 50]^2."""
    axis = Stepped(low=0, high=50, step=2.5, unit="mm")
    return Space({"x": axis, "y": axis})


@pytest.fixture
def schwefel() -> Measure:
    """The value measured at a point: the sum of e sin(sqrt|e|) / 1000 with e = 20 v - 500."""

    def value(point: Point) -> float:
        shifted = [20 * float(v) - 500 for v in point.values()]
        return sum(e * math.sin(math.sqrt(abs(e))) for e in shifted) / 1000

    return value


@pytest.fixture
def make_learner(grid: Space) -> MakeLearner:
    """A learner as a campaign file would name it, on the grid unless told otherwise."""

    def make(
        space: Space | None = None,
        goal: Mapping[str, Any] | None = None,
        seed: int = 0,
        stations: int = 1,
        trees: int = 10,
        **parts: Any,
    ) -> Learner:
        config = LearnerConfig.model_validate({"surrogate": {"random_forest": {"trees": trees}}} | parts)
        objective = Objective.model_validate(goal or {"goal": "maximize"})
        space = grid if space is None else space
        return build_learner(config, installed(), space, {"value": objective}, seed=seed, stations=stations)

    return make


@pytest.fixture
def assemble() -> MakeLearner:
    """A learner that maximizes `value` with a start design, and one thing that is all the other parts."""

    def make(space: Space, start: Any, parts: Any, failed_fits: int = 0, labels: Labels | None = None) -> Learner:
        labels = labels or Labels()
        task = Task(
            {"value": Objective(goal="maximize")},
            Checked(start, parts, parts, (), labels),
            CheckedSurrogate(parts, labels.surrogate),
            LearnerConfig(failed_fits=failed_fits),
            None,
            {},
        )
        return Learner(space, task, seed=0)

    return make


@pytest.fixture
def end() -> End:
    """The outcome of experiment `number` at a point: done with a value, or failed for None."""

    def outcome(number: int, point: Point, value: float | None) -> Outcome:
        experiment = Experiment("campaign", number, Suggestion(point, "for the test"))
        if value is None:
            return Outcome(experiment, State.FAILED, reason="for the test")
        return Outcome(experiment, State.DONE, {"value": value})

    return outcome
