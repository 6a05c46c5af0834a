"""How soon a broker that hangs or dies is missed, and how soon it is used again: in keepalives."""

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter

import pytest

from motet.bus import Address, Bus, Message
from motet.errors import LineLost
from motet_testing.mosquitto import Mosquitto, StartMosquitto

KEEPALIVE_S = 1
pytestmark = pytest.mark.slow


@contextmanager
def said(text: str) -> Generator[asyncio.Event]:
    """Set when the connection's log has a line with the text."""
    heard, log = asyncio.Event(), logging.getLogger("motet.bus.connection")

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if text in record.getMessage():
                heard.set()

    listening = Listening()
    log.addHandler(listening)
    try:
        yield heard
    finally:
        log.removeHandler(listening)


async def connected_after(bus: Bus, broker: Mosquitto, seen: "asyncio.Queue[Message]") -> float:
    """Seconds until the bus is there again and a message goes there and back."""
    start = perf_counter()
    await bus.connected.wait()
    took = perf_counter() - start
    await bus.publish("a", str(broker.pid))
    while (await seen.get()).payload != str(broker.pid).encode():
        pass
    return took


async def test_a_frozen_broker_is_missed_and_used_again(start_mosquitto: StartMosquitto) -> None:
    broker, seen = start_mosquitto(), asyncio.Queue[Message]()
    address = Address.parse(broker.url, keepalive=KEEPALIVE_S)
    async with asyncio.timeout(30), Bus(address, client_id="one") as bus:
        await bus.subscribe("a", seen.put_nowait)
        asking = asyncio.create_task(bus.request("a", {}, reply_topic="reply", timeout=60))
        await seen.get()
        with said("timed out") as tried:
            broker.freeze()
            start = perf_counter()
            with pytest.raises(LineLost, match="connection lost"):
                await asking
            assert perf_counter() - start <= 1.5 * KEEPALIVE_S
            await tried.wait()  # to connect, which a frozen broker's machine allows and nobody answers
        broker.thaw()
        assert await connected_after(bus, broker, seen) <= 2 * KEEPALIVE_S


async def test_a_broker_that_was_dead_for_long_is_used_again_soon(
    start_mosquitto: StartMosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    broker, seen = start_mosquitto(), asyncio.Queue[Message]()
    address = Address.parse(broker.url, keepalive=KEEPALIVE_S)
    async with asyncio.timeout(30), Bus(address, client_id="one") as bus:
        await bus.subscribe("a", seen.put_nowait)
        with said("connection lost") as lost, caplog.at_level(logging.DEBUG, "motet.bus.connection"):
            broker.kill()
            await lost.wait()
        with said("trying again") as tried, caplog.at_level(logging.DEBUG, "motet.bus.connection"):
            for _ in range(6):  # the pauses have grown to their longest then
                await tried.wait()
                tried.clear()
        broker.start()
        assert await connected_after(bus, broker, seen) <= 2 * KEEPALIVE_S
