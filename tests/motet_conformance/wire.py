"""Listens to what goes over an instrument's wire, and lets another instrument be put at its end."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from motet.bus import MemoryBus, matches
from motet.lines import ByteStream, Opener
from motet.lines.stream import Arrived, Ended

Direction = Literal[">", "<"]


@dataclass
class Traffic:
    """What went to the instrument (`>`) and came from it (`<`), in order."""

    said: list[tuple[Direction, bytes]] = field(default_factory=list[tuple[Direction, bytes]])
    at: list[float] = field(default_factory=list[float])
    """When, on the loop's clock."""

    def note(self, direction: Direction, data: bytes) -> None:
        """Something is said now."""
        self.said.append((direction, data))
        self.at.append(asyncio.get_running_loop().time())

    @property
    def sent(self) -> bytes:
        """Everything that went to the instrument."""
        return b"".join(data for direction, data in self.said if direction == ">")


class Tap:
    """An opener that listens. `inner` may be changed while it is closed: somebody plugs in something else."""

    def __init__(self, inner: Opener, traffic: Traffic) -> None:
        self.inner = inner
        self.where = inner.where
        self._traffic = traffic

    async def open(self) -> ByteStream:
        """A fresh stream of what is plugged in."""
        return _TappedStream(await self.inner.open(), self._traffic)


class _TappedStream:
    def __init__(self, inner: ByteStream, traffic: Traffic) -> None:
        self._inner = inner
        self._traffic = traffic

    def listen(self, arrived: Arrived, ended: Ended) -> None:
        def heard(data: bytes) -> None:
            self._traffic.note("<", data)
            arrived(data)

        self._inner.listen(heard, ended)

    def write(self, data: bytes) -> None:
        self._traffic.note(">", data)
        self._inner.write(data)

    async def close(self) -> None:
        await self._inner.close()


class TappedBus(MemoryBus):
    """A bus in memory that notes what goes to a node (what it listens to) and what else is said."""

    def __init__(self, traffic: Traffic) -> None:
        super().__init__()
        self.filters: tuple[str, ...] = ()
        """What the node listens to."""
        self._traffic = traffic

    async def publish(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> None:
        """Send a message. Raises LineLost when the bus is closed."""
        data = payload.encode() if isinstance(payload, str) else payload
        to_node = any(matches(topic, each) for each in self.filters)
        self._traffic.note(">" if to_node else "<", topic.encode() + b" " + data + b"\n")
        await super().publish(topic, payload, qos=qos, retain=retain)
