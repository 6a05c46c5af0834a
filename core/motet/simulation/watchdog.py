"""Looks after a virtual loop from outside: a plugin that blocks its thread without working is found and named.

The audit hook of `guard` stops sleeps and sockets before they begin. What waits in other ways (a lock, a queue, another
process) tells nobody; it shows as a loop that makes no turn in a process that does nothing.
"""

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from motet.simulation.guard import culprit
from motet.simulation.virtual import VirtualLoop

LOOK_S = 0.25
"""How often it looks."""
BLOCKED_S = 2.0
"""A loop that has made no turn for so long in an idle process is blocked. Counted in looks: a machine that stood still
itself for a while blocks nothing."""
IDLE = 0.1
"""A process that used less than this part of the time is idle."""


@contextmanager
def watched(loop: VirtualLoop, on_blocked: Callable[[str], object]) -> Generator[None]:
    """While entered, in the loop's thread: `on_blocked` hears, in another thread, who has blocked the loop, once."""
    ended = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(loop, threading.get_ident(), ended, on_blocked), name="watchdog", daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        ended.set()


def _watch(loop: VirtualLoop, thread: int, ended: threading.Event, on_blocked: Callable[[str], object]) -> None:
    turns, looks, last, used = -1, 0, time.monotonic(), time.process_time()
    while not ended.wait(LOOK_S):
        now, cpu = time.monotonic(), time.process_time()
        is_idle = loop.turns == turns and loop.in_callback and cpu - used <= IDLE * (now - last)
        looks = looks + 1 if is_idle else 0
        turns, last, used = loop.turns, now, cpu
        if looks * LOOK_S >= BLOCKED_S:
            frame = sys._current_frames().get(thread)  # pyright: ignore[reportPrivateUsage]
            on_blocked(f"{culprit(frame)} blocks the event loop; in virtual time use `await`")
            return
