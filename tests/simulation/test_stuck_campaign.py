"""A campaign in which nothing can happen any more ends, and says where it waits."""

import asyncio
import gc
import re
from typing import Any

import pytest

from motet.errors import SimulationError
from motet.model.experiment import State
from motet.store import Reader

HERE = rf"\({re.escape(__file__)}:\d+\)"


async def for_ever(x: float = 0.0) -> float:
    await asyncio.get_running_loop().create_future()
    return x


@pytest.mark.parametrize("fast", [False, True])
def test_a_driver_that_waits_for_what_never_comes_is_named(rig: Any, fast: bool) -> None:
    async def measured(x: float) -> float:
        await asyncio.sleep(60.0)
        return await for_ever(x)

    rig.measured = measured
    with pytest.raises(SimulationError) as caught:
        rig.simulate(fast=fast)
    where = rf"these still wait: \S*test_stuck_campaign\.for_ever {HERE}"
    assert re.fullmatch(f"nothing is left to happen, and {where}", str(caught.value))


def test_what_was_measured_before_is_kept_and_the_store_says_how_it_ended(rig: Any) -> None:
    values = iter([1.0, 2.0])

    async def measured(x: float) -> float:
        await asyncio.sleep(1.0)
        value = next(values, None)
        return await for_ever(x) if value is None else value

    rig.measured = measured
    with pytest.raises(SimulationError, match="nothing is left to happen"):
        rig.simulate()
    reader = Reader(rig.folder / "data" / "motet.db")
    summary = reader.campaign("rig").summary
    assert (summary.state, summary.done) == ("failed", 2)
    assert "nothing is left to happen" in summary.reason
    assert [row.state for row in reader.experiments("rig")][:2] == [State.DONE] * 2


def test_a_driver_that_never_opens_is_named(rig: Any) -> None:
    async def opened() -> None:
        await for_ever()

    rig.opened = opened
    with pytest.raises(SimulationError, match=rf"these still wait: \S*test_stuck_campaign\.for_ever {HERE}"):
        rig.simulate()


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_driver_that_ignores_cancellations_cannot_hide(rig: Any, fast: bool) -> None:
    async def measured(x: float) -> float:
        for _ in range(5):
            try:
                await for_ever(x)
            except asyncio.CancelledError:
                continue
        return x

    rig.measured = measured
    with pytest.raises(SimulationError, match=r"test_stuck_campaign\.for_ever"):
        rig.simulate(fast=fast)
    gc.collect()  # the tasks that would not end are reported here, not in the next test


def test_a_timeout_in_the_driver_is_no_such_thing(rig: Any) -> None:
    """What would end in real time ends in virtual time too."""

    async def measured(x: float) -> float:
        try:
            async with asyncio.timeout(3600.0):
                await for_ever()
        except TimeoutError:
            return x
        return -1.0

    rig.measured = measured
    summary = rig.simulate()
    assert (summary.experiments, summary.failed) == (4, 0)
    assert summary.wall_s == pytest.approx(4 * 3600.0)
