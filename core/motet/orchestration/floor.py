"""Whose turn it is at a station: where one campaign has the lab to itself, always its own."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from motet.station import Station


class Floor(Protocol):
    """How a campaign shares the stations of a lab with others."""

    def hold(self, station: Station) -> AbstractAsyncContextManager[object]:
        """Wait for a station and have it alone in the block."""
        ...

    def has(self, station: Station) -> bool:
        """Whether what is done to a station now is done to this campaign only."""
        ...

    def gives_way(self, station: Station) -> bool:
        """Whether it is another campaign's turn at a station that this one has."""
        ...

    async def leave(self, station: Station) -> None:
        """The campaign ends: its station is left in its safe state, unless another campaign goes on with it."""
        ...


class Alone:
    """The only campaign of a lab."""

    def hold(self, station: Station) -> AbstractAsyncContextManager[object]:
        """At once."""
        return nullcontext()

    def has(self, station: Station) -> bool:
        """Always."""
        return True

    def gives_way(self, station: Station) -> bool:
        """There is none."""
        return False

    async def leave(self, station: Station) -> None:
        """End what still runs there, and make it safe."""
        await station.abort("the campaign ended")
        await station.safe()
