"""What an experiment at a remote station says over the broker, and no more."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

from motet.bus import Bus, Message
from motet.model.events import StationChanged, StationState
from motet.remote.post import Post

from .conftest import TOPICS, Rig

Virtual = Callable[..., None]


async def _heard(rig: Rig) -> "Counter[str]":
    """Counts the messages of the station from now on by their topics and kinds."""
    found: Counter[str] = Counter()

    def hear(message: Message) -> None:
        body: dict[str, Any] = json.loads(message.payload)
        found[f"{message.topic.rpartition('/')[2]} {body.get('do') or body.get('said') or ''}".strip()] += 1

    for topic in (TOPICS.request, TOPICS.reply, TOPICS.result, TOPICS.state, TOPICS.event):
        await rig.broker.subscribe(topic, hear)
    return found


def test_a_job_that_the_station_has_is_not_asked_about_with_every_heartbeat(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        process.gauge.blocked = asyncio.Event()
        running = asyncio.create_task(station.run(rig.job()))
        await process.gauge.begun.wait()
        found = await _heard(rig)
        await asyncio.sleep(60.0)
        process.gauge.blocked.set()
        record = await running
        assert record.error is None
        assert found["state"] >= 28
        assert found["reply accepted"] <= 8
        assert found["result"] == 1

    virtual(test)


def test_states_that_come_with_every_experiment_are_kept_by_the_broker_with_the_heartbeat_only(
    virtual: Virtual,
) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        found = await _heard(rig)
        began = asyncio.get_running_loop().time()
        for _ in range(20):
            await station.run(rig.job())
            await asyncio.sleep(1.0)
        heartbeats = (asyncio.get_running_loop().time() - began) / 2.0
        assert found["state"] <= heartbeats + 2
        told = [event.state for event in rig.events if isinstance(event, StationChanged)]
        assert told.count(StationState.RUNNING) == 20  # by events, which are not kept

    virtual(test)


def test_an_acknowledgement_goes_along_with_the_next_job_or_soon_by_itself(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        found = await _heard(rig)
        for _ in range(5):
            job = rig.job()
            await station.run(job)
            station.acknowledge(job)
        assert found["request acknowledge"] == 0
        await asyncio.sleep(1.0)
        assert found["request acknowledge"] == 1
        assert found["result"] == 5
        await asyncio.sleep(120.0)
        assert found["result"] == 5  # none of them is sent again

    virtual(test)


def test_a_pause_is_kept_by_the_broker_at_once(virtual: Virtual) -> None:
    async def test(rig: Rig) -> None:
        process = await rig.process()
        station, _ = await rig.orchestrator()
        process.gauge.blocked = asyncio.Event()
        running = asyncio.create_task(station.run(rig.job()))
        await process.gauge.begun.wait()
        states: list[str] = []
        await rig.broker.subscribe(TOPICS.state, lambda message: states.append(json.loads(message.payload)["state"]))
        station.pause(why="lunch")
        process.gauge.blocked.set()
        await asyncio.sleep(1.0)
        assert "paused" in states
        station.resume()
        await running

    virtual(test)


async def test_what_was_posted_is_with_the_broker_when_a_post_has_stopped(mosquitto: str) -> None:
    async with Bus(mosquitto, client_id="sender") as sender, Bus(mosquitto, client_id="hearer") as hearer:
        found: list[bytes] = []
        everything = asyncio.Event()

        def hear(message: Message) -> None:
            found.append(message.payload)
            if len(found) == 200:
                everything.set()

        await hearer.subscribe("a/b", hear)
        post = Post(sender)
        for number in range(200):  # more than may be on their way at once
            post.send("a/b", str(number).encode())
        async with asyncio.timeout(10):
            await post.stop()
            await everything.wait()
        assert found == [str(number).encode() for number in range(200)]


async def test_a_post_that_stops_does_not_wait_for_what_others_go_on_sending(mosquitto: str) -> None:
    async with Bus(mosquitto, client_id="sender", connect_timeout=60) as sender:

        async def goes_on() -> None:
            while True:
                sender.post("other/station", b"news")
                await asyncio.sleep(0)

        post = Post(sender)
        post.send("a/b", b"last")
        others = asyncio.create_task(goes_on())
        async with asyncio.timeout(10):
            await post.stop()
        others.cancel()
        await asyncio.wait([others])


async def test_without_a_broker_nothing_is_posted(mosquitto: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bus = Bus(f"mqtt://127.0.0.1:{free.getsockname()[1]}", client_id="nobody")
        assert not bus.post("a", b"b")
        await bus.posted()
    async with Bus(mosquitto, client_id="somebody") as bus:
        assert bus.post("a", b"b")
    assert not bus.post("a", b"b")
