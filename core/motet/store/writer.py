"""The writer's thread: takes calls in their order and commits whatever waits as one transaction.

A commit on the disk takes some hundred microseconds; while one is under way the next calls gather, so that
the rate of experiments is not bound by the rate of commits (group commit: DeWitt et al., Implementation
techniques for main memory database systems, SIGMOD 1984).
"""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from sqlite3 import Connection
from typing import Concatenate, ParamSpec, TypeVar

from motet.errors import StoreError
from motet.store.committing import Call, Committer, Future, Result
from motet.store.connect import STORE, Kind
from motet.store.lock import WriterLock
from motet.store.trouble import StoreTrouble, delays, may_open_later, trouble

P = ParamSpec("P")
R = TypeVar("R")
LAZY_S = 0.05
"""Longest time that a lazy call waits for company, seconds."""
Listener = Callable[[StoreTrouble | None], object]


class Writer:
    """One thread, one connection. Made on the event loop, on which its futures are resolved."""

    def __init__(self, path: Path, kind: Kind = STORE, waiting: Listener | None = None) -> None:
        """With `waiting`, which is told as by `on_trouble`, a disk without room and another program's lock are waited
        for; else they are refused."""
        self.path = path
        self._kind = kind
        self.error: StoreError | None = None
        self._loop = asyncio.get_running_loop()
        self._gathered: list[Call] = []
        self._flushing: asyncio.Handle | None = None
        self._calls: SimpleQueue[list[Call] | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._trouble: StoreTrouble | None = None
        self._waits = waiting is not None
        self._listeners: list[Listener] = [] if waiting is None else [waiting]
        self._lost = 0
        self.opened: Future = self._loop.create_future()
        self.closed: Future = self._loop.create_future()
        # A daemon: a process that ends without closing must not hang; what it was promised is on the disk.
        self._thread = threading.Thread(target=self._run, name=f"store {path.name}", daemon=True)
        self._thread.start()

    def put(
        self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[R]:
        """Queue `function(connection, ...)`; the future holds its result once it is durable. Raises
        StoreError when an earlier write failed for good.

        What is put during one turn of the event loop goes to the thread together. The function is called again when
        the transaction has to be.
        """
        future = self._gather(function, *args, **kwargs)
        if self._flushing is None or isinstance(self._flushing, asyncio.TimerHandle):
            self._schedule(self._loop.call_soon(self._flush))
        return future

    def put_lazily(
        self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[R]:
        """Like `put`, for what nobody waits for: it goes along with the next call, after LAZY_S at the latest."""
        future = self._gather(function, *args, **kwargs)
        if self._flushing is None:
            self._schedule(self._loop.call_later(LAZY_S, self._flush))
        return future

    def on_trouble(self, listener: Listener) -> None:
        """Call it on the event loop when writing has to wait, when the cause becomes another one, and with None when it
        goes on; soon, when it has to wait already."""
        self._listeners.append(listener)
        if self._trouble is not None:
            self._loop.call_soon(listener, self._trouble)

    def stop(self) -> None:
        """Write what is queued, then close: `closed` tells when."""
        self._flush()
        self._calls.put(None)
        self._stopping.set()

    def _gather(
        self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
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
            lock, committer = self._open()
        except StoreError as error:
            self._deliver([(self.opened, None, error)])
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, `Store.open` waits for it
            found = StoreError(f"{self.path}: cannot be opened as a store: {type(error).__name__}: {error}")
            found.__cause__ = error
            self._deliver([(self.opened, None, found)])
            return
        self._deliver([(self.opened, None, None)])
        while self._serve(committer):
            pass
        closing = committer.close() or self.error
        if self._lost and self.error is not None:
            number = f"{self._lost} write{' was' if self._lost == 1 else 's were'}"
            closing = StoreError(f"{self.error}; {number} not stored")
            closing.__cause__ = self.error.__cause__
        lock.release()
        self._deliver([(self.closed, None, closing)])

    def _open(self) -> tuple[WriterLock, Committer]:
        """Again and again, where that may help and is wanted."""
        found: StoreTrouble | None = None
        for delay in delays():
            last = self._stopping.is_set()
            try:
                opened = self._open_once()
            except StoreError as error:
                if last or not (self._waits and may_open_later(error)):
                    raise
                before, found = found, trouble(self.path, error, found)
                if found != before:
                    self._tell(found)
                self._stopping.wait(delay)
            else:
                if found is not None:
                    self._tell(None)
                return opened
        raise AssertionError("unreachable: there is always another try")

    def _open_once(self) -> tuple[WriterLock, Committer]:
        lock = WriterLock(self.path)
        try:
            return lock, Committer(self.path, self._stopping, self._tell, self._kind, waits=self._waits)
        except BaseException:
            lock.release()
            raise

    def _serve(self, committer: Committer) -> bool:
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
            self._commit(committer, batch)
        return more

    def _commit(self, committer: Committer, batch: list[Call]) -> None:
        if self.error is None:
            try:
                self._deliver(committer.commit(batch))
            except StoreError as error:
                self.error = error
            else:
                return
        self._lost += len(batch)
        self._deliver([(future, None, self.error) for _, future in batch])

    def _tell(self, trouble: StoreTrouble | None) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told, trouble)

    def _told(self, trouble: StoreTrouble | None) -> None:
        self._trouble = trouble
        for listener in self._listeners:  # each by itself: one that raises must not keep it from the others
            self._loop.call_soon(listener, trouble)

    def _deliver(self, results: list[Result]) -> None:
        if not self._loop.is_closed():  # closed: the program ended without close, and nobody waits any more
            self._loop.call_soon_threadsafe(self._resolve, results)

    def _resolve(self, results: list[Result]) -> None:
        for future, value, error in results:
            if future.done():
                continue
            if error is None:
                future.set_result(value)
                continue
            own = StoreError(str(error))  # one for each waiter: where it is raised, its traceback grows
            own.__cause__ = error.__cause__
            future.set_exception(own)
            if error is self.error or future is self.closed:
                future.exception()  # seen: not every caller waits for it, and `put` and `close` raise it too
