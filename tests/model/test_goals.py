"""What a learner's parts are when the campaign file leaves them out."""

from typing import Any

import pytest

from motet.contracts.declarations import Kind
from motet.files.fitting import misfit
from motet.files.making import make_plugin
from motet.model.campaign import LearnerConfig
from motet.model.goals import goal_of, parts_of
from motet.model.objective import Objective
from motet.model.parameters import Continuous, Stepped
from motet.model.space import Space
from motet.model.values import PluginRef
from motet.plugins import installed

ONE = {"y": Objective(goal="maximize")}
TWO = {"y": Objective(goal="maximize"), "z": Objective(goal="minimize")}
CLASSES = {"phase": Objective(goal="classify", classes=("FCC", "BCC", "HCP"))}
LISTED = Space({"x": Stepped(low=0, high=1, step=0.1)})
CONTINUUM = Space({"x": Stepped(low=0, high=1, step=0.1), "t": Continuous(low=0, high=1)})
CASES: list[tuple[dict[str, Any], dict[str, Objective], str]] = [
    ({}, ONE, "best"),
    ({}, TWO, "pareto"),
    ({}, CLASSES, "model"),
    ({"goal": "top_set"}, ONE, "top_set"),
    ({"goal": "model"}, ONE, "model"),
    ({"goal": "pareto"}, TWO, "pareto"),
]


@pytest.mark.parametrize(("learner", "objectives", "goal"), CASES)
def test_the_goal_follows_from_the_objectives(
    learner: dict[str, Any], objectives: dict[str, Objective], goal: str
) -> None:
    assert goal_of(LearnerConfig.model_validate(learner), objectives) == goal


@pytest.mark.parametrize("space", [LISTED, CONTINUUM], ids=["listed", "continuum"])
@pytest.mark.parametrize(("learner", "objectives", "goal"), CASES)
def test_the_parts_of_every_goal_go_together(
    learner: dict[str, Any], objectives: dict[str, Objective], goal: str, space: Space
) -> None:
    refs = parts_of(LearnerConfig.model_validate(learner), objectives, space)
    chosen = {
        Kind.START: refs.start,
        Kind.SURROGATE: refs.surrogate,
        Kind.ACQUISITION: refs.acquisition,
        Kind.PENDING: refs.pending,
    }
    parts = {kind: make_plugin(installed(), kind, ref) for kind, ref in chosen.items()}
    names = {kind: ref.name for kind, ref in chosen.items()}

    assert misfit(installed(), names, parts, objectives) is None


def test_what_the_file_names_stands() -> None:
    parts = parts_of(LearnerConfig.model_validate({"goal": "best", "surrogate": "rf", "pending": "none"}), ONE, LISTED)

    assert (parts.surrogate, parts.pending) == (PluginRef(name="rf"), PluginRef(name="none"))
    assert parts.acquisition == parts_of(LearnerConfig(), ONE, LISTED).acquisition


def test_where_a_parameter_is_continuous_no_steps_are_modelled() -> None:
    listed, continuum = (parts_of(LearnerConfig(), ONE, space) for space in (LISTED, CONTINUUM))

    assert (listed.surrogate.name, listed.acquisition.name) == ("committee", "ucb")
    assert (continuum.surrogate.name, continuum.acquisition.name) == ("gaussian_process", "log_ei")
    table = Space(CONTINUUM.parameters, [{"x": 0.1, "t": 0.25}])
    assert parts_of(LearnerConfig(), ONE, table) == listed
