"""The end of a campaign at stations with devices that do not reach their safe state: it waits for them for a while."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from motet.model.events import StationChanged
from motet.orchestration.recorder import Recorder
from motet.orchestration.summary import NotSafe
from motet.station import Station

UNSAFE = "not safe"
"""The kind of event that says which device a campaign has left in no safe state, and why."""

_log = logging.getLogger(__name__)


@dataclass
class Leaving:
    """Waits at the end of one campaign, `longest_s` seconds of the loop at most, or until somebody has enough of it."""

    recorder: Recorder
    longest_s: float
    left: Sequence[NotSafe] = ()
    """What was not safe when the campaign was over."""
    _enough: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _waits: bool = field(default=False, init=False)

    async def wait_for(self, stations: Iterable[Station]) -> None:
        """Wait until these stations are safe; what is not in the end is stored and told."""
        unsafe = [station for station in stations if station.unsafe.reasons]
        if not unsafe:
            return
        self._waits = True
        for station in () if self._enough.is_set() else unsafe:
            why = "; ".join(str(one) for one in found_at([station]))
            news = f"{why}; waiting for it for {self.longest_s:g} s at most; an abort, Ctrl-C twice, ends the wait"
            _log.error("%s", news)
            self.recorder.emit(StationChanged(station.name, station.state, news))
        await self._bounded(unsafe)
        self.left = found_at(unsafe)
        for one in self.left:
            _log.error("%s", one)
            self.recorder.note(UNSAFE, ".".join(filter(None, (one.station, one.device))), one.reason)

    def hurry(self) -> None:
        """Wait no longer, where it waits."""
        if self._waits:
            self.insist()

    def insist(self) -> None:
        """Wait no longer, and not later on either."""
        self._enough.set()

    async def _bounded(self, stations: Sequence[Station]) -> None:
        async def all_safe() -> None:
            async with asyncio.TaskGroup() as group:
                for station in stations:
                    group.create_task(station.unsafe.wait())

        waits = [asyncio.ensure_future(wait) for wait in (all_safe(), self._enough.wait())]
        try:
            await asyncio.wait(waits, timeout=self.longest_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.wait(waits)


def found_at(stations: Iterable[Station]) -> list[NotSafe]:
    """The devices of stations that are not safe."""
    return [
        NotSafe(station.name, key, reason) for station in stations for key, reason in station.unsafe.reasons.items()
    ]
