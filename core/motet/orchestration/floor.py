"""Whose turn it is at a station: where one campaign has the lab to itself, always its own."""

from typing import Protocol

from motet.station import Station


class Turn(Protocol):
    """A station that a campaign has alone, until `release`."""

    def release(self) -> None:
        """Let others have it."""
        ...


class Floor(Protocol):
    """How a campaign shares the stations of a lab with others."""

    async def acquire(self, station: Station) -> Turn:
        """Wait for a station. Cancelled, it gives up."""
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

    async def acquire(self, station: Station) -> Turn:
        """At once."""
        return self

    def release(self) -> None:
        """Nobody else wants it."""

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
