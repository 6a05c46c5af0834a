"""Experiments that people add to a campaign: before, between or instead of the learner's."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from motet.errors import NotFound
from motet.model.experiment import Suggestion
from motet.model.queue import MODE, QUEUED_ID, QueueEntry, QueueMode, QueueState
from motet.model.values import Point
from motet.orchestration.recorder import Recorder
from motet.store import Reader

T = TypeVar("T")

_BAND = 2.0**20
"""Between the positions of one priority and those of the next: room for a million entries, and many between any two."""


@dataclass(frozen=True, slots=True)
class Queued:
    """An experiment that has not begun."""

    number: int
    entry: QueueEntry

    @property
    def suggestion(self) -> Suggestion:
        """The point with its reason, as a learner would propose it."""
        by = f" by {self.entry.who}" if self.entry.who else ""
        return Suggestion(
            self.entry.parameters, f"queued{by}: {self.entry.why}".rstrip(": "), id=f"{QUEUED_ID}{self.number}"
        )


class Queue:
    """What people want measured, in order; every change is durable before it is told of. Lives on the lab loop.

    A change is made here and handed to the store in one turn of the loop, so that nothing begins in its midst: what
    begins afterwards is written after it.
    """

    def __init__(self, recorder: Recorder, before: "StoredQueue | None" = None) -> None:
        before = before or StoredQueue()
        self._recorder = recorder
        self._waiting = sorted(before.waiting, key=_place)
        self._mode = before.mode
        self._learners_turn = before.learners_turn
        self._listeners: list[Callable[[], None]] = []

    @property
    def waiting(self) -> tuple[Queued, ...]:
        """What has not begun, the next one first."""
        return tuple(self._waiting)

    @property
    def mode(self) -> QueueMode:
        """When queued experiments are run."""
        return self._mode

    @property
    def asks_learner(self) -> bool:
        """Whether the learner may be asked where no queued experiment is next."""
        return self._mode is not QueueMode.INSTEAD

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    def take(self) -> Queued | None:
        """The queued experiment that is next, which is begun now; None when it is the learner's turn, or none waits."""
        learners, self._learners_turn = self._learners_turn, False
        if not self._waiting or (learners and self._mode is QueueMode.BETWEEN):
            return None
        self._learners_turn = True
        return self._waiting.pop(0)

    async def add(
        self, points: Sequence[Point], *, priority: int = 0, front: bool = False, why: str = "", who: str = ""
    ) -> list[int]:
        """Further ones, all or none; their numbers in the queue. They go behind those of their priority and before
        those of a lower one; with `front` before all others."""
        first = self._front(len(points)) if front else self._behind(priority)
        entries = [QueueEntry(point, why, who, first + index) for index, point in enumerate(points)]
        numbers = await _durable(*(self._recorder.queued(entry) for entry in entries))
        self._waiting = sorted([*self._waiting, *map(Queued, numbers, entries)], key=_place)
        self._changed()
        return numbers

    async def cancel(self, numbers: Sequence[int]) -> None:
        """Take some out, all or none. Raises NotFound for one that has begun, or that there is not."""
        found = [self._find(number) for number in dict.fromkeys(numbers)]
        writes = [self._recorder.queue_changed(one.number, state=QueueState.CANCELLED) for one in found]
        self._waiting = [one for one in self._waiting if one not in found]
        self._changed()
        await _durable(*writes)

    async def move(self, number: int, place: int) -> None:
        """Make one the `place`-th of those that wait, from 1; the last one where there are not so many. Raises
        NotFound."""
        moved = self._find(number)
        order = [one for one in self._waiting if one is not moved]
        order.insert(max(place, 1) - 1, moved)
        placed = _placed(order, moved)
        changed = [new for old, new in zip(order, placed, strict=True) if new.entry.position != old.entry.position]
        writes = [self._recorder.queue_changed(one.number, position=one.entry.position) for one in changed]
        self._waiting = placed
        self._changed()
        await _durable(*writes)

    async def edit(self, number: int, parameters: Point) -> None:
        """Change the point of one. Raises NotFound."""
        found = self._find(number)
        write = self._recorder.queue_changed(number, parameters=parameters)
        new = Queued(number, replace(found.entry, parameters=parameters))
        self._waiting = [new if one is found else one for one in self._waiting]
        self._changed()
        await _durable(write)

    async def set_mode(self, mode: QueueMode) -> None:
        """When queued experiments are run, from now on."""
        write = self._recorder.happened(MODE, mode, f"queued experiments are run {mode.words}")
        self._mode = mode
        self._changed()
        await _durable(write)

    def entry(self, number: int) -> QueueEntry:
        """One that waits. Raises NotFound."""
        return self._find(number).entry

    def _find(self, number: int) -> Queued:
        found = next((one for one in self._waiting if one.number == number), None)
        if found is None:
            there = ", ".join(str(one.number) for one in self._waiting) or "none"
            raise NotFound(f"no experiment {number} waits in the queue (perhaps it has begun); waiting: {there}")
        return found

    def _behind(self, priority: int) -> float:
        """The first position behind all of that priority and higher ones."""
        lowest = -priority * _BAND
        before = [one.entry.position for one in self._waiting if one.entry.position < lowest + _BAND]
        return max(lowest, before[-1] + 1) if before else lowest

    def _front(self, count: int) -> float:
        """The first of so many positions before all others."""
        return self._waiting[0].entry.position - count if self._waiting else 0.0

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()


@dataclass(frozen=True, slots=True)
class StoredQueue:
    """A queue as an earlier process left it. `learners_turn`: the last experiment that began was a queued one."""

    waiting: tuple[Queued, ...] = ()
    mode: QueueMode = QueueMode.BEFORE
    learners_turn: bool = False


def stored_queue(reader: Reader, campaign: str) -> StoredQueue:
    """What waits in a campaign's queue as stored, and when it is run. Raises StoreError."""
    rows = [row for row in reader.queue(campaign) if row.state is QueueState.QUEUED]
    return StoredQueue(tuple(Queued(row.number, row.entry) for row in rows), reader.queue_mode(campaign))


def _placed(order: Sequence[Queued], moved: Queued) -> list[Queued]:
    """The same in this order by their positions, too: that of `moved` lies between its neighbours'. Only where there is
    no room left between them, those behind it make some."""
    index = order.index(moved)
    before = order[index - 1].entry.position if index > 0 else None
    after = order[index + 1].entry.position if index + 1 < len(order) else None
    if before is None:
        position = moved.entry.position if after is None else after - 1
    else:
        position = before + 1 if after is None else (before + after) / 2
    placed: list[Queued] = []
    for one in order:
        wanted = position if one is moved else one.entry.position
        if placed and wanted <= placed[-1].entry.position:
            wanted = placed[-1].entry.position + 1
        placed.append(replace(one, entry=replace(one.entry, position=wanted)))
    return placed


async def _durable(*writes: Awaitable[T]) -> list[T]:
    """What writes of one turn give, once they are stored: all or none of them. They go on when nobody waits."""
    return await asyncio.shield(asyncio.gather(*map(asyncio.ensure_future, writes)))


def _place(queued: Queued) -> tuple[float, int]:
    return queued.entry.position, queued.number
