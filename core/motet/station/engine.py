"""The lab loop and the RunEngines that share it.

One event loop carries everything that waits: orchestrator, RunEngines, devices, lines, bus and simulators. It runs in
a thread of its own, which Bluesky starts with the first RunEngine, because a RunEngine accepts only a loop whose
thread Bluesky knows. The main thread stays free for the terminal and for signals.
"""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from bluesky import RunEngine
from bluesky import run_engine as _bluesky

T = TypeVar("T")
_log = logging.getLogger(__name__)


def _to_log(*values: object, **_: object) -> None:
    _log.info(" ".join(map(str, values)))


# The RunEngine tells of pauses and aborts with `print`; standard output belongs to the user of Motet.
setattr(_bluesky, "print", _to_log)  # noqa: B010 - a name that the module itself does not have


class LabLoop:
    """The event loop of one lab in a thread of its own, and a pool of threads in which RunEngine calls block."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.loop = loop or asyncio.new_event_loop()
        self._base = self._make()
        self._thread = self.submit(_this_thread()).result()
        self._closed = False

    def _make(self) -> RunEngine:
        engine = RunEngine({}, loop=self.loop, context_managers=[])
        engine.verbose = False
        return engine

    async def engine(self) -> RunEngine:
        """A further RunEngine on the lab loop. Made in a thread, since its constructor waits for the loop."""
        return await asyncio.to_thread(self._make)

    def submit(self, work: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        """Start work on the lab loop from another thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self, timeout: float = 10.0) -> None:
        """Cancel what is left, stop the loop and its thread. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.submit(_cancel_all()).result(timeout)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout)
        self.loop.close()


async def _this_thread() -> threading.Thread:
    return threading.current_thread()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
