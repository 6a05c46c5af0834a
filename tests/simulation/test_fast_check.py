"""The fast run is held against the full one, and a difference is named."""

import asyncio
import itertools
from typing import Any

import pytest

from motet.errors import SimulationError


def test_what_is_the_same_is_said_in_words(rig: Any) -> None:
    async def measured(x: float) -> float:
        await asyncio.sleep(10.0 + x / 3)
        return -((x - 7) ** 2)

    rig.measured = measured
    assert rig.check_fast(3) == "the first 3 experiments are the same, at the same times, in the full run"


def test_no_more_is_compared_than_the_campaign_has(rig: Any) -> None:
    assert rig.check_fast(100).startswith("the first 4 experiments are the same")


def test_another_value_is_named(rig: Any) -> None:
    calls = itertools.count()

    async def measured(x: float) -> float:
        return float(next(calls) // 4)  # the second run measures something else

    rig.measured = measured
    with pytest.raises(SimulationError, match=r"experiment 1: values \{'y': 0\.0\}, in the full run \{'y': 1\.0\}"):
        rig.check_fast(4)


def test_another_time_is_named(rig: Any) -> None:
    calls = itertools.count()

    async def measured(x: float) -> float:
        await asyncio.sleep(60.0 if next(calls) == 6 else 30.0)  # in the third experiment of the second run
        return 1.0

    rig.measured = measured
    with pytest.raises(SimulationError, match=r"experiment 3 ends at 90\.000000 s, in the full run at 120\.000000 s"):
        rig.check_fast(4)


def test_another_end_is_named(rig: Any) -> None:
    calls = itertools.count()

    async def measured(x: float) -> float:
        if next(calls) == 3:
            raise ZeroDivisionError("oops")  # a defect ends a campaign; this one after two experiments of the full run
        return 1.0

    rig.measured = measured
    with pytest.raises(SimulationError, match=r"experiment 2: state done, in the full run failed"):
        rig.check_fast(2)
