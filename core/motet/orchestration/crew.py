"""The stations of a campaign together: whose turn it is at each, what all are told, and how they are left."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from motet.model.events import CampaignState
from motet.orchestration.floor import Floor
from motet.orchestration.leaving import Leaving
from motet.orchestration.ledger import Ledger
from motet.station import Station

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Crew:
    """The stations of one campaign, which it may share with others on the `floor`."""

    stations: Sequence[Station]
    floor: Floor
    ledger: Ledger
    leaving: Leaving

    @asynccontextmanager
    async def turn(self, station: Station, goes_on: Callable[[], object]) -> AsyncGenerator[bool]:
        """Wait for a station for as long as it is wanted, and have it in the block; whether it is this one's turn."""
        turn = asyncio.ensure_future(self.floor.acquire(station))
        try:
            yield await self.ledger.pipeline.reached(turn, goes_on)
        finally:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                turn.result().release()

    def heed(self, state: CampaignState) -> None:
        """Tell those that the campaign has what people want of it."""
        reason = self.ledger.control.reason
        for station in filter(self.floor.has, self.stations):
            match state:
                case CampaignState.PAUSED:
                    station.pause()
                case CampaignState.ABORTING:
                    self.ledger.spawn(self._abort(station))
                case CampaignState.STOPPING:
                    station.stop_after(reason)
                case _:
                    station.resume()

    async def leave(self) -> None:
        """The campaign ends. What goes wrong at one station must not keep the others from it."""
        left = await asyncio.gather(*map(self._leave, self.stations))
        await self.leaving.wait_for(station for station, was in zip(self.stations, left, strict=True) if was)

    async def _leave(self, station: Station) -> bool:
        try:
            return await self.floor.leave(station)
        except Exception as error:  # noqa: BLE001 - whatever it is, the campaign has failed and says so
            _log.exception("%s: is not known to be safe", station.name)
            self.ledger.fail(error)
            return True

    async def _abort(self, station: Station) -> None:
        try:
            await station.abort(self.ledger.control.reason)
        except Exception as error:  # noqa: BLE001 - a device that does not stop; the run ends, `safe` tries again
            _log.error("%s: cannot stop what moves: %s", station.name, error)
