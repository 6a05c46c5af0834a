"""Brokers that are not there, that hang, that die and come back."""

import asyncio
import socket
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import pytest

from motet.bus import Bus, EmbeddedBroker, Message
from motet.bus.address import Address
from motet.bus.client import Client
from motet.bus.connection import Connection
from motet.bus.subscriptions import Subscriptions
from motet.errors import ConnectionProblem, LineLost, NoReply
from motet_testing.mosquitto import StartMosquitto


async def test_a_broker_that_is_not_there_is_named(free_port: int) -> None:
    bus = Bus(f"mqtt://127.0.0.1:{free_port}", client_id="one")
    with pytest.raises(
        ConnectionProblem, match=rf"cannot connect to the MQTT broker at 127.0.0.1:{free_port}: .*refused"
    ):
        await bus.start()
    await bus.stop()


async def test_a_broker_that_never_answers_is_given_up() -> None:
    gone = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        gone.set()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bus = Bus(f"mqtt://127.0.0.1:{port}", client_id="one", connect_timeout=0.2)
        with pytest.raises(ConnectionProblem, match="timed out"):
            await bus.start()
        async with asyncio.timeout(5):
            await gone.wait()


async def test_starting_can_be_cancelled() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bus = Bus(f"mqtt://127.0.0.1:{silent.getsockname()[1]}", client_id="one", connect_timeout=0.3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await bus.start()
        await bus.stop()


async def test_a_bus_comes_back_with_its_subscriptions_when_the_broker_does(
    start_mosquitto: StartMosquitto,
) -> None:
    broker = start_mosquitto()
    seen = asyncio.Queue[Message]()
    async with Bus(broker.url, client_id="one", connect_timeout=0.3) as bus:
        await bus.subscribe("a/+", seen.put_nowait)
        dropped = await bus.subscribe("b", seen.put_nowait)
        waiting = asyncio.create_task(bus.request("a/1", {"x": 1}, reply_topic="reply", timeout=60))
        assert b'"x": 1' in (await seen.get()).payload

        broker.kill()
        async with asyncio.timeout(5):
            with pytest.raises(LineLost, match=rf"MQTT broker 127.0.0.1:{broker.port}: .*connection lost"):
                await waiting
        assert not bus.connected.is_set()
        start = perf_counter()
        with pytest.raises(LineLost, match="cannot publish to a/1"):
            await bus.publish("a/1", "lost")
        assert perf_counter() - start < 2
        await dropped.cancel()

        broker.start()
        async with asyncio.timeout(15):
            await bus.connected.wait()
            await bus.publish("b", "nobody listens any more")
            await bus.publish("a/2", "after")
            assert (await seen.get()).payload == b"after"
        assert seen.empty()


async def test_a_message_in_flight_is_given_up_as_soon_as_the_broker_dies(
    start_mosquitto: StartMosquitto,
) -> None:
    broker = start_mosquitto()
    async with Bus(broker.url, client_id="one", connect_timeout=30) as bus:
        broker.freeze()
        publishing = asyncio.create_task(bus.publish("a", "1"))
        _, pending = await asyncio.wait([publishing], timeout=0.1)
        assert pending
        broker.kill()
        async with asyncio.timeout(5):
            with pytest.raises(LineLost, match="cannot publish to a: connection lost"):
                await publishing


async def test_stopping_a_bus_without_a_broker_is_quick(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto()
    bus = Bus(broker.url, client_id="one")
    await bus.start()
    broker.kill()
    async with asyncio.timeout(2):
        await bus.stop()


async def test_a_request_in_flight_ends_when_the_bus_is_stopped(mosquitto: str) -> None:
    bus = Bus(mosquitto, client_id="one")
    await bus.start()
    sent = asyncio.Event()
    await bus.subscribe("nobody", lambda message: sent.set())
    waiting = asyncio.create_task(bus.request("nobody", {}, reply_topic="reply", timeout=60))
    async with asyncio.timeout(5):
        await sent.wait()
        await bus.stop()
        with pytest.raises(LineLost, match="the bus was stopped"):
            await waiting


async def test_a_stopped_bus_leaves_no_task(mosquitto: str) -> None:
    before = asyncio.all_tasks()
    async with Bus(mosquitto, client_id="one") as bus:
        await bus.subscribe("a", lambda message: None)
        with pytest.raises(NoReply):
            await bus.request("a", {}, reply_topic="reply", timeout=0.01)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_the_embedded_broker_leaves_no_port_and_no_task() -> None:
    before = asyncio.all_tasks()
    async with EmbeddedBroker() as broker, Bus(broker.url, client_id="one") as bus:
        port = int(broker.url.rpartition(":")[2])
        await bus.publish("a", "1")
    assert broker.url == ""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_the_embedded_broker_stops_under_its_clients() -> None:
    answered: list[Mapping[str, Any]] = []
    broker = EmbeddedBroker()
    await broker.start()
    async with Bus(broker.url, client_id="one", connect_timeout=0.2) as bus:
        await bus.subscribe("a", lambda message: answered.append({}))
        async with asyncio.timeout(5):
            await broker.stop()
        with pytest.raises(LineLost):
            await bus.publish("a", "1")
    assert not answered


async def test_a_cancellation_together_with_the_brokers_answer_is_not_swallowed() -> None:
    class Cancelling(Client):
        def _on_subscribe(self, *args: Any, **kwargs: Any) -> None:
            super()._on_subscribe(*args, **kwargs)
            subscribing.cancel()

    async with EmbeddedBroker() as broker:
        client = Cancelling(Address.parse(broker.url), "one", 5.0, lambda message: None)
        await client.connect()
        try:
            subscribing = asyncio.create_task(client.subscribe("a", qos=1))
            await asyncio.wait([subscribing], timeout=5)
            assert subscribing.cancelled()
        finally:
            await client.disconnect()


async def test_a_start_that_is_cancelled_leaves_nothing_behind() -> None:
    class Cancelling(Client):
        async def connect(self) -> None:
            await super().connect()
            asyncio.get_running_loop().call_soon(starting.cancel)

    async with EmbeddedBroker() as broker:
        address = Address.parse(broker.url)
        connection = Connection(
            address,
            lambda context: Cancelling(address, "one", 5.0, lambda message: None),
            Subscriptions(),
            lambda reason: None,
            5.0,
            "one",
        )
        starting = asyncio.create_task(connection.start())
        await asyncio.wait([starting], timeout=5)
        assert starting.cancelled()
        assert f"bus {address}" not in {task.get_name() for task in asyncio.all_tasks()}
