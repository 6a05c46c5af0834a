"""Outcome constraints on the objectives themselves, on numbers never measured, and those that cannot be modelled."""

from collections.abc import Mapping

import pytest

from motet.errors import PluginProblem
from motet.learning import Learner, build_learner
from motet.model.campaign import LearnerConfig
from motet.model.experiment import Experiment, Outcome, State
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.parameters import Stepped
from motet.model.space import Space
from motet.plugins import installed

SPACE = Space({"x": Stepped(low=0, high=1, step=0.02)})
MAXIMIZED = {"f": Objective(goal="maximize")}
MINIMIZED = {"f": Objective(goal="minimize")}
PHASES = {"f": Objective(goal="classify", classes=("a", "b"))}


def make(objectives: Mapping[str, Objective], constraints: Mapping[str, OutcomeConstraint]) -> Learner:
    config = LearnerConfig.model_validate({"surrogate": "gp", "acquisition": "ei", "start": {"grid": {"n": 4}}})
    return build_learner(config, installed(), SPACE, objectives, seed=0, constraints=constraints)


def values(learner: Learner, sign: float, n: int) -> list[float]:
    """What is measured, x itself with that sign, at the first n points."""
    found: list[float] = []
    for number in range(n):
        (suggestion,) = learner.ask()
        found.append(sign * float(suggestion.parameters["x"]))
        learner.tell(Outcome(Experiment("campaign", number, suggestion), State.DONE, {"f": found[-1]}))
    return found


def test_an_objective_that_is_minimized_stays_within_its_own_constraint() -> None:
    measured = values(make(MINIMIZED, {"f": OutcomeConstraint(at_least=0.5)}), 1.0, 14)

    assert min(value for value in measured if value >= 0.5) <= 0.54, "0.5 is the lowest that the constraint allows"
    assert sum(value < 0.5 for value in measured[4:]) <= 4, "most of what is near the bound lies above it"


def test_with_the_sign_turned_constraints_on_objectives_change_no_choice() -> None:
    high = values(make(MAXIMIZED, {"f": OutcomeConstraint(at_least=0.1, at_most=0.5)}), 1.0, 10)
    low = values(make(MINIMIZED, {"f": OutcomeConstraint(at_least=-0.5, at_most=-0.1)}), -1.0, 10)

    assert high == [-value for value in low]


@pytest.mark.parametrize(("low", "high"), [(1.0, 2.0), (None, 2.0), (1.0, None)])
def test_a_constraint_turned_allows_minus_what_it_allowed(low: float | None, high: float | None) -> None:
    constraint = OutcomeConstraint(at_least=low, at_most=high)

    assert all(constraint.turned().allows(-value) is constraint.allows(value) for value in (0.0, 1.0, 1.5, 2.0, 3.0))
    assert constraint.turned().turned() == constraint


def test_a_constraint_on_a_number_never_measured_keeps_nothing_from_going_on() -> None:
    learner = make(MAXIMIZED, {"load": OutcomeConstraint(at_most=1)})
    values(learner, 1.0, 4)

    assert learner.ask()[0].why.startswith("ei of gp on 4 values")


@pytest.mark.parametrize(
    ("objectives", "constrained", "message"),
    [
        (PHASES, "load", "an objective of classes goes with no outcome constraints; found f with constraints on load"),
        ({"f": Objective(goal="target", target=1)}, "f", "an objective with a target has no outcome constraint.* f$"),
    ],
)
def test_constraints_that_no_model_can_tell_of_are_refused(
    objectives: Mapping[str, Objective], constrained: str, message: str
) -> None:
    config = LearnerConfig()
    with pytest.raises(PluginProblem, match=message):
        build_learner(
            config, installed(), SPACE, objectives, seed=0, constraints={constrained: OutcomeConstraint(at_most=1)}
        )
