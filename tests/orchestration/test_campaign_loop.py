"""The campaign loop over real RunEngines, learner and store."""

import asyncio
import concurrent.futures
import math
from typing import Any

import pytest

from motet.errors import InstrumentError, NoReply, StoreError
from motet.model.campaign import Budget, FailurePolicy
from motet.model.events import CampaignChanged, CampaignState, Event, ExperimentStarted, StationChanged, StationState
from motet.model.experiment import State
from motet.model.values import PluginRef
from motet.store import Change, Store


def test_a_campaign_measures_every_point_once_and_finds_the_best(lab: Any) -> None:
    summary = lab.run()
    assert summary.state is CampaignState.FINISHED
    assert summary.reason == "no point is left to measure"
    assert (summary.experiments, summary.failed) == (21, 0)
    assert summary.best.parameters == {"x": 7}
    assert summary.best.values == {"y": 0.0}
    rows = lab.reader.experiments("test-1")
    assert sorted(row.parameters["x"] for row in rows) == list(range(21))
    assert all(row.state is State.DONE and row.values == {"y": -((row.parameters["x"] - 7) ** 2)} for row in rows)
    assert lab.gauges[0].calls[-1] == "safe"


def test_every_experiment_goes_through_its_states_in_order_with_documents(lab: Any) -> None:
    lab.budget = Budget(experiments=3)
    lab.run()
    changes = [t.change for t in lab.reader.transitions("test-1") if t.experiment == "test-1/2"]
    assert changes == [Change.PLANNED, Change.RUNNING, Change.DONE]
    kinds = [kind for kind, _ in lab.reader.documents("test-1/2")]
    assert kinds == ["start", "descriptor", "event", "stop"]


def test_the_budget_counts_failed_experiments_and_is_kept_with_several_stations(lab: Any) -> None:
    lab.stations = 4
    lab.budget = Budget(experiments=10)
    lab.failures = FailurePolicy(in_a_row=100)

    def measured(x: float) -> float:
        if x % 2:
            raise InstrumentError("E1")
        return x

    lab.measured = measured
    summary = lab.run()
    assert summary.experiments == 10
    assert 0 < summary.failed < 10
    assert summary.failed == sum(row.state is State.FAILED for row in lab.reader.experiments("test-1"))


def test_a_stop_rule_ends_the_campaign_with_its_reason(lab: Any) -> None:
    lab.stop = (PluginRef(name="points", options={"at": [{"x": 7}]}),)
    summary = lab.run()
    assert summary.state is CampaignState.FINISHED
    assert "measured" in summary.reason
    assert any(row.parameters == {"x": 7} for row in lab.reader.experiments("test-1"))


def test_a_silent_instrument_is_tried_again_and_the_attempts_are_stored(lab: Any) -> None:
    silent = iter([True, False])

    def measured(x: float) -> float:
        if next(silent, False):
            raise NoReply("gauge did not answer")
        return x

    lab.measured, lab.budget = measured, Budget(experiments=2)
    summary = lab.run()
    assert (summary.experiments, summary.failed) == (2, 0)
    first = lab.reader.experiments("test-1")[0]
    assert [attempt.number for attempt in first.attempts] == [1, 2]
    assert "NoReply: gauge did not answer" in first.attempts[0].reason
    assert len({d["uid"] for kind, d in lab.reader.documents("test-1/1") if kind == "start"}) == 2


def test_retries_are_bounded_and_the_failed_experiment_keeps_its_reason(lab: Any) -> None:
    def measured(x: float) -> float:
        raise NoReply("gauge did not answer")

    lab.measured, lab.failures = measured, FailurePolicy(retry=2, in_a_row=3)
    summary = lab.run()
    assert summary.state is CampaignState.FAILED
    assert "3 experiments in a row failed" in summary.reason
    assert summary.failed == 3
    assert len([call for call in lab.gauges[0].calls if call.startswith("measure")]) == 9
    assert {row.reason for row in lab.reader.experiments("test-1")} == {"NoReply: gauge did not answer"}


