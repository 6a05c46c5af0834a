"""What blocks the thread of a simulation without a word is found and named, in bounded time."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from motet.errors import SimulationError

LONGEST_S = 30.0


def _event(over: threading.Event) -> None:
    over.wait(LONGEST_S)


def _queue(over: threading.Event) -> None:
    handed: queue.Queue[bool] = queue.Queue()
    threading.Thread(target=lambda: handed.put(over.wait(LONGEST_S)), daemon=True).start()
    handed.get(timeout=LONGEST_S)


@pytest.mark.parametrize("block", [_event, _queue], ids=["event", "queue"])
def test_a_driver_that_blocks_the_loop_is_named(rig: Any, block: Callable[[threading.Event], None]) -> None:
    over = threading.Event()

    async def measured(x: float) -> float:
        block(over)
        return x

    rig.measured = measured
    began = time.monotonic()
    with pytest.raises(SimulationError, match=rf"test_watchdog\.{block.__name__} \(.*test_watchdog\.py:\d+\) blocks"):
        rig.simulate(fast=True)
    assert time.monotonic() - began < LONGEST_S / 2
    over.set()
    for thread in threading.enumerate():
        if thread.name == "abandoned-loop":
            thread.join(LONGEST_S)
            assert not thread.is_alive()


def test_work_that_takes_its_time_is_let_alone(rig: Any) -> None:
    begun: list[float] = []

    async def measured(x: float) -> float:
        begun.append(x)
        ends = time.monotonic() + (2.5 if len(begun) == 1 else 0)
        while time.monotonic() < ends:
            pass
        return x

    rig.measured = measured
    assert rig.simulate(fast=True).failed == 0
