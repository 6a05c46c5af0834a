"""The store of simulated campaigns: it keeps what the threaded one keeps; when that is durable, and what it refuses."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from motet.errors import StoreError
from motet.model.events import CampaignState, StationState
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.queue import QueueEntry, QueueState
from motet.store import CampaignRecord, Reader, Stamp, Store, connect, prompt

NOW = Stamp(0.0, 0.0)


def at(elapsed: float) -> Stamp:
    return Stamp(1_700_000_000.0 + elapsed, elapsed)


def experiment(campaign: str, number: int) -> Experiment:
    return Experiment(campaign, number, Suggestion({"x": 2.5 * number}, "highest score", 0.5, 0.25, 0.125))


async def write(store: Store, record: CampaignRecord) -> None:
    """Two campaigns with everything that may happen in one."""
    for _ in range(2):
        campaign = await store.new_campaign(record)
        await store.campaign_changed(campaign, CampaignState.RUNNING, "", at(0.0))
        one = experiment(campaign, 1)
        for number in range(1, 4):
            one = experiment(campaign, number)
            store.planned(one, at(number))
            store.running(one, "sdc1", 1, at(number + 0.1), "synthesis")
            store.used(campaign, one.id, 1, "acid", -0.5, "mL", at(number + 0.1))
            store.documents(one, 1, [("start", {"uid": f"{number}", "trace": [1.0, float("nan")]})])
            store.retried(one, "sdc1", "no reply", at(number + 0.2), "synthesis")
            store.running(one, "sdc1", 2, at(number + 0.3))
            store.station_changed(campaign, "sdc1", StationState.RUNNING, "", at(number + 0.3))
            outcome = Outcome(one, State.DONE, {"current": number / 3})
            await store.ended(
                outcome if number != 2 else Outcome(one, State.FAILED, {}, "no"), "sdc1", at(number + 0.9)
            )
        entry = await store.queued(campaign, QueueEntry({"x": 1.0}, "a hunch", "Ada", 1.5), at(8.0))
        store.queue_changed(campaign, entry, position=0.5, state=QueueState.BEGUN, experiment=one.id, at=at(8.1))
        store.happened(campaign, "refill", "acid", "filled up", {"mL": 50.0}, at(8.2))
        store.resumed(campaign, at(8.3))
        await store.campaign_changed(campaign, CampaignState.FINISHED, "done", at(9.0))
    await store.close()


def rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in its order."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid').fetchall()  # noqa: S608 - our own names
            for table in tables
        }


def durable(path: Path) -> int:
    """How many campaigns a reader sees."""
    return len(Reader(path).campaigns())


async def test_the_same_calls_leave_the_same_rows_as_in_the_threaded_store(
    tmp_path: Path, record: CampaignRecord
) -> None:
    await write(await Store.open(tmp_path / "threaded.db"), record)
    await write(Store.prompt(tmp_path / "prompt.db"), record)
    threaded, prompt_rows = rows(tmp_path / "threaded.db"), rows(tmp_path / "prompt.db")
    assert prompt_rows == threaded
    assert sum(map(len, prompt_rows.values())) > 40


async def test_a_call_is_done_when_it_returns(path: Path, record: CampaignRecord) -> None:
    store = Store.prompt(path)
    call: Awaitable[str] = store.new_campaign(record)
    assert isinstance(call, asyncio.Future)
    assert call.done()
    assert await call == "scan-1"
    await store.close()


async def test_calls_become_durable_together_and_the_last_ones_at_the_end(
    path: Path, record: CampaignRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt, "COMMIT_EVERY", 5)
    store = Store.prompt(path)
    seen: list[int] = []
    for _ in range(12):
        await store.new_campaign(record)
        seen.append(durable(path))
    assert seen == [0] * 4 + [5] * 5 + [10] * 3
    await store.close()
    assert not await asyncio.to_thread(Path(f"{path}-wal").exists)
    assert durable(path) == 12


async def test_a_closed_store_takes_nothing_and_may_be_opened_again(path: Path, record: CampaignRecord) -> None:
    for expected in ("scan-1", "scan-2"):
        store = Store.prompt(path)
        assert await store.new_campaign(record) == expected
        await store.close()
        await store.close()
        with pytest.raises(StoreError, match=r"motet\.db: is closed"):
            store.new_campaign(record)


async def test_one_writer_at_a_time_of_either_kind(path: Path, record: CampaignRecord) -> None:
    refused = f"motet.db: process {os.getpid()} is writing to this store"
    store = Store.prompt(path)
    with pytest.raises(StoreError, match=refused):
        Store.prompt(path)
    with pytest.raises(StoreError, match=refused):
        await Store.open(path)
    await store.close()
    threaded = await Store.open(path)
    with pytest.raises(StoreError, match=refused):
        Store.prompt(path)
    await threaded.close()


async def test_a_value_without_a_place_in_the_store_fails_its_call_alone(path: Path, record: CampaignRecord) -> None:
    store = Store.prompt(path)
    campaign = await store.new_campaign(record)
    one = experiment(campaign, 1)
    store.planned(one, NOW)
    bad = store.documents(one, 1, [("start", {"uid": "a", "secret": {1, 2}})])
    await store.documents(one, 1, [("start", {"uid": "b"})])
    with pytest.raises(StoreError, match=r"set \{1, 2\}"):
        await bad
    await store.close()
    assert [document["uid"] for _, document in Reader(path).documents(one.id)] == ["b"]


async def _twice(store: Store, record: CampaignRecord) -> Awaitable[object]:
    one = experiment(await store.new_campaign(record), 1)
    await store.planned(one, NOW)
    return store.planned(one, NOW)


async def _too_large(store: Store, record: CampaignRecord) -> Awaitable[object]:
    return store.new_campaign(replace(record, seed=2**70))


@pytest.mark.parametrize(
    ("fails", "message"), [(_twice, "UNIQUE constraint failed"), (_too_large, "too large to convert")]
)
async def test_after_a_write_that_failed_every_call_says_so(
    path: Path, record: CampaignRecord, fails: Callable[[Store, CampaignRecord], Awaitable[Any]], message: str
) -> None:
    store = Store.prompt(path)
    failed = await fails(store, record)
    with pytest.raises(StoreError, match=rf"motet\.db: cannot be written: .*{message}"):
        await failed
    with pytest.raises(StoreError, match=message):
        store.new_campaign(record)
    with pytest.raises(StoreError, match=message):
        await store.close()
    await store.close()
    again = Store.prompt(path)
    await again.close()


async def test_a_write_that_fails_takes_back_what_was_not_durable_yet(
    path: Path, record: CampaignRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt, "COMMIT_EVERY", 3)
    store = Store.prompt(path)
    for _ in range(4):
        await store.new_campaign(record)
    with pytest.raises(StoreError):
        await store.new_campaign(replace(record, seed=2**70))
    with pytest.raises(StoreError):
        await store.close()
    assert durable(path) == 3


async def test_a_file_that_another_program_is_writing_to_is_refused_and_left_unlocked(
    path: Path, record: CampaignRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Store.prompt(path).close()
    monkeypatch.setattr(connect, "BUSY_S", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"motet\.db: .*database is locked"):
            Store.prompt(path)
        other.execute("ROLLBACK")
    store = Store.prompt(path)
    assert await store.new_campaign(record) == "scan-1"
    await store.close()


async def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, by far too long to be an empty one\n" * 50)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"notes\.txt: .*not a database"):
            Store.prompt(path)
    assert path.read_bytes() == before


async def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreError, match=r"file/motet\.db: cannot be opened"):
        Store.prompt(blocked / "motet.db")
    with pytest.raises(StoreError, match="unable to open database file"):
        Store.prompt(tmp_path)


async def test_a_full_disk_is_reported_with_sqlites_own_words(path: Path, record: CampaignRecord) -> None:
    resource = pytest.importorskip("resource")
    await Store.prompt(path).close()
    store = Store.prompt(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (await asyncio.to_thread(lambda: path.stat().st_size), hard))
    try:
        store.new_campaign(replace(record, files={"big": "x" * 5_000_000}))
        with pytest.raises(StoreError, match=r"motet\.db: cannot be written: "):
            await store.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert durable(path) == 0


async def test_without_a_path_nothing_is_kept(
    tmp_path: Path, record: CampaignRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.prompt(None)
    campaign = await store.new_campaign(record)
    assert campaign == "simulated-1"
    one = experiment(campaign, 1)
    await store.planned(one, NOW)
    await store.running(one, "sdc1", 1, NOW)
    await store.documents(one, 1, [("start", {"uid": "a"})])
    await store.ended(Outcome(one, State.DONE, {"current": 1.0}), "sdc1", NOW)
    entry = QueueEntry({"x": 1.0}, "a hunch", "Ada", 1.0)
    assert [await store.queued(campaign, entry, NOW) for _ in range(2)] == [1, 2]
    await store.queue_changed(campaign, 1, state=QueueState.CANCELLED, at=NOW)
    await store.resumed(campaign, NOW)
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.planned(one, NOW)
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []
