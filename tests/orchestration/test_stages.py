"""Experiments that pass through several stations: later stages know what earlier ones gave, and stages overlap."""

import asyncio
from collections.abc import Mapping
from typing import Any

from motet.errors import InstrumentError, NoReply
from motet.model.campaign import Budget, FailurePolicy
from motet.model.events import CampaignState, ExperimentStarted, StageEnded
from motet.model.experiment import RunRecord, State
from motet.model.procedure import Procedure
from motet.orchestration.work import Stage
from motet.store import Change

MAKE = Procedure.model_validate({"steps": [{"gauge.measure": {"x": "$x"}, "as": "m"}]})
LOOK = Procedure.model_validate({"steps": [{"gauge.measure": {"x": "$make.m.y"}, "as": "n"}]})


class ReadsBoth:
    """The analysis: what the second stage measured; it sees both."""

    def outputs(self) -> tuple[str, ...]:
        return ("y",)

    def needs(self) -> tuple[str, ...]:
        return ("m.y", "n.y")

    def values(self, run: RunRecord) -> Mapping[str, float]:
        assert len(run.output("m", "y")) == 1
        return {"y": run.output("n", "y")[-1]}


def staged(lab: Any, makers: tuple[str, ...] = ("maker",), lookers: tuple[str, ...] = ("looker",)) -> Any:
    lab.stages = (Stage("make", MAKE, makers), Stage("look", LOOK, lookers))
    lab.analysis = ReadsBoth()
    lab.fresh = True
    return lab


def test_a_later_stage_takes_what_an_earlier_one_gave_at_another_station(lab: Any) -> None:
    def measured(x: float) -> float:
        return 2 * x + 1

    staged(lab).measured = measured
    lab.budget = Budget(experiments=5)
    summary = lab.run()
    assert (summary.state, summary.experiments, summary.failed) == (CampaignState.FINISHED, 5, 0)
    for row in lab.reader.experiments("test-1"):
        assert row.values == {"y": 2 * (2 * row.parameters["x"] + 1) + 1}
        assert [(attempt.stage, attempt.station) for attempt in row.attempts] == [("make", "maker"), ("look", "looker")]
    changes = [t.change for t in lab.reader.transitions("test-1") if t.experiment == "test-1/1"]
    assert changes == [Change.PLANNED, Change.RUNNING, Change.STAGED, Change.RUNNING, Change.DONE]


def test_stages_of_different_experiments_overlap_and_no_more_are_in_process_than_stations(lab: Any) -> None:
    begun = asyncio.Event

    async def both(x: float) -> float:
        """Ends only when both stations are at work, but for the first experiment's first stage and the last's last."""
        at_work.append(x)
        if len(at_work) > 1:
            together.set()
        elif not first:
            first.append(x)
            at_work.remove(x)
            return x
        await together.wait()
        at_work.remove(x)
        return x

    together, at_work, first = begun(), list[float](), list[float]()
    staged(lab).measured = both
    lab.budget = Budget(experiments=4)
    summary = lab.run()
    assert summary.experiments == 4
    inside = most = 0
    for event in lab.events:
        if isinstance(event, ExperimentStarted) and event.stage == "make":
            inside += 1
            most = max(most, inside)
        elif type(event).__name__ == "ExperimentEnded":
            inside -= 1
    assert most == 2


def test_a_kind_of_station_has_several_members(lab: Any) -> None:
    together = asyncio.Event()
    at_work: list[float] = []

    async def measured(x: float) -> float:
        at_work.append(x)
        if len(at_work) == 2:
            together.set()
        await together.wait()
        return x

    staged(lab, makers=("maker1", "maker2")).measured = measured
    lab.budget = Budget(experiments=6)
    summary = lab.run()
    assert (summary.experiments, summary.failed) == (6, 0)
    stations = {attempt.station for row in lab.reader.experiments("test-1") for attempt in row.attempts}
    assert stations == {"maker1", "maker2", "looker"}


def test_a_stage_is_tried_again_by_itself_and_a_failed_one_ends_its_experiment(lab: Any) -> None:
    calls = iter(range(1000))

    def measured(x: float) -> float:
        number = next(calls)
        if number == 1:
            raise NoReply("the looker is silent")
        if number == 4:
            raise InstrumentError("E7")
        return x

    staged(lab).measured = measured
    lab.budget, lab.failures = Budget(experiments=3), FailurePolicy(retry=1)
    lab.stages = (Stage("make", MAKE, ("both",)), Stage("look", LOOK, ("both",)))
    summary = lab.run()
    assert (summary.experiments, summary.failed) == (3, 1)
    first, second, _ = lab.reader.experiments("test-1")
    assert [attempt.stage for attempt in first.attempts] == ["make", "look", "look"]
    assert second.state is State.FAILED
    assert [attempt.stage for attempt in second.attempts] == ["make", "look"]


def test_a_stop_lets_experiments_go_through_their_stages(lab: Any) -> None:
    def on_event(event: object) -> None:
        if isinstance(event, StageEnded) and lab.control is not None:
            lab.control.stop("enough")

    staged(lab).on_event = on_event
    summary = lab.run()
    assert summary.state is CampaignState.STOPPED
    assert summary.failed == 0
    assert summary.experiments >= 1
    assert all(row.state is State.DONE for row in lab.reader.experiments("test-1"))


def test_an_abort_ends_experiments_between_two_stages_with_the_reason(lab: Any) -> None:
    def on_event(event: object) -> None:
        if isinstance(event, StageEnded) and lab.control is not None:
            lab.control.abort("smoke")

    staged(lab).on_event = on_event
    summary = lab.run()
    assert summary.state is CampaignState.ABORTED
    (row,) = [row for row in lab.reader.experiments("test-1") if row.number == 1]
    assert row.state is State.FAILED
    assert "smoke" in row.reason
    assert not [row for row in lab.reader.experiments("test-1") if row.state in (State.PLANNED, State.RUNNING)]
