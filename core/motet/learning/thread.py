"""The learner's own thread: one visit at a time, each with the time that it took."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import ParamSpec, TypeVar, TypeVarTuple

from motet.errors import LearnerError

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Lasts = Callable[[float], float]
"""From the seconds that a visit really took to the seconds of the event loop's clock that it lasts."""

_log = logging.getLogger(__name__)


class _Daemon(Executor):
    """One thread, which a program that ends does not wait for: a fit may never come back."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call it in the thread, after all that was submitted before."""
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                future.set_exception(error)

        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="motet-learner", daemon=True)
            self._thread.start()
        self._calls.put(call)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the thread when it has done what was submitted."""
        if self._thread is not None:
            self._calls.put(None)
            if wait:
                self._thread.join()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call  # lest it keep what the call was about until the next one


class LearnerThread:
    """Carries out visits to a learner. `busy_s` is the real time spent there, in seconds.

    `lasts` is for virtual time, where a visit takes no time by itself: how long it is said to last. `longest_s` is how
    long one may take, seconds of the loop's clock; a thread cannot be interrupted, so after a longer one it is `hung`
    for good.
    """

    def __init__(self, lasts: Lasts | None = None, longest_s: float | None = None) -> None:
        self.busy_s = 0.0
        self.hung = False
        self._lasts = lasts
        self._longest_s = longest_s
        self._thread = _Daemon()

    async def visit(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """What `function(*args)` gives in the learner's thread. Raises what it raises, LearnerError when it hangs."""
        began = self.busy_s
        call = asyncio.get_running_loop().run_in_executor(self._thread, self._timed, function, args)
        if self._longest_s is not None:
            done, _ = await asyncio.wait([call], timeout=self._longest_s)
            if not done:
                self.hung = True
                call.cancel()  # when it comes back after all, nobody wants to know
                raise LearnerError(
                    f"the learner has not come back for {self._longest_s:g} s; `learner.longest` allows no more"
                )
        result = await call
        if self._lasts is not None and (seconds := self._lasts(self.busy_s - began)) > 0:
            await asyncio.sleep(seconds)
        return result

    def give_up(self) -> None:
        """It hangs, and is left behind: its thread ends if it ever comes back."""
        self._thread.shutdown(wait=False)

    async def close(self, working: "asyncio.Task[None] | None", timeout_s: float) -> None:
        """Stop. A visit that goes on is waited for, `timeout_s` at most: a thread cannot be interrupted."""
        if self.hung:
            _log.warning("the learner is still working; it is left behind")
            return
        pending: set[asyncio.Task[None]] = set()
        if working is not None and not working.done():
            _, pending = await asyncio.wait([working], timeout=timeout_s)
        for task in pending:
            task.cancel()
            _log.warning("the learner is still working %g s after it was told to stop; it is left behind", timeout_s)
        self._thread.shutdown(wait=not (pending or self.hung))  # it may have come to hang meanwhile

    def _timed(self, function: Callable[[*Ts], T], args: tuple[*Ts]) -> T:
        from motet.simulation.guard import computing  # brings the bus along

        began = time.perf_counter()
        try:
            with computing():
                return function(*args)
        finally:
            self.busy_s += time.perf_counter() - began
