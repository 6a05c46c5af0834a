"""A proxy between MQTT clients and their broker that repeats, delays and reorders what is published, either way.

It works on the bytes of the connections and knows no client. Every PUBLISH gets an identifier of the proxy's own on its
way, so that a repeated one is acknowledged by itself; the sender hears of the first acknowledgement only. What a client
that was cut off had said and the proxy still held is lost, as on a bad line.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Container
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from motet_torture.packets import PUBACK, PUBLISH, NotMqtt, Packet, take

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Mischief:
    """How likely each message is to be repeated, delayed, overtaken by the next one, or to end the connection.

    A delay is at most `longest_s` seconds; so is the wait for a message that overtakes. With `always` every message
    has one of the first three happen to it at least. `about` says which topics are meant.
    """

    duplicate: float = 0.0
    delay: float = 0.0
    reorder: float = 0.0
    cut: float = 0.0
    longest_s: float = 0.2
    always: bool = False
    about: Callable[[str], bool] = lambda topic: True


@dataclass(slots=True)
class Done:
    """What the proxy did, in messages."""

    published: int = 0
    duplicated: int = 0
    delayed: int = 0
    overtaken: int = 0
    swallowed: int = 0
    """Acknowledgements that the sender was not shown."""
    untouched: int = 0
    cuts: int = 0


@dataclass(eq=False)
class _Way:
    """One direction of one connection: what is published on it, on its way to the receiver."""

    write: Callable[[bytes], None]
    mischief: Mischief
    random: random.Random
    done: Done
    cut: Callable[[], None]
    _senders: dict[int, int | None] = field(default_factory=dict[int, int | None])
    """By identifier of the proxy's: that of the sender, None for a repetition."""
    _last: int = 0
    _held: "dict[asyncio.TimerHandle, Packet]" = field(default_factory=dict["asyncio.TimerHandle", Packet])
    """Messages that wait to be overtaken."""
    _waiting: "set[asyncio.TimerHandle]" = field(default_factory=set["asyncio.TimerHandle"])

    def publish(self, packet: Packet) -> None:
        """A message from the sender: it goes on, now or later, once or twice. Raises NotMqtt for QoS 2."""
        self.done.published += 1
        if packet.qos > 1:
            raise NotMqtt(f"a message at QoS {packet.qos} on {packet.topic}; 0 and 1 are known")
        if not self.mischief.about(packet.topic):
            self.done.untouched += 1
            self._on(packet, packet.identifier if packet.qos else None)
            return
        duplicate, delay, reorder = self._drawn()
        original = packet.identifier if packet.qos else None
        if self.random.random() < self.mischief.cut:
            self.done.cuts += 1
            if self.random.random() < 0.5:
                self._on(packet, original)  # it arrives, and the sender never learns of it
            self.cut()
            return
        if duplicate:
            self.done.duplicated += 1
            self._later(self._seconds() if self.random.random() < 0.5 else 0.0, packet, None)
        if reorder:
            self._hold(packet)
        elif delay:
            self.done.delayed += 1
            self._later(self._seconds(), packet, original)
        else:
            self._on(packet, original)
        if not (duplicate or delay or reorder):
            self.done.untouched += 1

    def acknowledged(self, packet: Packet) -> Packet | None:
        """What the sender is to be told; None where it is nothing."""
        original = self._senders.pop(packet.identifier, None)
        if original is None:
            self.done.swallowed += 1
            return None
        return packet.identified(original)

    def end(self) -> None:
        """The connection is gone, and with it what was still under way."""
        for timer in (*self._held, *self._waiting):
            timer.cancel()
        self._held.clear()
        self._waiting.clear()

    def _drawn(self) -> tuple[bool, bool, bool]:
        mischief = self.mischief
        chances = (mischief.duplicate, mischief.delay, mischief.reorder)
        drawn = [self.random.random() < chance for chance in chances]
        if mischief.always and not any(drawn) and any(chances):
            drawn[self.random.choices(range(3), chances)[0]] = True
        return drawn[0], drawn[1], drawn[2]

    def _seconds(self) -> float:
        return self.random.uniform(0.0, self.mischief.longest_s)

    def _later(self, seconds: float, packet: Packet, original: int | None) -> None:
        def now() -> None:
            self._waiting.discard(timer)
            self._on(packet, original)

        timer = asyncio.get_running_loop().call_later(seconds, now)
        self._waiting.add(timer)

    def _hold(self, packet: Packet) -> None:
        """Until the next one has passed, or nobody has for long enough."""

        def alone() -> None:
            self._on(self._held.pop(timer), packet.identifier if packet.qos else None)

        timer = asyncio.get_running_loop().call_later(self.mischief.longest_s, alone)
        self._held[timer] = packet

    def _on(self, packet: Packet, original: int | None) -> None:
        """A message goes on; those that waited for one follow it."""
        overtaken, self._held = self._held, {}
        self._send(packet, original)
        for timer, held in overtaken.items():
            timer.cancel()
            self.done.overtaken += 1
            self._send(held, held.identifier if held.qos else None)

    def _send(self, packet: Packet, original: int | None) -> None:
        if packet.qos:
            self._last = _free(self._last, self._senders)
            self._senders[self._last] = original
            packet = packet.identified(self._last)
        self.write(packet.bytes)


