"""A line: one instrument's bytes, one exchange at a time."""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from motet.errors import GarbledReply, NoReply
from motet.lines.capture import Capture
from motet.lines.framing import Framing
from motet.lines.port import Port
from motet.lines.stream import Opener

T = TypeVar("T")
_log = logging.getLogger(__name__)

SETTLING = 0.25
"""Longest wait, in seconds, for a reply that nobody waits for any more before a command is sent. A query waits for a
whole timeout: nothing hurries."""


class Line:
    """The only way to an instrument on a serial line.

    Exchanges run one at a time, in the order asked for, also from several tasks, so that a stop gets in
    between two polls. Instruments on one bus have a line each and share its `Port`. `timeout` is the longest
    wait for a reply in seconds; `retries` is how often a query is asked again after no reply or a garbled one.
    Every error names the line, where it is, the request and the reply.
    """

    def __init__(
        self,
        name: str,
        way: Opener | Port,
        framing: Framing,
        *,
        timeout: float = 2.0,
        retries: int = 2,
        capture: Capture | None = None,
    ) -> None:
        self.name = name
        self._port = way if isinstance(way, Port) else Port(name, way, capture)
        self.where = self._port.where
        self.timeout = timeout
        self.retries = retries
        self._framing = framing
        self._connection = self._port.connection
        self.unasked: Callable[[bytes], object] | None = None
        """Hears of whole frames that came by themselves between two exchanges, before the next one drops them."""

    def __str__(self) -> str:
        return f"{self.name} ({self.where})"

    @property
    def is_open(self) -> bool:
        """Whether it is open and was not lost."""
        return self._port.is_open(self)

    async def open(self) -> None:
        """Open the line; nothing is done when it is open, and it is opened anew when it was lost.

        Raises ConnectionProblem when it cannot be opened or another line of this process has the port.
        """
        await self._port.open(self)

    async def close(self) -> None:
        """Give the port back; whoever waits for a reply gets LineLost. Nothing is done when it is closed.

        The port stays open while other instruments on it need it.
        """
        await self._port.close(self)

    async def query(self, request: bytes, parse: Callable[[bytes], T]) -> T:
        """Ask, and return what `parse` makes of the reply's frame; asked again up to `retries` times.

        For requests that change nothing. `parse` raises GarbledReply for what is not in the protocol and
        InstrumentError for a refusal. Raises NoReply, GarbledReply, LineLost, and what else `parse` raises.
        """
        for attempt in range(1, self.retries + 1):
            try:
                return await self._exchange(request, parse, self.timeout)
            except (NoReply, GarbledReply) as error:
                _log.warning("%s; asking again (%d of %d)", error, attempt, self.retries)
        return await self._exchange(request, parse, self.timeout)

    async def command(self, request: bytes, parse: Callable[[bytes], T]) -> T:
        """Like `query`, but sent once only: for requests that do something and are answered."""
        return await self._exchange(request, parse, SETTLING)

    async def send(self, request: bytes) -> None:
        """Send a request that has no answer, once. Raises LineLost."""
        async with self._port.exchanging:
            self._port.check(self)
            self._connection.write(request)

    async def next_frame(self) -> bytes:
        """The next frame that an instrument sends by itself; whole frames that came before the call are
        dropped.

        Raises NoReply after `timeout` seconds without one, GarbledReply, LineLost.
        """
        async with self._port.exchanging:
            self._drop_frames()
            return await self._frame("a frame", self.timeout)

    async def frames(self) -> AsyncGenerator[bytes]:
        """Every frame that an instrument sends by itself from now on, in order; raises like `next_frame`.

        Exchanges may run in between; each drops the frames that have come and were not taken yet.
        """
        self._drop_frames()
        while True:
            async with self._port.exchanging:
                frame = await self._frame("a frame", self.timeout)
            yield frame

    async def _exchange(self, request: bytes, parse: Callable[[bytes], T], settling: float) -> T:
        await self._port.exchanging.acquire()
        try:
            self._port.check(self)
            if self._port.owed_until:
                await self._settle(settling)
            if self.unasked is not None:
                self._drop_frames()
            self._connection.buffer.clear()
            self._connection.write(request)
            asked = asyncio.get_running_loop().time()
            try:
                frame = await self._frame(request, self.timeout)
            except asyncio.CancelledError:
                self._port.owed_until = asked + self.timeout
                raise
            except NoReply:
                self._port.owed_until = math.inf
                raise
        finally:
            self._port.exchanging.release()
        try:
            return parse(frame)
        except GarbledReply as error:
            raise GarbledReply(f"{self}: the reply {frame!r} to {request!r} is garbled: {error}") from error

    async def _settle(self, longest: float) -> None:
        """Let a late reply, or that to a cancelled exchange, go by, lest it be taken for the reply to the next one."""
        seconds = min(self._port.owed_until - asyncio.get_running_loop().time(), longest)
        if seconds > 0:
            try:
                await self._frame("a reply that nobody waits for any more", seconds)
            except (NoReply, GarbledReply) as error:
                _log.info("%s", error)
        self._port.owed_until = 0.0

    async def _frame(self, wanted: str | bytes, seconds: float) -> bytes:
        """The next frame; `wanted` is the request whose reply it is, or what it is in words."""
        buffer = self._connection.buffer
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            while (frame := self._framing.take(buffer)) is None:
                await self._connection.more(deadline)
            return frame
        except TimeoutError:
            if (frame := self._framing.take(buffer)) is not None:  # it came in the turn in which the time was over
                return frame
            begun = f", only {bytes(buffer[:40])!r}" if buffer else ""
            raise NoReply(f"{self}: {_what(wanted)} did not come within {seconds:g} s{begun}") from None
        except GarbledReply as error:
            raise GarbledReply(f"{self}: {_what(wanted)} is garbled: {error}") from error

    def _drop_frames(self) -> None:
        """Drop whole frames only, so that the one that is just coming in is not cut."""
        frame: bytes | None = b""
        while frame is not None:
            try:
                frame = self._framing.take(self._connection.buffer)
            except GarbledReply:
                continue  # `take` has removed what is no frame
            if frame is not None and self.unasked is not None:
                self.unasked(frame)


def _what(wanted: str | bytes) -> str:
    return wanted if isinstance(wanted, str) else f"a reply to {wanted!r}"
