"""What campaigns of weeks store besides experiments: stages, events, the queue, consumables, and that they go on."""

from pathlib import Path

import pytest

from motet.errors import StoreError
from motet.model.events import CampaignState, StationState
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.questions import AnswerForm, Asked, Closed, Question, QuestionState
from motet.model.queue import QueueEntry, QueueState
from motet.store import CampaignRecord, Change, EventRow, QueueRow, Reader, Stamp, Store


def at(elapsed: float) -> Stamp:
    return Stamp(1_700_000_000.0 + elapsed, elapsed)


def experiment(number: int) -> Experiment:
    return Experiment("scan-1", number, Suggestion({"x": 2.5}, "next"))


async def test_stages_and_lost_stations_come_back_in_the_story(
    store: Store, path: Path, record: CampaignRecord
) -> None:
    await store.new_campaign(record)
    one, two = experiment(1), experiment(2)
    store.planned(one, at(0.0))
    store.running(one, "sdc1", 1, at(1.0), "synthesis")
    store.planned(two, at(1.5))
    store.staged(one, "sdc1", at(2.0), "synthesis")
    store.running(one, "xrd", 2, at(3.0), "characterization")
    store.retried(one, "xrd", "no reply", at(4.0), "characterization")
    store.running(one, "xrd", 3, at(5.0), stage="characterization")
    store.running(two, "sdc1", 1, at(5.0))
    store.ended(Outcome(two, State.FAILED, {}, "StationLost", lost=True), "sdc1", at(5.5))
    await store.ended(Outcome(one, State.DONE, {"current": 1.0}), "xrd", at(6.0))
    rows = Reader(path).experiments("scan-1")
    assert [row.lost for row in rows] == [False, True]
    assert [(a.number, a.station, a.stage, a.seconds) for a in rows[0].attempts] == [
        (1, "sdc1", "synthesis", 1.0),
        (2, "xrd", "characterization", 1.0),
        (3, "xrd", "characterization", 1.0),
    ]
    story = Reader(path).story("scan-1")
    assert [(t.experiment[-1], t.change) for t in story[-2:]] == [("2", Change.FAILED), ("1", Change.DONE)]
    assert [t.stage for t in story if t.change is Change.RETRIED] == ["characterization"]


async def test_documents_that_are_delivered_again_are_stored_once(
    store: Store, path: Path, record: CampaignRecord
) -> None:
    await store.new_campaign(record)
    documents = [("start", {"uid": "a"}), ("stop", {"uid": "b", "run_start": "a"})]
    store.planned(experiment(1), at(0.0))
    store.documents(experiment(1), 1, documents[:1])
    store.documents(experiment(1), 2, documents[:1])
    await store.documents(experiment(1), 1, documents)
    assert Reader(path).documents("scan-1/1", 1) == documents
    assert Reader(path).documents("scan-1/1", 2) == documents[:1]


async def test_events_come_back_in_their_order(store: Store, path: Path, record: CampaignRecord) -> None:
    await store.new_campaign(record)
    tripped = EventRow("interlock", "heater", "tripped: 81 > 80", {"temperature": 81.0, "limit": [80]}, at(1.0))
    cleared = EventRow("interlock", "heater", "cleared", {}, at(2.0))
    for event in (tripped, cleared):
        await store.happened("scan-1", event.kind, event.about, event.text, event.data, event.at)
    assert Reader(path).events("scan-1") == [tripped, cleared]


async def test_the_queue_comes_back_by_position(store: Store, path: Path, record: CampaignRecord) -> None:
    await store.new_campaign(record)
    entries = [QueueEntry({"x": float(n)}, "a hunch", "Ada", float(n)) for n in range(3)]
    first, second, third = [await store.queued("scan-1", entry, at(n)) for n, entry in enumerate(entries)]
    store.planned(experiment(1), at(4.0))
    store.queue_changed("scan-1", third, position=-1.0, parameters={"x": 9.0}, at=at(3.0))
    store.queue_changed("scan-1", third, state=QueueState.BEGUN, experiment="scan-1/1", at=at(4.0))
    await store.queue_changed("scan-1", second, state=QueueState.CANCELLED, at=at(5.0))
    moved = QueueEntry({"x": 9.0}, "a hunch", "Ada", -1.0)
    assert Reader(path).queue("scan-1") == [
        QueueRow(third, moved, QueueState.BEGUN, "scan-1/1", at(4.0)),
        QueueRow(first, entries[0], QueueState.QUEUED, None, at(0.0)),
        QueueRow(second, entries[1], QueueState.CANCELLED, None, at(5.0)),
    ]
    for number, why in ((third, "is begun; only what is queued"), (99, "no entry 99")):
        with pytest.raises(StoreError, match=why):
            await store.queue_changed("scan-1", number, position=0.0, at=at(6.0))
    assert await store.queued("scan-1", entries[0], at(7.0)) > third  # the store goes on


async def test_consumables_are_summed(store: Store, path: Path, record: CampaignRecord) -> None:
    await store.new_campaign(record)
    await store.planned(experiment(1), at(0.0))
    for amount in (-2.0, -2.5):
        store.used("scan-1", "scan-1/1", 1, "acid", amount, "mL", at(1.0))
    store.used("scan-1", "scan-1/1", 1, "tips", -1.0, "", at(1.0))
    await store.used("scan-1", None, 0, "acid", 10.0, "mL", at(2.0))
    assert Reader(path).used("scan-1") == {"acid": 5.5, "tips": -1.0}


async def test_the_newest_campaign_without_an_end_is_found(store: Store, path: Path, record: CampaignRecord) -> None:
    for _ in range(3):
        await store.new_campaign(record)
    await store.campaign_changed("scan-3", CampaignState.FINISHED, "done", at(1.0))
    found = Reader(path).unfinished("scan", "twin")
    assert found is not None
    assert (found.summary.id, found.seed) == ("scan-2", record.seed)
    assert Reader(path).unfinished("scan", "another") is None
    assert Reader(path).unfinished("scam", "twin") is None


async def test_a_campaign_that_goes_on_is_starting_again_and_nobody_has_to_answer_any_more(
    store: Store, path: Path, record: CampaignRecord
) -> None:
    await store.new_campaign(record)
    await store.campaign_changed("scan-1", CampaignState.RUNNING, "", at(1.0))
    for number in (1, 2):
        asked = Asked(number, Question("sdc1-scales", "how much?", AnswerForm()), None, 0.0)
        await store.asked("scan-1", asked, at(2.0))
    await store.question_closed("scan-1", 1, Closed(QuestionState.ANSWERED, True), at(3.0))
    assert Reader(path).last_elapsed("scan-1") == 3.0
    store.station_changed("scan-1", "sdc1", StationState.FAULT, "", at(4.0))
    await store.resumed("scan-1", at(5.0))
    detail = Reader(path).unfinished("scan", "twin")
    assert detail is not None
    assert detail.summary.state is CampaignState.STARTING
    assert [row.closed.state for row in Reader(path).questions("scan-1")] == ["answered", "withdrawn"]
    (event,) = Reader(path).events("scan-1")
    assert (event.kind, event.data) == ("resumed", {"state": "running"})
    assert Reader(path).last_elapsed("scan-1") == 5.0
    with pytest.raises(StoreError, match="no campaign 'scan-9'"):
        await store.resumed("scan-9", at(6.0))
