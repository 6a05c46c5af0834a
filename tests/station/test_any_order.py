"""Whatever is asked of a station in whatever order: its states follow the model, and it ends where it should."""

import asyncio
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from motet.errors import InstrumentError, MotetError, NoReply
from motet.model.events import Event, StationChanged, StationState
from motet.model.experiment import Experiment, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.simulation.virtual import VirtualLoop
from motet.station import LocalStation
from motet.station.engine import LabLoop
from motet.station.fast import FastEngine
from motet.station.states import followers

EXPERIMENT = Experiment("test-1", 1, Suggestion({"x": 4.0}, "asked by the test"))


@pytest.fixture(name="bench")
def _bench(bench: Any) -> Iterator[Any]:
    bench.lab_loop.close()
    bench.lab_loop = LabLoop(VirtualLoop())
    yield bench
    bench.lab_loop.close()


@pytest.mark.parametrize("seed", range(10))
def test_every_change_is_one_of_the_model_and_a_cleared_station_works(
    bench: Any, procedure: Callable[..., Procedure], seed: int
) -> None:
    chance = random.Random(seed)
    states = [StationState.OFFLINE]

    def see(event: Event) -> None:
        if isinstance(event, StationChanged):
            states.append(event.state)

    steps = procedure({"gauge.move": {"x": 4}}, {"wait": "5 s"}, "gauge.measure", cleanup=[{"gauge.move": {"x": 0}}])
    job = Job(EXPERIMENT, steps)

    async def scenario() -> None:
        station = LocalStation("cell", {"gauge": bench.gauge}, FastEngine(), emit=see)
        await station.connect()
        bench.gauge.fails = lambda: InstrumentError("E07") if chance.random() < 0.1 else None
        tasks: list[asyncio.Task[Any]] = []
        acts: list[Callable[[], Any]] = [
            lambda: station.run(job),
            lambda: station.run(job),
            lambda: station.run(job),
            lambda: station.abort("enough"),
            lambda: station.estop("smoke"),
            station.clear,
            station.clear,
            station.safe,
            station.connect,
            lambda: _now(lambda: tasks[chance.randrange(len(tasks))].cancel() if tasks else None),
            lambda: _now(station.pause),
            lambda: _now(station.resume),
            lambda: _now(lambda: station.pause("interlock hot", "hot")),
            lambda: _now(lambda: station.resume("interlock hot")),
            lambda: _now(lambda: station.stop_after("enough")),
            lambda: _now(lambda: setattr(bench.gauge, "silent", NoReply("silence"))),
            lambda: _now(lambda: setattr(bench.gauge, "silent", None)),
        ]
        for _ in range(150):
            tasks.append(asyncio.create_task(chance.choice(acts)()))
            if chance.random() < 0.7:
                await asyncio.sleep(chance.choice((0.0, 0.0, 0.1, 3.0, 60.0)))
        await asyncio.sleep(60.0)
        bench.gauge.silent = None
        bench.gauge.fails = lambda: None
        station.resume()
        station.resume("interlock hot")
        await station.abort("the end")
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            refused = isinstance(result, MotetError) and "cannot become" not in str(result)
            assert not isinstance(result, Exception) or refused, repr(result)
        await station.estop("once more")
        await station.clear()
        assert station.state is StationState.IDLE
        assert (await station.run(job)).error is None
        await station.close()
        assert station.state is StationState.OFFLINE

    bench.run(scenario())
    assert all(a is b or b in followers(a) for a, b in pairwise(states))


async def _now(act: Callable[[], object]) -> None:
    act()
