"""What a campaign takes over from an earlier process: its pause, its failures, what stations know, and what is lost."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from motet.errors import InstrumentError
from motet.model.campaign import Budget, FailurePolicy
from motet.model.events import CampaignChanged, CampaignState, ExperimentEnded
from motet.model.experiment import RunRecord, State, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.orchestration.resume import read
from motet.orchestration.work import Stage
from motet.station import LocalStation
from motet.store import Change, Reader
from motet.store.check import check_store

MEASURE = Procedure.model_validate({"parameters": {"x": "mm"}, "steps": [{"gauge.measure": {"x": "$x"}, "as": "m"}]})
STAGE = Stage("", MEASURE, ("cell0",))


def _changes(reader: Reader, number: int) -> list[Change]:
    return [t.change for t in reader.transitions("test-1") if t.experiment == f"test-1/{number}"]


def test_what_was_at_a_station_that_is_gone_is_given_up_and_not_begun_elsewhere(
    lab: Any, make_lab: Any, tmp_path: Path
) -> None:
    image = tmp_path / "image.db"
    stage = Stage("", MEASURE, ("old",))
    lab.stages, lab.fresh, lab.budget = (stage,), True, Budget(experiments=4)
    lab.crash(2, image)
    stages = (Stage("", stage.procedure, ("new",)),)
    again = make_lab(image, stages=stages, fresh=True, goes_on=True, budget=lab.budget)
    summary = again.run()
    assert (summary.experiments, summary.failed) == (4, 1)
    _, lost, *_ = again.reader.experiments("test-1")
    assert _changes(again.reader, 2) == [Change.PLANNED, Change.RUNNING, Change.FAILED]
    assert lost.lost
    assert lost.reason == "Interrupted: old had it, a station that the campaign has no longer"
    assert check_store(image) == []


def test_failures_in_a_row_are_counted_through_a_restart(lab: Any, make_lab: Any, tmp_path: Path) -> None:
    def measured(x: float) -> float:
        raise InstrumentError("E7")

    image = tmp_path / "image.db"
    lab.measured, lab.fresh, lab.failures = measured, True, FailurePolicy(in_a_row=3)
    lab.crash(3, image)
    again = make_lab(image, measured=measured, fresh=True, goes_on=True, failures=lab.failures)
    summary = again.run()
    assert (summary.state, summary.experiments) == (CampaignState.FAILED, 3)
    assert "3 experiments in a row failed" in summary.reason


def test_what_the_end_of_a_process_cut_short_counts_as_no_failure_in_a_row(
    lab: Any, make_lab: Any, tmp_path: Path
) -> None:
    policy, image = FailurePolicy(interrupted="fail", in_a_row=1), tmp_path / "image.db"
    lab.fresh, lab.budget = True, Budget(experiments=3)
    lab.crash(2, image)
    again = make_lab(image, fresh=True, goes_on=True, budget=lab.budget, failures=policy)
    summary = again.run()
    assert (summary.state, summary.experiments, summary.failed) == (CampaignState.FINISHED, 3, 1)


def test_a_result_told_of_a_point_that_was_pending_is_replayed_as_it_was_heard(lab: Any, tmp_path: Path) -> None:
    async def measured(x: float) -> float:
        if lab.loop is not None and len(lab.gauges[0].calls) == 3:
            await lab.loop.tell(Suggestion({"x": x}, "by hand"), {"y": 1.0})[1]
            lab.copy(image)
        return x

    image = tmp_path / "image.db"
    lab.measured, lab.fresh, lab.budget = measured, True, Budget(experiments=5)
    lab.run()
    before = read(Reader(image), "test-1", (STAGE,), ("cell0",))
    assert [work.experiment.number for work in before.unfinished] == [3]
    assert before.learner.pending == (), "the result answered it"


def test_a_campaign_that_was_paused_is_paused_when_it_goes_on_however_often(
    lab: Any, make_lab: Any, tmp_path: Path
) -> None:
    images = [tmp_path / "first.db", tmp_path / "second.db"]

    async def wait(lab: Any, image: Path) -> None:
        """Keep what is on the disk while it is paused."""
        await paused.wait()
        await lab.loop.recorder.happened("test", "", "all before this is on the disk")
        lab.copy(image)
        begun.append(len([call for call in lab.gauges[0].calls if call.startswith("measure")]))
        lab.control.resume()

    def on_event(event: object) -> None:
        if isinstance(event, ExperimentEnded) and event.outcome.experiment.number == 2:
            lab.control.pause("lunch")
        if isinstance(event, CampaignChanged) and event.state is CampaignState.PAUSED:
            paused.set()

    paused, begun = asyncio.Event(), list[int]()
    lab.fresh, lab.budget, lab.on_event = True, Budget(experiments=4), on_event
    lab.beside = partial(wait, image=images[0])
    lab.run()
    paused = asyncio.Event()
    again = make_lab(images[0], fresh=True, goes_on=True, budget=lab.budget, on_event=on_event)
    again.beside = partial(wait, image=images[1])
    assert again.run().experiments == 4
    assert begun == [2, 0]
    assert read(Reader(images[1]), "test-1", (STAGE,), ("cell0",)).paused == "lunch"


class Remote:
    """A station that knows nothing of the job of an earlier process; somebody aborts while it looks."""

    def __init__(self, station: LocalStation, lab: Any, wish: str) -> None:
        self.station, self.lab, self.wish = station, lab, wish
        self.jobs: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.station, name)

    async def recall(self, job: Job) -> RunRecord | None:
        self.lab.control.command(self.wish, "smoke")
        return None

    async def run(self, job: Job, cleared: Any = None) -> RunRecord:
        self.jobs.append(job.id)
        return await self.station.run(job, cleared)


@pytest.mark.parametrize("wish", ["stop", "abort"])
def test_a_job_that_never_began_is_not_sent_when_the_campaign_ends_meanwhile(
    lab: Any, make_lab: Any, tmp_path: Path, wish: str
) -> None:
    image = tmp_path / "image.db"
    lab.fresh, lab.budget = True, Budget(experiments=3)
    lab.crash(2, image)
    again = make_lab(image, fresh=True, goes_on=True, budget=lab.budget)
    seen: list[Remote] = []

    def station(local: LocalStation) -> Remote:
        seen.append(Remote(local, again, wish))
        return seen[-1]

    again.station = station
    again.run()
    assert seen[0].jobs == []
    assert _changes(again.reader, 2)[-1] is Change.FAILED
    assert not [row for row in again.reader.experiments("test-1") if row.state is State.RUNNING]


def test_a_job_that_never_began_is_sent_as_it_is(lab: Any, make_lab: Any, tmp_path: Path) -> None:
    image = tmp_path / "image.db"
    lab.fresh, lab.budget = True, Budget(experiments=3)
    lab.crash(2, image)
    again = make_lab(image, fresh=True, goes_on=True, budget=lab.budget)
    again.station = partial(Remote, lab=again, wish="resume")
    assert again.run().experiments == 3
    assert _changes(again.reader, 2) == [Change.PLANNED, Change.RUNNING, Change.DONE]