def test_a_measurement_of_nan_is_a_recorded_failure_and_its_point_is_not_asked_again(lab: Any) -> None:

    def measured(x: float) -> float:
        return math.nan if x == 3 else x

    lab.measured = measured
    summary = lab.run()
    assert (summary.experiments, summary.failed) == (21, 1)
    (failed,) = [row for row in lab.reader.experiments("test-1") if row.state is State.FAILED]
    assert failed.parameters == {"x": 3}
    assert "y = nan" in failed.reason


def test_an_unknown_error_stops_the_campaign_and_leaves_stations_safe(lab: Any) -> None:
    def measured(x: float) -> float:
        raise ZeroDivisionError("a defect")

    lab.measured = measured
    summary = lab.run()
    assert summary.state is CampaignState.FAILED
    assert summary.reason == "ZeroDivisionError: a defect"
    assert lab.gauges[0].calls[-1] == "safe"


def test_two_stations_work_at_once_and_no_point_is_measured_twice(lab: Any) -> None:
    both = asyncio.Event()
    begun: list[float] = []

    async def measured(x: float) -> float:
        begun.append(x)
        if len(begun) == 2:
            both.set()
        await both.wait()
        return x

    lab.measured, lab.stations = measured, 2
    lab.run()
    points = [row.parameters["x"] for row in lab.reader.experiments("test-1")]
    assert sorted(points) == list(range(21))


def test_one_failing_station_does_not_hold_the_other(lab: Any) -> None:
    lab.stations = 2
    lab.failures = FailurePolicy(retry=0, in_a_row=50)
    lab.budget = Budget(experiments=12)

    async def measured(x: float) -> float:
        await asyncio.sleep(0.005)
        if x % 2:
            raise InstrumentError("E5 jammed")
        return x

    lab.measured = measured
    summary = lab.run()
    assert summary.experiments == 12
    by_station = {row.station for row in lab.reader.experiments("test-1")}
    assert by_station == {"cell0", "cell1"}


def _when_started(lab: Any, number: int, command: str) -> None:
    """Give a command on the loop when experiment `number` starts."""

    def on_event(event: Event) -> None:
        if isinstance(event, ExperimentStarted) and event.experiment.number == number and event.attempt == 1:
            asyncio.get_running_loop().call_soon(lab.control.command, command, f"the test wants to {command}")

    lab.on_event = on_event


def test_stop_lets_the_current_experiment_end(lab: Any) -> None:
    _when_started(lab, 3, "stop")
    summary = lab.run()
    assert summary.state is CampaignState.STOPPED
    assert summary.reason == "the test wants to stop"
    assert (summary.experiments, summary.failed) == (3, 0)


def test_abort_ends_the_current_experiments_and_keeps_what_was_measured(lab: Any) -> None:
    async def measured(x: float) -> float:
        if len(lab.reader.experiments("test-1")) >= 3:
            lab.control.abort("the test has seen enough")
            await asyncio.Event().wait()
        return x

    lab.measured = measured
    summary = lab.run()
    assert summary.state is CampaignState.ABORTED
    assert (summary.experiments, summary.failed) == (3, 1)
    assert lab.reader.experiments("test-1")[-1].reason == "Aborted: the test has seen enough"
    assert "stop" in lab.gauges[0].calls
    assert lab.gauges[0].calls[-1] == "safe"
    assert lab.reader.campaign("test-1").summary.state is CampaignState.ABORTED


