"""A remote serial port by RFC 2217, through pyserial, which blocks: one thread reads, one writes."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import serial
import serial.rfc2217

from motet.lines.stream import Arrived, Ended, Inbox
from motet.model.lab import SerialLine

POLL = 0.2
"""How often the reading thread looks whether the port has been closed, seconds."""
T = TypeVar("T")


class Rfc2217Stream:
    """A ByteStream on pyserial's RFC 2217 client. Make one with `open`."""

    def __init__(self, port: serial.rfc2217.Serial, loop: asyncio.AbstractEventLoop) -> None:
        self._port = port
        self._loop = loop
        self._inbox = Inbox()
        self._closing = threading.Event()
        self._writer = ThreadPoolExecutor(1, "rfc2217-writer")
        self._reader = threading.Thread(target=self._pump, name="rfc2217-reader", daemon=True)
        self._reader.start()

    @classmethod
    async def open(cls, settings: SerialLine) -> "Rfc2217Stream":
        """Connect and negotiate. pyserial gives it 5 s and 3 s. Raises OSError or ValueError."""
        loop = asyncio.get_running_loop()
        opening = asyncio.create_task(asyncio.to_thread(_open_port, settings))
        try:
            return cls(await asyncio.shield(opening), loop)
        except asyncio.CancelledError:
            opening.add_done_callback(lambda task: None if task.exception() else task.result().close())
            raise

    def listen(self, arrived: Arrived, ended: Ended) -> None:
        """Hand on what has come and all that comes."""
        self._inbox.listen(arrived, ended)

    def write(self, data: bytes) -> None:
        """Queue the bytes for the writing thread. Its failure ends the stream."""
        self._writer.submit(self._port.write, data).add_done_callback(self._written)

    async def close(self) -> None:
        """Send what is queued, disconnect, end both threads."""
        await asyncio.to_thread(self._shut)

    def _pump(self) -> None:
        failure: OSError | None = None
        try:
            while not self._closing.is_set():
                data = self._port.read(1)
                if data:
                    waiting = self._port.in_waiting
                    self._tell(self._inbox.feed, data + self._port.read(waiting) if waiting else data)
        except OSError as error:  # SerialException is one
            failure = error
        self._tell(self._inbox.end, failure)

    def _written(self, done: "Future[int | None]") -> None:
        failure = done.exception()
        if isinstance(failure, OSError):
            self._tell(self._inbox.end, failure)

    def _tell(self, function: Callable[[T], None], argument: T) -> None:
        """Call it on the event loop; when that is closed already, there is nobody to be told."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, argument)

    def _shut(self) -> None:
        self._writer.shutdown()
        self._closing.set()
        self._reader.join()
        self._port.close()


def _open_port(settings: SerialLine) -> serial.rfc2217.Serial:
    return serial.rfc2217.Serial(
        settings.url,
        baudrate=settings.baudrate,
        bytesize=settings.bytesize,
        parity=settings.parity,
        stopbits=settings.stopbits,
        timeout=POLL,
    )
