"""Stop rules that look at the model, costs, lost stations and models that fail, in the loop of a campaign."""

import logging
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from motet.contracts.belief import Data, Predict, Prediction
from motet.contracts.declarations import Declaration
from motet.errors import NoReply
from motet.hookspecs import hookimpl
from motet.model.campaign import Budget, FailurePolicy, LearnerConfig
from motet.model.events import CampaignState
from motet.model.experiment import State
from motet.model.values import PluginRef
from motet.plugins import load

GP = LearnerConfig(surrogate=PluginRef(name="gp"), acquisition=PluginRef(name="ucb"))


def test_a_rule_that_looks_at_the_model_ends_the_campaign_before_the_next_experiment(lab: Any) -> None:
    lab.learner = GP
    lab.stop = (PluginRef(name="top_percentile", options={"percent": 20, "probability": 0.8, "k": 3}),)

    summary = lab.run()

    assert summary.state is CampaignState.FINISHED
    assert "top 20 %" in summary.reason
    assert 3 <= summary.experiments < 21
    noted = [row.suggestion.notes for row in lab.reader.experiments("test-1")]
    assert noted[0] == {}, "the start design has no model to note anything of"
    assert all(0.0 <= value <= 1.0 for notes in noted for value in notes.values())
    assert sum(map(len, noted)) >= 2


def test_the_time_that_a_campaign_may_take_ends_it(lab: Any) -> None:
    lab.stop = (PluginRef(name="time", options={"after": "1 ms"}),)

    assert lab.run().experiments == 1


def test_a_point_whose_station_was_lost_is_measured_later(lab: Any) -> None:
    lab.learner = GP
    lab.failures = FailurePolicy(retry=0)
    lost: list[float] = []

    def measured(x: float) -> float:
        if len(lost) < 2 and x not in lost:
            lost.append(x)
            raise NoReply("gauge did not answer")
        return x

    lab.measured = measured
    summary = lab.run()

    rows = lab.reader.experiments("test-1")
    assert summary.failed == 2
    assert {row.parameters["x"] for row in rows if row.state is State.DONE} == set(range(21))


class Failing:
    """Fails when it has seen four values."""

    def __init__(self, options: object) -> None:
        pass

    def fit(self, data: Data, seed: int) -> Predict:
        """Flat."""
        if len(data) == 4:
            raise ArithmeticError("not positive definite")
        return lambda pool: Prediction(np.zeros(len(pool)), np.ones(len(pool)))


class Plugin:
    """Brings the surrogate."""

    @hookimpl
    def motet_surrogates(self) -> Iterable[Declaration]:
        """The one."""
        return [Declaration("failing", Failing)]


def test_a_model_that_fails_is_reported_and_recorded(lab: Any, caplog: pytest.LogCaptureFixture) -> None:
    lab.registry = load()
    lab.registry.manager.register(Plugin(), name="test:failing")
    lab.learner = LearnerConfig(surrogate=PluginRef(name="failing"), pending=PluginRef(name="exclude"))
    lab.budget = Budget(experiments=7)

    with caplog.at_level(logging.WARNING):
        summary = lab.run()

    problems = [row.suggestion.problem for row in lab.reader.experiments("test-1")]
    assert summary.experiments == 7
    assert [number for number, problem in enumerate(problems, 1) if problem] == [5]
    assert problems[4] == "surrogate failing, fitting 4 values raised ArithmeticError: not positive definite"
    assert f"the learner goes on without its model: {problems[4]}" in caplog.messages
