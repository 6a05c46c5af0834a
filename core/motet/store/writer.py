"""The writer's thread: takes calls in their order and commits whatever waits as one transaction.

A commit on the disk takes some hundred microseconds; while one is under way the next calls gather, so that
the rate of experiments is not bound by the rate of commits (group commit: DeWitt et al., Implementation
techniques for main memory database systems, SIGMOD 1984).
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, ParamSpec, TypeVar

from motet.errors import StoreError
from motet.store.connect import open_writer
from motet.store.lock import WriterLock

P = ParamSpec("P")
R = TypeVar("R")
Future = asyncio.Future[Any]
LAZY_S = 0.05
"""Longest time that a lazy call waits for company, seconds."""

Call = tuple[Callable[[sqlite3.Connection], Any], Future]


class Writer:
    """One thread, one connection. Made on the event loop, on which its futures are resolved."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error: StoreError | None = None
        self._loop = asyncio.get_running_loop()
        self._gathered: list[Call] = []
        self._flushing: asyncio.Handle | None = None
        self._calls: SimpleQueue[list[Call] | None] = SimpleQueue()
        self.opened: Future = self._loop.create_future()
        self.closed: Future = self._loop.create_future()
        # A daemon: a process that ends without closing must not hang; what it was promised is on the disk.
        self._thread = threading.Thread(target=self._run, name=f"store {path.name}", daemon=True)
        self._thread.start()

    def put(
        self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[R]:
        """Queue `function(connection, ...)`; the future holds its result once it is durable. Raises
        StoreError when an earlier write failed.

        What is put during one turn of the event loop goes to the thread together.
        """
        future = self._gather(function, *args, **kwargs)
        if self._flushing is None or isinstance(self._flushing, asyncio.TimerHandle):
            self._schedule(self._loop.call_soon(self._flush))
        return future

    def put_lazily(
        self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[R]:
        """Like `put`, for what nobody waits for: it goes along with the next call, after LAZY_S at the latest."""
        future = self._gather(function, *args, **kwargs)
        if self._flushing is None:
            self._schedule(self._loop.call_later(LAZY_S, self._flush))
        return future

    def stop(self) -> None:
        """Write what is queued, then close: `closed` tells when."""
        self._flush()
        self._calls.put(None)

    def _gather(
        self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[R]:
        if self.error is not None:
            raise StoreError(str(self.error)) from self.error
        future: asyncio.Future[R] = self._loop.create_future()
        self._gathered.append((lambda connection: function(connection, *args, **kwargs), future))
        return future

    def _schedule(self, handle: asyncio.Handle) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
        self._flushing = handle

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if self._gathered:
            self._calls.put(self._gathered)
            self._gathered = []

    def _run(self) -> None:
        try:
            lock, connection = self._open()
        except StoreError as error:
            self._deliver([(self.opened, None, error)])
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, `Store.open` waits for it
            found = StoreError(f"{self.path}: cannot be opened as a store: {type(error).__name__}: {error}")
            found.__cause__ = error
            self._deliver([(self.opened, None, found)])
            return
        self._deliver([(self.opened, None, None)])
        while self._serve(connection):
            pass
        self._close(connection)
        lock.release()
        self._deliver([(self.closed, None, self.error)])

    def _open(self) -> tuple[WriterLock, sqlite3.Connection]:
        lock = WriterLock(self.path)
        try:
            return lock, open_writer(self.path)
        except BaseException:
            lock.release()
            raise

    def _serve(self, connection: sqlite3.Connection) -> bool:
        """One batch: the next calls and all that wait behind them. False when there will be no more."""
        batch: list[Call] = []
        more = True
        calls = self._calls.get()
        try:
            while calls is not None:
                batch += calls
                calls = self._calls.get_nowait()
            more = False
        except Empty:
            pass
        if batch:
            self._deliver(self._commit(connection, batch))
        return more

    def _commit(self, connection: sqlite3.Connection, batch: list[Call]) -> list["_Result"]:
        if self.error is None:
            try:
                connection.execute("BEGIN IMMEDIATE")
                results = [_one(connection, call) for call in batch]
                connection.execute("COMMIT")
            except Exception as error:  # noqa: BLE001 - a dead thread would leave every caller waiting for ever
                self.error = StoreError(f"{self.path}: cannot be written: {error}")
                self.error.__cause__ = error
                if connection.in_transaction:
                    connection.rollback()
            else:
                return results
        return [(future, None, self.error) for _, future in batch]

    def _close(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            # Nothing is lost, the log still holds it; but the disk is not well, and the user should know.
            self.error = self.error or StoreError(f"{self.path}: cannot be closed properly: {error}")
        finally:
            connection.close()

    def _deliver(self, results: list["_Result"]) -> None:
        if not self._loop.is_closed():  # closed: the program ended without close, and nobody waits any more
            self._loop.call_soon_threadsafe(self._resolve, results)

    def _resolve(self, results: list["_Result"]) -> None:
        for future, value, error in results:
            if future.done():
                continue
            if error is None:
                future.set_result(value)
                continue
            own = StoreError(str(error))  # one for each waiter: where it is raised, its traceback grows
            own.__cause__ = error.__cause__
            future.set_exception(own)
            if error is self.error:
                future.exception()  # seen: not every caller waits for it, and `put` and `close` raise it too


_Result = tuple[Future, Any, StoreError | None]


def _one(connection: sqlite3.Connection, call: Call) -> _Result:
    function, future = call
    try:
        return (future, function(connection), None)
    except StoreError as error:  # a value that has no place in the store: nothing was executed for this call
        return (future, None, error)
