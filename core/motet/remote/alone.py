"""What a station does when it does not hear of its orchestrator any more, be it that the broker has gone."""

import asyncio
import logging
from collections.abc import Callable

from motet.model.remote import WhenAlone
from motet.remote.lease import Lease
from motet.station import Station

LOOK_S = 0.5
"""How often somebody looks whether the hold has run out, seconds."""
SILENCE = "the silence of its orchestrator"
"""Who pauses the station then."""

_log = logging.getLogger(__name__)


class Alone:
    """Watches the hold of a station while a job runs."""

    def __init__(
        self,
        station: Station,
        lease: Lease,
        policy: WhenAlone,
        running: Callable[[], bool],
        told: Callable[[str], object],
    ) -> None:
        self._station, self._lease, self._policy = station, lease, policy
        self._running, self._told = running, told
        self._acted = self._holds = False

    async def watch(self) -> None:
        """Do as the policy says, whenever the hold has run out in the middle of an experiment."""
        while True:
            await asyncio.sleep(max(LOOK_S, self._lease.left_s))
            if self._acted or not self._running() or self._lease.held is None or self._lease.left_s > 0:
                continue
            self._acted = True
            words = {"finish": "it finishes its experiment", "hold": "it waits", "stop": "it stops its experiment"}
            cause = f"{self._station.name} does not hear of its orchestrator any more: {words[self._policy]}"
            _log.warning("%s", cause)
            self._told(cause)
            if self._policy == "hold":
                self._holds = True
                self._station.pause(SILENCE, cause)
            elif self._policy == "stop":
                await self._station.abort(cause)
                await self._station.safe()

    def heard(self) -> None:
        """The orchestrator is there."""
        self._acted = False
        if self._holds:
            self._holds = False
            self._station.resume(SILENCE)
