"""Where a campaign runs: on the lab loop in real time, or on a loop of virtual time with everything in memory."""

import os
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from motet.api.broker import address
from motet.api.results import store_path
from motet.bus import Bus, EmbeddedBroker, MemoryBus
from motet.learning.thread import Lasts
from motet.model.broker import Broker
from motet.model.lab import Lab
from motet.station.station import Engine
from motet.store import Store, StoreTrouble

MakeEngine = Callable[[], Awaitable[Engine]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a session takes from its surroundings.

    `data` is the folder of the store, None to keep nothing. `lasts` says how long the learner's work lasts on the clock
    of a virtual loop. `documents` tells whether the Bluesky documents are worth keeping.
    """

    data: Path | None
    engine: MakeEngine
    virtual: bool = False
    documents: bool = True
    lasts: Lasts | None = None

    async def store(self, waiting: Callable[[StoreTrouble | None], object] | None = None) -> Store:
        """The store; `waiting` is told of trouble, also while it cannot be opened: see `Store.open`. Raises
        StoreError."""
        if self.virtual or self.data is None:
            return Store.prompt(None if self.data is None else store_path(self.data))
        return await Store.open(store_path(self.data), waiting)

    @asynccontextmanager
    async def bus(self, lab: Lab) -> AsyncGenerator[Bus | None]:
        """The bus to the lab's broker, which is started here when it is `embedded`; in memory on a virtual loop.

        Raises ConnectionProblem when there is no way in.
        """
        if lab.broker.none:
            yield None
        elif self.virtual:
            async with MemoryBus() as bus:
                yield bus
        elif lab.broker.embedded:
            async with (
                EmbeddedBroker(lab.broker.port or 0) as broker,
                await _client(lab.broker.at(broker.url), lab) as bus,
            ):
                yield bus
        else:
            async with await _client(lab.broker, lab) as bus:
                yield bus


async def _client(broker: Broker, lab: Lab) -> Bus:
    """Its name is its own: a broker throws out whoever has the name of one who comes, and containers share numbers."""
    return Bus(await address(broker), client_id=f"motet-{lab.lab}-{os.getpid()}-{secrets.token_hex(4)}")
