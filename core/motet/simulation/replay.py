"""A captured session played back: the instrument's side to a driver, or the host's side to a simulator."""

import asyncio
from collections.abc import Iterable, Sequence

from motet.contracts.simulation import SerialSimulator
from motet.lines import ByteStream, Record
from motet.lines.stream import Arrived, Ended, Inbox


class Replay:
    """A `motet.lines.Opener` whose instrument says what it said in a capture (`motet.lines.read_capture`).

    What it said after some bytes of the host comes when the host has sent the same bytes, as long after as it did
    then, in seconds of the event loop. At the first byte that differs the line is lost, with what was expected in the
    error and in `deviation`. Each opening goes on where the one before left off.
    """

    def __init__(self, records: Iterable[Record], *, name: str = "session") -> None:
        self.where = f"memory:replay of {name}"
        self.records = tuple(records)
        self.deviation: str | None = None
        """How the host first did something else than then; None while it has not."""
        self._next = 0
        self._matched = 0
        self._stream: _ReplayStream | None = None

    @property
    def finished(self) -> bool:
        """Whether everything has been played."""
        return self._next >= len(self.records)

    async def open(self) -> ByteStream:
        """A fresh stream."""
        self._stream = _ReplayStream(self)
        self.play(self._stream.inbox)
        return self._stream

    def host_sent(self, data: bytes) -> None:
        """Bytes of the host. Raises ConnectionAbortedError when they are not those of the capture."""
        assert self._stream is not None
        while data:
            record = self._expected(data)
            rest = record.bytes[self._matched :]
            length = min(len(rest), len(data))
            if data[:length] != rest[:length]:
                self._deviate(f"it sent {data!r}, not {rest!r} as at {record.t:.3f} s (record {self._next + 1})")
            data = data[length:]
            self._matched += length
            if self._matched == len(record.bytes):
                self._next, self._matched = self._next + 1, 0
                self.play(self._stream.inbox)

    def play(self, inbox: Inbox) -> None:
        """Have everything said that comes before the host's next bytes."""
        loop = asyncio.get_running_loop()
        began = self.records[self._next - 1].t if self._next else None
        while not self.finished and self.records[self._next].dir == "<":
            record = self.records[self._next]
            loop.call_later(0.0 if began is None else max(0.0, record.t - began), inbox.feed, record.bytes)
            self._next += 1

    def _expected(self, data: bytes) -> Record:
        if self.finished:
            self._deviate(f"it sent {data!r} after the end of the session")
        return self.records[self._next]

    def _deviate(self, how: str) -> None:
        self.deviation = self.deviation or how
        raise ConnectionAbortedError(f"not as in the captured session: {how}")


class _ReplayStream:
    def __init__(self, replay: Replay) -> None:
        self.inbox = Inbox()
        self._replay = replay

    def listen(self, arrived: Arrived, ended: Ended) -> None:
        self.inbox.listen(arrived, ended)

    def write(self, data: bytes) -> None:
        self._replay.host_sent(data)

    async def close(self) -> None:
        self.inbox.end()


async def answers(simulator: SerialSimulator, records: Sequence[Record], *, after: float = 0.0) -> tuple[bytes, bytes]:
    """What a simulator says when the host says what it said in a capture at the same times, and what was said then.

    It listens for `after` seconds longer than the capture lasts.
    """
    loop = asyncio.get_running_loop()
    said = bytearray()
    simulator.attach(said.extend)
    try:
        for record in records:
            await asyncio.sleep(max(0.0, record.t - loop.time()))
            if record.dir == ">":
                loop.call_soon(simulator.receive, record.bytes)
        await asyncio.sleep(after)
    finally:
        simulator.detach()
    return bytes(said), b"".join(record.bytes for record in records if record.dir == "<")
