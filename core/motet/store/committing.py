"""One batch of calls as one transaction: again and again while the disk is in trouble, whole and in order."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from motet.errors import StoreError
from motet.store.connect import BUSY_S, STORE, Kind, open_again, open_writer
from motet.store.trouble import StoreTrouble, cause, delays, may_mend, needs_opening, trouble

Future = asyncio.Future[Any]
Call = tuple[Callable[[sqlite3.Connection], Any], Future]
Result = tuple[Future, Any, StoreError | None]

LOCKED_S = 2.0
"""How long another program may hold the store before that is trouble, seconds."""


class Committer:
    """The writer's connection, to be used in its thread only."""

    def __init__(
        self,
        path: Path,
        stopping: threading.Event,
        tell: Callable[[StoreTrouble | None], object],
        kind: Kind = STORE,
        *,
        waits: bool = False,
    ) -> None:
        """Open or make the store. `stopping` is set when nobody will wait much longer; `tell` hears of trouble, and of
        its end with None; `waits` says that this is tried again when another program has locked it. Raises
        StoreError."""
        self._path = path
        self._kind = kind
        self._stopping = stopping
        self._tell = tell
        self._trouble: StoreTrouble | None = None
        self._connection: sqlite3.Connection | None = _patient(open_writer(path, kind, LOCKED_S if waits else BUSY_S))

    def commit(self, batch: list[Call]) -> list[Result]:
        """Carry out the calls and commit them, however long the disk takes to mend. Raises StoreError for what can
        never mend, and when `stopping` is set and one more try has failed."""
        for delay in delays():
            last = self._stopping.is_set()
            try:
                results = self._try(batch)
            except Exception as error:  # a dead thread would leave every caller waiting for ever
                self._roll_back(error)
                if not may_mend(error):
                    raise _given_up(self._path, str(error), error) from error
                self._in_trouble(error)
                if last:
                    raise _given_up(self._path, cause(error), error) from error
                self._stopping.wait(delay)
            else:
                self._in_trouble(None)
                return results
        raise AssertionError("unreachable: there is always another try")

    def close(self) -> StoreError | None:
        """Let go of the file. Gives what kept it from being closed properly: nothing is lost, the log still holds it,
        but the disk is not well, and the user should know."""
        if self._connection is None:
            return None
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            found = StoreError(f"{self._path}: cannot be closed properly: {error}")
            found.__cause__ = error
            return found
        finally:
            self._connection.close()
        return None

    def _try(self, batch: list[Call]) -> list[Result]:
        if self._connection is None:
            self._connection = _patient(open_again(self._path, self._kind))
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        results = [_one(connection, call) for call in batch]
        connection.execute("COMMIT")
        return results

    def _roll_back(self, error: Exception) -> None:
        """Take back what was done of the batch, which SQLite itself does after some errors."""
        if self._connection is None:
            return
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # closing takes it back too
                self._connection.rollback()
        if needs_opening(error) or self._connection.in_transaction:
            self._connection.close()
            self._connection = None

    def _in_trouble(self, error: Exception | None) -> None:
        found = None if error is None else trouble(self._path, error, self._trouble)
        if found != self._trouble:
            self._trouble = found
            self._tell(found)


def _patient(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute(f"PRAGMA busy_timeout = {LOCKED_S * 1000:.0f}")
    return connection


def _given_up(path: Path, why: str, error: Exception) -> StoreError:
    found = StoreError(f"{path}: cannot be written: {why}")
    found.__cause__ = error
    return found


def _one(connection: sqlite3.Connection, call: Call) -> Result:
    function, future = call
    try:
        return (future, function(connection), None)
    except StoreError as error:  # a value that has no place in the store: nothing was executed for this call
        return (future, None, error)
