"""Fits that fail, stations that are lost, noise and repeated measurements."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Predict, Prediction, View
from motet.contracts.learning import Beginning
from motet.errors import LearnerError
from motet.learning import Labels, Learner, build_learner, build_stop_rules
from motet.learning.state import LearnerState
from motet.model.campaign import LearnerConfig
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective
from motet.model.parameters import Continuous
from motet.model.space import Space
from motet.model.values import PluginRef, Point
from motet.plugins import installed

End = Callable[[int, Point, float | None], Outcome]
MakeLearner = Callable[..., Learner]

A: Point = {"x": 1.0}
B: Point = {"x": 2.0}
C: Point = {"x": 3.0}


@pytest.fixture
def three() -> Space:
    return Space({"x": Continuous(low=0, high=9)}, [A, B, C])


class Fickle:
    """A start design that takes the last candidate, and a surrogate that fails when it is told to."""

    def __init__(self) -> None:
        self.fails = False

    def count(self, stations: int) -> int:
        return 1

    def choose(self, beginning: Beginning) -> int:
        return len(beginning.candidates) - 1

    def fit(self, data: Data, seed: int) -> Predict:
        if self.fails:
            raise ArithmeticError("not positive definite")
        return lambda pool: Prediction(-pool[:, 0], np.ones(len(pool)))

    def score(self, view: View) -> Array:
        return view.prediction.mean

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        return None


def test_a_fit_that_fails_is_told_on_the_suggestion_and_the_start_design_chooses(
    grid: Space, end: End, assemble: MakeLearner
) -> None:
    parts = Fickle()
    learner = assemble(grid, parts, parts, 2, Labels("last", "fickle"))
    learner.tell(end(1, {"x": 5.0, "y": 5.0}, 0.5))
    parts.fails = True

    (suggestion,) = learner.ask()

    assert suggestion.problem == "surrogate fickle, fitting 1 values raised ArithmeticError: not positive definite"
    assert suggestion.why == f"last in place of a model that failed: {suggestion.problem}"
    assert suggestion.parameters == {"x": 50.0, "y": 50.0}
    assert suggestion.score is None


def test_as_many_fits_in_a_row_may_fail_as_the_campaign_says(grid: Space, end: End, assemble: MakeLearner) -> None:
    parts = Fickle()
    learner = assemble(grid, parts, parts, 2, Labels("last", "fickle"))
    learner.tell(end(0, {"x": 5.0, "y": 5.0}, 0.5))
    for number, fails in enumerate((True, True, False, True, True, True), 1):
        parts.fails = fails
        if number == 6:
            with pytest.raises(LearnerError, match=r"not positive definite \(number 3 in a row, 2 are allowed\)"):
                learner.ask()
        else:
            (suggestion,) = learner.ask()
            assert bool(suggestion.problem) is fails
            learner.tell(end(number, suggestion.parameters, 0.1))


def test_asking_again_after_a_fit_that_failed_is_no_further_failure(
    grid: Space, end: End, assemble: MakeLearner
) -> None:
    parts = Fickle()
    learner = assemble(grid, parts, parts, 1)
    learner.tell(end(0, {"x": 5.0, "y": 5.0}, 0.5))
    parts.fails = True

    assert all(suggestion.problem for suggestion in learner.ask(5))


def lost(number: int, suggestion: Suggestion) -> Outcome:
    return Outcome(Experiment("campaign", number, suggestion), State.FAILED, reason="line lost", lost=True)


def test_a_point_whose_station_was_lost_comes_back_once(make_learner: MakeLearner, three: Space) -> None:
    learner = make_learner(three)
    first, *_ = learner.ask(3)
    assert learner.ask() == []

    learner.tell(lost(1, first))
    (again,) = learner.ask()
    assert again.parameters == first.parameters
    learner.tell(lost(2, again))

    assert learner.ask() == [], "lost twice there: perhaps it is the point"


def test_measured_points_come_back_only_where_repeats_are_allowed(
    make_learner: MakeLearner, three: Space, end: End
) -> None:
    once, again = make_learner(three), make_learner(three, repeats=True)
    for learner in (once, again):
        for number, point in enumerate((A, B, C)):
            learner.tell(end(number, point, float(point["x"])))

    assert once.ask() == []
    assert again.ask()[0].parameters in (A, B, C)


def test_a_failed_point_does_not_come_back_even_then(make_learner: MakeLearner, three: Space, end: End) -> None:
    learner = make_learner(three, repeats=True)
    for number, point in enumerate((A, B, C)):
        learner.tell(end(number, point, 1.0 if point is A else None))

    assert [suggestion.parameters for suggestion in learner.ask(2)] == [A]


def noisy(error: str | None) -> Learner:
    space = Space({"x": Continuous(low=0, high=1)}, [{"x": i / 20} for i in range(21)])
    objective = Objective(goal="maximize", error=error)
    config = LearnerConfig.model_validate({"acquisition": "ucb", "repeats": True})
    learner = build_learner(config, installed(), space, {"y": objective}, seed=0)
    values = [(i / 10, 0.1 if i % 3 else 2.0) for i in range(11)]
    for number, (x, sigma) in enumerate(values):
        experiment = Experiment("c", number, Suggestion({"x": x}, ""))
        learner.tell(Outcome(experiment, State.DONE, {"y": x + (1.5 if sigma > 1 else 0.0), "sigma": sigma}))
    return learner


def test_known_errors_of_values_reach_the_model() -> None:
    assert noisy("sigma").ask()[0] != noisy(None).ask()[0]


@pytest.mark.parametrize("error", [-1.0, float("inf")])
def test_an_error_that_cannot_be_is_refused(error: float) -> None:
    learner = noisy("sigma")
    outcome = Outcome(Experiment("c", 99, Suggestion({"x": 0.5}, "")), State.DONE, {"y": 1.0, "sigma": error})

    with pytest.raises(LearnerError, match=r"c/99: y = 1\.0: its error sigma = .*; a number from 0 is needed"):
        learner.tell(outcome)


@pytest.mark.parametrize("surrogate", ["gp", "rf", "bayesian_linear"])
@pytest.mark.parametrize(
    "values",
    [
        [1.0],
        [2.0, 2.0, 2.0],
        [1.0, 1.0 + 1e-12, 1.0],
        [1e300, -1e300, 0.0],
        [1e-300, 2e-300, 3e-300],
    ],
    ids=["one", "constant", "almost constant", "huge", "tiny"],
)
def test_odd_values_are_learned_from(make_learner: MakeLearner, end: End, surrogate: str, values: list[float]) -> None:
    learner = make_learner(surrogate=surrogate, start={"random": {"n": 1}}, failed_fits=0)
    for number, value in enumerate(values):
        (suggestion,) = learner.ask()
        learner.tell(end(number, suggestion.parameters, value))

    (suggestion,) = learner.ask()

    assert suggestion.score is not None


@pytest.mark.parametrize("surrogate", ["gp", "rf"])
def test_equal_points_with_different_values_are_replicates(make_learner: MakeLearner, end: End, surrogate: str) -> None:
    learner = make_learner(surrogate=surrogate, repeats=True)
    for number, value in enumerate((0.0, 1.0, 0.5)):
        learner.tell(end(number, {"x": 5.0, "y": 5.0}, value))

    assert learner.ask()[0].score is not None


def test_more_than_the_pool_holds_gives_what_there_is(make_learner: MakeLearner, three: Space) -> None:
    assert len(make_learner(three).ask(10)) == 3


def test_releasing_what_is_not_pending_is_refused(make_learner: MakeLearner, three: Space) -> None:
    learner = make_learner(three)
    (suggestion,) = learner.ask()
    learner.release(suggestion.id)

    with pytest.raises(LearnerError, match="no suggestion '1' is pending; pending: none"):
        learner.release(suggestion.id)


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="asked"):
        LearnerState.from_json('{"pending": [], "outcomes": []}')


def test_an_outcome_of_a_suggestion_frees_it_whatever_else_is_pending(
    make_learner: MakeLearner, three: Space, end: End
) -> None:
    learner = make_learner(three, pending="none", repeats=True)
    first, second, third = learner.ask(3)
    outcome = end(1, second.parameters, 1.0)
    learner.tell(replace(outcome, experiment=replace(outcome.experiment, suggestion=second)))

    assert [suggestion.id for suggestion in learner.state().pending] == [first.id, third.id]


def test_the_learner_says_when_a_rule_holds(make_learner: MakeLearner, three: Space, end: End) -> None:
    rules = build_stop_rules((PluginRef(name="experiments", options={"count": 2}),), installed())
    learner = make_learner(three)
    learner.tell(end(1, A, 1.0))
    assert learner.should_stop(rules) is None

    learner.tell(end(2, B, None))

    assert learner.should_stop(rules) == "2 experiments have ended"
