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


def test_where_nobody_can_be_asked_what_must_not_be_repeated_fails(rig: Any) -> None:
    async def measured(x: float) -> float:
        raise NoReply("the gauge is away")

    rig.measured, rig.repeatable = measured, False
    rig.more = "failures: {retry: 5, unrepeatable: ask}\n"
    summary = rig.simulate()
    assert (summary.experiments, summary.failed) == (4, 4)
