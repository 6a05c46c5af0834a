"""Whether a node on MQTT is connected, by what it or its last will says on a retained topic."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from motet.errors import LineLost

T = TypeVar("T")


class Presence:
    """What is known of a node's connection; nothing, until something was heard. `what` is the node, for errors."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._online = asyncio.Event()
        self.offline = asyncio.Event()
        """Set while the node is known to be off line."""

    def forget(self) -> None:
        """Nothing is known any more."""
        self._online.clear()
        self.offline.clear()

    def tell(self, online: bool) -> None:
        """It was said that the node is connected, or that it is not."""
        now, before = (self._online, self.offline) if online else (self.offline, self._online)
        now.set()
        before.clear()

    def error(self) -> LineLost:
        """What to raise where a node that is off line is needed."""
        return LineLost(f"{self._what} is off line, by its last will")

    def check(self) -> None:
        """Raises LineLost when the node is off line."""
        if self.offline.is_set():
            raise self.error()

    async def greet(self, ask: Callable[[], Awaitable[T]], seconds: float) -> T:
        """What `ask` gives; asked again when the node was off line and is back within so many seconds.

        The last will of before is what one hears first of a node that is just connecting.
        """
        try:
            return await ask()
        except LineLost:
            if not self.offline.is_set() and not self._online.is_set():
                raise  # it is the bus that was lost
        try:
            async with asyncio.timeout(seconds):
                await self._online.wait()
        except TimeoutError:
            raise self.error() from None
        return await ask()
