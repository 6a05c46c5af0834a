"""The learner's own thread: one visit at a time, each with the time that it took."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Lasts = Callable[[float], float]
"""From the seconds that a visit really took to the seconds of the event loop's clock that it lasts."""

_log = logging.getLogger(__name__)


class LearnerThread:
    """Carries out visits to a learner. `busy_s` is the real time spent there, in seconds.

    `lasts` is for virtual time, where a visit takes no time by itself: how long it is said to last.
    """

    def __init__(self, lasts: Lasts | None = None) -> None:
        self.busy_s = 0.0
        self._lasts = lasts
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="motet-learner")

    async def visit(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """What `function(*args)` gives in the learner's thread. Raises what it raises."""
        began = self.busy_s
        result = await asyncio.get_running_loop().run_in_executor(self._thread, self._timed, function, args)
        if self._lasts is not None and (seconds := self._lasts(self.busy_s - began)) > 0:
            await asyncio.sleep(seconds)
        return result

    async def close(self, working: "asyncio.Task[None] | None", timeout_s: float) -> None:
        """Stop. A visit that goes on is waited for, `timeout_s` at most: a thread cannot be interrupted."""
        pending: set[asyncio.Task[None]] = set()
        if working is not None and not working.done():
            _, pending = await asyncio.wait([working], timeout=timeout_s)
        for task in pending:
            task.cancel()
            _log.warning("the learner is still working %g s after it was told to stop; it is left behind", timeout_s)
        self._thread.shutdown(wait=not pending, cancel_futures=True)

    def _timed(self, function: Callable[[*Ts], T], args: tuple[*Ts]) -> T:
        from motet.simulation.guard import computing  # brings the bus along

        began = time.perf_counter()
        try:
            with computing():
                return function(*args)
        finally:
            self.busy_s += time.perf_counter() - began
