"""Writers for simulated campaigns: they work in the caller's thread, so that nothing depends on another one's pace."""

import asyncio
import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from motet.errors import StoreError
from motet.store import happenings, statements
from motet.store.connect import open_writer
from motet.store.lock import WriterLock
from motet.store.trouble import StoreTrouble

P = ParamSpec("P")
R = TypeVar("R")

COMMIT_EVERY = 2000
"""Calls that become durable together: a simulation that is lost can be repeated to the letter."""


class PromptWriter:
    """Carries out every call at once, inside a transaction that is committed every `COMMIT_EVERY` calls and at the end.

    The face of `motet.store.writer.Writer`; its futures are done when they are given.
    """

    def __init__(self, path: Path) -> None:
        """Raises StoreError for a file that is no store, and for one that another process is writing to."""
        self.path = path
        self.error: StoreError | None = None
        self._loop = asyncio.get_running_loop()
        self.opened = self._done(None)
        self.closed: asyncio.Future[Any] = self._loop.create_future()
        self._lock = WriterLock(path)
        try:
            self._connection = _begun(path)
        except BaseException:
            self._lock.release()
            raise
        self._calls = 0

    def put(
        self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[R]:
        """Carry out `function(connection, ...)`. Raises StoreError when an earlier write failed."""
        if self.error is not None:
            raise StoreError(str(self.error)) from self.error
        try:
            result = function(self._connection, *args, **kwargs)
            self._calls += 1
            if self._calls % COMMIT_EVERY == 0:
                self._connection.execute("COMMIT")
                self._connection.execute("BEGIN IMMEDIATE")
        except StoreError as error:  # a value that has no place in the store: nothing was executed for this call
            return self._failed(error)
        except Exception as error:  # noqa: BLE001 - as from the writer's thread: whoever waits hears of it
            self.error = StoreError(f"{self.path}: cannot be written: {error}")
            self.error.__cause__ = error
            return self._failed(self.error)
        return self._done(result)

    put_lazily = put

    def on_trouble(self, listener: Callable[[StoreTrouble | None], object]) -> None:
        """Never called: nobody can wait here, and what failed can be repeated to the letter."""

    def stop(self) -> None:
        """Commit and close."""
        try:
            if self.error is None:
                self._connection.execute("COMMIT")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            self.error = StoreError(f"{self.path}: cannot be written: {error}")
            self.error.__cause__ = error
        finally:
            self._connection.close()
            self._lock.release()
        if self.error is None:
            self.closed.set_result(None)
        else:
            self.closed.set_exception(self.error)

    def _done(self, result: R) -> asyncio.Future[R]:
        future: asyncio.Future[R] = self._loop.create_future()
        future.set_result(result)
        return future

    def _failed(self, error: StoreError) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        future.set_exception(StoreError(str(error)))
        future.exception()  # seen: not every caller waits for it
        return future


def _begun(path: Path) -> sqlite3.Connection:
    """The writing connection, with a transaction begun."""
    connection = open_writer(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:  # another program holds the file
        connection.close()
        raise StoreError(f"{path}: cannot be written: {error}") from error
    return connection


class NoWriter:
    """Keeps nothing: for the thousands of campaigns of a study, which keeps their results itself.

    It hands out what others refer to: the id of its one campaign, `simulated-1`, and numbers of entries of a queue.
    """

    def __init__(self) -> None:
        self.path = Path("nowhere")
        self.error: StoreError | None = None
        self._loop = asyncio.get_running_loop()
        self._entries = count(1)
        self.opened = self._done(None)
        self.closed: asyncio.Future[Any] = self._loop.create_future()

    def put(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        """Forget it."""
        if function is statements.new_campaign:
            return self._done("simulated-1")
        return self._done(next(self._entries) if function is happenings.queued else None)

    put_lazily = put

    def on_trouble(self, listener: Callable[[StoreTrouble | None], object]) -> None:
        """Never called."""

    def stop(self) -> None:
        """Nothing to write."""
        self.closed.set_result(None)

    def _done(self, result: object) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        future.set_result(result)
        return future
