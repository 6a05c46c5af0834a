"""Publish and subscribe, on both brokers."""

import asyncio

import pytest

from motet.bus import Bus, Message


async def _take(queue: "asyncio.Queue[Message]") -> Message:
    async with asyncio.timeout(5):
        return await queue.get()


async def test_a_message_reaches_every_handler_that_wants_it(bus: Bus, other: Bus) -> None:
    exact, wild, elsewhere = asyncio.Queue[Message](), asyncio.Queue[Message](), asyncio.Queue[Message]()
    await bus.subscribe("lab/sdc1/status", exact.put_nowait)
    await other.subscribe("lab/+/status", wild.put_nowait)
    await other.subscribe("lab/sdc2/#", elsewhere.put_nowait)
    await other.publish("lab/sdc1/status", b"\x00\xff")
    assert await _take(exact) == Message("lab/sdc1/status", b"\x00\xff", retain=False)
    assert await _take(wild) == Message("lab/sdc1/status", b"\x00\xff", retain=False)
    assert elsewhere.empty()


async def test_messages_of_one_sender_come_in_order(bus: Bus, other: Bus) -> None:
    seen = asyncio.Queue[Message]()
    await bus.subscribe("trace/#", seen.put_nowait)
    for number in range(50):
        await other.publish("trace/point", str(number))
    assert [int((await _take(seen)).payload) for _ in range(50)] == list(range(50))


async def test_a_retained_message_waits_for_its_subscriber_and_says_so(bus: Bus, other: Bus) -> None:
    await other.publish("node/state", "idle", retain=True)
    seen = asyncio.Queue[Message]()
    await bus.subscribe("node/state", seen.put_nowait)
    assert await _take(seen) == Message("node/state", b"idle", retain=True)


async def test_a_cancelled_subscription_hears_nothing_more(bus: Bus) -> None:
    first, second, third = asyncio.Queue[Message](), asyncio.Queue[Message](), asyncio.Queue[Message]()
    one = await bus.subscribe("a", first.put_nowait)
    two = await bus.subscribe("a", second.put_nowait)
    await bus.subscribe("b", third.put_nowait)
    await one.cancel()
    await one.cancel()
    await bus.publish("a", "1")
    assert (await _take(second)).payload == b"1"
    await two.cancel()
    await bus.publish("a", "2")
    await bus.publish("b", "3")
    await _take(third)
    assert first.empty()
    assert second.empty()


async def test_a_handler_that_raises_is_logged_and_silences_nobody(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    seen = asyncio.Queue[Message]()

    def broken(message: Message) -> None:
        raise ZeroDivisionError("oops")

    await bus.subscribe("a", broken)
    await bus.subscribe("a", seen.put_nowait)
    for payload in ("1", "2"):
        await bus.publish("a", payload)
        assert (await _take(seen)).payload == payload.encode()
    records = [record for record in caplog.records if "failed on a message on a" in record.getMessage()]
    assert len(records) == 2
    assert records[0].exc_info is not None
