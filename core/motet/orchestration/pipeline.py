"""Where the experiments of a campaign are: which wait for a station of which stage, and how many are in process."""

import asyncio
from collections.abc import Sequence

from motet.orchestration.work import Stage, Work


class Pipeline:
    """The experiments between their stages. Lives on one event loop.

    Stages of different experiments overlap. An experiment that is further along goes first, so that samples do not pile
    up; and no more are in process than there are stations, so that the learner is asked as late as it can be.
    """

    def __init__(self, stages: Sequence[Stage], stations: int) -> None:
        self._stages = stages
        self._most = stations
        self._waiting: list[list[Work]] = [[] for _ in stages]
        self._inside: set[int] = set()
        self._watching: set[asyncio.Future[None]] = set()

    @property
    def in_process(self) -> int:
        """How many experiments have begun and not ended."""
        return len(self._inside)

    @property
    def has_room(self) -> bool:
        """Whether one more experiment may begin."""
        return len(self._inside) < self._most

    @property
    def waiting(self) -> Sequence[Work]:
        """The experiments that wait for a station, the furthest along first."""
        return [work for stage in reversed(self._waiting) for work in stage]

    def begin(self, work: Work) -> None:
        """An experiment is in process from now on."""
        self._inside.add(work.experiment.number)

    def wait(self, work: Work, *, first: bool = False) -> None:
        """An experiment waits for a station of its stage; behind the others, or before them."""
        self.begin(work)
        self._waiting[work.stage].insert(0 if first else len(self._waiting[work.stage]), work)
        self.changed()

    def end(self, work: Work) -> None:
        """An experiment has ended."""
        self._inside.discard(work.experiment.number)
        self.changed()

    def take(self, station: str) -> Work | None:
        """The experiment that a free station goes on with, None when none waits for it."""
        found = self._next(station)
        if found is not None:
            self._waiting[found.stage].remove(found)
        return found

    def offers(self, station: str) -> bool:
        """Whether an experiment waits that this station can go on with."""
        return self._next(station) is not None

    def begins(self, station: str) -> bool:
        """Whether this station can work on new experiments."""
        return station in self._stages[0].stations

    def may_come(self, station: str) -> bool:
        """Whether an experiment in process may still need this station."""
        return bool(self._inside) and any(station in stage.stations for stage in self._stages)

    def changed(self) -> None:
        """Tell whoever waits for a change."""
        for future in self._watching:
            if not future.done():
                future.set_result(None)
        self._watching.clear()

    async def change(self) -> None:
        """Wait until something has changed."""
        future = asyncio.get_running_loop().create_future()
        self._watching.add(future)
        try:
            await future
        finally:
            self._watching.discard(future)

    def _next(self, station: str) -> Work | None:
        for stage, waiting in zip(reversed(self._stages), reversed(self._waiting), strict=True):
            if station in stage.stations:
                for work in waiting:
                    if station not in work.avoid or work.avoid >= set(stage.stations):
                        return work
        return None
