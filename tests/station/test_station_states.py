"""The states of a station follow one model, and so does its page."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from motet.errors import Aborted, MotetError, NoReply
from motet.model.events import Event, StationChanged, StationState
from motet.model.experiment import Experiment, RunRecord, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.simulation.virtual import VirtualLoop
from motet.station import LocalStation
from motet.station.engine import LabLoop
from motet.station.fast import FastEngine
from motet.station.states import StateMachine, diagram, followers, table

MakeProcedure = Callable[..., Procedure]
EXPERIMENT = Experiment("test-1", 1, Suggestion({"x": 4.0}, "asked by the test"))
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "station-states.md"
S = StationState


@pytest.fixture(name="bench")
def _bench(bench: Any) -> Iterator[Any]:
    bench.lab_loop.close()
    bench.lab_loop = LabLoop(VirtualLoop())
    yield bench
    bench.lab_loop.close()


class Seen:
    """A station whose changes are seen."""

    def __init__(self, bench: Any) -> None:
        self.changes: list[tuple[StationState, str]] = []
        self.station = LocalStation("cell", {"gauge": bench.gauge}, FastEngine(), emit=self._see)

    def _see(self, event: Event) -> None:
        if isinstance(event, StationChanged):
            self.changes.append((event.state, event.cause))

    @property
    def states(self) -> list[StationState]:
        return [state for state, _ in self.changes]

    def is_legal(self) -> bool:
        """Whether every change is one of the model."""
        states = [S.OFFLINE, *self.states]
        return all(a is b or b in followers(a) for a, b in pairwise(states))


def test_a_change_that_the_model_does_not_have_is_refused() -> None:
    machine = StateMachine("cell", lambda event: None)
    with pytest.raises(
        MotetError, match="station cell is offline and cannot become running; it may become: connecting"
    ):
        machine.go(S.RUNNING)
    assert machine.state is S.OFFLINE


def test_every_state_is_reached_and_left() -> None:
    reached = {after for state in S for after in followers(state)}
    assert reached == set(S)
    assert all(followers(state) for state in S)


def test_the_page_shows_the_model() -> None:
    page = PAGE.read_text()
    assert f"```mermaid\n{diagram()}\n```" in page, "python -m motet.station.states writes the diagram and the table"
    assert table() in page


def test_a_pause_in_the_middle_of_a_step_is_pausing_until_the_gate_is_reached(
    bench: Any, procedure: MakeProcedure
) -> None:
    async def scenario() -> Seen:
        seen = Seen(bench)
        bench.gauge.blocked = asyncio.Event()
        await seen.station.connect()
        running = asyncio.create_task(seen.station.run(Job(EXPERIMENT, procedure("gauge.measure", "gauge.measure"))))
        await bench.gauge.moving.wait()
        seen.station.pause()
        assert seen.station.state is S.PAUSING
        bench.gauge.blocked.set()
        await asyncio.sleep(3600)
        assert seen.station.state is S.PAUSED
        seen.station.resume()
        assert (await running).error is None
        await seen.station.close()
        return seen

    seen = bench.run(scenario())
    assert seen.states == [S.CONNECTING, S.IDLE, S.RUNNING, S.PAUSING, S.PAUSED, S.RUNNING, S.IDLE, S.OFFLINE]
    assert seen.is_legal()


def test_to_stop_after_the_current_experiment_is_stopping_until_it_has_ended(
    bench: Any, procedure: MakeProcedure
) -> None:
    async def scenario() -> Seen:
        seen = Seen(bench)
        await seen.station.connect()
        running = asyncio.create_task(seen.station.run(Job(EXPERIMENT, procedure({"wait": "1 h"}))))
        await asyncio.sleep(60)
        seen.station.pause()
        await asyncio.sleep(60)
        seen.station.stop_after("enough for today")
        assert (await running).error is None
        return seen

    seen = bench.run(scenario())
    assert seen.changes[-3:] == [(S.PAUSING, ""), (S.STOPPING, "enough for today"), (S.IDLE, "")]
    assert seen.is_legal()


def test_an_aborted_station_is_idle_again_when_the_next_experiment_comes(bench: Any, procedure: MakeProcedure) -> None:
    async def scenario() -> tuple[Seen, RunRecord, RunRecord]:
        seen = Seen(bench)
        await seen.station.connect()
        running = asyncio.create_task(seen.station.run(Job(EXPERIMENT, procedure({"wait": "1 h"}))))
        await asyncio.sleep(60)
        await seen.station.abort("enough")
        first = await running
        second = await seen.station.run(Job(EXPERIMENT, procedure("gauge.measure")))
        return seen, first, second

    seen, first, second = bench.run(scenario())
    assert (type(first.error), second.error) == (Aborted, None)
    assert seen.states == [
        S.CONNECTING,
        S.IDLE,
        S.RUNNING,
        S.ABORTING,
        S.ABORTED,
        S.IDLE,
        S.RUNNING,
        S.IDLE,
    ]
    assert ("aborting", "enough") in seen.changes


def test_a_device_that_does_not_become_safe_is_a_fault_and_shows_who_it_is_before_the_next_experiment(
    bench: Any, procedure: MakeProcedure
) -> None:
    async def scenario() -> tuple[Seen, RunRecord]:
        seen = Seen(bench)
        await seen.station.connect()
        bench.gauge.silent = NoReply("silence")
        await seen.station.safe()
        assert seen.changes[-1] == (S.FAULT, "cell-gauge did not reach its safe state: silence")
        bench.gauge.silent = None
        opened = bench.gauge.opened
        record = await seen.station.run(Job(EXPERIMENT, procedure("gauge.measure")))
        assert bench.gauge.opened == opened + 1
        return seen, record

    seen, record = bench.run(scenario())
    assert record.error is None
    assert seen.states[-4:] == [S.FAULT, S.RUNNING, S.RUNNING, S.IDLE], "running, and told that it is safe again"
    assert seen.is_legal()


def test_a_station_works_on_one_experiment_at_a_time(bench: Any, procedure: MakeProcedure) -> None:
    async def scenario() -> RunRecord:
        seen = Seen(bench)
        await seen.station.connect()
        running = asyncio.create_task(seen.station.run(Job(EXPERIMENT, procedure({"wait": "1 h"}))))
        await asyncio.sleep(1)
        second = await seen.station.run(Job(EXPERIMENT, procedure("gauge.measure")))
        assert (await running).error is None
        return second

    assert "station cell is running: it cannot run experiment test-1/1 now" in str(bench.run(scenario()).error)
    assert bench.gauge.calls == []


def test_a_gate_that_is_closed_again_at_once_holds_the_plan_that_waits_at_it(
    bench: Any, procedure: MakeProcedure
) -> None:
    seen = Seen(bench)

    async def scenario() -> None:
        await seen.station.connect()
        seen.station.pause()
        running = asyncio.create_task(seen.station.run(Job(EXPERIMENT, procedure({"gauge.move": {"x": 4}}))))
        await asyncio.sleep(1)
        seen.station.resume()
        seen.station.pause("interlock hot", "hot")
        await asyncio.sleep(1)
        assert (seen.station.state, bench.gauge.calls) == (S.PAUSED, [])
        seen.station.resume("interlock hot")
        assert (await running).error is None
        await seen.station.close()

    bench.run(scenario())
    assert seen.states[2:7] == ["paused", "running", "pausing", "paused", "running"]
    assert seen.is_legal()


def test_devices_that_cannot_be_made_safe_are_a_fault_also_where_nobody_has_connected_them(bench: Any) -> None:
    seen = Seen(bench)

    async def scenario() -> None:
        bench.gauge.silent = NoReply("silence")
        await seen.station.safe()
        assert seen.station.state is S.FAULT

    bench.run(scenario())
    assert seen.changes == [(S.FAULT, "cell-gauge did not reach its safe state: silence")]
