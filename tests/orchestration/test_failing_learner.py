"""A learner that fails or hangs: the campaign ends, is paused, or falls back, as its file says."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from motet.contracts.belief import Array, View
from motet.contracts.declarations import Declaration
from motet.hookspecs import hookimpl
from motet.model.campaign import Budget, LearnerConfig
from motet.model.events import CampaignChanged, CampaignState
from motet.model.values import PluginRef
from motet.plugins import Registry, load


class Failing:
    """An acquisition, and the plugin that brings it: what the test says happens at every score."""

    def __init__(self) -> None:
        self.happens: Callable[[], object] = lambda: None

    @hookimpl
    def motet_acquisitions(self) -> Iterable[Declaration]:
        """The one."""
        return [Declaration("failing", self.made)]

    def made(self, options: object) -> "Failing":
        """Itself."""
        return self

    def score(self, view: View) -> Array:
        """The first row is best."""
        self.happens()
        return -view.prediction.mean


@pytest.fixture
def failing(lab: Any) -> Failing:
    plugin, registry = Failing(), load()
    assert isinstance(registry, Registry)
    registry.manager.register(plugin, name="test:failing")
    lab.registry, lab.fresh, lab.budget = registry, True, Budget(experiments=5)
    return plugin


def learner(on_error: str) -> LearnerConfig:
    surrogate = PluginRef(name="random_forest", options={"trees": 5})
    given = {"surrogate": surrogate, "acquisition": "failing", "pending": "exclude", "on_error": on_error}
    return LearnerConfig.model_validate(given)


def divides() -> None:
    raise ZeroDivisionError("a defect of the plugin")


def paused(lab: Any) -> list[str]:
    changes = [event for event in lab.events if isinstance(event, CampaignChanged)]
    return [change.reason for change in changes if change.state is CampaignState.PAUSED]


def test_it_ends_the_campaign_with_its_reason_unless_the_file_says_otherwise(lab: Any, failing: Failing) -> None:
    lab.learner, failing.happens = learner("stop"), divides
    summary = lab.run()
    assert summary.state is CampaignState.FAILED
    assert "a defect of the plugin" in summary.reason
    assert not paused(lab)


def test_it_pauses_the_campaign_and_is_asked_again_when_a_person_resumes_it(lab: Any, failing: Failing) -> None:
    def on_event(event: object) -> None:
        if isinstance(event, CampaignChanged) and event.state is CampaignState.PAUSED:
            failing.happens = lambda: None
            lab.control.resume("mended")

    lab.learner, failing.happens, lab.on_event = learner("pause"), divides, on_event
    summary = lab.run()
    assert (summary.state, summary.experiments, summary.failed) == (CampaignState.FINISHED, 5, 0)
    (reason,) = paused(lab)
    assert "a defect of the plugin" in reason
    assert "motet resume" in reason


def test_the_start_design_stands_in_where_the_file_says_so_and_every_suggestion_tells(
    lab: Any, failing: Failing
) -> None:
    lab.learner, failing.happens = learner("fall_back"), divides
    summary = lab.run()
    assert (summary.state, summary.experiments, summary.failed) == (CampaignState.FINISHED, 5, 0)
    problems = [row.suggestion.problem for row in lab.reader.experiments("test-1")]
    assert not problems[0]
    assert all("a defect of the plugin" in problem for problem in problems[1:])


def test_one_that_hangs_is_waited_for_no_longer_than_the_file_says(lab: Any, failing: Failing) -> None:
    free = threading.Event()

    def on_event(event: object) -> None:
        if isinstance(event, CampaignChanged) and event.state is CampaignState.PAUSED:
            lab.control.abort("enough seen")

    lab.learner, lab.longest_s, lab.on_event = learner("pause"), 0.5, on_event
    failing.happens = lambda: free.wait(20)
    try:
        summary = lab.run()
    finally:
        free.set()
    assert summary.state is CampaignState.ABORTED
    (reason,) = paused(lab)
    assert "has not come back for 0.5 s" in reason


class Hanging:
    """Hangs at the scores of these numbers, until the test ends."""

    def __init__(self, *at: int) -> None:
        self.at = at
        self.scores = 0
        self.free = threading.Event()

    def __call__(self) -> None:
        self.scores += 1
        if self.scores in self.at:
            self.free.wait(20)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_learner_that_hangs_is_left_behind_where_the_file_says_so_and_a_new_one_goes_on(
    lab: Any, failing: Failing, fresh: bool
) -> None:
    failing.happens = hanging = Hanging(2)
    lab.learner, lab.longest_s, lab.fresh = learner("fall_back"), 0.5, fresh
    try:
        summary = lab.run()
    finally:
        hanging.free.set()
    assert (summary.state, summary.experiments, summary.failed) == (CampaignState.FINISHED, 5, 0)
    rows = lab.reader.experiments("test-1")
    problems = [row.suggestion.problem for row in rows]
    assert [bool(problem) for problem in problems].count(True) == 1
    assert "has not come back for 0.5 s" in "".join(problems)
    assert rows[-1].suggestion.mean is not None, "the new learner has a model, of what the old one was told"
    assert len({row.suggestion.parameters["x"] for row in rows}) == 5


def test_after_three_that_hang_the_model_is_asked_no_more(lab: Any, failing: Failing) -> None:
    failing.happens = hanging = Hanging(*range(2, 20))
    lab.learner, lab.longest_s, lab.budget = learner("fall_back"), 0.3, Budget(experiments=8)
    try:
        summary = lab.run()
    finally:
        hanging.free.set()
    assert (summary.state, summary.experiments) == (CampaignState.FINISHED, 8)
    assert hanging.scores == 4
    problems = [row.suggestion.problem for row in lab.reader.experiments("test-1")]
    assert sum("3 times: its model is asked no more" in problem for problem in problems) >= 3
