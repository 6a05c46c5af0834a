"""However a campaign ends, it does end: nothing keeps it waiting, and no experiment is left without an end."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from motet.errors import InstrumentError, LearnerError, NoReply, StationLost
from motet.learning import FreshSuggester
from motet.model.campaign import Budget, FailurePolicy
from motet.model.consumption import Supply
from motet.model.events import CampaignState, ExperimentEnded, ExperimentRetried, ExperimentStarted
from motet.model.experiment import Experiment, RunRecord, State, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.orchestration.floor import Alone
from motet.orchestration.work import Stage
from motet.station import LocalStation
from motet.store import Change, Reader

MEASURE = Procedure.model_validate({"steps": [{"gauge.measure": {"x": "$x"}, "as": "m"}]})


class Person:
    """Is asked, and does not answer; `asked` is set then."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.withdrawn: list[str] = []

    async def ask(self, question: object) -> Any:
        self.asked.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError as error:
            self.withdrawn.append(str(error.args[0]) if error.args else "")
            raise


class Wrapped:
    """A station whose jobs or other deeds a test changes."""

    def __init__(self, station: LocalStation) -> None:
        self.station = station
        self.jobs: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.station, name)

    async def run(self, job: Job, cleared: Any = None) -> RunRecord:
        self.jobs.append(job.id)
        return await self.station.run(job, cleared)


class Dispenses(Wrapped):
    """Has always begun what must not be repeated."""

    async def run(self, job: Job, cleared: Any = None) -> RunRecord:
        return replace(await super().run(job, cleared), unrepeatable=("gauge.measure",))


def _left_open(reader: Reader) -> list[int]:
    return [row.number for row in reader.experiments("test-1") if row.state in (State.PLANNED, State.RUNNING)]


@pytest.mark.parametrize("wish", ["stop", "abort"])
def test_a_question_whether_to_try_again_keeps_no_campaign_from_ending(lab: Any, wish: str) -> None:
    def measured(x: float) -> float:
        raise NoReply("no answer")

    async def ends(lab: Any) -> None:
        await lab.person.asked.wait()
        lab.control.command(wish, "smoke")

    lab.person, lab.station, lab.measured, lab.beside = Person(), Dispenses, measured, ends
    lab.failures = FailurePolicy(unrepeatable="ask")
    summary = lab.run()
    assert summary.state is (CampaignState.STOPPED if wish == "stop" else CampaignState.ABORTED)
    assert (summary.experiments, summary.failed) == (1, 1)
    assert lab.person.withdrawn == ["the campaign ends"]


def test_a_campaign_that_fails_waits_for_no_refill(lab: Any) -> None:
    async def measured(x: float) -> float:
        await lab.person.asked.wait()
        raise InstrumentError("E7")

    lab.person, lab.measured, lab.stations = Person(), measured, 2
    lab.supplies = {"dye": Supply("mL", each=1.0, stock=1.0)}
    lab.failures = FailurePolicy(experiment="stop")
    summary = lab.run()
    assert (summary.state, summary.experiments) == (CampaignState.FAILED, 1)
    assert lab.person.withdrawn


def test_a_campaign_that_has_what_it_wanted_waits_for_no_refill(lab: Any) -> None:
    async def measured(x: float) -> float:
        await lab.person.asked.wait()
        await lab.loop.tell(Suggestion({"x": 3.0}, "by hand"), {"y": 1.0})[1]
        return x

    lab.person, lab.measured, lab.stations, lab.budget = Person(), measured, 2, Budget(experiments=2)
    lab.supplies = {"dye": Supply("mL", each=1.0, stock=1.0)}
    summary = lab.run()
    assert (summary.state, summary.experiments, summary.failed) == (CampaignState.FINISHED, 2, 0)


def test_a_stop_gives_up_what_waits_for_a_refill_between_two_stages(lab: Any) -> None:
    async def stops(lab: Any) -> None:
        await lab.person.asked.wait()
        lab.control.stop("enough")

    lab.stages = (Stage("make", MEASURE, ("maker",)), Stage("look", MEASURE, ("looker",)))
    lab.person, lab.fresh, lab.beside, lab.budget = Person(), True, stops, Budget(experiments=1)
    lab.supplies = {"dye": Supply("mL", each=1.0, stock=1.0)}
    assert lab.run().failed == 1
    (row,) = lab.reader.experiments("test-1")
    assert row.reason == "given up before its stage look: enough"


