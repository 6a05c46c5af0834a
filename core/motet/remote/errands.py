"""What a station does beside answering: tasks whose failure is told and whose end is waited for."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

_log = logging.getLogger(__name__)


class Errands:
    """Tasks of the station `name`; `told` hears of one that failed."""

    def __init__(self, name: str, told: Callable[[str], object]) -> None:
        self._name, self._told = name, told
        self._tasks: set[asyncio.Task[None]] = set()

    def soon(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Do it now, and wait for nothing."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def done(self) -> None:
        """Wait for all of them."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s: a task failed", self._name, exc_info=error)
            self._told(f"{self._name}: a task failed: {type(error).__name__}: {error}")
