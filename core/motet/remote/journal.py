"""What a station remembers on its disk: the jobs it has begun and what came of them, and who holds it.

A job is written `begun` before its first move and `ended` with its record. A record is kept until its orchestrator has
acknowledged it; the id is kept after that, so that a request that comes late does not run the job a second time.
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from itertools import islice
from pathlib import Path
from sqlite3 import Connection
from typing import Any, NamedTuple

from sqlite_utils import Database

from motet.errors import Interrupted, StoreError
from motet.model.experiment import RunRecord
from motet.remote.bodies import text_of
from motet.simulation.virtual import VirtualLoop
from motet.stamps import wall
from motet.station.marks import had_begun
from motet.store import encode
from motet.store.connect import Kind
from motet.store.trouble import StoreTrouble
from motet.store.writer import Writer

MOST_SETTLED = 20_000
"""So many ids of jobs without a record are remembered."""
MOST_ENDED = 1_000
"""So many records wait for their orchestrator at most; the oldest go first."""


class Fate(StrEnum):
    """How far a job has come."""

    BEGUN = "begun"
    ENDED = "ended"
    SETTLED = "settled"
    """Acknowledged or dropped: nothing of it is kept but its id."""


class Key(NamedTuple):
    """A job, unique among all orchestrators."""

    orchestrator: str
    job: str


class Held(NamedTuple):
    """Who holds the station; `since` in seconds since 1970."""

    orchestrator: str
    campaign: str
    since: float


def _first(db: Database) -> None:
    columns = {"id": int, "orchestrator": str, "job": str, "fate": str, "unrepeatable": str, "record": str}
    needed = {"orchestrator", "job", "fate"}
    db.table("jobs").create({**columns, "ended": float}, pk="id", not_null=needed)
    db.table("jobs").create_index(["orchestrator", "job"], unique=True)
    db.table("hold").create({"id": int, "orchestrator": str, "campaign": str, "since": float}, pk="id")


JOURNAL = Kind("journal of a station", 0x4D4F544A, (_first,))
"""SQLite's mark of a journal: `MOTJ`."""


class Journal:
    """One station's journal. Everything is read once; every write is queued at once and durable when awaited."""

    def __init__(self, writer: Writer, name: str) -> None:
        """Use `Journal.open`."""
        self.name = name
        self._fates: dict[Key, Fate] = {}
        self._settled: dict[Key, None] = {}
        self.held: Held | None = None
        self._closed = False
        self._writer = writer
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, path: Path, name: str) -> "Journal":
        """The journal of the station `name`, made where there is none. Jobs that were begun when the process before
        this one ended have ended with it: their record says Interrupted.

        Raises StoreError, also when another process has it open.
        """
        writer = Writer(path, JOURNAL)
        journal = cls(writer, name)
        with journal._still():
            await asyncio.shield(writer.opened)
        fates, journal.held = await journal._put(_opened, name)
        for key, fate in fates.items():
            journal._remember(key, fate)
        return journal

    def fate(self, key: Key) -> Fate | None:
        """How far a job has come, None when it never came here."""
        return self._fates.get(key, Fate.SETTLED if key in self._settled else None)

    @property
    def ended(self) -> tuple[Key, ...]:
        """The jobs whose records nobody has acknowledged yet, the oldest first."""
        return tuple(key for key, fate in self._fates.items() if fate is Fate.ENDED)

    def on_trouble(self, listener: Callable[[StoreTrouble | None], object]) -> None:
        """Hear when writing has to wait, and with None when it goes on."""
        self._writer.on_trouble(listener)

    def begin(self, key: Key) -> "asyncio.Future[None]":
        """Nothing may move before this is done."""
        self._remember(key, Fate.BEGUN)
        return self._put(_begin, key)

    def mark(self, job: str, step: str) -> "asyncio.Future[None]":
        """The job that runs is about to begin a step that must not be repeated; not before this is done."""
        return self._put(_mark, job, step)

    def end(self, key: Key, record: str) -> "asyncio.Future[None]":
        """Keep the record until it is acknowledged."""
        self._remember(key, Fate.ENDED)
        return self._put(_end, key, record, wall())

    def settle(self, key: Key) -> "asyncio.Future[None]":
        """Forget the record; the job, begun or not, never begins again. Nobody has to wait for one that has ended: if
        this is lost, its record is sent once more, and acknowledged once more."""
        lazily = self._fates.get(key) is Fate.ENDED
        gone = self._remember(key, Fate.SETTLED)
        return self._put(_settle, key, gone, lazily=lazily)

    def record(self, key: Key) -> "asyncio.Future[tuple[str, float] | None]":
        """The record of a job that has ended and the wall time when it did; None when it is not kept any more."""
        return self._put(_record, key)

    def hold(self, held: Held | None) -> "asyncio.Future[None]":
        """Who holds the station from now on."""
        self.held = held
        return self._put(_hold, held)

    async def close(self) -> None:
        """Write what is queued, then close. Raises StoreError when a write has failed."""
        self._closed = True
        self._writer.stop()
        with self._still():
            await asyncio.wait([self._writer.closed])
        self._writer.closed.result()

    def _remember(self, key: Key, fate: Fate) -> tuple[Key, ...]:
        """Note how far a job has come; the oldest settled ones that are forgotten for it."""
        if fate is not Fate.SETTLED:
            self._fates[key] = fate
            return ()
        self._fates.pop(key, None)
        self._settled[key] = None
        gone = tuple(islice(self._settled, max(0, len(self._settled) - MOST_SETTLED)))
        for old in gone:
            del self._settled[old]
        return gone

    def _put(self, function: Callable[..., Any], *args: Any, lazily: bool = False) -> "asyncio.Future[Any]":
        try:
            if self._closed:
                raise StoreError(f"{self._writer.path}: is closed, nothing more can be written")
            future = (self._writer.put_lazily if lazily else self._writer.put)(function, *args)
        except StoreError as error:  # an earlier write failed for good: whoever waits for this one hears of it
            future = self._loop.create_future()
            future.set_exception(error)
        still = ExitStack() if lazily else self._still()  # a lazy one waits for virtual time to pass
        future.add_done_callback(lambda done: still.close())
        future.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen: not everybody waits
        return future

    def _still(self) -> ExitStack:
        """Virtual time stands still while the disk works."""
        stack = ExitStack()
        if isinstance(self._loop, VirtualLoop):
            stack.enter_context(self._loop.held())
        return stack


