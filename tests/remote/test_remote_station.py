"""A remote station does as a local one: each job once, however its messages travel and whoever ends in the middle."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motet.bus import Message
from motet.errors import Aborted, ConnectionProblem, Interrupted, LimitError, StationLost
from motet.model.events import StationChanged, StationState, StepStarted
from motet.model.experiment import RunRecord
from motet.model.procedure import Procedure
from motet.model.questions import Answer, Question
from motet.remote import orchestrator_id

from .conftest import PROCEDURE, TOPICS, Rig, WildBroker

Virtual = Callable[..., None]


def _steps(*steps: Any) -> Procedure:
    return Procedure.model_validate({"parameters": {"x": "mm"}, "steps": list(steps)})


async def _begun(rig: Rig, station: Any, job: Any, gauge: Any) -> "asyncio.Task[RunRecord]":
    """The job, blocked in the middle of its first step."""
    gauge.blocked = asyncio.Event()
    gauge.begun.clear()
    running = asyncio.create_task(station.run(job))
    await gauge.begun.wait()
    return running


def test_a_job_comes_back_with_its_documents_and_its_events(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        record = await station.run(rig.job())
        assert record.error is None
        assert record.output("m", "y") == [6.0]
        assert rig.calls == ["measure 3", "dispense"]
        await asyncio.sleep(1)
        assert [event.step for event in rig.events if isinstance(event, StepStarted)] == [
            "gauge.measure",
            "gauge.dispense",
        ]
        states = [event.state for event in rig.events if isinstance(event, StationChanged)]
        assert states[-2:] == [StationState.RUNNING, StationState.IDLE]

    virtual(test)


def test_limits_hold_at_the_station_whatever_is_asked(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        record = await station.run(rig.job(x=60.0))
        assert isinstance(record.error, LimitError)
        assert "beyond its limit [0, 50] mm" in str(record.error)
        assert "measure 60" not in rig.calls

    virtual(test)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_message_twice_late_and_in_no_order_runs_each_job_once(virtual: Virtual, seed: int) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        for number in range(1, 21):
            job = rig.job(x=float(number))
            record = await station.run(job)
            assert record.error is None
            assert record.output("m", "y") == [2.0 * number]
            station.acknowledge(job)
        await station.safe()
        await asyncio.sleep(200)  # whatever is still on its way
        assert rig.calls.count("safe") == 1
        assert [call for call in rig.calls if call.startswith("measure")] == [f"measure {n}" for n in range(1, 21)]
        assert rig.calls.count("dispense") == 20

    virtual(test, lambda: WildBroker(seed))


DISPENSES_FIRST = Procedure.model_validate(
    {"parameters": {"x": "mm"}, "steps": [{"gauge.dispense": {}}, {"gauge.measure": {"x": "$x"}, "as": "m"}]}
)


@pytest.mark.parametrize(
    ("procedure", "begun"), [(DISPENSES_FIRST, ("gauge.dispense",)), (PROCEDURE, ())], ids=["after", "before"]
)
def test_a_job_whose_station_was_killed_is_interrupted_and_never_begins_again(
    virtual: Virtual, procedure: Procedure, begun: tuple[str, ...]
) -> None:
    """Killed in the middle of the measurement, after the dispense or before it."""

    async def test(rig: Rig) -> None:
        first = await rig.process()
        station, _ = await rig.orchestrator()
        job = rig.job(procedure=procedure)
        running = await _begun(rig, station, job, first.gauge)
        await first.kill(rig.broker)
        await rig.process()
        record = await running
        assert isinstance(record.error, Interrupted)
        assert "ended in the middle" in str(record.error)
        assert record.unrepeatable == begun
        assert ("after it had begun gauge.dispense" in str(record.error)) is bool(begun)
        again = await station.run(job)
        assert isinstance(again.error, Interrupted)
        assert rig.calls.count("measure 3") == 1
        assert (await station.run(rig.job(x=4.0))).error is None

    virtual(test)


def test_a_result_waits_for_an_orchestrator_that_was_killed(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, wire = await rig.orchestrator()
        job, never = rig.job(), rig.job()
        sent: list[bytes] = []
        await rig.broker.subscribe(TOPICS.result, lambda message: sent.append(message.payload))
        running = await _begun(rig, station, job, process.gauge)
        wire.cut()
        running.cancel()
        process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]
        await asyncio.sleep(3600)
        assert 60 < len(sent) < 70  # at first soon, then once a minute
        again, _ = await rig.orchestrator()
        assert await again.recall(never) is None
        record = await again.recall(job)
        assert record is not None
        assert record.output("m", "y") == [6.0]
        assert asyncio.get_running_loop().time() - record.ended > 3500
        again.acknowledge(job)
        await asyncio.sleep(1)
        settled = await again.recall(job)
        assert settled is not None
        assert isinstance(settled.error, Interrupted)
        assert rig.calls.count("measure 3") == 1

    virtual(test)


def test_a_result_that_an_earlier_process_stored_and_did_not_acknowledge_is_acknowledged(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, wire = await rig.orchestrator()
        stored, open_ = rig.job(), rig.job()
        sent: list[str] = []

        def hear(message: Message) -> None:
            sent.extend(job.id for job in (stored, open_) if job.id.encode() in message.payload)

        for job in (stored, open_):
            assert (await station.run(job)).error is None
        wire.cut()  # killed between the commit of the first outcome and its acknowledgement
        await rig.broker.subscribe(TOPICS.result, hear)
        again, _ = await rig.orchestrator(settled=lambda job: job == stored.id)
        await asyncio.sleep(600)
        assert sent.count(stored.id) <= 2
        assert sent.count(open_.id) > 9
        record = await again.recall(open_)
        assert record is not None
        assert record.output("m", "y") == [6.0]

    virtual(test)


def test_an_orchestrator_that_was_restarted_waits_for_what_still_runs(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, wire = await rig.orchestrator()
        job = rig.job()
        running = await _begun(rig, station, job, process.gauge)
        wire.cut()
        running.cancel()
        again, _ = await rig.orchestrator()
        recalled = asyncio.create_task(again.recall(job))
        await asyncio.sleep(60)
        assert not recalled.done()
        process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]
        record = await recalled
        assert record is not None
        assert record.output("m", "y") == [6.0]

    virtual(test)


def test_two_orchestrators_cannot_hold_one_station(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        one, wire = await rig.orchestrator("one")
        with pytest.raises(
            ConnectionProblem, match=r"it is held for campaign campaign of one .*since 20.*until 20.*\(orch"
        ):
            await rig.orchestrator("two")
        assert (await one.run(rig.job())).error is None
        wire.cut()
        await asyncio.sleep(31)
        two, _ = await rig.orchestrator("two")
        wire.mend()
        refused = await one.run(rig.job())
        assert isinstance(refused.error, StationLost)
        assert "held for campaign campaign of two" in str(refused.error)
        assert (await two.run(rig.job())).error is None

    virtual(test)


@pytest.mark.parametrize("policy", ["finish", "hold", "stop"])
def test_a_station_without_its_orchestrator_does_as_the_lab_file_says(virtual: Virtual, policy: Any) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process(policy)
        station, wire = await rig.orchestrator()
        running = await _begun(rig, station, rig.job(), process.gauge)
        wire.cut()
        await asyncio.sleep(40)
        process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]
        await asyncio.sleep(300)
        assert (
            rig.calls
            == {
                "finish": ["measure 3", "dispense"],
                "hold": ["measure 3"],
                "stop": ["measure 3", "stop", "safe"],
            }[policy]
        )
        wire.mend()
        record = await running
        if policy == "stop":
            assert isinstance(record.error, Aborted)
            assert "does not hear of its orchestrator" in str(record.error)
        else:
            assert record.error is None
            assert rig.calls == ["measure 3", "dispense"]

    virtual(test)


def test_a_silent_station_is_lost_in_time_and_its_job_dropped_when_it_is_back(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        running = await _begun(rig, station, rig.job(), process.gauge)
        process.wire.cut()
        begun = asyncio.get_running_loop().time()
        record = await running
        assert isinstance(record.error, StationLost)
        assert asyncio.get_running_loop().time() - begun <= 32
        assert record.unrepeatable == ("gauge.dispense",)
        assert str(record.error).endswith("; it may have begun gauge.dispense")
        assert "nothing was heard of it" in station.unavailable
        assert isinstance((await station.run(rig.job(x=5.0))).error, StationLost)
        process.gauge.blocked = None
        await asyncio.sleep(5)  # what is said to it meanwhile gets lost
        process.wire.mend()
        await station.available()
        assert (await station.run(rig.job(x=4.0))).output("m", "y") == [8.0]
        assert rig.calls == ["measure 3", "stop", "measure 4", "dispense"]
        states = [event.state for event in rig.events if isinstance(event, StationChanged)]
        assert StationState.OFFLINE in states

    virtual(test)


def test_nothing_is_sent_before_it_is_cleared(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        cleared: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(station.run(rig.job(), cleared))
        await asyncio.sleep(100)
        assert rig.calls == []
        cleared.set_exception(LimitError("vetoed"))
        assert isinstance((await running).error, LimitError)
        assert rig.calls == []

    virtual(test)


def test_a_stop_ends_a_job_that_could_not_be_sent_and_none_that_may_have_begun(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, wire = await rig.orchestrator()
        wire.cut()
        waits = asyncio.create_task(station.run(rig.job()))
        await asyncio.sleep(600)
        assert not waits.done(), "while the broker is away it may come back"
        station.stop_after("enough")
        record = await asyncio.wait_for(waits, 2)
        assert isinstance(record.error, Aborted)
        assert "it has not begun: enough" in str(record.error)
        assert rig.calls == []
        wire.mend()
        running = await _begun(rig, station, rig.job(x=4.0), process.gauge)
        wire.cut()
        station.stop_after("enough")
        await asyncio.sleep(60)
        assert not running.done()
        process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]
        wire.mend()
        assert (await running).error is None

    virtual(test)


def test_nothing_moves_before_the_station_has_it_on_its_disk(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        other = sqlite3.connect(rig.folder / "station-cell.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        running = asyncio.create_task(station.run(rig.job()))
        for _ in range(200):
            await asyncio.sleep(0)
        assert rig.calls == []
        other.execute("ROLLBACK")
        other.close()
        assert (await running).error is None
        assert rig.calls == ["measure 3", "dispense"]

    virtual(test)


def test_pause_and_abort_reach_the_station(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        running = await _begun(rig, station, rig.job(), process.gauge)
        station.pause()
        await asyncio.sleep(1)
        process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]
        await asyncio.sleep(100)
        assert rig.calls == ["measure 3"]
        station.resume()
        assert (await running).error is None
        running = await _begun(rig, station, rig.job(x=4.0), process.gauge)
        await station.abort("enough")
        record = await running
        assert isinstance(record.error, Aborted)
        assert str(record.error) == "enough"
        assert rig.calls == ["measure 3", "dispense", "measure 4", "stop"]

    virtual(test)


def test_a_long_result_comes_in_parts(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        record = await station.run(rig.job(procedure=_steps({"gauge.sweep": {"points": 100_000}, "as": "s"})))
        assert record.output("s", "trace") == [[float(n) for n in range(100_000)]]

    virtual(test)


class _Patient:
    """Answers, after a while; the first answer gets lost with its process."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        await asyncio.sleep(10)
        return 12.0


