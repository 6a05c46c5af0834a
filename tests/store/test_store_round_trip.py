"""What is written comes back."""

import math
from pathlib import Path

import numpy as np
import pytest

from motet.errors import NotFound
from motet.model.events import CampaignState, StationState
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.store import CampaignRecord, Reader, Stamp, Store


def experiment(campaign: str, number: int, x: float = 2.5) -> Experiment:
    return Experiment(campaign, number, Suggestion({"x": x}, "highest score", 0.5, 0.25, 0.125))


def at(elapsed: float) -> Stamp:
    return Stamp(1_700_000_000.0 + elapsed, elapsed)


async def test_campaigns_of_one_name_are_counted(store: Store, path: Path, record: CampaignRecord) -> None:
    assert [await store.new_campaign(record) for _ in range(3)] == ["scan-1", "scan-2", "scan-3"]
    assert [summary.id for summary in Reader(path).campaigns()] == ["scan-1", "scan-2", "scan-3"]


async def test_a_bare_name_means_the_newest(store: Store, path: Path, record: CampaignRecord) -> None:
    for _ in range(11):
        await store.new_campaign(record)
    assert Reader(path).campaign("scan").summary.id == "scan-11"


async def test_an_unknown_campaign_is_answered_with_the_nearest(
    store: Store, path: Path, record: CampaignRecord
) -> None:
    await store.new_campaign(record)
    with pytest.raises(NotFound, match=r"no campaign 'scam'; did you mean scan\?"):
        Reader(path).campaign("scam")


async def test_the_files_and_versions_that_ran_come_back(store: Store, path: Path, record: CampaignRecord) -> None:
    campaign = await store.new_campaign(record)
    assert Reader(path).files(campaign) == record.files
    detail = Reader(path).campaign(campaign)
    assert (detail.versions, detail.seed, detail.stations) == (record.versions, 7, ("sdc1", "sdc2"))
    assert detail.objectives["current"].unit == "mA"
    assert detail.parameters == record.parameters


async def test_a_file_that_several_campaigns_ran_is_stored_once(
    store: Store, path: Path, record: CampaignRecord
) -> None:
    import sqlite3

    for _ in range(5):
        await store.new_campaign(record)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM files").fetchone() == (2,)
    connection.close()


async def test_an_experiment_comes_back_with_its_attempts(store: Store, path: Path, record: CampaignRecord) -> None:
    campaign = await store.new_campaign(record)
    one = experiment(campaign, 1)
    store.planned(one, at(1.0))
    store.running(one, "sdc1", 1, at(1.5))
    store.retried(one, "sdc1", "no reply", at(2.0))
    store.running(one, "sdc2", 2, at(2.5))
    await store.ended(Outcome(one, State.DONE, {"current": 0.75}), "sdc2", at(4.5))

    (row,) = Reader(path).experiments(campaign)
    assert (row.id, row.number, row.state, row.station) == ("scan-1/1", 1, State.DONE, "sdc2")
    assert (row.suggestion, row.values) == (one.suggestion, {"current": 0.75})
    assert (row.planned_s, row.started_s, row.ended_s) == (1.0, 1.5, 4.5)
    assert [(a.station, a.started_s, a.ended_s, a.reason) for a in row.attempts] == [
        ("sdc1", 1.5, 2.0, "no reply"),
        ("sdc2", 2.5, 4.5, ""),
    ]
    changes = [transition.change for transition in Reader(path).transitions(campaign)]
    assert changes == ["planned", "running", "retried", "running", "done"]


async def test_it_is_known_which_attempts_have_ended(store: Store, path: Path, record: CampaignRecord) -> None:
    campaign = await store.new_campaign(record)
    one = experiment(campaign, 1)
    jobs = [f"{one.id}/{attempt}" for attempt in ("1", "2", "3", "x", "")] + ["other-1/1/1"]

    def settled() -> list[bool]:
        return [Reader(path).is_settled(job) for job in jobs]

    store.planned(one, at(1.0))
    await store.running(one, "sdc1", 1, at(1.5))
    assert settled() == [False] * 6
    store.retried(one, "sdc1", "no reply", at(2.0))
    await store.running(one, "sdc2", 2, at(2.5))
    assert settled() == [True] + [False] * 5
    store.staged(one, "sdc2", at(3.0), "make")
    await store.running(one, "sdc2", 3, at(3.5))
    assert settled() == [True, True] + [False] * 4
    await store.ended(Outcome(one, State.DONE, {"current": 0.75}), "sdc2", at(4.5))
    assert settled() == [True, True, True, False, False, False]


