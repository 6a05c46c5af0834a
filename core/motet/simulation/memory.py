"""A line in memory, straight to a simulator: for virtual time, and for tests that need no pseudo-terminal."""

import asyncio
import errno
import itertools

from motet.contracts.simulation import SerialSimulator
from motet.lines.stream import Arrived, ByteStream, Ended, Inbox
from motet.simulation.cable import Cable
from motet.simulation.clock import Wire

_numbers = itertools.count(1)


class MemoryOpener:
    """A `motet.lines.Opener` to a simulator. The simulator is attached when the line opens, detached when
    it closes.

    `name` is where it is, in messages; a number without it. `baudrate` paces the bytes in both directions;
    without it they arrive at the event loop's next turn.
    """

    def __init__(self, simulator: SerialSimulator, *, name: str = "", baudrate: int | None = None) -> None:
        self.where = f"memory:{name or f'{type(simulator).__name__}-{next(_numbers)}'}"
        self._simulator = simulator
        self._baudrate = baudrate
        self._stream: _MemoryStream | None = None
        self._cable = Cable(simulator, self._unplug, lambda: None)

    async def open(self) -> ByteStream:
        """A fresh stream, with the simulator attached to its other end. Raises OSError while it is unplugged."""
        if self._cable.out:
            raise FileNotFoundError(errno.ENOENT, "unplugged")
        self._cable.watch()
        self._stream = _MemoryStream(self._simulator, self._baudrate)
        return self._stream

    def _unplug(self) -> None:
        assert self._stream is not None, "the cable is watched when a stream is opened"
        self._stream.lose()


class _MemoryStream:
    def __init__(self, simulator: SerialSimulator, baudrate: int | None) -> None:
        loop = asyncio.get_running_loop()
        self._simulator = simulator
        self._inbox = Inbox()
        self._to_host = Wire(loop, self._inbox.feed, baudrate)
        self._to_simulator = Wire(loop, simulator.receive, baudrate)
        self._lost = False
        simulator.attach(self._to_host.send)

    def listen(self, arrived: Arrived, ended: Ended) -> None:
        self._inbox.listen(arrived, ended)

    def write(self, data: bytes) -> None:
        self._to_simulator.send(data)

    def lose(self) -> None:
        """The cable is pulled: what is on its way is lost."""
        self._end(OSError(errno.ENODEV, "unplugged"))

    async def close(self) -> None:
        self._end(None)

    def _end(self, error: OSError | None) -> None:
        if not self._lost:
            self._lost = True
            self._to_simulator.cut()
            self._to_host.cut()
            self._simulator.detach()
        self._inbox.end(error)
