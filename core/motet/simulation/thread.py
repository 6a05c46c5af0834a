"""An event loop in a thread of its own, so that the main thread keeps the terminal and the signals."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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

    def close(self, timeout: float = 10.0) -> None:
        """Cancel what is left, stop the loop and its thread. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.submit(cancel_all()).result(timeout)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout)
        self.loop.close()


async def cancel_all() -> None:
    """End every other task of the running loop, and its default executor."""
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
