"""What an emergency stop does first: nothing that only has to be known later may keep a station from it."""

import asyncio
import gc
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from motet.cli.undisturbed import when_running
from motet.model.events import CampaignChanged, CampaignState
from motet.station.latch import Latch
from motet.station.latch_state import latch_file


class Noting(ThreadPoolExecutor):
    """A pool that counts what it is given."""

    given = 0

    def submit(self, *args: Any, **kwargs: Any) -> "Future[Any]":
        self.given += 1
        return super().submit(*args, **kwargs)


async def test_stations_have_their_turns_before_a_thread_is_asked_to_write_the_press(tmp_path: Path) -> None:
    pool = Noting(1)
    asyncio.get_running_loop().set_default_executor(pool)
    seen: list[int] = []

    class Lamp:
        name = "lamp"

        async def estop(self, reason: str) -> None:
            for _ in range(4):  # as many turns as it takes until a device's line has the stop
                await asyncio.sleep(0)
            seen.append(pool.given)

        async def clear(self) -> None:
            raise AssertionError

    async with asyncio.timeout(20), Latch("bench", tmp_path) as latch:
        latch.guard(Lamp())
        before = pool.given
        await latch.trip("smoke")
        assert seen == [before]
        assert latch_file(tmp_path, "bench").exists()


def test_neither_garbage_nor_threads_hold_up_the_stations_once_a_campaign_runs() -> None:
    see = when_running()
    before, interval = gc.get_freeze_count(), sys.getswitchinterval()
    see(CampaignChanged("twin-1", CampaignState.STARTING, ""))
    assert (gc.get_freeze_count(), sys.getswitchinterval()) == (before, interval)
    try:
        see(CampaignChanged("twin-1", CampaignState.RUNNING, ""))
        assert gc.get_freeze_count() > before
        assert sys.getswitchinterval() < interval
    finally:
        gc.unfreeze()
        sys.setswitchinterval(interval)
