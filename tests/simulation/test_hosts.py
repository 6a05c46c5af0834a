"""Simulators behind pseudo-terminals, sockets, memory and MQTT."""

import asyncio
import os
import select
import tty
from collections.abc import Callable

import pytest

from motet.bus import Bus, EmbeddedBroker, Message
from motet.lines import Line, Terminated
from motet.simulation import LoopClock, MemoryOpener, MqttHost, PtyServer, TcpServer


class Instrument:
    """Keeps what it gets and echoes it on request."""

    def __init__(self, echo: bool = True) -> None:
        self.echo = echo
        self.received = bytearray()
        self.arrived = asyncio.Event()
        self.attached = 0
        self.send: Callable[[bytes], None] = lambda data: None

    def attach(self, send: Callable[[bytes], None]) -> None:
        self.attached += 1
        self.send = send

    def receive(self, data: bytes) -> None:
        self.received += data
        self.arrived.set()
        if self.echo:
            self.send(data)

    def detach(self) -> None:
        self.attached -= 1


class Host:
    """The host's end of a serial port, with plain system calls."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    async def read(self, length: int) -> bytes:
        loop, data, more = asyncio.get_running_loop(), bytearray(), asyncio.Event()
        loop.add_reader(self.fd, more.set)
        async with asyncio.timeout(10):
            while len(data) < length:
                await more.wait()
                more.clear()
                while select.select([self.fd], [], [], 0)[0]:
                    data += os.read(self.fd, 65536)
        loop.remove_reader(self.fd)
        return bytes(data)

    async def write(self, data: bytes) -> None:
        loop, more = asyncio.get_running_loop(), asyncio.Event()
        loop.add_writer(self.fd, more.set)
        async with asyncio.timeout(10):
            while data:
                await more.wait()
                more.clear()
                try:
                    data = data[os.write(self.fd, data) :]
                except BlockingIOError:
                    continue
        loop.remove_writer(self.fd)

    def close(self) -> None:
        os.close(self.fd)


async def _until(instrument: Instrument, length: int) -> None:
    async with asyncio.timeout(10):
        while len(instrument.received) < length:
            instrument.arrived.clear()
            await instrument.arrived.wait()


async def test_lab_time_passes_at_its_scale() -> None:
    loop = asyncio.get_running_loop()
    clock = LoopClock(loop, 100.0)
    fired = asyncio.Event()
    start = loop.time()
    clock.call_later(5.0, fired.set)
    clock.call_later(1.0, pytest.fail, "a cancelled timer fired").cancel()
    await fired.wait()
    assert 0.05 <= loop.time() - start < 1
    assert clock.now() >= 5.0
    with pytest.raises(ValueError, match="time scale 0"):
        LoopClock(loop, 0)


async def test_a_pty_gives_every_byte_as_it_is() -> None:
    every = bytes(range(256))
    instrument = Instrument()
    open_files = len(os.listdir("/dev/fd"))
    async with PtyServer(instrument) as server:
        host = Host(server.path)
        await host.write(every)
        assert await host.read(256) == every
        host.close()
    assert bytes(instrument.received) == every
    assert instrument.attached == 0
    assert len(os.listdir("/dev/fd")) == open_files


async def test_a_host_may_close_the_port_and_open_it_again() -> None:
    instrument = Instrument()
    async with PtyServer(instrument) as server:
        for word in (b"first", b"second"):
            host = Host(server.path)
            await host.write(word)
            assert await host.read(len(word)) == word
            host.close()
    assert instrument.attached == 0


async def test_more_than_a_terminal_holds_goes_both_ways() -> None:
    up, down = os.urandom(300_000), os.urandom(60_000)
    instrument = Instrument(echo=False)
    async with PtyServer(instrument) as server:
        host = Host(server.path)
        await host.write(up)
        await _until(instrument, len(up))
        instrument.send(down)
        assert await host.read(len(down)) == down
        host.close()
    assert bytes(instrument.received) == up


async def test_what_nobody_reads_is_lost_and_not_kept_for_ever() -> None:
    instrument = Instrument(echo=False)
    async with PtyServer(instrument) as server:
        host = Host(server.path)
        for _ in range(1000):
            instrument.send(bytes(1000))
        length = len(await host.read(32_000))
        instrument.send(b"\xff")
        while not (data := await host.read(1)).endswith(b"\xff"):
            length += len(data)
        assert length < 200_000
        host.close()


async def test_a_paced_pty_takes_ten_bits_a_byte() -> None:
    loop = asyncio.get_running_loop()
    instrument = Instrument(echo=False)
    async with PtyServer(instrument, baudrate=9600) as server:
        host = Host(server.path)
        tty.setraw(host.fd)
        start = loop.time()
        for _ in range(6):
            instrument.send(b"0123456789abcdef")
        await host.read(96)
        assert 0.1 <= loop.time() - start < 1
        host.close()


@pytest.mark.parametrize("baudrate", [None, 1_000_000])
async def test_a_line_in_memory_is_ordered_and_never_calls_back_from_a_call(baudrate: int | None) -> None:
    inside = False

    class Careful(Instrument):
        def receive(self, data: bytes) -> None:
            nonlocal inside
            assert not inside
            inside = True
            super().receive(data)
            inside = False

    instrument = Careful()
    line = Line("x", MemoryOpener(instrument, baudrate=baudrate), Terminated())
    await line.open()
    assert instrument.attached == 1
    for number in range(20):
        await line.send(b"%d " % number)
    assert not instrument.received
    assert await line.query(b"end\r", bytes) == b"".join(b"%d " % number for number in range(20)) + b"end"
    await line.close()
    assert instrument.attached == 0


async def test_two_lines_in_memory_are_two_places() -> None:
    first, second = MemoryOpener(Instrument()), MemoryOpener(Instrument())
    assert first.where.startswith("memory:Instrument-")
    assert first.where != second.where


async def test_a_closed_line_in_memory_delivers_nothing_more() -> None:
    instrument = Instrument()
    stream = await MemoryOpener(instrument).open()
    stream.write(b"late")
    await stream.close()
    ends: list[OSError | None] = []
    stream.listen(lambda data: pytest.fail("nothing may come"), ends.append)
    await asyncio.sleep(0)
    assert ends == [None]
    assert not instrument.received


async def test_a_new_host_takes_the_place_of_the_old_one_on_tcp() -> None:
    async with TcpServer(Instrument()) as server, asyncio.timeout(10):
        first_reader, first = await asyncio.open_connection(server.host, server.port)
        first.write(b"1")
        assert await first_reader.readexactly(1) == b"1"
        second_reader, second = await asyncio.open_connection(server.host, server.port)
        second.write(b"2")
        assert await second_reader.readexactly(1) == b"2"
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await first_reader.readexactly(1)
        for writer in (first, second):
            writer.close()


class Node:
    """Publishes what it gets, twice, and its state when it comes on line."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.detached = False
        self.publish: Callable[[str, bytes, bool], None] = lambda topic, payload, retain: None

    def filters(self, topic: str) -> tuple[str, ...]:
        return (f"{topic}/command/#", f"{topic}/extra")

    def will(self, topic: str) -> tuple[str, bytes, bool]:
        return f"{topic}/status", b"gone", True

    def attach(self, topic: str, publish: Callable[[str, bytes, bool], None]) -> None:
        self.publish = publish
        publish(f"{topic}/status", b"idle", True)

    def receive(self, topic: str, payload: bytes) -> None:
        self.received.append((topic, payload))
        for number in (b"1", b"2"):
            self.publish("lab/node/reply", payload + number, False)

    def detach(self) -> None:
        self.detached = True


async def test_a_node_hears_its_filters_only_answers_in_order_and_leaves_a_will() -> None:
    node = Node()
    seen = asyncio.Queue[Message]()
    async with EmbeddedBroker() as broker, Bus(broker.url, client_id="one") as bus, asyncio.timeout(10):
        await bus.subscribe("lab/node/reply", seen.put_nowait)
        await bus.publish("lab/node/command", "old", retain=True)
        async with MqttHost(node, bus, "lab/node"):
            await bus.publish("lab/node/other", "x")
            await bus.publish("lab/node/command", "a")
            await bus.publish("lab/node/command/set", "b")
            await bus.publish("lab/node/extra", "c")
            assert [(await seen.get()).payload for _ in range(6)] == [b"a1", b"a2", b"b1", b"b2", b"c1", b"c2"]
        await bus.publish("lab/node/command", "after")
        states = asyncio.Queue[Message]()
        await bus.subscribe("lab/node/status", states.put_nowait)
        assert await states.get() == Message("lab/node/status", b"gone", retain=True)
    assert node.received == [("lab/node/command", b"a"), ("lab/node/command/set", b"b"), ("lab/node/extra", b"c")]
    assert node.detached
