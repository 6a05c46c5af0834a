"""Faults between a station and its orchestrator, each at the moment where it could lose or double an experiment."""

import asyncio
import random
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from motet.bus import Message
from motet.errors import Aborted, ConnectionProblem, Interrupted, StationLost
from motet.model.events import StationState
from motet.model.experiment import RunRecord
from motet.model.procedure import Procedure
from motet.model.questions import Answer, Question
from motet.remote import messages as m
from motet.remote.calls import Calls
from motet.remote.post import Post

from .conftest import TOPICS, Rig, WildBroker

Virtual = Callable[..., None]
ASK = Procedure.model_validate({"parameters": {"x": "mm"}, "steps": [{"gauge.ask": {}, "as": "a"}]})


async def _begun(rig: Rig, station: Any, job: Any, gauge: Any) -> "asyncio.Task[RunRecord]":
    """The job, blocked in the middle of its first step."""
    gauge.blocked = asyncio.Event()
    gauge.begun.clear()
    running = asyncio.create_task(station.run(job))
    await gauge.begun.wait()
    return running


class _Other(Calls):
    """An orchestrator of which only messages are there."""

    def __init__(self, rig: Rig, name: str) -> None:
        super().__init__(Post(rig.broker), TOPICS, name)

    async def listen(self, rig: Rig) -> None:
        def hear(message: Message) -> None:
            self.take(m.read(message.payload, m.Reply))

        await rig.broker.subscribe(TOPICS.reply, hear)

    def hold(self, **fields: Any) -> m.Hold:
        return self.make(m.Hold, campaign="by hand", lease_s=30.0, **fields)

    async def do(self, request: m.Request) -> m.Reply:
        return await self.ask(request, 20.0)


