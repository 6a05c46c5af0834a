"""An event loop in a thread of its own, so that the main thread keeps the terminal and the signals."""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
ENDING_S = 5.0
"""How long tasks may take to end when they are cancelled, in seconds of the loop's clock."""

_log = logging.getLogger(__name__)


class LoopThread:
    """Runs a loop until it is closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._closed = False
        self._thread = self._start()

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self.loop.run_forever, name="lab-loop", daemon=True)
        thread.start()
        return thread

    def submit(self, work: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        """Start work on the loop from another thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def abandon(self) -> None:
        """Close it as soon as what blocks its thread lets go, if ever; nobody waits for that."""
        threading.Thread(target=self.close, args=(None,), name="abandoned-loop", daemon=True).start()

    def close(self, timeout: float | None = 10.0) -> None:
        """Cancel what is left, stop the loop and its thread. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.submit(cancel_all()).result(timeout)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout)
        self.loop.close()


async def cancel_all() -> None:
    """End every other task of the running loop, and its default executor. A task that goes on is left behind."""
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    left: set[asyncio.Task[Any]] = (await asyncio.wait(tasks, timeout=ENDING_S))[1] if tasks else set()
    for task in tasks:
        if task in left:
            name = getattr(task.get_coro(), "__qualname__", task.get_name())
            _log.warning("%s does not end although it was cancelled; it is left behind", name)
        elif not task.cancelled():
            task.exception()  # seen: whoever waited for it has gone
    await asyncio.get_running_loop().shutdown_default_executor()
