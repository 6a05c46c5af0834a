"""A campaign goes on where a process left it that ended in the middle: from the store, as a crash leaves it."""

from pathlib import Path
from typing import Any

import pytest

from motet.model.campaign import Budget, FailurePolicy
from motet.model.events import CampaignResumed, CampaignState
from motet.model.experiment import State
from motet.store import Change, Reader


@pytest.mark.parametrize("at", [1, 4, 9])
def test_it_measures_what_an_undisturbed_campaign_measures(lab: Any, make_lab: Any, tmp_path: Path, at: int) -> None:
    lab.fresh, lab.budget = True, Budget(experiments=12)
    image = tmp_path / "image" / "motet.db"
    image.parent.mkdir()
    lab.crash(at, image)
    again = make_lab(image, fresh=True, goes_on=True, budget=lab.budget)
    summary = again.run()
    assert (summary.state, summary.experiments, summary.failed) == (CampaignState.FINISHED, 12, 0)
    points = [[row.parameters for row in Reader(path).experiments("test-1")] for path in (lab.path, image)]
    assert points[0] == points[1]
    reasons = [[row.suggestion.why for row in Reader(path).experiments("test-1")] for path in (lab.path, image)]
    assert reasons[0] == reasons[1]
    (resumed,) = [event for event in again.events if isinstance(event, CampaignResumed)]
    assert (len(resumed.outcomes), resumed.unfinished) == (at - 1, 1)


def test_what_ran_is_tried_again_and_nothing_is_recorded_twice(lab: Any, make_lab: Any, tmp_path: Path) -> None:
    lab.fresh, lab.budget, image = True, Budget(experiments=6), tmp_path / "image.db"
    lab.crash(3, image)
    again = make_lab(image, fresh=True, goes_on=True, budget=lab.budget)
    again.run()
    changes = [t.change for t in again.reader.transitions("test-1") if t.experiment == "test-1/3"]
    assert changes == [Change.PLANNED, Change.RUNNING, Change.RETRIED, Change.RUNNING, Change.DONE]
    (row,) = [row for row in again.reader.experiments("test-1") if row.number == 3]
    assert "ended in the middle" in row.attempts[0].reason
    assert [row.number for row in again.reader.experiments("test-1")] == [1, 2, 3, 4, 5, 6]
    assert len([call for call in again.gauges[0].calls if call.startswith("measure")]) == 4


def test_what_ran_is_failed_where_the_file_says_so(lab: Any, make_lab: Any, tmp_path: Path) -> None:
    lab.fresh, lab.budget, image = True, Budget(experiments=5), tmp_path / "image.db"
    lab.crash(2, image)
    again = make_lab(image, fresh=True, goes_on=True, budget=lab.budget, failures=FailurePolicy(interrupted="fail"))
    summary = again.run()
    assert (summary.experiments, summary.failed) == (5, 1)
    (failed,) = [row for row in again.reader.experiments("test-1") if row.state is State.FAILED]
    assert failed.number == 2
    assert failed.lost


def test_its_time_and_its_budget_go_on(lab: Any, make_lab: Any, tmp_path: Path) -> None:
    lab.fresh, lab.budget, image = True, Budget(experiments=5), tmp_path / "image.db"
    lab.crash(4, image)
    before = Reader(image).last_elapsed("test-1")
    again = make_lab(image, fresh=True, goes_on=True, budget=lab.budget)
    summary = again.run()
    assert summary.experiments == 5
    assert summary.wall_s > 0
    ended = [row.ended_s for row in again.reader.experiments("test-1")]
    assert all(one is not None for one in ended)
    assert ended[-1] > before
