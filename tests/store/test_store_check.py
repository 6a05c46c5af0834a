"""`check_store` is silent about what Motet wrote, and names everything that cannot have happened."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from motet.errors import StoreError
from motet.model.events import CampaignState
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.queue import QueueEntry, QueueState
from motet.store import CampaignRecord, Stamp, Store
from motet.store.check import check_store

RUN = [("start", {"uid": "s"}), ("event", {"uid": "e"}), ("stop", {"uid": "p", "run_start": "s"})]


def at(elapsed: float) -> Stamp:
    return Stamp(1_700_000_000.0 + elapsed, elapsed)


@pytest.fixture
async def written(path: Path, record: CampaignRecord) -> Path:
    """A store with a finished campaign of three experiments (two stages; failed in the queue's turn; given up)."""
    store = await Store.open(path)
    await store.new_campaign(record)
    one, two, three = (Experiment("scan-1", number, Suggestion({"x": 1.0}, "next")) for number in (1, 2, 3))
    store.planned(one, at(0.0))
    store.running(one, "a", 1, at(1.0), "make")
    store.documents(one, 1, RUN)
    store.staged(one, "a", at(2.0), "make")
    store.running(one, "b", 2, at(3.0), "look")
    store.retried(one, "b", "no reply", at(4.0), "look")
    store.running(one, "b", 3, at(5.0), "look")
    store.documents(one, 3, RUN)
    store.ended(Outcome(one, State.DONE, {"current": float("inf")}), "b", at(6.0))
    number = await store.queued("scan-1", QueueEntry({"x": 1.0}, "why", "Ada", 1.0), at(6.0))
    store.planned(two, at(7.0))
    store.queue_changed("scan-1", number, state=QueueState.BEGUN, experiment=two.id, at=at(7.0))
    store.running(two, "a", 1, at(8.0))
    store.used("scan-1", two.id, 1, "acid", -1.0, "mL", at(8.0))
    store.ended(Outcome(two, State.FAILED, {}, "refused"), "a", at(9.0))
    store.planned(three, at(9.0))
    store.ended(Outcome(three, State.FAILED, {}, "given up"), "", at(9.5))
    store.happened("scan-1", "refill", "acid", "", {"mL": 1}, at(9.5))
    await store.campaign_changed("scan-1", CampaignState.FINISHED, "done", at(10.0))
    await store.close()
    return path


async def test_what_motet_wrote_is_sound(written: Path) -> None:
    seen: list[tuple[int, int]] = []
    assert check_store(written, lambda done, total: seen.append((done, total))) == []
    assert seen == [(1, 3), (2, 3), (3, 3)]


async def test_a_campaign_in_its_midst_is_sound(path: Path, record: CampaignRecord) -> None:
    store = await Store.open(path)
    await store.new_campaign(record)
    one = Experiment("scan-1", 1, Suggestion({"x": 1.0}, "next"))
    store.planned(one, at(0.0))
    store.running(one, "a", 1, at(1.0))
    await store.documents(one, 1, RUN[:1])
    assert check_store(path) == []
    await store.close()


INSERT = "INSERT INTO transitions (experiment, change, station, attempt, reason, wall, elapsed) VALUES "


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (f"{INSERT} ('scan-1/1', 'done', 'b', 3, '', 0, 7)", "scan-1/1: done follows done; allowed is nothing"),
        (
            f"{INSERT} ('scan-1/3', 'running', 'b', 1, '', 0, 99)",
            "scan-1/3: running follows failed; allowed is nothing",
        ),
        (
            "DELETE FROM transitions WHERE change = 'staged'",
            "scan-1/1: running follows running; allowed is staged, retried, done, failed",
        ),
        ("DELETE FROM transitions WHERE change = 'planned' AND experiment = 'scan-1/1'", "running follows nothing"),
        (
            "UPDATE transitions SET change = 'done' WHERE experiment = 'scan-1/3' AND change = 'failed'",
            "scan-1/3: is done, but never ran",
        ),
        ("DELETE FROM transitions WHERE experiment = 'scan-1/3'", "scan-1/3: nothing is stored of what happened to it"),
        ("UPDATE transitions SET change = 'lost' WHERE change = 'staged'", "scan-1/1: lost follows running"),
        (
            "UPDATE transitions SET attempt = 2 WHERE attempt = 3 AND change = 'running'",
            "scan-1/1: running as attempt 2, which is its 3.",
        ),
        ("UPDATE transitions SET elapsed = 0.5 WHERE change = 'retried'", "retried at 0.5 s, before running at 3 s"),
        ("UPDATE experiments SET state = 'failed' WHERE number = 1", "scan-1/1: is failed, but was last done"),
        ("UPDATE experiments SET attempts = 2 WHERE number = 1", "scan-1/1: is said to have 2 attempts, but has 3"),
        ("UPDATE experiments SET \"values\" = '{}' WHERE number = 1", "scan-1/1: is done, without a value"),
        ("UPDATE experiments SET number = 5 WHERE number = 3", "scan-1/3: its number follows 2: there is a gap"),
        (
            "UPDATE experiments SET state = 'running' WHERE number = 3",
            "scan-1/3: is running, but its campaign is finished",
        ),
        (
            "DELETE FROM suggestions WHERE experiment = 'scan-1/2'",
            "scan-1/2: nothing is stored of why it was suggested",
        ),
        (
            "DELETE FROM documents WHERE attempt = 1 AND name = 'stop'",
            "scan-1/1, attempt 1: has ended, but its run s has no stop",
        ),
        (
            "DELETE FROM documents WHERE attempt = 1 AND name = 'event'",
            "scan-1/1, attempt 1: documents are missing between others",
        ),
        (
            "DELETE FROM documents WHERE attempt = 1 AND name = 'start'",
            "its documents begin with event, not with start",
        ),
        (
            "INSERT INTO documents SELECT experiment, attempt, 3, name, uid, document FROM documents"
            " WHERE attempt = 1 AND name = 'start'",
            "scan-1/1, attempt 1: run s is there twice",
        ),
        (
            "INSERT INTO documents SELECT experiment, attempt, 3, name, uid, document FROM documents"
            " WHERE attempt = 1 AND name = 'stop'",
            "scan-1/1, attempt 1: run s has two ends",
        ),
        ("UPDATE documents SET attempt = 9 WHERE attempt = 3", "attempt 9: has documents, but was never made"),
        ("UPDATE campaigns SET state = 'running'", "scan-1: is running, but was last changed to finished"),
        ("UPDATE campaigns SET state = 'lost'", "scan-1: is 'lost', which no campaign can be"),
        ("UPDATE documents SET document = '{' WHERE name = 'stop'", "attempt 3: has ended, but its run s has no stop"),
        ("DELETE FROM campaign_changes", "scan-1: nothing is stored of how it came to its state"),
        ("UPDATE files SET text = 'other' WHERE text LIKE 'lab%'", "lab.yaml: its text is not that of its sha256"),
        ("UPDATE events SET data = '{'", "events: row 1: data is no JSON"),
        ("UPDATE documents SET document = 'NaN' WHERE sequence = 0 AND attempt = 1", "document is no JSON"),
        ("DELETE FROM campaigns", "belongs to something that is not in campaigns"),
        ("UPDATE queue SET experiment = NULL", "scan-1, entry 1 of its queue: is begun, with no experiment"),
        (
            "INSERT INTO used (campaign, attempt, consumable, amount, unit, wall, elapsed, lab, who)"
            " VALUES ('scan-1', 0, 'acid', 1, 'L', 0, 0, '', '')",
            "scan-1: acid is counted in 2 units",
        ),
    ],
)
async def test_what_cannot_be_is_named(written: Path, spoil: str, finding: str) -> None:
    with closing(sqlite3.connect(written)) as connection:
        assert connection.execute(spoil).rowcount > 0
        connection.commit()
    found = [str(one) for one in check_store(written)]
    assert any(finding in one for one in found), found


async def test_damage_is_named_and_keeps_the_rest_from_being_checked(written: Path) -> None:
    with closing(sqlite3.connect(written)) as connection:
        sql = "SELECT rootpage FROM sqlite_master WHERE name LIKE 'idx_transitions%'"
        (page,) = connection.execute(sql).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(written.read_bytes())  # noqa: ASYNC240 - a small file
    content[(page - 1) * size : page * size] = b"\xa5" * size
    written.write_bytes(content)  # noqa: ASYNC240
    found = check_store(written)
    assert found[0].what.startswith("damaged: ")
    assert found[-1].what == "is damaged, so nothing else was checked"


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_text(json.dumps({"no": "store"}) * 100)
    with pytest.raises(StoreError, match="not a database"):
        check_store(other)
