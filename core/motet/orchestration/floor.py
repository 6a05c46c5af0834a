"""Whose turn it is at a station: where one campaign has the lab to itself, always its own."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from motet.station import Station
from motet.station.leases import Held, Leases


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

    async def leave(self, station: Station) -> bool:
        """The campaign ends: its station is left in its safe state, unless another campaign goes on with it. Whether
        it was left so now."""
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

    async def leave(self, station: Station) -> bool:
        """End what still runs there, and make it safe."""
        await station.abort("the campaign ended")
        await station.safe()
        return True


@dataclass
class Shared:
    """One of several campaigns of a lab. `using` are the campaigns that use each station and have not ended, by their
    `key`."""

    leases: Leases
    using: Mapping[str, set[str]]
    key: str
    priority: int = 0
    share: float = 1.0
    _claims: "dict[str, asyncio.Task[Held]]" = field(default_factory=dict[str, "asyncio.Task[Held]"], init=False)

    def claim(self, stations: Iterable[str]) -> None:
        """Wait for these from now on: they still work on experiments of this campaign, for a process that has ended."""
        for name in stations:
            self._claims[name] = asyncio.create_task(self._lease(name))

    async def acquire(self, station: Station) -> Turn:
        """Wait for its turn."""
        claim = self._claims.pop(station.name, None)
        return _Turn(station, await (self._lease(station.name) if claim is None else claim))

    async def _lease(self, name: str) -> Held:
        return await self.leases.acquire((name,), self.key, priority=self.priority, share=self.share)

    def has(self, station: Station) -> bool:
        """Whether it is this campaign's turn."""
        return self.leases.holder(station.name) == self.key

    def gives_way(self, station: Station) -> bool:
        """Whether it is another campaign's turn."""
        return self.leases.gives_way(station.name, self.priority)

    async def leave(self, station: Station) -> bool:
        """The last campaign that uses a station leaves it safe. Doing so again does nothing."""
        claim = self._claims.pop(station.name, None)
        if claim is not None and not claim.cancel():
            claim.result().release()
        users = self.using[station.name]
        if self.key in users:
            users.discard(self.key)
            if not users:
                return await Alone().leave(station)
        return False


@dataclass(frozen=True)
class _Turn:
    """A station that one of several campaigns has."""

    station: Station
    held: Held

    def release(self) -> None:
        """Let the others have it, also where this campaign is paused."""
        self.station.resume()
        self.held.release()
