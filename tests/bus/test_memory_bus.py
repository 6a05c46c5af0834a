"""The bus in memory by itself: what it keeps, in which order things arrive, and what is left when it is stopped."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from motet.bus import MemoryBus, Message
from motet.errors import LineLost, NoReply
from motet.simulation.virtual import VirtualLoop


async def turn() -> None:
    """Let everything arrive that is on its way."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_message_arrives_at_the_next_turn_not_within_the_call(memory: MemoryBus) -> None:
    seen: list[bytes] = []
    await memory.subscribe("a", lambda message: seen.append(message.payload))
    await memory.publish("a", "1")
    assert seen == []
    await turn()
    assert seen == [b"1"]


async def test_a_handler_may_publish_and_the_order_of_publishing_is_kept(memory: MemoryBus) -> None:
    seen: list[str] = []
    answers: list[asyncio.Task[None]] = []

    def pass_on(message: Message) -> None:
        answers.append(asyncio.create_task(memory.publish("b", message.payload)))

    await memory.subscribe("a", pass_on)
    await memory.subscribe("+", lambda message: seen.append(f"{message.topic}{message.payload.decode()}"))
    for number in range(3):
        await memory.publish("a", str(number))
    await turn()
    await asyncio.gather(*answers)
    await turn()
    assert seen == ["a0", "a1", "a2", "b0", "b1", "b2"]


async def test_a_subscriber_does_not_hear_what_was_published_before(memory: MemoryBus) -> None:
    seen: list[bytes] = []
    await memory.publish("a", "before")
    await memory.subscribe("a", lambda message: seen.append(message.payload))
    await memory.publish("a", "after")
    await turn()
    assert seen == [b"after"]


async def test_the_last_retained_message_of_each_topic_is_kept_and_an_empty_one_forgets_it(memory: MemoryBus) -> None:
    for topic, payload in (("node/a", "old"), ("node/a", "new"), ("node/b", "gone"), ("node/c", "here")):
        await memory.publish(topic, payload, retain=True)
    await memory.publish("node/b", "", retain=True)
    await memory.publish("node/c", "passing by")
    seen: list[Message] = []
    await memory.subscribe("node/+", seen.append)
    await turn()
    assert seen == [Message("node/a", b"new", retain=True), Message("node/c", b"here", retain=True)]


async def test_a_retained_message_is_news_for_whoever_listens_already(memory: MemoryBus) -> None:
    seen: list[Message] = []
    await memory.subscribe("node/state", seen.append)
    await memory.publish("node/state", "idle", retain=True)
    await turn()
    assert seen == [Message("node/state", b"idle", retain=False)]


async def test_a_handler_that_raises_on_a_retained_message_is_logged(
    memory: MemoryBus, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(message: Message) -> None:
        raise ZeroDivisionError("oops")

    await memory.publish("node/state", "idle", retain=True)
    await memory.subscribe("node/state", broken)
    await turn()
    assert "a handler of node/state failed on a message on node/state" in caplog.text


async def test_whoever_leaves_before_a_message_arrives_does_not_get_it(memory: MemoryBus) -> None:
    await memory.publish("node/state", "idle", retain=True)
    subscription = await memory.subscribe("node/state", lambda message: pytest.fail("it had left"))
    await memory.publish("node/state", "busy")
    await subscription.cancel()
    await turn()


async def test_a_bus_that_is_closed_says_so() -> None:
    bus = MemoryBus()
    for _ in range(2):
        assert not bus.connected.is_set()
        with pytest.raises(LineLost, match="cannot publish to a: it is closed"):
            await bus.publish("a", "1")
        with pytest.raises(LineLost, match="cannot subscribe to a: it is closed"):
            await bus.subscribe("a", lambda message: None)
        with pytest.raises(LineLost, match="it is closed"):
            await bus.request("a", {}, reply_topic="b", timeout=1.0)
        async with bus:
            assert bus.connected.is_set()


async def test_a_stopped_bus_delivers_nothing_more() -> None:
    seen: list[Message] = []
    async with MemoryBus() as bus:
        await bus.subscribe("a", seen.append)
        await bus.publish("a", "1")
    await turn()
    assert seen == []


async def test_stopping_ends_requests_and_answers_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    begun = asyncio.Event()

    async def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
        begun.set()
        await asyncio.get_running_loop().create_future()
        return {}

    bus = MemoryBus()
    await bus.start()
    await bus.serve("ask", "reply", answer)
    asking = asyncio.create_task(bus.request("ask", {}, reply_topic="reply", timeout=60.0))
    await begun.wait()
    await bus.stop()
    with pytest.raises(LineLost, match="the bus was stopped"):
        await asking
    await turn()
    assert asyncio.all_tasks() == before


def test_a_request_without_a_reply_takes_its_virtual_time() -> None:
    loop = VirtualLoop()

    async def main() -> float:
        async with MemoryBus() as bus:
            with pytest.raises(NoReply, match="within 3600 s"):
                await bus.request("nobody", {}, reply_topic="reply", timeout=3600.0)
        return loop.time()

    try:
        assert loop.run_until_complete(main()) == 3600.0
    finally:
        loop.close()
