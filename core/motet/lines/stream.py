"""What carries a line's bytes: a stream and the opener that gives one."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

CLOSING = 2.0
"""Longest wait for a transport to close, seconds."""


Arrived = Callable[[bytes], None]
Ended = Callable[[OSError | None], None]


class ByteStream(Protocol):
    """An open way for bytes in both directions. One listens to it."""

    def listen(self, arrived: Arrived, ended: Ended) -> None:
        """Hand on what has come and all that comes; then, once, that there will be no more, with the error if it was
        no plain end of file."""
        ...

    def write(self, data: bytes) -> None:
        """Send the bytes, in order, without waiting for them to have gone out. Raises OSError."""
        ...

    async def close(self) -> None:
        """Close it, once, with the bytes written so far sent where that is possible in bounded time."""
        ...


class Opener(Protocol):
    """Knows where an instrument is and opens the way to it."""

    @property
    def where(self) -> str:
        """The place, for messages and to keep two lines off one port: `/dev/ttyUSB0`, `memory:ps90-1`."""
        ...

    async def open(self) -> ByteStream:
        """A fresh stream. Raises OSError or ValueError with the cause when it cannot be opened."""
        ...


class Inbox:
    """Bytes on their way to the one listener of a stream, with what ended them. For use on one event loop."""

    def __init__(self) -> None:
        self._early = bytearray()
        self._arrived: Arrived | None = None
        self._tell_end: Ended = lambda error: None
        self._ended = False
        self._error: OSError | None = None

    def listen(self, arrived: Arrived, ended: Ended) -> None:
        """Hand everything to these from now on, what came before first."""
        self._arrived, self._tell_end = arrived, ended
        if self._early:
            data = bytes(self._early)
            self._early.clear()
            arrived(data)
        if self._ended:
            ended(self._error)

    def feed(self, data: bytes) -> None:
        """More bytes."""
        if self._ended:
            return
        if self._arrived is None:
            self._early += data
        else:
            self._arrived(data)

    def end(self, error: OSError | None = None) -> None:
        """No more bytes will come; `error` says why when it was not a plain end of file."""
        if not self._ended:
            self._ended, self._error = True, error
            self._tell_end(error)


class TransportStream(asyncio.Protocol):
    """A ByteStream on an asyncio transport: a tty's or a socket's."""

    def __init__(self) -> None:
        self._inbox = Inbox()
        self._transport: asyncio.Transport | None = None
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes from the instrument."""
        self._inbox.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone: by end of file, by an error or by `close`."""
        self._inbox.end(exc if isinstance(exc, OSError) else None)
        self._gone.set()

    def listen(self, arrived: Arrived, ended: Ended) -> None:
        """Hand on what has come and all that comes."""
        self._inbox.listen(arrived, ended)

    def write(self, data: bytes) -> None:
        """Hand the bytes to the transport. Raises OSError when it is closing."""
        if self._transport is None or self._transport.is_closing():
            raise BrokenPipeError("the connection is closed")
        self._transport.write(data)

    async def close(self) -> None:
        """Send what is still to be sent for at most CLOSING seconds, then close in any case."""
        if self._transport is None:
            return
        if not self._gone.is_set():
            self._transport.close()
            if not await self._ended() and self._transport.get_write_buffer_size():
                self._transport.abort()  # the instrument takes no more bytes: flow control, or it is off
                await self._ended()
        self._transport = None

    async def _ended(self) -> bool:
        try:
            async with asyncio.timeout(CLOSING):
                await self._gone.wait()
        except TimeoutError:
            return False
        return True
