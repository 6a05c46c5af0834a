"""An instrument that is gone for minutes costs no point when the campaign waits before it tries again."""

import asyncio
from typing import Any

from motet.errors import NoReply
from motet.model.events import ExperimentRetried


def test_tries_are_as_far_apart_as_the_campaign_says(rig: Any) -> None:
    times: list[float] = []

    async def measured(x: float) -> float:
        times.append(asyncio.get_running_loop().time())
        if times[-1] < 300:
            raise NoReply("the gauge is away for five minutes")
        return x

    rig.measured = measured
    rig.more = "failures: {retry: 5, wait: 2 min}\n"
    summary = rig.simulate(fast=True)
    assert summary.failed == 0
    assert times[:4] == [0.0, 120.0, 240.0, 360.0]
    assert sum(isinstance(event, ExperimentRetried) for event in rig.events) == 3