def _free(last: int, taken: Container[int]) -> int:
    """The next identifier that is not under way: 1 to 65535, never 0 (section 2.3.1)."""
    following = (1 + (last + step) % 65_535 for step in range(65_535))
    return next(identifier for identifier in following if identifier not in taken)


class Proxy:
    """`async with Proxy(port).running()`: what connects to `proxy.port` speaks with the broker at `port`. Seeded."""

    def __init__(self, broker_port: int, mischief: Mischief, *, seed: int) -> None:
        self.mischief = mischief
        self.done = Done()
        self.port = 0
        self._broker_port = broker_port
        self._seed = seed
        self._connections = 0
        self._open: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address of the broker behind it."""
        return f"mqtt://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Proxy"]:
        """Listen on a free loopback port while entered."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await self.cut()

    async def cut(self) -> None:
        """Hang up on every client; they may come again."""
        tasks = tuple(self._open)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(asyncio.CancelledError, OSError):  # cut off, or no broker: the client sees it hang up
                await self._carry(reader, writer)
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both directions of one client's connection until either side hangs up."""
        self._connections += 1
        there, back = await asyncio.open_connection("127.0.0.1", self._broker_port)
        ended = asyncio.Event()
        rng = random.Random(f"{self._seed} {self._connections}")
        ways = [
            _Way(back.write, self.mischief, random.Random(rng.random()), self.done, ended.set),
            _Way(writer.write, self.mischief, random.Random(rng.random()), self.done, ended.set),
        ]
        try:
            async with asyncio.TaskGroup() as group:
                pumps = [
                    group.create_task(_pump(reader, ways[0], ways[1], back.write, ended)),
                    group.create_task(_pump(there, ways[1], ways[0], writer.write, ended)),
                ]
                await ended.wait()
                for pump in pumps:
                    pump.cancel()
        finally:
            for way in ways:
                way.end()
            back.transport.abort()


async def _pump(
    reader: asyncio.StreamReader, way: _Way, other: _Way, write: Callable[[bytes], None], ended: asyncio.Event
) -> None:
    """From one side to the other: messages by `way`, acknowledgements as `other` knows them, the rest as it is."""
    buffer = bytearray()
    try:
        while data := await reader.read(_CHUNK):
            buffer += data
            while (packet := take(buffer)) is not None:
                if packet.kind == PUBLISH:
                    way.publish(packet)
                elif packet.kind != PUBACK:
                    write(packet.bytes)
                elif (told := other.acknowledged(packet)) is not None:
                    write(told.bytes)
    except OSError:
        return  # that side hung up
    finally:
        ended.set()
