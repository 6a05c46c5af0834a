"""Bad outcomes and broken plugins: each is a LearnerError that names what is at fault."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Predict, Prediction, View
from motet.contracts.learning import Beginning
from motet.errors import LearnerError
from motet.learning import Labels, Learner
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.space import Space
from motet.model.values import Point

MakeLearner = Callable[..., Learner]
End = Callable[[int, Point, float | None], Outcome]
Gives = Callable[[int], Array]
AT: Point = {"x": 5.0, "y": 5.0}


class Numbered:
    """A start design that takes the candidate with the number it is told."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def count(self, stations: int) -> int:
        return 1

    def choose(self, beginning: Beginning) -> int:
        return self.number


class Given:
    """A surrogate, acquisition and pending strategy that gives what it is told to."""

    def __init__(self, **given: Gives) -> None:
        self.given = given

    def fit(self, data: Data, seed: int) -> Predict:
        self.of("fit", len(data))
        return lambda pool: Prediction(self.of("mean", len(pool)), self.of("std", len(pool)))

    def score(self, view: View) -> Array:
        return self.of("score", len(view.rows))

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        return self.of("stand_ins", len(x))

    def of(self, what: str, n: int) -> Array:
        return self.given[what](n) if what in self.given else np.zeros(n)


def raising(n: int) -> Array:
    raise ZeroDivisionError(f"division of {n} by zero")


def all_of(value: float) -> Gives:
    return lambda n: np.full(n, value)


def one_more(n: int) -> Array:
    return np.zeros(n + 1)


def column(n: int) -> Array:
    return np.zeros((n, 1))


@pytest.fixture
def faulty(grid: Space, assemble: MakeLearner) -> Callable[..., Learner]:
    """A learner past its start design whose parts give what they are told to."""

    def make(number: int = 0, failed_fits: int = 0, **given: Gives) -> Learner:
        parts = Given(**given)
        labels = Labels("my_start", "my_model", "my_score", "my_pending")
        return assemble(grid, Numbered(number), parts, failed_fits, labels)

    return make


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fit": raising}, r"surrogate my_model, fitting 1 values raised ZeroDivisionError: division of 1"),
        ({"mean": raising}, r"surrogate my_model, predicting 441 points raised ZeroDivisionError"),
        ({"mean": one_more}, r"my_model: mean have shape \(442,\), \(441,\) is needed"),
        ({"mean": all_of(np.nan)}, r"my_model: mean: 441 of 441 are not finite"),
        ({"std": all_of(np.inf)}, r"my_model: std: 441 of 441 are not finite"),
        ({"std": all_of(-0.5)}, r"my_model: std is negative, -0\.5"),
        ({"score": raising}, r"acquisition my_score raised ZeroDivisionError"),
        (
            {"score": column},
            r"my_score: scores have shape \(440, 1\), \(440,\) is needed",
        ),
        ({"score": all_of(-np.inf)}, r"my_score: scores: 440 of 440 are not finite"),
    ],
)
def test_a_plugin_that_fails_is_named(
    faulty: Callable[..., Learner], end: End, given: dict[str, Gives], message: str
) -> None:
    learner = faulty(**given)
    learner.tell(end(1, AT, 0.5))

    with pytest.raises(LearnerError, match=message):
        learner.ask()


def test_the_cause_of_a_plugin_failure_is_kept(faulty: Callable[..., Learner]) -> None:
    with pytest.raises(LearnerError) as error:
        faulty(fit=raising).warm_up()

    assert isinstance(error.value.__cause__, ZeroDivisionError)


def test_a_pending_strategy_that_fails_is_named(faulty: Callable[..., Learner], end: End) -> None:
    learner = faulty(stand_ins=all_of(np.nan))
    learner.tell(end(1, AT, 0.5))
    learner.ask()

    with pytest.raises(LearnerError, match=r"pending strategy my_pending: stand-ins: 1 of 1 are not finite"):
        learner.ask()


@pytest.mark.parametrize("number", [441, -1])
def test_a_start_design_that_chooses_no_candidate_is_named(faulty: Callable[..., Learner], number: int) -> None:
    with pytest.raises(LearnerError, match=rf"start design my_start chose number {number} of 441 candidates"):
        faulty(number=number).ask()


def test_equal_scores_are_drawn_from_by_the_seed(faulty: Callable[..., Learner], end: End) -> None:
    learner = faulty()
    learner.tell(end(1, AT, 0.5))

    suggestions = learner.ask(20)

    assert suggestions[0].why == "my_score of my_model on 1 values, 0 pending: one of 440 equal best of 440"
    assert len({float(s.parameters["x"]) for s in suggestions}) > 5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_never_reaches_a_fit(make_learner: MakeLearner, end: End, value: float) -> None:
    learner = make_learner()

    with pytest.raises(LearnerError, match=r"experiment campaign/3: value = .*finite"):
        learner.tell(end(3, AT, value))

    assert learner.ask()[0].why == "random start 1 of 1"


def test_an_outcome_without_the_objective_is_refused(make_learner: MakeLearner) -> None:
    experiment = Experiment("campaign", 3, Suggestion(AT, ""))

    with pytest.raises(LearnerError, match=r"campaign/3 has no value of the objective value; it has: current"):
        make_learner().tell(Outcome(experiment, State.DONE, {"current": 1.0}))


def test_an_outcome_that_has_not_ended_is_refused(make_learner: MakeLearner) -> None:
    with pytest.raises(LearnerError, match=r"campaign/3 is running"):
        make_learner().tell(Outcome(Experiment("campaign", 3, Suggestion(AT, "")), State.RUNNING))


def test_points_outside_the_space_are_refused(make_learner: MakeLearner, end: End) -> None:
    learner = make_learner()
    for refused in (
        lambda: learner.tell(end(1, {"x": 51.0, "y": 0.0}, 1.0)),
        lambda: learner.propose(1, [{"x": 1.0, "y": 0.0}]),
        lambda: learner.hold(Suggestion({"x": 0.0}, "")),
    ):
        with pytest.raises(LearnerError, match="is not in the search space"):
            refused()
