"""While a fit takes seconds, stations, heartbeat and abort are not delayed: the learner works elsewhere."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from motet.contracts.belief import Data, Predict, Prediction
from motet.contracts.declarations import Declaration
from motet.hookspecs import hookimpl
from motet.model.campaign import Budget, LearnerConfig
from motet.model.events import CampaignState
from motet.model.values import PluginRef
from motet.plugins import Registry, load

FIT_S = 1.2
"""How long a fit computes, without ever giving anything up of itself."""

DELAY_S = 0.5
"""The longest delay that is allowed: a loop that waits for a fit is delayed more than twice as much."""


class Brooding:
    """Computes for a long time, in Python alone, which is the worst neighbour that an event loop can have."""

    def __init__(self, options: object) -> None:
        self.fitting = False

    def fit(self, data: Data, seed: int) -> Predict:
        """Nothing comes of it."""
        until = time.perf_counter() + FIT_S
        while time.perf_counter() < until:
            pass
        return lambda pool: Prediction(np.zeros(len(pool)), np.ones(len(pool)))


class Plugin:
    """Brings the surrogate."""

    @hookimpl
    def motet_surrogates(self) -> Iterable[Declaration]:
        """The one."""
        return [Declaration("brooding", Brooding)]


@pytest.fixture
def brooding(lab: Any) -> Any:
    registry: Registry = load()
    registry.manager.register(Plugin(), name="test:brooding")
    lab.registry = registry
    lab.stations = 2
    lab.learner = LearnerConfig(
        surrogate=PluginRef(name="brooding"), acquisition=PluginRef(name="random"), pending=PluginRef(name="exclude")
    )
    return lab


def test_a_slow_fit_delays_neither_the_loop_nor_an_experiment(brooding: Any) -> None:
    delays: list[float] = []
    lasted: list[float] = []

    async def measured(x: float) -> float:
        began = time.perf_counter()
        await asyncio.sleep(0.2)
        lasted.append(time.perf_counter() - began)
        return x

    async def heart(lab: Any) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            delays.append(time.perf_counter() - began - 0.01)

    brooding.measured = measured
    brooding.beside = heart
    brooding.budget = Budget(experiments=5)
    began = time.perf_counter()
    summary = brooding.run()

    assert summary.experiments == 5
    assert time.perf_counter() - began > 2 * FIT_S, "there were fits to be delayed by"
    assert max(delays) < DELAY_S
    assert max(lasted) < 0.2 + DELAY_S


def test_an_abort_during_a_slow_fit_stops_what_moves_at_once(brooding: Any) -> None:
    moving = asyncio.Event()
    stopped: list[float] = []
    asked: list[float] = []

    async def measured(x: float) -> float:
        if sum(len(gauge.calls) for gauge in brooding.gauges) < 4:
            return x
        try:
            moving.set()
            await asyncio.Event().wait()  # moves until it is stopped
        finally:
            stopped.append(time.perf_counter())
        return x

    async def person(lab: Any) -> None:
        await moving.wait()
        asked.append(time.perf_counter())
        lab.control.command("abort", "the test wants it")
        await asyncio.Event().wait()

    brooding.measured = measured
    brooding.beside = person

    assert brooding.run().state is CampaignState.ABORTED
    assert any("stop" in gauge.calls for gauge in brooding.gauges)
    assert stopped[0] - asked[0] < DELAY_S