def test_a_question_reaches_the_people_at_the_orchestrator_and_waits_while_it_is_away(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        person = _Patient()
        station, wire = await rig.orchestrator(person=person)
        job = rig.job(procedure=_steps({"gauge.ask": {}, "as": "a"}))
        running = asyncio.create_task(station.run(job))
        await asyncio.sleep(5)
        assert [question.text for question in person.asked] == ["how many?"]
        wire.cut()
        running.cancel()
        await asyncio.sleep(600)
        later = _Patient()
        again, _ = await rig.orchestrator(person=later)
        record = await again.recall(job)
        assert record is not None
        assert record.output("a", "answer") == [12.0]
        assert len(later.asked) == 1

    virtual(test)


def test_an_orchestrator_is_who_its_store_says(tmp_path: Path) -> None:
    store = tmp_path / "motet.db"
    first = orchestrator_id(store)
    store.touch()
    assert orchestrator_id(store) == first
    store.unlink()
    assert orchestrator_id(store) != first


def test_a_device_that_does_not_become_safe_there_is_named_here_and_told_again_until_it_is(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        out = [True]

        async def safe() -> None:
            if out:
                raise LimitError("the cable is out")

        process.gauge.safe = safe
        await station.safe()
        assert station.unsafe.reasons == {"": "cell-gauge: the cable is out"}
        assert any(isinstance(event, StationChanged) and "the cable is out" in event.cause for event in rig.events)
        out.clear()
        async with asyncio.timeout(60):
            await station.unsafe.wait()
        assert station.unsafe.reasons == {}
        await process.kill(rig.broker)
        await station.safe()
        (reason,) = station.unsafe.reasons.values()
        assert "no answer to `safe`" in reason

    virtual(test)
