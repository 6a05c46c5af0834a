"""Looks after a virtual loop from outside: a plugin that blocks its thread without working is found and named.

The audit hook of `guard` stops sleeps and sockets before they begin. What waits in other ways (a lock, a queue, another
process) tells nobody; it shows as a loop that makes no turn in a process that does nothing.
"""

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from motet.simulation.guard import culprit, has_foreign
from motet.simulation.virtual import VirtualLoop

LOOK_S = 0.25
"""How often it looks."""
BLOCKED_S = 3.0
"""A loop that has made no turn for so long in an idle process is blocked. Counted in looks: a machine that stood still
itself for a while blocks nothing."""
WORK_BLOCKED_S = 60.0
"""The same for work that was handed to a thread, which may wait for processes of its own, but not for ever."""
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
        is_held = loop.in_callback or loop.in_work
        looks = looks + 1 if loop.turns == turns and is_held and cpu - used <= IDLE * (now - last) else 0
        turns, last, used = loop.turns, now, cpu
        if looks * LOOK_S >= (BLOCKED_S if loop.in_callback else WORK_BLOCKED_S):
            frame = sys._current_frames().get(thread)  # pyright: ignore[reportPrivateUsage]
            if has_foreign(frame):  # a disk that takes its time is no plugin's doing
                on_blocked(f"{culprit(frame)} blocks the event loop; in virtual time use `await`")
                return
