"""An event loop of virtual time: nothing waits, and everything happens in the order in which it would.

The clock stands still while anything can be done, and then jumps to the next timer. Work that a program hands to a
thread is done at once, in the loop's own thread, while the clock stands still: so the order of all that happens follows
from the program alone, whatever the machine does meanwhile.
"""

import asyncio
import heapq
import itertools
import math
import selectors
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any, Self, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

RESOLUTION = 1e-8
"""Timers this close together, in seconds, fall due together. A float tells them apart for three years."""
CATCH_UP_S = 0.1
"""Real time, in seconds, by which a paced loop may be late and still catch up; a longer delay is not made up for."""


MOST_CANCELLED = 1000
"""Cancelled timers that are kept until their time at most, or until they are half of all."""


class _Call(asyncio.Handle):
    """A handle made in one step: asyncio's own asks the loop for its debug mode each time."""

    __slots__ = ()

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = self._source_traceback = None


class _Timer(asyncio.TimerHandle):
    """The same with a time."""

    __slots__ = ()

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = self._source_traceback = None
        self._when = when
        self._scheduled = True  # so that the loop hears of a cancellation


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop's clock starts at 0 and counts virtual seconds. Timers of one time run in the order of their making.

    `speed` is virtual seconds a second at most, also after the loop stood still; None for as fast as the machine can.
    `on_stuck` is called when nothing is left that could ever happen: no timer, nothing ready, nobody outside who holds
    the clock. It tells whether it did something about that; otherwise the loop waits for a call from another thread.

    asyncio's own heap of timers compares them in Python and its `_run_once` asks the operating system at every turn;
    both are replaced here, which halves what a turn costs.
    """

    _ready: "deque[asyncio.Handle]"
    _stopping: bool
    _selector: selectors.BaseSelector
    _process_events: Callable[[Any], None]

    def __new__(cls, speed: float | None = None) -> Self:
        """Raises ValueError for a speed that is none; before there is a loop that would have to be closed."""
        if speed is not None and not 0 < speed < math.inf:
            raise ValueError(f"speed {speed}: a finite number above 0 is needed")
        return super().__new__(cls)

    def __init__(self, speed: float | None = None) -> None:
        self._now = 0.0
        self._speed = speed
        self._began: float | None = None
        self._holders = 0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count()
        self._cancelled_timers = 0
        self.on_stuck: Callable[[], bool] | None = None
        self.turns = 0
        """How many turns the loop has made."""
        self.in_callback = False
        """Whether something other than work for an executor, or the operating system, holds the loop now."""
        self.in_work = False
        """Whether work for an executor does."""
        super().__init__()

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back when the clock says `when`."""
        timer = _Timer(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Call back at the next turn."""
        if self.is_closed():
            raise RuntimeError("the loop is closed")
        handle = _Call(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Called by a timer's `cancel`. Timers that nobody wants are dropped when they are most of the heap."""
        self._cancelled_timers += 1
        if self._cancelled_timers > max(MOST_CANCELLED, len(self._timers) // 2):
            self._timers = [entry for entry in self._timers if not entry[2].cancelled()]
            heapq.heapify(self._timers)
            self._cancelled_timers = 0

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back after so many virtual seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    @contextmanager
    def held(self) -> Generator[None]:
        """While entered, the clock stands still and the loop waits for what comes from other threads."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        """Do the work here and now; the clock stands still meanwhile."""
        future: asyncio.Future[T] = self.create_future()
        outer, self.in_callback, self.in_work = self.in_callback, False, True
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits the work, as from a thread
            future.set_exception(error)
        finally:
            self.in_callback, self.in_work = outer, False
        return future

    def _run_once(self) -> None:
        """One turn: everything that is ready now, or else on to the next timer."""
        ready, timers = self._ready, self._timers
        if not ready and not self._stopping:
            self._pass_time()
        due = self._now + RESOLUTION
        while timers and timers[0][0] <= due:  # equal: so far out that a float does not hold the resolution
            timer = heapq.heappop(timers)[2]
            if timer.cancelled():
                self._cancelled_timers -= 1
            else:
                ready.append(timer)
        self.turns += 1
        self.in_callback = True
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()
        self.in_callback = False

    def _pass_time(self) -> None:
        """Nothing is ready: move the clock to the next timer, or wait for somebody outside."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
            self._cancelled_timers -= 1
        if self._holders:
            self._wait(None)
        elif not timers:
            if self.on_stuck is None or not self.on_stuck():
                self._wait(None)
        elif self._speed is None:
            self._now = max(self._now, timers[0][0])
        else:
            self._pace(timers[0][0], self._speed)

    def _pace(self, due: float, speed: float) -> None:
        """To the next timer, but not before its real time has come; woken earlier, to where that moment is."""
        real = time.perf_counter()
        began = real - self._now / speed
        if self._began is None or began - self._began > CATCH_UP_S:
            self._began = began
        left = due - (real - self._began) * speed
        if left > 0:
            self._wait(left / speed)
        reached = (time.perf_counter() - self._began) * speed
        self._now = max(self._now, min(due, reached) if left > 0 and self._ready else due)

    def _wait(self, seconds: float | None) -> None:
        """Really wait, until another thread calls."""
        self._process_events(self._selector.select(seconds))
