"""Faults of the disk that mend: writes wait, in their order, and nothing is lost or stored twice."""

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from motet.errors import StoreError
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.store import CampaignRecord, Reader, Stamp, Store, StoreTrouble, committing, trouble
from motet.store.connect import Kind, open_writer
from motet.store.writer import Writer

NOW = Stamp(0.0, 0.0)
Fault = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next try follows soon."""
    monkeypatch.setattr(trouble, "FIRST_S", 0.01)
    monkeypatch.setattr(trouble, "MOST_S", 0.05)
    monkeypatch.setattr(committing, "LOCKED_S", 0.02)


@contextmanager
def _no_file_may_grow(path: Path) -> Generator[None]:
    """The kernel refuses what would make a file longer than the store is: a disk I/O error to SQLite."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Another program holds the store."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def _for_one_program(path: Path) -> Generator[None]:
    """Another program has the store for itself: it cannot even be read."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def _tell(store: Store) -> asyncio.Queue[StoreTrouble | None]:
    told: asyncio.Queue[StoreTrouble | None] = asyncio.Queue()
    store.on_trouble(told.put_nowait)
    return told


def _put(store: Store, campaign: str, number: int, size: int = 100_000) -> asyncio.Future[None]:
    """All of an experiment, with documents of that many bytes; the awaitable of its last write."""
    one = Experiment(campaign, number, Suggestion({"x": number}, "next"))
    store.planned(one, NOW)
    store.running(one, "sdc1", 1, NOW)
    store.documents(one, 1, [("start", {"uid": f"{number}", "text": "x" * size})])
    return asyncio.ensure_future(store.ended(Outcome(one, State.DONE, {"current": float(number)}), "sdc1", NOW))


def _damage(path: Path) -> None:
    """Spoil the first page of the table of experiments."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'experiments'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


def _changes(path: Path) -> list[tuple[str, str]]:
    return [(change.experiment, str(change.change)) for change in Reader(path).story("scan-1")]


def _expected(numbers: range) -> list[tuple[str, str]]:
    return [(f"scan-1/{number}", change) for number in numbers for change in ("planned", "running", "done")]


@pytest.mark.parametrize(
    ("fault", "words"),
    [(_no_file_may_grow, "the disk does not take it"), (_locked, "another program has locked it")],
)
async def test_writes_wait_while_the_disk_is_in_trouble_and_go_on_in_order(
    path: Path, record: CampaignRecord, fault: Fault, words: str
) -> None:
    store = await Store.open(path)
    await store.new_campaign(record)
    await _put(store, "scan-1", 1)
    told = _tell(store)
    with fault(path):
        calls = [_put(store, "scan-1", 2, 5_000_000)]
        found = await asyncio.wait_for(told.get(), 10)
        assert found is not None
        assert (found.path, found.cause.startswith(words)) == (path, True)
        assert found.since > 1_700_000_000
        calls += [_put(store, "scan-1", number) for number in range(3, 8)]
        late = _tell(store)
        assert await late.get() == found  # who asks late hears of it too
        await asyncio.wait(calls, timeout=0.1)
        assert not any(call.done() for call in calls)
    await asyncio.wait_for(asyncio.gather(*calls), 10)
    assert told.get_nowait() is None
    assert told.empty()
    await store.close()
    assert _changes(path) == _expected(range(1, 8))


