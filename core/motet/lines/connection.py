"""A line's connection: the open stream, what has come over it, and who owns the port."""

import asyncio
import os
from functools import partial
from typing import Protocol

from motet.errors import ConnectionProblem, LineLost
from motet.lines.capture import Capture
from motet.lines.stream import ByteStream, Opener

MOST_UNREAD = 65536
"""Unread bytes that are kept; beyond it the oldest are dropped: an instrument may stream to nobody for
days."""


class _Named(Protocol):
    name: str


_owners: dict[str, _Named] = {}


class Connection:
    """Opens, reads, writes and closes for one line, and knows why when it cannot."""

    def __init__(self, name: str, opener: Opener, capture: Capture | None) -> None:
        self.name = name
        self.buffer = bytearray()
        """What has come and was not taken yet."""
        self.openings = 0
        """How often it was opened."""
        self._opener = opener
        self._capture = capture
        self._stream: ByteStream | None = None
        self._lost = "it is not open"
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._changing = asyncio.Lock()
        self._owned = ""

    def __str__(self) -> str:
        return f"{self.name} ({self._opener.where})"

    @property
    def is_open(self) -> bool:
        """Whether it is open and was not lost."""
        return not self._lost

    async def open(self) -> None:
        """Open it unless it is open; after a loss, anew. Raises ConnectionProblem."""
        async with self._changing:
            if self._stream is not None and not self._lost:
                return
            await self._shut("it is being opened again")
            stream = await self._open_stream()
            self.buffer.clear()
            self._lost = ""
            self._stream = stream
            self.openings += 1
            stream.listen(self._arrived, partial(self._ended, stream))

    async def close(self) -> None:
        """Close it unless it is closed; whoever waits for more bytes gets LineLost."""
        async with self._changing:
            await self._shut("it was closed")

    def write(self, data: bytes) -> None:
        """Send the bytes. Raises LineLost."""
        self.check()
        assert self._stream is not None
        if self._capture is not None:
            self._capture.record(asyncio.get_running_loop().time(), self.name, ">", data)
        try:
            self._stream.write(data)
        except OSError as error:
            self._lose(_cause(error))
            self.check()

    async def more(self, deadline: float) -> None:
        """Wait until more bytes have come. Raises LineLost, and TimeoutError when the loop's clock says `deadline`.

        One waits at a time. Every query waits here, and few ever reach their deadline: one timer serves many of them.
        """
        self.check()
        loop = asyncio.get_running_loop()
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._watch(loop)
        self._waiter = loop.create_future()
        await self._waiter

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self._deadline, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """The timer fell due: for the one who waits now, or for one who waits no longer."""
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if loop.time() + 1e-6 >= self._deadline:  # a loop may call a little early
            self._waiter.set_exception(TimeoutError())
        else:
            self._watch(loop)

    def check(self) -> None:
        """Raises LineLost when the line cannot be used, StoreError when its traffic cannot be captured."""
        if self._capture is not None:
            self._capture.check()
        if self._lost:
            raise LineLost(f"{self}: {self._lost}")

    async def _open_stream(self) -> ByteStream:
        key = _key(self._opener.where)
        owner = _owners.setdefault(key, self)
        if owner is not self:
            raise ConnectionProblem(f"{self.name}: {self._opener.where} is in use by {owner.name}")
        self._owned = key  # a link may point elsewhere by the time the port is given back
        try:
            return await self._opener.open()
        except BaseException as error:
            del _owners[key]
            if isinstance(error, OSError | ValueError):
                cause = _cause(error)
                raise ConnectionProblem(f"{self.name}: cannot open {self._opener.where}: {cause}") from error
            raise

    def _arrived(self, data: bytes) -> None:
        """Bytes from the stream."""
        if self._capture is not None:
            self._capture.record(asyncio.get_running_loop().time(), self.name, "<", data)
        self.buffer += data
        if len(self.buffer) > MOST_UNREAD:
            del self.buffer[:-MOST_UNREAD]
        self._wake()

    def _ended(self, stream: ByteStream, error: OSError | None) -> None:
        if stream is self._stream:  # else it is one of before that ends late
            self._lose("the other end closed it" if error is None else _cause(error))

    def _lose(self, reason: str) -> None:
        self._lost = self._lost or reason
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _shut(self, reason: str) -> None:
        if self._stream is None:
            return
        self._lose(reason)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        stream, self._stream = self._stream, None
        try:
            await stream.close()
        finally:
            del _owners[self._owned]


def _key(where: str) -> str:
    """One port may have several names: `/dev/serial/by-id/...` is a link. A line in memory belongs to its loop."""
    if where.startswith("memory:"):
        return f"{where} of loop {id(asyncio.get_running_loop())}"
    return os.path.realpath(where) if where.startswith("/") else where


def _cause(error: Exception) -> str:
    """The reason alone: pyserial wraps the operating system's into a sentence that has the port's name
    twice."""
    if isinstance(error, TimeoutError):
        return "nobody answered in time"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
