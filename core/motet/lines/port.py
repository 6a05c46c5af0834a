"""A port: one way to one instrument, or to several on one bus, and the queue of those who use it."""

import asyncio

from motet.errors import LineLost
from motet.lines.capture import Capture
from motet.lines.connection import Connection
from motet.lines.stream import Opener


class Port:
    """What lines to instruments on one bus share: one exchange at a time, in the order asked for.

    It is open while one of its lines is. `name` is how captured traffic and messages call it.
    """

    def __init__(self, name: str, opener: Opener, capture: Capture | None = None) -> None:
        self.name = name
        self.where = opener.where
        self.connection = Connection(name, opener, capture)
        self.exchanging = asyncio.Lock()
        self.owed_until = 0.0
        """Until when, on the loop's clock, an answer may come that nobody waits for any more."""
        self._users: set[object] = set()

    async def open(self, user: object) -> None:
        """Open it for a line; anew when it was lost. Raises ConnectionProblem."""
        await self.connection.open()
        self._users.add(user)

    async def close(self, user: object) -> None:
        """A line needs it no longer; the last one closes it."""
        self._users.discard(user)
        if not self._users:
            await self.connection.close()

    def check(self, user: object) -> None:
        """Raises LineLost for a line that is not open, or was lost."""
        self.connection.check()
        if user not in self._users:
            raise LineLost(f"{user}: it is not open")