async def test_a_store_that_is_locked_at_the_start_is_waited_for_where_somebody_is_told(
    path: Path, record: CampaignRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "BUSY_S", 0.02)
    store = await Store.open(path)
    await store.new_campaign(record)
    await store.close()
    told: asyncio.Queue[StoreTrouble | None] = asyncio.Queue()
    with _for_one_program(path):
        with pytest.raises(StoreError, match="locked"):
            await Store.open(path)
        given_up = asyncio.create_task(Store.open(path, told.put_nowait))
        found = await asyncio.wait_for(told.get(), 10)
        assert found is not None
        assert found.cause.startswith("another program has locked it")
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        threads = [thread for thread in threading.enumerate() if thread.name == f"store {path.name}"]
        for thread in threads:  # it has to let go of the store
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()
        told = asyncio.Queue()
        opening = asyncio.create_task(Store.open(path, told.put_nowait))
        assert await asyncio.wait_for(told.get(), 10) is not None
        assert not opening.done()
    store = await asyncio.wait_for(opening, 10)
    while (found := await asyncio.wait_for(told.get(), 10)) is not None:
        assert found.cause.startswith("another program has locked it")
    await _put(store, "scan-1", 1)
    await store.close()
    assert _changes(path) == _expected(range(1, 2))


async def test_what_a_store_waits_for_at_its_start_is_told_once(
    path: Path, record: CampaignRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await Store.open(path)).close()
    tries, thrice = 0, threading.Event()

    def opened(path: Path, kind: Kind, busy_s: float) -> sqlite3.Connection:
        nonlocal tries
        tries += 1
        if tries == 3:
            thrice.set()
        return open_writer(path, kind, busy_s)

    monkeypatch.setattr(committing, "open_writer", opened)
    told: list[StoreTrouble | None] = []
    with _for_one_program(path):
        opening = asyncio.create_task(Store.open(path, told.append))
        assert await asyncio.to_thread(thrice.wait, 10)
    store = await asyncio.wait_for(opening, 10)
    await store.close()
    assert [one is None for one in told] == [False, True]


async def test_a_full_store_keeps_its_batch_whole_and_in_its_order(path: Path, record: CampaignRecord) -> None:
    """SQLite's own limit of pages gives SQLITE_FULL, which takes back the whole transaction, calls before it too."""
    writer = Writer(path)
    await writer.opened
    store = Store(writer)
    await store.new_campaign(record)
    room = False

    def limit(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 100_000 * room}")

    told = _tell(store)
    writer.put(limit)
    call = _put(store, "scan-1", 1)
    found = await asyncio.wait_for(told.get(), 10)
    assert found == StoreTrouble(path, "the disk is full (database or disk is full)", found.since if found else 0.0)
    assert _changes(path) == []
    room = True
    await asyncio.wait_for(call, 10)
    await store.close()
    assert _changes(path) == _expected(range(1, 2))


async def test_a_read_only_store_is_opened_anew(path: Path, record: CampaignRecord) -> None:
    writer = Writer(path)
    await writer.opened
    store = Store(writer)
    told = _tell(store)
    await store.new_campaign(record)
    await writer.put(lambda connection: connection.execute("PRAGMA query_only = 1").fetchone())
    await asyncio.wait_for(_put(store, "scan-1", 1), 10)
    while (found := await asyncio.wait_for(told.get(), 10)) is not None:
        assert found.cause == "it is read-only (attempt to write a readonly database)"
    await store.close()
    assert _changes(path) == _expected(range(1, 2))


async def test_a_store_that_is_gone_is_not_made_anew(path: Path, record: CampaignRecord) -> None:
    """An unplugged disk: what lies at its place is no store, and none is begun there."""
    store = await Store.open(path)
    await store.new_campaign(record)
    told = _tell(store)
    away = path.with_name("away.db")
    with _no_file_may_grow(path):
        call = _put(store, "scan-1", 1, 5_000_000)
        await asyncio.wait_for(told.get(), 10)
        await asyncio.to_thread(path.rename, away)
        while (found := await asyncio.wait_for(told.get(), 10)) is None or "cannot be opened" not in found.cause:
            pass
        assert not await asyncio.to_thread(path.exists)
    await asyncio.to_thread(away.rename, path)
    await asyncio.wait_for(call, 10)
    await store.close()
    assert _changes(path) == _expected(range(1, 2))


