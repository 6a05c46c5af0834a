"""A copy of a store that somebody writes to."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from motet.errors import FileProblems, NotFound, StoreError
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.store import CampaignRecord, Reader, Stamp, Store, backup
from motet.store.backup import back_up
from motet.store.check import check_store

NOW = Stamp(0.0, 0.0)


def _put(store: Store, number: int) -> asyncio.Future[None]:
    one = Experiment("scan-1", number, Suggestion({"x": number}, "next"))
    store.planned(one, NOW)
    store.running(one, "sdc1", 1, NOW)
    store.documents(one, 1, [("start", {"uid": "s", "text": "x" * 20_000}), ("stop", {"uid": "p", "run_start": "s"})])
    return asyncio.ensure_future(store.ended(Outcome(one, State.DONE, {"current": 1.0}), "sdc1", NOW))


async def test_a_copy_made_while_a_writer_writes_is_sound_and_of_one_moment(
    store: Store, path: Path, tmp_path: Path, record: CampaignRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAGES", 10)
    await store.new_campaign(record)
    await asyncio.gather(*(_put(store, number) for number in range(1, 51)))
    target = tmp_path / "copies" / "copy.db"
    seen: list[tuple[int, int]] = []

    def see(done: int, total: int) -> None:
        seen.append((done, total))

    number = 50
    copying = asyncio.create_task(asyncio.to_thread(back_up, path, target, see))
    while not copying.done():
        number += 1
        await _put(store, number)
    await copying
    assert number > 52, "nothing was written meanwhile"
    copied = len(Reader(target).experiments("scan-1"))
    assert 50 <= copied < number
    assert check_store(target) == []
    assert seen[-1][0] == seen[-1][1]
    assert len({total for _, total in seen}) == 1  # it never began anew
    assert [entry.name for entry in target.parent.iterdir()] == ["copy.db"]
    reopened = await Store.open(target)  # a copy can be gone on with
    assert await reopened.new_campaign(record) == "scan-2"
    await reopened.close()


async def test_a_backup_never_replaces_a_file(store: Store, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious.db"
    target.write_text("precious")
    with pytest.raises(FileProblems, match=r"precious\.db: found a file; a backup never replaces one"):
        back_up(path, target)
    assert target.read_text() == "precious"


def test_without_a_store_there_is_nothing_to_copy(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        back_up(tmp_path / "motet.db", tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []


async def test_a_store_that_is_not_sound_gives_no_copy(path: Path, tmp_path: Path, record: CampaignRecord) -> None:
    opened = await Store.open(path)
    await opened.new_campaign(record)
    await opened.close()
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'experiments'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(await asyncio.to_thread(path.read_bytes))
    content[(page - 1) * size : page * size] = b"\xa5" * size
    await asyncio.to_thread(path.write_bytes, content)
    target = tmp_path / "copy.db"
    with pytest.raises(StoreError, match=r"copy\.db: the copy is not sound"):
        back_up(path, target)
    assert not await asyncio.to_thread(lambda: list(tmp_path.glob("*copy*")))
