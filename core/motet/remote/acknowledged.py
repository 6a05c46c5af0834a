"""What an orchestrator has in its store: told to the station with its next job, or soon by itself."""

import asyncio
from collections.abc import Callable

REMEMBERED = 1000
"""So many acknowledged jobs are remembered, for results that come once more."""
SOON_S = 0.05
"""An acknowledgement that no job goes along with is sent after so long, seconds. One that gets lost is made again: the
station sends the result again."""


class Acknowledged:
    """The jobs of one station. `tell` sends one acknowledgement by itself."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._all: dict[str, None] = {}
        self._untold: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def __contains__(self, job: str) -> bool:
        return job in self._all

    def add(self, job: str) -> None:
        """Its record is in the store."""
        self._all[job] = None
        while len(self._all) > REMEMBERED:
            del self._all[next(iter(self._all))]
        self._untold.append(job)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON_S, self.tell)

    def untold(self) -> tuple[str, ...]:
        """Those that the station has to be told of, which whoever asks does now."""
        found, self._untold = tuple(self._untold), []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return found

    def tell(self) -> None:
        """Tell the station now."""
        for job in self.untold():
            self._tell(job)
