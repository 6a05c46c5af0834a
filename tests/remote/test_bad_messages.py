"""What does not belong on the bus is refused with a message on both sides, and the rest goes on."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from motet.bus import Message
from motet.errors import ConnectionProblem, ProcedureError
from motet.model.procedure import Procedure
from motet.plugins import installed
from motet.remote.manifest import part_of
from motet.remote.messages import Manifest, Reply, Run, read

from .conftest import LAB, TOPICS, Rig

Virtual = Callable[..., None]


async def _replies(rig: Rig) -> list[Reply]:
    found: list[Reply] = []

    def take(message: Message) -> None:
        found.append(read(message.payload, Reply))

    await rig.broker.subscribe(TOPICS.reply, take)
    return found


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"\xff\xfe garbage", "Invalid JSON"),
        (b"[1, 2]", "message"),
        (
            b'{"motet": 2, "do": "describe", "id": "q", "orchestrator": "evil"}',
            "version 2 of the protocol, this Motet 1",
        ),
        (b'{"motet": 1, "do": "reboot", "id": "q", "orchestrator": "evil"}', "'reboot'"),
        (b'{"motet": 1, "do": "safe", "id": "q", "orchestrator": "evil", "session": "s", "number": "1"}', "number"),
        (b'{"motet": 1, "do": "safe", "id": "q", "orchestrator": "evil", "session": "s", "number": 1, "x": 1}', "x"),
        (b'{"motet": 1, "pad": "' + b"x" * 2_000_000 + b'"}', "at most 262144"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_a_malformed_request_is_refused_and_the_station_goes_on(
    virtual: Virtual, caplog: pytest.LogCaptureFixture, payload: bytes, told: str
) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        replies = await _replies(rig)
        with caplog.at_level(logging.WARNING):
            await rig.broker.publish(TOPICS.request, payload)
            await asyncio.sleep(0.1)
        (refusal,) = [reply for reply in replies if reply.said == "refused"]
        assert told in refusal.reason
        assert told in caplog.text
        assert (await station.run(rig.job())).error is None

    virtual(test)


def test_malformed_news_of_a_station_are_passed_over(virtual: Virtual, caplog: pytest.LogCaptureFixture) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        for topic in (TOPICS.state, TOPICS.event, TOPICS.reply, TOPICS.result):
            await rig.broker.publish(topic, b'{"motet": 1, "__reduce__": "os.system"}')
        assert (await station.run(rig.job())).error is None
        assert caplog.text.count("refused: ") >= 4

    virtual(test)


def test_a_step_that_is_none_is_refused_at_the_station(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        replies = await _replies(rig)
        job: dict[str, Any] = {
            "campaign": "c",
            "number": 1,
            "attempt": 1,
            "parameters": {},
            "procedure": {"steps": [5]},
        }
        asked = {"motet": 1, "do": "run", "id": "r", "orchestrator": "one", "session": "s", "number": 1, "job": job}
        await rig.broker.publish(TOPICS.request, json.dumps(asked))
        await asyncio.sleep(0.1)
        assert [reply.said for reply in replies if reply.id == "r"] == ["refused"]
        assert rig.calls == []
        assert (await station.run(rig.job())).error is None

    virtual(test)


def test_a_job_that_is_too_long_fails_by_itself(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        long = rig.job(procedure=Procedure.model_validate({"steps": [{"gauge.measure": {"x": "1" * 300_000}}]}))
        record = await station.run(long)
        assert isinstance(record.error, ProcedureError)
        assert "it reads at most 262144" in str(record.error)
        assert (await station.run(rig.job())).error is None

    virtual(test)


def test_a_lab_file_that_differs_is_refused_in_words(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        part = part_of(LAB, "cell", installed())
        part["station"]["devices"]["gauge"]["limits"] = {"x": [0, 90]}
        with pytest.raises(
            ConnectionProblem, match=r"lab file differs .*digest .*devices.gauge.limits.x: \[0, 90\] here"
        ):
            await rig.orchestrator(part=part)
        station, _ = await rig.orchestrator("two")
        assert (await station.run(rig.job())).error is None

    virtual(test)


def test_a_manifest_of_another_protocol_is_refused(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        process.wire.cut()
        other = json.loads(process.manifest.payload()) | {"motet": 7, "new": True}
        await rig.broker.publish(TOPICS.manifest, json.dumps(other), retain=True)
        with pytest.raises(ConnectionProblem, match="speaks version 7 of the protocol, this Motet 1"):
            await rig.orchestrator()

    virtual(test)


def test_a_second_process_of_one_name_is_refused_and_the_first_is_told(
    virtual: Virtual, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        rig.folder /= "other"
        with pytest.raises(ConnectionProblem, match=r"station cell: process \d+ on .* hosts it already"):
            await rig.process()
        await asyncio.sleep(1)
        assert "wants to host cell too, and is refused" in caplog.text
        assert (await station.run(rig.job())).error is None

    virtual(test)


def test_a_process_that_was_cut_off_gives_way_to_the_one_that_took_its_name(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        first = await rig.process()
        first.wire.cut()
        await first.journal.close()
        second = await rig.process()
        station, _ = await rig.orchestrator()
        first.wire.mend()
        with pytest.raises(ConnectionProblem, match="hosts it already"):
            await first.host.lost
        assert (await station.run(rig.job())).error is None
        assert not second.host.lost.done()
        first.wire.cut()

    virtual(test)


def test_nobody_hosts_the_station(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        with pytest.raises(ConnectionProblem, match=r"station cell: .* within 15 s; `motet station cell` hosts it"):
            await rig.orchestrator()

    virtual(test)


def test_messages_are_what_they_were_when_they_arrive(virtual: Virtual) -> None:
    from motet.remote.bodies import body_of, job_of

    rig = Rig(None)  # pyright: ignore[reportArgumentType]
    job = replace(rig.job(x=float("nan")), priority=2)
    sent = Run(id="1", orchestrator="o", session="s", number=1, job=body_of(job))
    arrived = job_of(read(sent.payload(), Run).job)
    assert str(arrived.values) == str(job.values)
    assert (arrived.id, arrived.procedure, arrived.units) == (job.id, job.procedure, job.units)
    assert arrived.priority == 2
    assert Manifest.model_fields["motet"].default == 1
