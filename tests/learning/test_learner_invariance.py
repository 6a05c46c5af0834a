"""What must not change a suggestion: order, unit, sign, thread count."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from motet.learning import Learner
from motet.learning.state import LearnerState
from motet.model.experiment import Outcome
from motet.model.space import Continuous, Space
from motet.model.values import Point

Measure = Callable[[Point], float]
MakeLearner = Callable[..., Learner]
End = Callable[[int, Point, float | None], Outcome]


def sequence(learner: Learner, measure: Measure, end: End, n: int, in_flight: int = 1) -> list[Point]:
    """The points of the first n experiments, `in_flight` of them at a time."""
    flying = learner.ask(in_flight)
    points: list[Point] = []
    for number in range(n):
        point = flying.pop(0).parameters
        points.append(point)
        learner.tell(end(number, point, measure(point)))
        flying += learner.ask()
    return points


def test_the_same_seed_gives_the_same_sequence_and_another_seed_another(
    make_learner: MakeLearner, schwefel: Measure, end: End
) -> None:
    one, same, other = (sequence(make_learner(seed=s), schwefel, end, 15, 2) for s in (7, 7, 8))

    assert one == same
    assert one != other


@pytest.mark.parametrize("pending", ["exclude", "believer", "none"])
def test_the_order_of_tells_does_not_matter_to_a_forest(
    make_learner: MakeLearner, schwefel: Measure, end: End, grid: Space, pending: str
) -> None:
    points = random.Random(3).sample(list(grid.points()), 12)
    outcomes = [end(number, point, schwefel(point)) for number, point in enumerate(points)]
    forward, backward = (make_learner(pending=pending) for _ in range(2))
    for outcome in outcomes:
        forward.tell(outcome)
    for outcome in reversed(outcomes):
        backward.tell(outcome)

    assert forward.ask(3) == backward.ask(3)


@pytest.mark.parametrize("surrogate", ["random_forest", "gp"])
def test_what_was_asked_between_tells_does_not_matter(
    make_learner: MakeLearner, schwefel: Measure, end: End, grid: Space, surrogate: str
) -> None:
    points = random.Random(3).sample(list(grid.points()), 12)
    asking, silent = (make_learner(surrogate=surrogate) for _ in range(2))
    for number, point in enumerate(points):
        asking.propose(number % 3)
        for learner in (asking, silent):
            learner.tell(end(number, point, schwefel(point)))

    assert asking.ask(3) == silent.ask(3)


@pytest.mark.parametrize("surrogate", ["random_forest", "gp"])
def test_a_learner_that_replays_the_state_of_another_goes_on_in_its_place(
    make_learner: MakeLearner, schwefel: Measure, end: End, surrogate: str
) -> None:
    learner, heir = (make_learner(surrogate=surrogate, stations=2) for _ in range(2))
    asked = learner.ask(4)
    for number, suggestion in enumerate(asked[:3]):
        outcome = end(number, suggestion.parameters, schwefel(suggestion.parameters) if number else None)
        learner.tell(replace(outcome, experiment=replace(outcome.experiment, suggestion=suggestion)))

    heir.replay(LearnerState.from_json(learner.state().to_json()))

    assert heir.ask(3) == learner.ask(3)
    assert heir.state() == learner.state()


def test_the_order_of_the_candidates_does_not_matter(make_learner: MakeLearner, schwefel: Measure, end: End) -> None:
    axis = Continuous(low=0, high=50)
    table: list[Point] = [{"x": 2.5 * i, "y": 5.0 * j} for i in range(21) for j in range(11)]
    shuffled = random.Random(1).sample(table, len(table))

    one = sequence(make_learner(Space({"x": axis, "y": axis}, table)), schwefel, end, 12)
    other = sequence(make_learner(Space({"x": axis, "y": axis}, shuffled)), schwefel, end, 12)

    assert one == other


@pytest.mark.parametrize("surrogate", ["random_forest", "gp"])
@pytest.mark.parametrize("acquisition", ["weighted", "ei", "lcb"])
def test_minimizing_the_negative_is_maximizing(
    make_learner: MakeLearner, schwefel: Measure, end: End, acquisition: str, surrogate: str
) -> None:
    up = make_learner(goal={"goal": "maximize"}, acquisition=acquisition, surrogate=surrogate)
    down = make_learner(goal={"goal": "minimize"}, acquisition=acquisition, surrogate=surrogate)

    assert sequence(up, schwefel, end, 15) == sequence(down, lambda point: -schwefel(point), end, 15)


@pytest.mark.parametrize("surrogate", ["random_forest", "gp"])
@pytest.mark.parametrize("acquisition", ["weighted", "ei", "lcb"])
def test_the_unit_of_the_objective_does_not_matter(
    make_learner: MakeLearner, schwefel: Measure, end: End, acquisition: str, surrogate: str
) -> None:
    volts, millivolts = (make_learner(acquisition=acquisition, surrogate=surrogate) for _ in range(2))

    one = sequence(volts, schwefel, end, 15)
    other = sequence(millivolts, lambda point: 1000 * schwefel(point) + 273.15, end, 15)

    assert one == other


@pytest.mark.slow
@pytest.mark.parametrize("surrogate", ["random_forest", "gp"])
def test_the_number_of_threads_does_not_matter(surrogate: str) -> None:
    program = """
import json
import sys
from motet.learning import build_learner
from motet.model.campaign import LearnerConfig
from motet.model.experiment import Experiment, Outcome, State
from motet.model.objective import Objective
from motet.model.space import Space, Stepped
from motet.plugins import installed

axis = Stepped(low=0, high=50, step=2.5)
space, goal = Space({"x": axis, "y": axis}), {"v": Objective(goal="maximize")}
config = LearnerConfig.model_validate({"surrogate": sys.argv[1], "pending": "believer"})
learner = build_learner(config, installed(), space, goal, seed=5)
for number in range(10):
    (suggestion,) = learner.ask()
    value = -abs(suggestion.parameters["x"] - 20) * suggestion.parameters["y"]
    learner.tell(Outcome(Experiment("c", number, suggestion), State.DONE, {"v": value}))
print(json.dumps([dict(s.parameters) | {"score": s.score} for s in learner.ask(3)]))
"""
    found: list[object] = []
    for threads in ("1", "4"):
        environment = os.environ | {f"{name}_NUM_THREADS": threads for name in ("OMP", "OPENBLAS", "MKL")}
        run = subprocess.run(
            [sys.executable, "-c", program, surrogate],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        found.append(json.loads(run.stdout))

    assert found[0] == found[1]
