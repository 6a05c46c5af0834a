"""One exchange at a time with a node on MQTT that gives its requests no id: the reply is known by topic and content."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from motet.bus import Bus, Message, Subscription
from motet.errors import LineLost, MotetError, NoReply

T = TypeVar("T")
SETTLING_S = 0.25
"""Longest wait for the reply to an exchange that nobody waits for any more before the next one begins, loop seconds."""


class Exchange:
    """What one device says to its node and hears from it.

    `hear` is called with every message, retained ones too; a retained message is never a reply.
    """

    def __init__(self, name: str, bus: Bus, hear: Callable[[Message], object]) -> None:
        self._name = name
        self._bus = bus
        self._hear = hear
        self._listening: list[Subscription] = []
        self._asking = asyncio.Lock()
        self._accept: Callable[[Message], Any | None] | None = None
        self._reply: asyncio.Future[Any] | None = None
        self._owed: Callable[[Message], Any | None] | None = None
        self._failures = 0
        self._error: MotetError | None = None

    async def open(self, *filters: str) -> None:
        """Listen to these topic filters, and to nothing else. Raises LineLost, ConnectionProblem."""
        await self.close()
        try:
            for topic_filter in filters:
                self._listening.append(await self._bus.subscribe(topic_filter, self._take))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Listen no more; whoever waits for a reply gets LineLost."""
        self.fail(LineLost(f"{self._name}: it was closed"))
        while self._listening:
            subscription = self._listening.pop()
            with contextlib.suppress(LineLost):  # gone with the bus already
                await subscription.cancel()

    def fail(self, error: MotetError) -> None:
        """Whoever waits for a reply, or for the turn to ask, gets this error instead."""
        self._failures, self._error = self._failures + 1, error
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error)

    async def tell(self, topic: str, payload: str) -> None:
        """Publish a message that nothing is waited for after. Raises LineLost."""
        await self._bus.publish(topic, payload)

    async def ask(
        self, topic: str, payload: str, accept: Callable[[Message], T | None], seconds: float, what: str = "a reply"
    ) -> T:
        """Publish a message; the first value that `accept` makes of a message that comes then.

        `accept` gives None for what is no reply to this, and raises what is to be raised here. `seconds` is the longest
        wait, loop time. Raises NoReply, LineLost, and what `accept` raises.
        """
        failures = self._failures
        async with self._asking:
            await self._settle()
            if self._failures != failures and self._error is not None:
                raise self._error
            try:
                async with asyncio.timeout(seconds):
                    return await self._wait(accept, topic, payload)
            except TimeoutError:
                self._owed = accept
                if not self._bus.connected.is_set():
                    raise LineLost(f"{self._name}: the connection to the broker was lost") from None
                said = f"{payload!r} on {topic}" if len(payload) <= 80 else f"{payload[:80]!r}... on {topic}"
                raise NoReply(f"{self._name}: {what} to {said} did not come within {seconds:g} s") from None
            except asyncio.CancelledError:
                self._owed = accept
                raise

    async def _wait(self, accept: Callable[[Message], T | None], topic: str, payload: str | None) -> T:
        self._accept, self._reply = accept, asyncio.get_running_loop().create_future()
        try:
            if payload is not None:
                await self._bus.publish(topic, payload)
            return await self._reply
        finally:
            self._accept = self._reply = None

    async def _settle(self) -> None:
        """Let a reply that comes late go by, lest it be taken for the reply to the next request."""
        if self._owed is None:
            return
        owed, self._owed = self._owed, None
        with contextlib.suppress(TimeoutError, MotetError):
            async with asyncio.timeout(SETTLING_S):
                await self._wait(owed, "", None)

    def _take(self, message: Message) -> None:
        self._hear(message)
        if self._accept is None or self._reply is None or self._reply.done() or message.retain:
            return
        try:
            found = self._accept(message)
        except Exception as error:  # noqa: BLE001 - it is for whoever asked
            self._reply.set_exception(error)
        else:
            if found is not None:
                self._reply.set_result(found)
