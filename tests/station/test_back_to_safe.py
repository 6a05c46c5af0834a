"""Devices that do not become safe when told to are made safe by themselves as soon as they answer."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from motet.errors import Aborted, EmergencyStop, LineLost, NoReply
from motet.model.events import Event, StationChanged, StationState
from motet.model.experiment import Experiment, RunRecord, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.station import LocalStation, unsafe
from motet.station.fast import FastEngine

EXPERIMENT = Experiment("test-1", 1, Suggestion({"x": 4.0}, "asked by the test"))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsafe, "AGAIN_S", 0.01)


async def _connected(bench: Any, emit: Callable[[Event], object] = lambda event: None) -> LocalStation:
    station = LocalStation("cell", {"gauge": bench.gauge}, FastEngine(), emit=emit)
    await station.connect()
    return station


def test_it_is_made_safe_when_its_line_is_back_and_shows_first_who_it_is(bench: Any) -> None:
    causes: list[str] = []

    async def scenario() -> None:
        station = await _connected(bench, lambda event: causes.append(getattr(event, "cause", "")))
        bench.gauge.silent = NoReply("the cable is out")
        await station.safe()
        assert (station.state, dict(station.unsafe.reasons)) == (StationState.FAULT, {"gauge": "the cable is out"})
        bench.gauge.calls.clear()
        opened = bench.gauge.opened
        bench.gauge.silent = None
        await station.unsafe.wait()
        assert (bench.gauge.calls, bench.gauge.opened) == (["safe"], opened + 1)
        assert (station.state, causes[-1]) == (StationState.IDLE, "cell-gauge reached its safe state")
        await station.close()

    bench.run(scenario())


def test_after_an_emergency_stop_too_while_it_stays_stopped(bench: Any) -> None:
    async def scenario() -> None:
        station = await _connected(bench)
        bench.gauge.silent = NoReply("the cable is out")
        await station.estop("smoke")
        bench.gauge.silent = None
        await station.unsafe.wait()
        assert (station.state, bench.gauge.calls) == (StationState.ESTOPPED, ["safe"])
        await station.clear()
        assert station.state is StationState.IDLE
        await station.close()

    bench.run(scenario())


def test_what_is_cleared_before_it_was_safe_is_made_safe_first(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsafe, "AGAIN_S", 60.0)

    async def scenario() -> None:
        station = await _connected(bench)
        bench.gauge.silent = NoReply("the cable is out")
        await station.estop("smoke")
        bench.gauge.silent = None
        await station.clear()
        assert (station.state, bench.gauge.calls, dict(station.unsafe.reasons)) == (StationState.IDLE, ["safe"], {})
        await station.close()

    bench.run(scenario())


def test_no_experiment_begins_while_a_device_is_not_safe(bench: Any, procedure: Callable[..., Procedure]) -> None:
    job = Job(EXPERIMENT, procedure("gauge.measure"))

    async def scenario() -> tuple[RunRecord, RunRecord]:
        station = await _connected(bench)
        bench.gauge.silent = NoReply("the cable is out")
        await station.safe()
        refused = await station.run(job)
        assert station.state is StationState.FAULT
        bench.gauge.silent = None
        allowed = await station.run(job)
        await station.close()
        return refused, allowed

    refused, allowed = bench.run(scenario())
    assert isinstance(refused.error, LineLost)
    assert "cell-gauge has not reached its safe state since it was told to: the cable is out" in str(refused.error)
    assert (allowed.error, bench.gauge.calls) == (None, ["safe", "measure"])


@pytest.mark.parametrize("ends", ["abort", "estop"])
@pytest.mark.parametrize("why", ["it is not safe", "it is in doubt"])
def test_an_experiment_that_waits_for_a_device_to_answer_can_be_ended(
    bench: Any, procedure: Callable[..., Procedure], ends: str, why: str
) -> None:
    job = Job(EXPERIMENT, procedure("gauge.measure"))

    async def scenario() -> tuple[RunRecord, RunRecord]:
        station = await _connected(bench)
        if why == "it is not safe":
            bench.gauge.silent = NoReply("the cable is out")
            await station.safe()
        else:
            bench.gauge.fails = lambda: NoReply("cell-gauge: no answer")
            await station.run(job)
        asked, recover = asyncio.Event(), bench.gauge.recover

        async def never() -> None:
            asked.set()
            await asyncio.get_running_loop().create_future()

        bench.gauge.recover = never
        running = asyncio.ensure_future(station.run(job))
        await asked.wait()
        async with asyncio.timeout(5):
            await (station.abort("enough") if ends == "abort" else station.estop("enough"))
            ended = await running
        bench.gauge.recover, bench.gauge.silent, bench.gauge.fails = recover, None, lambda: None
        await station.clear()
        again = await station.run(job)
        await station.close()
        return ended, again

    ended, again = bench.run(scenario())
    assert (type(ended.error), str(ended.error)) == (Aborted if ends == "abort" else EmergencyStop, "enough")
    assert again.error is None


def test_a_station_that_is_closed_tries_no_more(bench: Any) -> None:
    async def scenario() -> None:
        station = await _connected(bench)
        bench.gauge.silent = NoReply("the cable is out")
        await station.safe()
        await station.close()
        tasks = {task.get_name() for task in asyncio.all_tasks()}
        assert "back to the safe state" not in tasks

    bench.run(scenario())


def test_the_news_that_it_is_safe_is_no_new_state_while_it_is_paused(bench: Any) -> None:
    states: list[StationState] = []

    def see(event: Event) -> None:
        if isinstance(event, StationChanged):
            states.append(event.state)

    async def scenario() -> None:
        station = await _connected(bench, see)
        station.pause()
        bench.gauge.silent = NoReply("the cable is out")
        await station.safe()
        bench.gauge.silent = None
        await station.unsafe.wait()
        await station.close()

    bench.run(scenario())
    assert states[-4:] == ["paused", "fault", "paused", "offline"]
