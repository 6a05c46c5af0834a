"""A port: one way to one instrument, or to several on one bus, and the queue of those who use it."""

import asyncio

from motet.errors import LineLost
from motet.lines.capture import Capture
from motet.lines.connection import Connection
from motet.lines.stream import Opener


class Port:
    """What lines to instruments on one bus share: one exchange at a time, in the order asked for.

    It is open while one of its lines is. When it was lost, each line has to be opened again, so that every instrument
    on it shows who it is. `name` is how captured traffic and messages call it.
    """

    def __init__(self, name: str, opener: Opener, capture: Capture | None = None) -> None:
        self.name = name
        self.where = opener.where
        self.connection = Connection(name, opener, capture)
        self.exchanging = asyncio.Lock()
        self.owed_until = 0.0
        """Until when, on the loop's clock, an answer may come that nobody waits for any more."""
        self._users: dict[object, int] = {}
        """Those that have it open, with the opening of the connection that they know of."""

    async def open(self, user: object) -> None:
        """Open it for a line; anew when it was lost. Raises ConnectionProblem."""
        self._users.setdefault(user, 0)  # before it is open, lest another line that is closed meanwhile takes it along
        try:
            await self.connection.open()
        except BaseException:
            await self.close(user)
            raise
        self._users[user] = self.connection.openings

    async def close(self, user: object) -> None:
        """A line needs it no longer; the last one closes it."""
        self._users.pop(user, None)
        if not self._users:
            await self.connection.close()

    def is_open(self, user: object) -> bool:
        """Whether a line can use it."""
        return self.connection.is_open and self._users.get(user) == self.connection.openings

    def check(self, user: object) -> None:
        """Raises LineLost for a line that is not open, or was lost."""
        self.connection.check()
        if self._users.get(user) != self.connection.openings:
            raise LineLost(f"{user}: it {'was lost' if self._users.get(user) else 'is not open'}")
