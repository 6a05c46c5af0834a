"""What a store refuses, and what it keeps when things go wrong."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from motet.errors import StoreError
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.store import CampaignRecord, Reader, Stamp, Store
from motet.store.schema import VERSION

NOW = Stamp(0.0, 0.0)

WRITER = """
import asyncio, sys
from pathlib import Path
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.store import CampaignRecord, Stamp, Store

async def main():
    store = await Store.open(Path(sys.argv[1]))
    now = Stamp(0.0, 0.0)
    objectives = {"y": {"goal": "maximize"}}
    campaign = await store.new_campaign(CampaignRecord("crash", "lab", {}, {}, 0, (), objectives, {}, now))
    for number in range(1, 1_000_000):
        experiment = Experiment(campaign, number, Suggestion({"x": number}, "next"))
        store.planned(experiment, now)
        store.running(experiment, "one", 1, now)
        store.documents(experiment, 1, [("start", {"uid": str(number)})])
        await store.ended(Outcome(experiment, State.DONE, {"y": 1.0}), "one", now)
        print(number, flush=True)

asyncio.run(main())
"""


def _write_until_killed(path: Path) -> int:
    """The number of the last experiment that the killed process had been promised."""
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            first = [process.stdout.readline() for _ in range(50)]
        finally:
            process.kill()
        return int((first + [line for line in process.stdout if line.endswith("\n")])[-1])


async def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(path: Path) -> None:
    acknowledged = await asyncio.to_thread(_write_until_killed, path)
    rows = Reader(path).experiments("crash-1")
    assert len(rows) in (acknowledged, acknowledged + 1)
    assert all(row.values == {"y": 1.0} for row in rows[:acknowledged])
    for number in (1, acknowledged):
        assert Reader(path).documents(f"crash-1/{number}") == [("start", {"uid": str(number)})]
    await (await Store.open(path)).close()  # the dead writer's lock does not stand in the way


async def test_a_second_writer_is_refused_with_the_process_that_writes(store: Store, path: Path) -> None:
    with pytest.raises(StoreError, match=f"motet.db: process {os.getpid()} is writing to this store"):
        await Store.open(path)


async def test_a_closed_store_may_be_opened_again(path: Path, record: CampaignRecord) -> None:
    for expected in ("scan-1", "scan-2"):
        store = await Store.open(path)
        assert await store.new_campaign(record) == expected
        await store.close()
        await store.close()
    assert not list(path.parent.glob("*-wal"))


async def test_close_writes_what_is_queued(path: Path, record: CampaignRecord) -> None:
    store = await Store.open(path)
    for _ in range(100):
        store.new_campaign(record)
    await store.close()
    assert len(Reader(path).campaigns()) == 100


async def test_a_closed_store_takes_nothing(path: Path, record: CampaignRecord) -> None:
    store = await Store.open(path)
    await store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.new_campaign(record)


async def test_calls_in_a_row_are_one_commit(store: Store, path: Path, record: CampaignRecord) -> None:
    campaign = await store.new_campaign(record)
    calls = [store.planned(Experiment(campaign, number, Suggestion({"x": 1}, "next")), NOW) for number in range(1, 201)]
    await calls[-1]
    numbers = [row.number for row in Reader(path).experiments(campaign)]
    assert numbers == list(range(1, 201))


async def test_a_value_without_a_place_in_the_store_fails_its_call_alone(
    store: Store, path: Path, record: CampaignRecord
) -> None:
    campaign = await store.new_campaign(record)
    one = Experiment(campaign, 1, Suggestion({"x": 1}, "next"))
    store.planned(one, NOW)
    bad = store.documents(one, 1, [("start", {"uid": "a", "secret": {1, 2}})])
    await store.documents(one, 1, [("start", {"uid": "b"})])
    with pytest.raises(StoreError, match=r"set \{1, 2\}"):
        await bad
    assert [document["uid"] for _, document in Reader(path).documents(one.id)] == ["b"]


async def test_after_a_failed_write_every_call_says_so_and_nothing_stored_is_lost(
    path: Path, record: CampaignRecord
) -> None:
    store = await Store.open(path)
    campaign = await store.new_campaign(record)
    one = Experiment(campaign, 1, Suggestion({"x": 1}, "next"))
    await store.planned(one, NOW)
    again = store.planned(one, NOW)
    behind = store.ended(Outcome(one, State.DONE, {"current": 1.0}), "sdc1", NOW)
    for call in (again, behind):
        with pytest.raises(StoreError, match=r"motet\.db: cannot be written: UNIQUE constraint failed"):
            await call
    with pytest.raises(StoreError, match="UNIQUE"):
        store.new_campaign(record)
    with pytest.raises(StoreError, match="UNIQUE"):
        await store.close()
    await store.close()
    (row,) = Reader(path).experiments(campaign)
    assert row.state is State.PLANNED


async def test_a_reader_beside_the_writer_sees_the_last_commit(
    store: Store, path: Path, record: CampaignRecord
) -> None:
    await store.new_campaign(record)
    reader = Reader(path)
    for number in range(1, 6):
        await store.planned(Experiment("scan-1", number, Suggestion({"x": 1}, "next")), NOW)
        rows = await asyncio.gather(*(asyncio.to_thread(reader.experiments, "scan-1") for _ in range(4)))
        assert [len(row) for row in rows] == [number] * 4


async def test_a_file_that_is_not_a_store_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, by far too long to be an empty one\n" * 50)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"notes\.txt: .*not a database"):
        await Store.open(path)
    with pytest.raises(StoreError, match=r"notes\.txt: .*not a database"):
        Reader(path).campaigns()
    assert path.read_bytes() == before


async def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE campaigns (a)")
    connection.close()
    with pytest.raises(StoreError, match="of another program"):
        await Store.open(path)


async def test_a_store_of_a_newer_motet_is_refused(path: Path) -> None:
    await (await Store.open(path)).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match=f"has schema {VERSION + 1}, this Motet knows {VERSION}"):
        await Store.open(path)
    with pytest.raises(StoreError, match="newer Motet"):
        Reader(path).campaigns()


async def test_a_folder_cannot_be_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open database file"):
        await Store.open(tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        await Store.open(blocked / "motet.db")


async def test_a_cancelled_caller_does_not_take_the_write_back(
    store: Store, path: Path, record: CampaignRecord
) -> None:
    first = asyncio.ensure_future(store.new_campaign(record))
    first.cancel()
    assert await store.new_campaign(record) == "scan-2"


FORKED = """
import asyncio, os, sys
from pathlib import Path
from motet.store import Store

async def main():
    store = await Store.open(Path(sys.argv[1]))
    if os.fork():
        print("open", flush=True)
        await asyncio.Event().wait()
    else:
        sys.stdin.read()  # outlives its parent
        os._exit(0)

asyncio.run(main())
"""


async def test_a_child_of_a_killed_writer_does_not_keep_the_store(path: Path) -> None:
    command = [sys.executable, "-c", FORKED, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert await asyncio.to_thread(process.stdout.readline) == "open\n"
            with pytest.raises(StoreError, match=f"process {process.pid} is writing to this store"):
                await Store.open(path)
        finally:
            process.kill()
        await asyncio.to_thread(process.wait, 10)
        await (await Store.open(path)).close()