async def test_the_summary_counts_and_finds_the_best(store: Store, path: Path, record: CampaignRecord) -> None:
    campaign = await store.new_campaign(record)
    for number, value in enumerate([0.2, 0.9, None, 0.9], 1):
        one = experiment(campaign, number)
        store.planned(one, at(number - 1))
        store.running(one, "sdc1", 1, at(number))
        outcome = (
            Outcome(one, State.FAILED, reason="refused")
            if value is None
            else Outcome(one, State.DONE, {"current": value})
        )
        store.ended(outcome, "sdc1", at(number + 1))
    store.station_changed(campaign, "sdc1", StationState.FAULT, "stalled", at(6.0))
    await store.campaign_changed(campaign, CampaignState.STOPPED, "asked to", at(6.5))

    (summary,) = Reader(path).campaigns()
    assert (summary.experiments, summary.done, summary.failed) == (4, 3, 1)
    assert (summary.state, summary.reason, summary.ended) == (CampaignState.STOPPED, "asked to", at(6.5).wall)
    assert summary.best is not None
    assert (summary.best.number, summary.best.value) == (2, 0.9)
    assert (summary.wall_s, summary.busy_s, summary.speed_up) == (4.0, 4.0, 1.0)
    (change,) = Reader(path).station_changes(campaign)
    assert (change.station, change.state, change.cause) == ("sdc1", StationState.FAULT, "stalled")
    assert [c.state for c in Reader(path).campaign_changes(campaign)] == ["starting", "stopped"]


async def test_documents_come_back_with_arrays_and_nan(store: Store, path: Path, record: CampaignRecord) -> None:
    campaign = await store.new_campaign(record)
    one = experiment(campaign, 1)
    trace = np.array([[0.5, np.nan], [np.inf, -1.0]], dtype=np.float32)
    store.planned(one, at(0.0))
    store.documents(one, 1, [("start", {"uid": "a", "scan_id": np.int64(3)})])
    store.documents(one, 2, [("start", {"uid": "b"})])
    await store.documents(one, 1, [("event", {"uid": "c", "data": {"trace": trace, "force": math.nan}})])

    (name, start), (_, event) = Reader(path).documents("scan-1/1", attempt=1)
    assert (name, start) == ("start", {"uid": "a", "scan_id": 3})
    assert math.isnan(event["data"]["force"])
    assert event["data"]["trace"].dtype == np.float32
    np.testing.assert_array_equal(event["data"]["trace"], trace)
    assert [document["uid"] for _, document in Reader(path).documents("scan-1/1")] == ["a", "c", "b"]


async def test_rows_for_exporters_are_flat_and_all_alike(store: Store, path: Path, record: CampaignRecord) -> None:
    campaign = await store.new_campaign(record)
    one, two = experiment(campaign, 1), experiment(campaign, 2, x=5.0)
    for each in (one, two):
        store.planned(each, at(0.0))
    store.running(one, "sdc1", 1, at(0.5))
    await store.ended(Outcome(one, State.DONE, {"current": 0.75}), "sdc1", at(1.5))

    first, second = Reader(path).export_rows(campaign)
    assert ",".join(first) == ("number,id,state,station,attempts,started_s,ended_s,x,current,score,mean,std,why,reason")
    assert list(second) == list(first)
    assert tuple(first.values())[:9] == (1, "scan-1/1", "done", "sdc1", 1, 0.5, 1.5, 2.5, 0.75)
    assert (second["state"], second["station"], second["current"]) == ("planned", None, None)


async def test_a_parameter_named_like_a_column_keeps_its_own(store: Store, path: Path, record: CampaignRecord) -> None:
    from dataclasses import replace

    campaign = await store.new_campaign(replace(record, parameters={"state": record.parameters["x"]}))
    await store.planned(Experiment(campaign, 1, Suggestion({"state": 5.0}, "random")), at(0.0))
    (row,) = Reader(path).export_rows(campaign)
    assert (row["state"], row["parameter.state"]) == ("planned", 5.0)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"motet\.db: no such store"):
        Reader(tmp_path / "motet.db")
    assert not list(tmp_path.iterdir())
