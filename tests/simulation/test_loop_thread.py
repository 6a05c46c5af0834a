"""A loop in a thread of its own: work is handed in from outside, and closing it is bounded."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable

import pytest

from motet.simulation.thread import LoopThread
from motet.simulation.virtual import VirtualLoop

LOOPS: tuple[Callable[[], asyncio.AbstractEventLoop], ...] = (asyncio.new_event_loop, VirtualLoop)


@pytest.fixture(params=LOOPS, ids=["real", "virtual"])
def thread(request: pytest.FixtureRequest) -> LoopThread:
    make: Callable[[], asyncio.AbstractEventLoop] = request.param
    return LoopThread(make())


async def where() -> str:
    await asyncio.sleep(0.001)
    return threading.current_thread().name


async def broken() -> None:
    raise ZeroDivisionError("no such luck")


def test_work_runs_in_its_thread_and_hands_back_what_it_gives_or_raises(thread: LoopThread) -> None:
    assert thread.submit(where()).result(10) == "lab-loop"
    with pytest.raises(ZeroDivisionError, match="no such luck"):
        thread.submit(broken()).result(10)
    thread.close()


def test_closing_ends_what_still_waits_and_may_be_done_twice(thread: LoopThread) -> None:
    ended = threading.Event()

    async def waits() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    async def begun() -> None:
        await asyncio.sleep(0)

    left = thread.submit(waits())
    thread.submit(begun()).result(10)
    thread.close()
    thread.close()
    assert ended.is_set()
    assert left.cancelled()
    assert thread.loop.is_closed()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_task_that_will_not_be_cancelled_is_named_and_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    async def stubborn() -> None:
        while True:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                continue

    thread = LoopThread(VirtualLoop())
    thread.submit(stubborn())
    thread.submit(where()).result(10)
    began = time.perf_counter()
    thread.close()
    assert time.perf_counter() - began < 5.0
    assert "stubborn does not end although it was cancelled" in caplog.text
    del thread
    gc.collect()