async def test_to_close_in_trouble_tells_how_many_writes_were_not_stored(path: Path, record: CampaignRecord) -> None:
    store = await Store.open(path)
    await store.new_campaign(record)
    told = _tell(store)
    with _locked(path):
        call = _put(store, "scan-1", 1)
        await asyncio.wait_for(told.get(), 10)
        behind = _put(store, "scan-1", 2)
        with pytest.raises(StoreError, match=r"motet\.db: cannot be written: another .*; 8 writes were not stored"):
            await asyncio.wait_for(store.close(), 10)
        for lost in (call, behind):
            with pytest.raises(StoreError, match="another program has locked it"):
                await lost
    assert _changes(path) == []
    again = await Store.open(path)
    await again.close()


async def test_to_close_in_trouble_tries_once_more(path: Path, record: CampaignRecord) -> None:
    store = await Store.open(path)
    await store.new_campaign(record)
    told = _tell(store)
    with _locked(path):
        call = _put(store, "scan-1", 1)
        await asyncio.wait_for(told.get(), 10)
    await asyncio.wait_for(store.close(), 10)
    await call
    assert _changes(path) == _expected(range(1, 2))


async def test_a_damaged_store_is_final(path: Path, record: CampaignRecord) -> None:
    store = await Store.open(path)
    campaign = await store.new_campaign(record)
    await store.close()
    await asyncio.to_thread(_damage, path)
    store = await Store.open(path)
    told = _tell(store)
    with pytest.raises(StoreError, match="malformed"):
        await _put(store, campaign, 1)
    with pytest.raises(StoreError, match="malformed"):
        store.new_campaign(record)
    with pytest.raises(StoreError, match=r"malformed.*4 writes were not stored"):
        await store.close()
    assert told.empty()


FULL = """
import asyncio, sys
from contextlib import suppress
from pathlib import Path
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.store import CampaignRecord, Reader, Stamp, Store

NOW = Stamp(0.0, 0.0)

async def main():
    path = Path(sys.argv[1])
    ballast = path.with_name("ballast")
    with suppress(OSError):
        ballast.write_bytes(b"x" * 20_000_000)
    told = asyncio.Queue()
    opening = asyncio.create_task(Store.open(path, told.put_nowait))
    print((await asyncio.wait_for(told.get(), 20)).cause, flush=True)
    ballast.write_bytes(b"x" * 7_500_000)
    store = await asyncio.wait_for(opening, 20)
    while await asyncio.wait_for(told.get(), 20) is not None:
        pass
    record = CampaignRecord("scan", "lab", {}, {}, 0, (), {"y": {"goal": "maximize"}}, {}, NOW)
    campaign = await store.new_campaign(record)
    calls = []
    for number in range(1, 41):
        one = Experiment(campaign, number, Suggestion({"x": number}, "next"))
        store.planned(one, NOW)
        store.running(one, "sdc1", 1, NOW)
        store.documents(one, 1, [("start", {"uid": str(number), "text": "x" * 50_000})])
        calls.append(asyncio.ensure_future(store.ended(Outcome(one, State.DONE, {"y": 1.0}), "sdc1", NOW)))
        await asyncio.wait([calls[-1]], timeout=0.05)
    print((await asyncio.wait_for(told.get(), 20)).cause, flush=True)
    assert not calls[-1].done()
    ballast.unlink()
    await asyncio.wait_for(asyncio.gather(*calls), 20)
    await store.close()
    changes = [(change.experiment, str(change.change)) for change in Reader(path).story(campaign)]
    assert changes == [(f"scan-1/{n}", c) for n in range(1, 41) for c in ("planned", "running", "done")], changes

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_file_system_without_room_is_waited_for(tmp_path: Path) -> None:
    """A file system of its own, that really is full."""
    inside = f"mount -t tmpfs -o size=9m tmpfs {tmp_path} && exec {sys.executable} -c '{FULL}' {tmp_path}/motet.db"
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-Urm", "true"], check=False).returncode:
        pytest.skip("needs unshare (util-linux) and a kernel that lets users have mounts of their own")
    ran = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", inside], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    full = "the disk is full ({})\n"
    assert ran.stdout == full.format("No space left on device") + full.format("database or disk is full")