def _opened(connection: Connection, name: str) -> tuple[dict[Key, Fate], Held | None]:
    now = wall()
    query = "SELECT id, job, unrepeatable FROM jobs WHERE fate = 'begun'"
    for row, job, unrepeatable in connection.execute(query).fetchall():
        begun = tuple(encode.loads(unrepeatable))
        cause = f"{name}: the process that ran experiment {job} ended in the middle of it{had_begun(begun)}"
        record = RunRecord((), 0.0, 0.0, Interrupted(cause), begun)
        connection.execute(
            "UPDATE jobs SET fate = 'ended', record = ?, ended = ? WHERE id = ?", (text_of(record), now, row)
        )
    rows = connection.execute("SELECT orchestrator, job, fate FROM jobs ORDER BY id").fetchall()
    held = connection.execute("SELECT orchestrator, campaign, since FROM hold").fetchone()
    return {Key(one, job): Fate(fate) for one, job, fate in rows}, None if held is None else Held(*held)


def _begin(connection: Connection, key: Key) -> None:
    sql = "INSERT INTO jobs (orchestrator, job, fate, unrepeatable) VALUES (?, ?, 'begun', '[]')"
    connection.execute(sql, key)


def _mark(connection: Connection, job: str, step: str) -> None:
    """One job runs at a time: it is told from those of the same name that other orchestrators sent."""
    (row, text) = connection.execute(
        "SELECT id, unrepeatable FROM jobs WHERE job = ? AND fate = 'begun'", (job,)
    ).fetchone()
    steps = dict.fromkeys((*encode.loads(text), step))
    connection.execute("UPDATE jobs SET unrepeatable = ? WHERE id = ?", (encode.dumps(tuple(steps)), row))


def _end(connection: Connection, key: Key, record: str, at: float) -> None:
    sql = "UPDATE jobs SET fate = 'ended', record = ?, ended = ? WHERE orchestrator = ? AND job = ?"
    connection.execute(sql, (record, at, *key))


def _settle(connection: Connection, key: Key, gone: tuple[Key, ...]) -> None:
    sql = (
        "INSERT INTO jobs (orchestrator, job, fate) VALUES (?, ?, 'settled') "
        "ON CONFLICT (orchestrator, job) DO UPDATE SET fate = 'settled', record = NULL, unrepeatable = NULL"
    )
    connection.execute(sql, key)
    connection.executemany("DELETE FROM jobs WHERE orchestrator = ? AND job = ?", gone)


def _record(connection: Connection, key: Key) -> tuple[str, float] | None:
    sql = "SELECT record, ended FROM jobs WHERE orchestrator = ? AND job = ? AND fate = 'ended'"
    return connection.execute(sql, key).fetchone()


def _hold(connection: Connection, held: Held | None) -> None:
    connection.execute("DELETE FROM hold")
    if held is not None:
        connection.execute("INSERT INTO hold (orchestrator, campaign, since) VALUES (?, ?, ?)", held)