def test_an_experiment_whose_dose_another_campaign_takes_keeps_no_station(lab: Any) -> None:
    free: list[int] = []

    class Counts(Alone):
        held = 0

        async def acquire(self, station: Any) -> Any:
            self.held += 1
            return self

        def release(self) -> None:
            self.held -= 1

    async def beside(lab: Any) -> None:
        planned = lab.recorder.planned

        def takes(experiment: Experiment) -> Any:
            if experiment.number == 2:
                lab.room.spend(lab.recorder, "test-1/1", 1, "dye", Supply("mL", each=1.0))
            return planned(experiment)

        lab.recorder.planned = takes
        await lab.person.asked.wait()
        free.append(lab.floor.held)
        await lab.room.fill("dye", 1.0, "Ada")

    lab.person, lab.floor, lab.beside, lab.budget = Person(), Counts(), beside, Budget(experiments=2)
    lab.supplies = {"dye": Supply("mL", each=1.0, stock=2.0)}
    summary = lab.run()
    assert (summary.state, summary.experiments, summary.failed) == (CampaignState.FINISHED, 2, 0)
    assert (free, lab.floor.held) == ([0], 0)


def test_a_campaign_that_fails_while_it_is_paused_ends(lab: Any) -> None:
    def measured(x: float) -> float:
        lab.control.pause("lunch")
        raise InstrumentError("E7")

    lab.measured, lab.stations, lab.failures = measured, 2, FailurePolicy(experiment="stop")
    assert lab.run().state is CampaignState.FAILED


@pytest.mark.parametrize("wish", ["stop", "fail"])
def test_nobody_waits_for_another_try_when_the_campaign_ends(lab: Any, wish: str) -> None:
    tried = asyncio.Event()

    async def measured(x: float) -> float:
        if tried.is_set():
            raise InstrumentError("E7")
        tried.set()
        raise NoReply("no answer")

    async def ends(lab: Any) -> None:
        await tried.wait()
        if wish == "stop":
            lab.control.stop("enough")

    lab.measured, lab.beside, lab.retry_wait_s = measured, ends, 3600
    lab.stations = 1 if wish == "stop" else 2
    lab.failures = FailurePolicy(experiment="stop")
    summary = lab.run()
    assert summary.state is (CampaignState.STOPPED if wish == "stop" else CampaignState.FAILED)
    assert not [event for event in lab.events if isinstance(event, ExperimentRetried)]
    assert not _left_open(lab.reader)


class CannotBeSafe(Wrapped):
    """Cannot be left in its safe state."""

    async def safe(self) -> None:
        raise InstrumentError("the valve is stuck")


def test_a_station_that_cannot_be_made_safe_is_told_and_the_campaign_has_an_end(lab: Any) -> None:
    lab.station, lab.budget = CannotBeSafe, Budget(experiments=1)
    assert lab.run().state is CampaignState.FAILED
    assert "the valve is stuck" in lab.reader.campaign("test-1").summary.reason