def test_what_is_aborted_while_it_waits_for_another_job_to_end_is_never_sent(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        given_up = await _begun(rig, station, rig.job(), process.gauge)
        process.wire.cut()
        assert isinstance((await given_up).error, StationLost)
        await asyncio.sleep(5)
        slow = asyncio.Event()
        process.host.station.abort = _after(slow, process.host.station.abort)  # pyright: ignore[reportAttributeAccessIssue]
        process.wire.mend()
        await station.available()
        running = asyncio.create_task(station.run(rig.job(x=7.0)))
        await asyncio.sleep(1)  # it waits until the one that was given up has ended
        await station.abort("enough")
        slow.set()
        process.gauge.blocked = None
        assert isinstance((await running).error, Aborted)
        await asyncio.sleep(60)
        assert "measure 7" not in rig.calls
        assert (await station.run(rig.job(x=8.0))).error is None

    virtual(test)


def _after(event: asyncio.Event, abort: Callable[[str], Any]) -> Callable[[str], Any]:
    async def wait(reason: str) -> None:
        await event.wait()
        await abort(reason)

    return wait


def test_a_hold_that_comes_after_its_release_does_not_take_the_station(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        gone = _Other(rig, "gone")
        await gone.listen(rig)
        late = gone.hold()
        await gone.do(gone.hold())
        await gone.do(gone.make(m.Release))
        assert (await gone.do(late)).said is m.Said.REFUSED
        station, _ = await rig.orchestrator()
        assert (await station.run(rig.job())).error is None

    virtual(test)


def test_what_an_earlier_process_of_the_orchestrator_said_late_counts_no_more(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        before = _Other(rig, "one")
        await before.listen(rig)
        await before.do(before.hold())
        station, _ = await rig.orchestrator("one")
        late = before.make(m.Run, job=_body(rig))
        assert (await before.do(late)).said is m.Said.REFUSED
        running = await _begun(rig, station, rig.job(x=4.0), process.gauge)
        await before.do(before.hold(paused={"a person": ""}))
        assert (await before.do(before.make(m.Safe))).said is m.Said.REFUSED
        process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]
        assert (await running).error is None
        await station.close()
        two, _ = await rig.orchestrator("two")  # at once: it was given back
        assert (await two.run(rig.job(x=5.0))).error is None
        assert "safe" not in rig.calls
        assert "measure 3" not in rig.calls

    virtual(test)


def _body(rig: Rig) -> m.JobBody:
    from motet.remote.bodies import body_of

    return body_of(rig.job())


def test_an_orchestrator_that_gave_the_station_back_in_mid_job_finds_it_again(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, wire = await rig.orchestrator("one")
        job = rig.job()
        running = await _begun(rig, station, job, process.gauge)
        process.host.station.abort = _after(asyncio.Event(), process.host.station.abort)  # pyright: ignore[reportAttributeAccessIssue]
        await station._link.calls.ask(station._link.calls.make(m.Release), 5.0)  # pyright: ignore[reportPrivateUsage]
        wire.cut()
        running.cancel()
        with pytest.raises(ConnectionProblem, match=rf"experiment {job.id} of another orchestrator runs"):
            await rig.orchestrator("two")
        again, _ = await rig.orchestrator("one")
        recalled = asyncio.create_task(again.recall(job))
        await asyncio.sleep(1)
        process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]
        record = await recalled
        assert record is not None
        assert record.error is None

    virtual(test)


def test_a_late_clear_does_not_undo_an_emergency_stop_that_came_after_it(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        one = _Other(rig, "one")
        await one.listen(rig)
        await one.do(one.hold())
        late = one.make(m.Clear)
        await one.do(one.make(m.EmergencyStop, reason="smoke"))
        assert (await one.do(late)).said is m.Said.REFUSED
        assert process.host.station.state is StationState.ESTOPPED
        assert (await one.do(one.make(m.Clear))).said is m.Said.DONE

    virtual(test)


def test_a_manifest_of_a_process_that_is_gone_comes_late(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        first = await rig.process()
        station, _ = await rig.orchestrator()
        await first.kill(rig.broker)
        await rig.process()
        await station.available()
        await rig.broker.publish(TOPICS.manifest, first.manifest.payload())
        await asyncio.sleep(100)
        assert station.unavailable == ""
        assert (await station.run(rig.job())).error is None

    virtual(test)


def test_a_malformed_manifest_costs_no_experiment(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        running = await _begun(rig, station, rig.job(), process.gauge)
        for payload in (b"{", b'{"motet": 2}', b"[" * 100_000, b"x" * 4_000_000, b'{"motet": NaN}'):
            await rig.broker.publish(TOPICS.manifest, payload)
            await asyncio.sleep(3)
        process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]
        assert (await running).error is None
        assert station.unavailable == ""

    virtual(test)


@pytest.mark.parametrize(
    "record",
    [
        '{"documents": [["event", {"a": {"$array": [1e400], "dtype": "<i8"}}]], "seconds": 1}',
        '{"documents": [["event", {"a": {"$array": [{}], "dtype": "|O"}}]], "seconds": 1, "error": 3}',
        '{"documents": [], "seconds": {"$float": "inf"}}',
        "[" * 20_000,
    ],
)
def test_a_result_that_is_none_ends_its_job(virtual: Virtual, record: str) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        job = rig.job()
        running = await _begun(rig, station, job, process.gauge)
        part = m.ResultPart(to="one", job=job.id, part=1, parts=1, age_s=0.0, record=record)
        await rig.broker.publish(TOPICS.result, part.payload())
        async with asyncio.timeout(20):
            assert "a result" in str((await running).error)
        process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]

    virtual(test)


def test_what_cannot_be_sent_of_an_experiment_does_not_block_the_station(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()

        async def run(*args: Any) -> RunRecord:
            deep: dict[str, Any] = {}
            for _ in range(2_000):
                deep = {"a": deep}
            return RunRecord((("event", deep),), 0.0, 0.0, ValueError("garbled: \udcff"))

        process.host.station.run, real = run, process.host.station.run  # pyright: ignore[reportAttributeAccessIssue]
        assert (await station.run(rig.job())).error is not None
        process.host.station.run = real
        process.host._news.problem("garbled: \udcff")  # pyright: ignore[reportPrivateUsage]
        await asyncio.sleep(60)
        assert (await station.run(rig.job())).error is None

    virtual(test)


def test_a_pause_counts_again_after_a_stop_and_so_does_the_next_stop(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        for _ in range(2):
            running = await _begun(rig, station, rig.job(), process.gauge)
            station.pause()
            await asyncio.sleep(1)
            process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]
            await asyncio.sleep(60)
            assert not running.done()
            station.stop_after("asked to")
            async with asyncio.timeout(60):
                assert (await running).error is None

    virtual(test)


class _Slow:
    """Never answers; knows what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.withdrawn = 0

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        try:
            return await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.withdrawn += 1
            raise


def test_only_the_people_of_the_holder_are_asked_and_only_while_the_job_is_theirs(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        one, two = _Slow(), _Slow()
        station, _ = await rig.orchestrator(person=one)
        with pytest.raises(ConnectionProblem):
            await rig.orchestrator("two", person=two)
        running = asyncio.create_task(station.run(rig.job(procedure=ASK)))
        await asyncio.sleep(60)
        assert (len(one.asked), len(two.asked)) == (1, 0)
        process.wire.cut()
        assert isinstance((await running).error, StationLost)
        await asyncio.sleep(1)
        assert one.withdrawn == 1

    virtual(test)


def test_an_emergency_stopped_station_is_unavailable_until_it_is_cleared(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        await process.host.station.estop("smoke")
        await asyncio.sleep(1)
        assert "smoke" in station.unavailable
        waiting = asyncio.create_task(station.available())
        await asyncio.sleep(30)
        assert not waiting.done()
        await process.host.station.clear()
        await waiting
        assert (await station.run(rig.job())).error is None

    virtual(test)


def test_a_connection_that_is_made_again_and_again_leaves_nothing_behind(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, wire = await rig.orchestrator()
        counts: list[tuple[int, int]] = []
        for number in range(50):
            for end in (process.wire, wire):
                end.cut()
            await asyncio.sleep(number % 7)
            for end in (process.wire, wire):
                end.mend()
            await asyncio.sleep(20)
            wanting = rig.broker._subscriptions.filters  # pyright: ignore[reportPrivateUsage]
            everyone = rig.broker._subscriptions._all  # pyright: ignore[reportPrivateUsage]
            assert len(wanting) <= len(TOPICS.all)
            counts.append((len(everyone), len(asyncio.all_tasks())))
        assert max(counts) == max(counts[:5]), counts
        assert (await station.run(rig.job())).error is None

    virtual(test)


def test_a_station_is_closed_twice_and_with_a_broker_that_hangs(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, wire = await rig.orchestrator()
        wire.cut()
        await station.close()
        await station.close()

    virtual(test)


def test_a_broker_that_forgot_everything_is_told_again(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, wire = await rig.orchestrator()
        running = await _begun(rig, station, rig.job(), process.gauge)
        process.wire.cut()
        wire.cut()
        rig.broker._retained.clear()  # pyright: ignore[reportPrivateUsage]
        wire.mend()
        await asyncio.sleep(10)
        process.wire.mend()
        process.gauge.blocked.set()  # pyright: ignore[reportOptionalMemberAccess]
        assert (await running).error is None
        await asyncio.sleep(5)
        seen: list[Message] = []
        await rig.broker.subscribe(TOPICS.manifest, seen.append)
        await asyncio.sleep(1)
        assert [message.retain for message in seen] == [True]
        again, _ = await rig.orchestrator()
        assert (await again.run(rig.job())).error is None

    virtual(test)


@pytest.mark.parametrize("begun", [False, True])
def test_a_station_ends_also_when_its_disk_is_full(virtual: Virtual, begun: bool) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        other = sqlite3.connect(rig.folder / "station-cell.db", isolation_level=None)
        if begun:
            running = await _begun(rig, station, rig.job(), process.gauge)
        else:
            running = asyncio.create_task(station.run(rig.job()))
        other.execute("BEGIN IMMEDIATE")
        try:
            for _ in range(200):
                await asyncio.sleep(0)
            assert process.host._jobs.running is not None  # pyright: ignore[reportPrivateUsage]
            async with asyncio.timeout(60):
                await process.host.stop("it has to")
        finally:
            other.execute("ROLLBACK")
            other.close()
        assert isinstance((await running).error, Aborted)

    virtual(test)


@pytest.mark.parametrize("seed", [5, 7])
def test_whoever_ends_at_any_moment_each_job_runs_once(virtual: Virtual, seed: int) -> None:
    """Every message comes twice, late and in no order; stations and orchestrators are killed and started again."""

    async def test(rig: Rig) -> None:
        chance = random.Random(seed)
        process = await rig.process()
        station, wire = await rig.orchestrator()
        done = 0
        for number in range(1, 21):
            job = rig.job(x=float(number))
            running: asyncio.Task[RunRecord | None] = asyncio.create_task(station.run(job))
            fault = chance.choice(["none", "station", "line", "orchestrator"])
            await asyncio.sleep(chance.uniform(0.0, 8.0))
            if fault == "station":
                await process.kill(rig.broker)
                await asyncio.sleep(chance.uniform(0.0, 5.0))
                process = await rig.process()
            elif fault == "line":
                process.wire.cut()
                await asyncio.sleep(chance.uniform(0.0, 5.0))
                process.wire.mend()
            elif fault == "orchestrator":
                wire.cut()
                running.cancel()
                await asyncio.sleep(chance.uniform(0.0, 5.0))
                station, wire = await rig.orchestrator()
                running = asyncio.create_task(station.recall(job))
            record = await running or await station.run(job)
            assert record.error is None or isinstance(record.error, Interrupted)
            if record.error is None:
                assert record.output("m", "y") == [2.0 * number]
                done += 1
            station.acknowledge(job)
        await asyncio.sleep(300)
        measured = [call for call in rig.calls if call.startswith("measure")]
        assert len(measured) == len(set(measured)) >= done > 10
        assert process.journal.ended == ()

    virtual(test, lambda: WildBroker(seed))
