"""An event loop of virtual time: nothing waits, and everything happens in the order in which it would.

The clock stands still while anything can be done, and then jumps to the next timer. Work that a program hands to a
thread is done at once, in the loop's own thread, while the clock stands still: so the order of all that happens follows
from the program alone, whatever the machine does meanwhile.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

RESOLUTION = 1e-8
"""Timers this close together, in seconds, fall due together. A float tells them apart for three years."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop's clock starts at 0 and counts virtual seconds.

    `speed` is virtual seconds a second at most; None for as fast as the machine can. `on_stuck` is called when nothing
    is left that could ever happen: no timer, nothing ready, nobody outside who holds the clock. It tells whether it did
    something about that; otherwise the loop waits for a call from another thread.
    """

    _scheduled: list[asyncio.TimerHandle]
    _clock_resolution: float

    def __init__(self, speed: float | None = None) -> None:
        if speed is not None and not speed > 0:
            raise ValueError(f"speed {speed}: it must be above 0")
        self._now = 0.0
        self._speed = speed
        self._began: float | None = None
        self._holders = 0
        self.on_stuck: Callable[[], bool] | None = None
        super().__init__(_VirtualSelector(self))
        self._clock_resolution = RESOLUTION

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    @contextmanager
    def held(self) -> Generator[None]:
        """While entered, the clock stands still and the loop waits for what comes from other threads."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1

    def run_in_executor(  # type: ignore[override]  # a future that is done already is all that can be promised
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: Unpack[Ts]
    ) -> "asyncio.Future[T]":
        """Do the work here and now; the clock stands still meanwhile."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits the work, as from a thread
            future.set_exception(error)
        return future

    def passes(self, timeout: float | None) -> float | None:
        """Let time pass until the next timer, which is `timeout` away; the real seconds to wait, None without end.

        Called by the selector when nothing is ready.
        """
        if self._holders:
            return None
        if timeout is None or not self._scheduled:
            return 0.0 if self.on_stuck is not None and self.on_stuck() else None
        due = min(self._scheduled[0].when(), self._now + timeout + RESOLUTION)
        if self._speed is None:
            self._now = max(self._now, due)
            return 0.0
        return self._pace(due, self._speed)

    def _pace(self, due: float, speed: float) -> float:
        """Not before its real time has come; woken earlier, the clock stands where that moment is."""
        real = time.perf_counter()
        if self._began is None:
            self._began = real - self._now / speed
        reached = (real - self._began) * speed
        if reached >= due:
            self._now = max(self._now, due)
            return 0.0
        self._now = max(self._now, reached)
        return (due - reached) / speed

    def woken(self) -> None:
        """The loop waited for real time, until a timer or until somebody outside called: where the clock is now."""
        if self._speed is not None and self._began is not None and not self._holders:
            reached = (time.perf_counter() - self._began) * self._speed
            due = self._scheduled[0].when() if self._scheduled else reached
            self._now = max(self._now, min(reached, due))


class _VirtualSelector(selectors.DefaultSelector):
    """Waits for the operating system only where the virtual loop has nothing to do."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None and timeout <= 0:
            return []
        wait = self._loop.passes(timeout)
        if wait == 0:
            return []
        events = super().select(wait)
        self._loop.woken()
        return events
