"""Several objectives, constraints on outcomes, learned feasibility, classes: what the learner makes of them."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from motet.errors import LearnerError, PluginProblem
from motet.learning import Learner, build_learner
from motet.model.campaign import LearnerConfig
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.parameters import Stepped
from motet.model.space import Space
from motet.model.values import Point
from motet.plugins import installed

Values = Callable[[Point], Mapping[str, float] | None]

AXIS = Stepped(low=0, high=1, step=0.05)
SPACE = Space({"x": AXIS, "y": AXIS})
TWO = {"f": Objective(goal="maximize"), "g": Objective(goal="minimize")}


def make(
    objectives: Mapping[str, Objective],
    constraints: Mapping[str, OutcomeConstraint] | None = None,
    seed: int = 0,
    stations: int = 3,
    **learner: Any,
) -> Learner:
    config = LearnerConfig.model_validate(learner)
    return build_learner(
        config, installed(), SPACE, objectives, seed=seed, stations=stations, constraints=constraints or {}
    )


def ended(number: int, suggestion: Suggestion, values: Mapping[str, float] | None) -> Outcome:
    experiment = Experiment("campaign", number, suggestion)
    if values is None:
        return Outcome(experiment, State.FAILED, reason="for the test")
    return Outcome(experiment, State.DONE, values)


def run(learner: Learner, values: Values, n: int) -> list[Suggestion]:
    """The first n suggestions, each told of before the next is asked for."""
    taken: list[Suggestion] = []
    for number in range(n):
        taken += learner.ask()
        learner.tell(ended(number, taken[-1], values(taken[-1].parameters)))
    return taken


def trade_off(point: Point) -> dict[str, float]:
    """Two objectives whose Pareto front is the diagonal y = x for x from 0 to 1, where f = g = x."""
    x, y = float(point["x"]), float(point["y"])
    return {"f": x - (y - x) ** 2, "g": x**2 + (y - x) ** 2}


@pytest.mark.parametrize("acquisition", ["ehvi", pytest.param("parego", marks=pytest.mark.slow)])
def test_several_objectives_are_followed_to_their_front(acquisition: str) -> None:
    taken = run(make(TWO, acquisition=acquisition), trade_off, 35)
    on_front = {s.parameters["x"] for s in taken if abs(float(s.parameters["y"]) - float(s.parameters["x"])) < 0.06}

    assert len(on_front) >= 9, "a random search puts 4 of 35 there"


def test_with_several_objectives_one_may_be_missing_but_not_all() -> None:
    learner = make(TWO)
    run(learner, lambda point: {"f": 1.0} if float(point["x"]) > 0.5 else trade_off(point), 12)

    assert learner.ask()[0].why.startswith("ehvi of gaussian_process")
    with pytest.raises(LearnerError, match=r"experiment campaign/99 has no value of any of f, g; it has: h"):
        learner.tell(ended(99, Suggestion({"x": 0.0, "y": 0.0}, ""), {"h": 1.0}))


def test_an_objective_that_was_never_measured_keeps_the_start_design_going() -> None:
    taken = run(make(TWO, stations=1), lambda point: {"f": 1.0}, 4)

    assert [s.score for s in taken] == [None] * 4


@pytest.mark.parametrize("acquisition", ["log_ei", "ei", "ucb", "weighted"])
def test_constraints_on_outcomes_keep_the_search_where_they_hold(acquisition: str) -> None:
    def values(point: Point) -> dict[str, float]:
        return {"f": float(point["x"]) + float(point["y"]), "load": float(point["x"])}

    one = {"f": Objective(goal="maximize")}
    free = run(make(one, acquisition=acquisition), values, 13)
    bound = run(make(one, {"load": OutcomeConstraint(at_most=0.42)}, acquisition=acquisition), values, 13)

    def broken(taken: list[Suggestion]) -> int:
        return sum(float(s.parameters["x"]) > 0.42 for s in taken[3:])

    assert broken(bound) < broken(free) / 2
    best = max((s.parameters for s in bound if float(s.parameters["x"]) <= 0.42), key=lambda p: values(p)["f"])
    assert values(best)["f"] >= 1.35, "1.4 is the best that the constraint allows"


def test_failed_experiments_teach_where_they_fail() -> None:
    def values(point: Point) -> dict[str, float] | None:
        return None if float(point["x"]) > 0.6 else {"f": float(point["x"]) + float(point["y"])}

    one = {"f": Objective(goal="maximize")}
    blind = run(make(one, acquisition="ucb"), values, 30)
    learned = run(make(one, acquisition="ucb", feasibility="gp_classifier"), values, 30)

    assert sum(float(s.parameters["x"]) > 0.6 for s in learned) < sum(float(s.parameters["x"]) > 0.6 for s in blind)


def test_classes_are_learned_at_their_borders() -> None:
    phases = {"phase": Objective(goal="classify", classes=("FCC", "BCC", "HCP"))}

    def values(point: Point) -> dict[str, float]:
        return {"phase": float(float(point["x"]) > 0.33) + float(float(point["x"]) > 0.66)}

    taken = run(make(phases, acquisition="entropy", stations=6), values, 30)
    near = [min(abs(float(s.parameters["x"]) - 0.33), abs(float(s.parameters["x"]) - 0.66)) <= 0.1 for s in taken[6:]]

    assert sum(near) / len(near) > 0.55, "a random search puts 0.4 there"
    assert taken[-1].why.split(", ")[-3].startswith("FCC ")
    assert (taken[-1].mean, taken[-1].std) == (None, None)


@pytest.mark.parametrize("value", [-1.0, 3.0, 0.5])
def test_a_number_that_is_no_class_is_refused(value: float) -> None:
    learner = make({"phase": Objective(goal="classify", classes=("FCC", "BCC", "HCP"))})

    with pytest.raises(LearnerError, match=rf"phase = {value}; the number of a class, 0 to 2 is needed"):
        learner.tell(ended(1, Suggestion({"x": 0.0, "y": 0.0}, ""), {"phase": value}))


@pytest.mark.parametrize(
    ("objectives", "learner", "message"),
    [
        (TWO, {"acquisition": "ei"}, r"acquisition ei works towards one objective, not 2: f, g; acquisitions .*ehvi"),
        (
            {"f": TWO["f"]},
            {"acquisition": "ehvi"},
            r"acquisition ehvi works towards several objectives, not 1: f; .*ei",
        ),
        (
            {"f": TWO["f"]},
            {"surrogate": "bayesian_linear", "acquisition": "qbc"},
            r"acquisition qbc needs members, which bayesian_linear does not give; surrogates .*random_forest.*"
            r"acquisitions for bayesian_linear that would do: .*ei",
        ),
        (
            {"f": TWO["f"]},
            {"surrogate": "forest_classifier"},
            r"surrogate forest_classifier does not give mean and std",
        ),
        ({"f": TWO["f"]}, {"surrogate": "extra_trees", "acquisition": "variance_reduction"}, "needs covariance"),
        (
            {"p": Objective(goal="classify", classes=("a", "b"))},
            {"pending": "thompson"},
            "pending thompson needs samples, .*; pending strategies for gp_classifier that would do: .*believer",
        ),
        ({"f": TWO["f"]}, {"feasibility": "rf"}, "feasibility rf: a classifier is needed"),
        (
            {"p": Objective(goal="classify", classes=("a", "b"))},
            {"pending": "fantasies"},
            "pending fantasies needs samples, which gp_classifier does not give",
        ),
        (
            {"f": TWO["f"], "p": Objective(goal="classify", classes=("a", "b"))},
            {},
            "an objective of classes must be the only one; found f, p",
        ),
    ],
)
def test_parts_that_do_not_go_together_are_refused_with_those_that_would(
    objectives: Mapping[str, Objective], learner: dict[str, Any], message: str
) -> None:
    with pytest.raises(PluginProblem, match=message):
        make(objectives, **learner)
