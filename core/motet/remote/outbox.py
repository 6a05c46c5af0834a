"""The results of a station, sent again and again until they are acknowledged."""

import asyncio
from dataclasses import dataclass
from itertools import count

from motet.errors import StoreError
from motet.remote.journal import Journal, Key
from motet.remote.messages import MOST_BYTES, ResultPart
from motet.remote.post import Post
from motet.stamps import wall

FIRST_S, LONGEST_S = 1.0, 60.0
"""Pause before a result is sent a second time, and before any later time; each pause is twice the one before."""
PIECE = MOST_BYTES // 4
"""Characters of a record in one message: with everything escaped they still fit."""


@dataclass(slots=True)
class _Waiting:
    """A result that waits; `ended` on this loop's clock, None when it ended in an earlier process."""

    ended: float | None
    pause: float = FIRST_S
    sent: float = 0.0
    timer: asyncio.TimerHandle | None = None


class Outbox:
    """Sends results. They stay in the journal; this knows which are to be sent, and when."""

    def __init__(self, journal: Journal, post: Post, topic: str) -> None:
        self._journal = journal
        self._post = post
        self._topic = topic
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Key, _Waiting] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Send what earlier processes left."""
        for key in self._journal.ended:
            self._waiting[key] = _Waiting(None)
            self._again(key)

    def add(self, key: Key, record: str) -> None:
        """A result is there: send it now, and again until it is acknowledged."""
        self._waiting[key] = _Waiting(self._loop.time())
        self._send(key, record, 0.0)

    def forget(self, key: Key) -> None:
        """It has been acknowledged."""
        waiting = self._waiting.pop(key, None)
        if waiting is not None and waiting.timer is not None:
            waiting.timer.cancel()

    def poke(self, orchestrator: str) -> None:
        """The orchestrator has been heard of: send it at once what is not on its way."""
        now = self._loop.time()
        for key, waiting in tuple(self._waiting.items()):
            if key.orchestrator == orchestrator and now - waiting.sent >= FIRST_S:
                waiting.pause = FIRST_S
                self._again(key)

    async def stop(self) -> None:
        """Send no more."""
        for key in tuple(self._waiting):
            self.forget(key)
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _again(self, key: Key) -> None:
        task = asyncio.create_task(self._send_again(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_again(self, key: Key) -> None:
        try:
            kept = await self._journal.record(key)
        except StoreError:  # the station says so itself: its journal is beyond use
            return
        waiting = self._waiting.get(key)
        if kept is None or waiting is None:
            return
        record, at = kept
        age = wall() - at if waiting.ended is None else self._loop.time() - waiting.ended
        self._send(key, record, max(0.0, age))

    def _send(self, key: Key, record: str, age_s: float) -> None:
        waiting = self._waiting[key]
        parts = max(1, -(-len(record) // PIECE))
        for part, start in zip(count(1), range(0, max(1, len(record)), PIECE), strict=False):
            piece = record[start : start + PIECE]
            message = ResultPart(to=key.orchestrator, job=key.job, part=part, parts=parts, age_s=age_s, record=piece)
            self._post.send(self._topic, message)
        waiting.sent = self._loop.time()
        if waiting.timer is not None:
            waiting.timer.cancel()
        waiting.timer = self._loop.call_later(waiting.pause, self._again, key)
        waiting.pause = min(2 * waiting.pause, LONGEST_S)
