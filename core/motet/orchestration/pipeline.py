"""Where the experiments of a campaign are: which wait for a station of which stage, and how many are in process."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from motet.orchestration.work import Stage, Work


class Pipeline:
    """The experiments between their stages. Lives on one event loop.

    Stages of different experiments overlap. An experiment that is further along goes first, so that samples do not pile
    up; and no more are in process than there are stations, so that the learner is asked as late as it can be. `away`
    says of a station that it cannot be sent anything now.
    """

    def __init__(
        self, stages: Sequence[Stage], stations: int, away: Callable[[str], bool] = lambda station: False
    ) -> None:
        self._stages = stages
        self._most = stations
        self._away = away
        self._waiting: list[list[Work]] = [[] for _ in stages]
        self._inside: dict[int, Work] = {}
        self._promised = 0
        self._watching: set[asyncio.Future[None]] = set()

    @property
    def in_process(self) -> int:
        """How many experiments have begun and not ended."""
        return len(self._inside)

    @property
    def has_room(self) -> bool:
        """Whether one more experiment may begin."""
        return len(self._inside) + self._promised < self._most

    @property
    def unfinished(self) -> Sequence[Work]:
        """The experiments that have begun and not ended, in the order of their numbers."""
        return [self._inside[number] for number in sorted(self._inside)]

    @contextmanager
    def room(self) -> Generator[None]:
        """Keep room for one experiment in the block, which is to `begin` there."""
        self._promised += 1
        begun = len(self._inside)
        try:
            yield
        finally:
            self._promised -= 1
            if len(self._inside) == begun:
                self.changed()

    def begin(self, work: Work) -> None:
        """An experiment is in process from now on."""
        self._inside[work.experiment.number] = work

    def wait(self, work: Work, *, first: bool = False) -> None:
        """An experiment waits for a station of its stage; behind the others, or before them."""
        self.begin(work)
        self._waiting[work.stage].insert(0 if first else len(self._waiting[work.stage]), work)
        self.changed()

    def end(self, work: Work) -> None:
        """An experiment has ended."""
        self._inside.pop(work.experiment.number, None)
        self.changed()

    def take(self, station: str) -> Work | None:
        """The experiment that a free station goes on with, None when none waits for it."""
        found = self.next(station)
        if found is not None:
            self._waiting[found.stage].remove(found)
        return found

    def next(self, station: str) -> Work | None:
        """The same, and it waits on: one that a station has lost goes elsewhere, where there is one that answers."""
        for stage, waiting in zip(reversed(self._stages), reversed(self._waiting), strict=True):
            if station in stage.stations:
                for work in waiting:
                    others = (name for name in stage.stations if name not in work.avoid and not self._away(name))
                    if station not in work.avoid or next(others, None) is None:
                        return work
        return None

    def strand(self) -> Sequence[Work]:
        """Take out those that wait, and for which no station can be sent anything now."""
        found: list[Work] = []
        for stage, waiting in zip(self._stages, self._waiting, strict=True):
            if all(map(self._away, stage.stations)):
                found += waiting
                waiting.clear()
        return found

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

    async def reached(self, wanted: "asyncio.Future[Any]", goes_on: Callable[[], object], why: str = "") -> bool:
        """Wait for something for as long as it is wanted, which is looked at after every change; whether it is there.
        When it is wanted no longer it is cancelled, with the reason, and has ended."""
        try:
            while not wanted.done() and goes_on():
                change = asyncio.ensure_future(self.change())
                try:
                    await asyncio.wait((wanted, change), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    change.cancel()
        finally:
            if not wanted.done():
                wanted.cancel(why)
                await asyncio.wait([wanted])
        return not wanted.cancelled()
