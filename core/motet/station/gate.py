"""The gate before every step: closed while a person has paused the station or an interlock is tripped."""

import asyncio
from collections.abc import Callable


class Gate:
    """Open while nobody holds it closed. A plan waits here before its next step; nothing of it is repeated.

    `reached` is called when a plan has come to the closed gate.
    """

    def __init__(self, reached: Callable[[], object] = lambda: None) -> None:
        self._reached = reached
        self._holders: dict[str, str] = {}
        self._free = asyncio.Event()
        self._free.set()
        self._passing = False
        self._error: Exception | None = None
        self.waiting = False
        """Whether a plan is here."""

    def close(self, holder: str, why: str) -> None:
        """Somebody holds it closed, until the same holder opens it."""
        self._holders[holder] = why
        self._decide()

    def open(self, holder: str) -> None:
        """That holder does not hold it any more; others still may."""
        self._holders.pop(holder, None)
        self._decide()

    def pass_through(self, passing: bool) -> None:
        """While an experiment is being ended, its cleanup steps pass whoever holds the gate."""
        self._passing = passing
        self._decide()

    @property
    def is_closed(self) -> bool:
        """Whether somebody holds it closed, whether or not a plan may pass."""
        return bool(self._holders)

    @property
    def why(self) -> str:
        """Why it is closed, by everybody who holds it."""
        return "; ".join(why for why in self._holders.values() if why)

    def is_set(self) -> bool:
        """Whether a plan may pass."""
        return self._free.is_set()

    async def wait(self) -> None:
        """Wait until it is open. Raises what the plan that waits here is to fail with."""
        while True:
            self.waiting = True
            try:
                self._reached()
                await self._free.wait()
            finally:
                self.waiting = False
            error, self._error = self._error, None
            if error is not None:
                self._decide()
                raise error
            if self._free.is_set():  # else it was closed again in the moment in which it was opened
                return

    def fail(self, error: Exception) -> None:
        """Whoever waits here waits in vain."""
        if self.waiting:
            self._error = error
            self._free.set()

    def _decide(self) -> None:
        if self._passing or not self._holders:
            self._free.set()
            self.waiting = False
        else:
            self._free.clear()