def test_pause_begins_no_experiment_until_resume(lab: Any) -> None:
    lab.budget = Budget(experiments=4)
    seen: list[str] = []

    def on_event(event: Event) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(event, ExperimentStarted):
            seen.append(f"start {event.experiment.number}")
            if event.experiment.number == 2:
                lab.control.pause("coffee")
        if isinstance(event, StationChanged) and event.state is StationState.PAUSED:
            seen.append("paused")
            loop.call_later(0.1, lambda: (seen.append("resume"), lab.control.resume("back")))

    lab.on_event = on_event
    summary = lab.run()
    assert summary.experiments == 4
    assert seen.index("resume") < seen.index("start 3")
    states = [change.state for change in lab.reader.campaign_changes("test-1")]
    assert states[1:] == [
        CampaignState.RUNNING,
        CampaignState.PAUSED,
        CampaignState.RUNNING,
        CampaignState.FINISHED,
    ]


def test_what_is_measured_decides_what_is_suggested_next(lab: Any, tmp_path: Any) -> None:
    def order(changed: float) -> list[Any]:
        lab.path = tmp_path / f"{changed}.db"
        first: list[float] = []

        def measured(x: float) -> float:
            if not first:
                first.append(x)
            return changed if x == first[0] else -((x - 7) ** 2)

        lab.measured = measured
        lab.run()
        return [row.parameters["x"] for row in lab.reader.experiments("test-1")]

    plain, lifted = order(-300.0), order(300.0)
    assert plain[:2] == lifted[:2]
    assert plain != lifted
    assert sorted(plain) == sorted(lifted)


def test_a_store_that_cannot_be_written_fails_the_campaign(lab: Any) -> None:
    def measured(x: float) -> float:
        raise StoreError("no space left on device")

    lab.measured = measured
    assert lab.run().state is CampaignState.FAILED


def test_an_abort_reaches_the_stations_also_when_the_store_cannot_be_written(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("no space left on device")

    async def measured(x: float) -> float:
        for write in ("campaign_changed", "station_changed"):
            monkeypatch.setattr(Store, write, full)
        lab.control.abort("the disk is full")
        await asyncio.Event().wait()
        return x

    lab.measured = measured
    with pytest.raises(StoreError, match="no space left"):
        lab.run()
    assert lab.gauges[0].calls[-2:] == ["stop", "safe"]


def test_who_watches_cannot_end_the_campaign(lab: Any) -> None:
    def on_event(event: Event) -> None:
        raise BrokenPipeError("nobody reads the terminal")

    lab.on_event, lab.budget = on_event, Budget(experiments=2)
    assert lab.run().experiments == 2


def test_a_stop_rule_that_raises_fails_the_campaign_and_lets_the_others_end(lab: Any) -> None:
    class Broken:
        def most(self) -> int | None:
            return None

        def reason(self, history: object) -> str | None:
            raise ZeroDivisionError("a rule's defect")

    lab.rules, lab.stations = (Broken(),), 2
    summary = lab.run()
    assert summary.state is CampaignState.FAILED
    assert summary.reason == "ZeroDivisionError: a rule's defect"
    assert {row.state for row in lab.reader.experiments("test-1")} == {State.DONE}


def test_a_cancelled_campaign_leaves_nothing_running_and_is_stored_as_failed(lab: Any) -> None:
    measuring: list[float] = []

    async def measured(x: float) -> float:
        measuring.append(x)
        lab.running.cancel()
        await asyncio.Event().wait()
        return x

    lab.measured = measured
    with pytest.raises(concurrent.futures.CancelledError):
        lab.run()
    assert len(measuring) == 1
    assert lab.gauges[0].calls[-2:] == ["stop", "safe"]
    assert lab.reader.campaign("test-1").summary.state is CampaignState.FAILED


def test_a_command_that_comes_too_late_does_not_change_how_the_campaign_ended(lab: Any) -> None:
    def on_event(event: Event) -> None:
        if isinstance(event, CampaignChanged) and event.state is CampaignState.FINISHED:
            asyncio.get_running_loop().call_soon(lab.control.stop, "too late")

    lab.on_event, lab.budget = on_event, Budget(experiments=1)
    assert lab.run().state is CampaignState.FINISHED
    assert lab.reader.campaign("test-1").summary.state is CampaignState.FINISHED
