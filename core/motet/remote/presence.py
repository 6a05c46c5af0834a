"""Whether a remote station is there, as far as its orchestrator can tell."""

import asyncio
from collections.abc import Callable

from motet.bus import Bus
from motet.remote.messages import StateMessage

LOOK_S = 1.0
"""How often silence is counted, seconds."""
WITHOUT_BROKER_S = 3600.0
"""The longest wait for a broker that has gone, while stations finish what they do and keep its results, seconds."""


class Presence:
    """Counts how long nothing was heard of a station.

    Silence counts while the broker is there. While it is not, nothing can be heard, and the station most likely goes
    on: it is given up only after WITHOUT_BROKER_S.
    """

    def __init__(self, bus: Bus, lost_after_s: float, lost: Callable[[str], object]) -> None:
        self._bus, self._lost_after_s, self._lost = bus, lost_after_s, lost
        self._silent_s = self._without_s = 0.0
        self.is_lost = False

    def heard(self, state: StateMessage) -> None:
        """The station is there."""
        self._silent_s = 0.0
        self.is_lost = False

    async def watch(self) -> None:
        """Call `lost` with the reason whenever it has been silent for too long."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._bus.connected.is_set():
                self._silent_s += LOOK_S
                self._without_s = 0.0
            else:
                self._without_s += LOOK_S
            if self.is_lost:
                continue
            if self._silent_s >= self._lost_after_s:
                self.is_lost = True
                self._lost(f"nothing was heard of it for {self._silent_s:g} s")
            elif self._without_s >= WITHOUT_BROKER_S:
                self.is_lost = True
                self._lost(f"the broker has been away for {self._without_s / 60:g} min")