def test_a_learner_that_cannot_start_again_leaves_no_experiment_without_an_end(
    lab: Any, make_lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "image.db"

    def measured(x: float) -> float:
        if not image.exists():
            lab.copy(image)
        return x

    async def broken(self: FreshSuggester) -> None:
        raise LearnerError("a library is missing")

    lab.measured, lab.fresh, lab.budget = measured, True, Budget(experiments=2)
    lab.run()
    monkeypatch.setattr(FreshSuggester, "start", broken)
    again = make_lab(image, fresh=True, goes_on=True, budget=lab.budget)
    assert again.run().state is CampaignState.FAILED
    assert _left_open(Reader(image)) == []
    (row,) = Reader(image).experiments("test-1")
    assert "given up" in row.reason
    assert "a library is missing" in row.reason


def test_a_campaign_that_is_left_keeps_what_waits_and_goes_on_with_it(lab: Any, make_lab: Any) -> None:
    def on_event(event: object) -> None:
        if type(event).__name__ == "StageEnded" and lab.control is not None:
            lab.control.leave("termination signal")

    stages = (Stage("make", MEASURE, ("maker",)), Stage("look", MEASURE, ("looker",)))
    lab.stages, lab.fresh, lab.on_event, lab.analysis = stages, True, on_event, Last()
    summary = lab.run()
    assert summary.state is CampaignState.INTERRUPTED
    assert 1 in _left_open(lab.reader)
    again = make_lab(lab.path, stages=stages, fresh=True, goes_on=True, budget=Budget(experiments=2), analysis=Last())
    again.run()
    changes = [t.change for t in again.reader.transitions("test-1") if t.experiment == "test-1/1"]
    assert changes == [Change.PLANNED, Change.RUNNING, Change.STAGED, Change.RUNNING, Change.DONE]
    assert not _left_open(again.reader)


class Last:
    """The analysis: what was measured last."""

    def outputs(self) -> tuple[str, ...]:
        return ("y",)

    def needs(self) -> tuple[str, ...]:
        return ("m.y",)

    def values(self, run: RunRecord) -> dict[str, float]:
        return {"y": run.output("m", "y")[-1]}


def test_no_more_begin_than_there_is_room_for_while_the_learner_chooses(lab: Any) -> None:
    stages = (Stage("make", MEASURE, ("maker1", "maker2")), Stage("look", MEASURE, ("looker",)))
    lab.stages, lab.fresh, lab.analysis, lab.budget = stages, True, Last(), Budget(experiments=12)
    inside: set[int] = set()
    most: list[int] = []

    def on_event(event: object) -> None:
        if isinstance(event, ExperimentStarted):
            inside.add(event.experiment.number)
        elif isinstance(event, ExperimentEnded):
            inside.discard(event.outcome.experiment.number)
        most.append(len(inside))

    async def measured(x: float) -> float:
        await asyncio.sleep(0.01 if len(most) % 2 else 0.0)
        return x

    lab.on_event, lab.measured = on_event, measured
    assert lab.run().experiments == 12
    assert max(most) == 3


class Losing(Wrapped):
    """Loses its first experiment; the other one goes away for good then."""

    lost: ClassVar[set[str]]

    @property
    def unavailable(self) -> str:
        return "it does not answer" if self.lost and self.station.name not in self.lost else ""

    async def available(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def run(self, job: Job, cleared: Any = None) -> RunRecord:
        record = await super().run(job, cleared)
        if not self.lost:
            self.lost.add(self.station.name)
            return replace(record, error=StationLost("it did not answer"))
        return record


def test_what_a_station_has_lost_comes_back_to_it_where_no_other_one_answers(lab: Any) -> None:
    gone = type("Gone", (Losing,), {"lost": set()})
    lab.station, lab.stations, lab.budget = gone, 2, Budget(experiments=1)
    summary = lab.run()
    assert (summary.state, summary.failed) == (CampaignState.FINISHED, 0)
    (row,) = lab.reader.experiments("test-1")
    assert len({attempt.station for attempt in row.attempts}) == 1
    assert len(row.attempts) == 2


class Gone(Losing):
    """Loses its first experiment, and goes away for good then."""

    @property
    def unavailable(self) -> str:
        return "it does not answer" if self.lost else ""


def test_a_stop_does_not_wait_for_a_station_to_come_back(lab: Any) -> None:
    def on_event(event: object) -> None:
        if isinstance(event, ExperimentRetried):
            asyncio.get_running_loop().call_later(0.05, lab.control.stop, "enough")

    lab.station, lab.on_event = type("OneGone", (Gone,), {"lost": set()}), on_event
    summary = lab.run()
    assert (summary.state, summary.reason, summary.failed) == (CampaignState.STOPPED, "enough", 1)
    (row,) = lab.reader.experiments("test-1")
    assert (row.reason, row.lost, len(row.attempts)) == ("given up: enough", True, 1)
