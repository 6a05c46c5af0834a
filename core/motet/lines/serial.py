"""Serial ports by URL: `/dev/tty*` and pseudo-terminals, `socket://host:port`, `rfc2217://host:port`."""

import asyncio
import os
import termios
from urllib.parse import urlsplit

import serial
import serial_asyncio_fast

from motet.lines.rfc2217 import Rfc2217Stream
from motet.lines.stream import ByteStream, TransportStream
from motet.model.lab import SerialLine


class SerialOpener:
    """Opens the serial line that a lab file names.

    A tty goes through pyserial-asyncio-fast and is locked against other processes. A socket is a plain
    asyncio connection; pyserial adds nothing to one. RFC 2217 gives no file descriptor to wait on: it gets
    threads.
    """

    def __init__(self, settings: SerialLine, *, connect_timeout: float = 5.0) -> None:
        self._settings = settings
        self._connect_timeout = connect_timeout

    @property
    def where(self) -> str:
        """The URL."""
        return self._settings.url

    async def open(self) -> ByteStream:
        """A fresh stream. Raises OSError (TimeoutError after `connect_timeout` seconds) or ValueError."""
        scheme, separator, _ = self.where.partition("://")
        if not separator:
            return await self._open_tty()
        if scheme == "socket":
            return await self._open_socket()
        if scheme == "rfc2217":
            return await Rfc2217Stream.open(self._settings)
        raise ValueError(f"unknown scheme {scheme!r}; allowed: /dev/..., socket://host:port, rfc2217://host:port")

    async def _open_tty(self) -> ByteStream:
        port = await _finished(asyncio.create_task(asyncio.to_thread(_open_port, self._settings)))
        loop = asyncio.get_running_loop()
        stream = TransportStream()
        await serial_asyncio_fast.connection_for_serial(loop, lambda: stream, port)
        await asyncio.sleep(0)  # connection_made was put on the loop before this
        return stream

    async def _open_socket(self) -> ByteStream:
        parts = urlsplit(self.where)
        if parts.hostname is None or parts.port is None or parts.path or parts.query:
            raise ValueError("a socket is written socket://host:port")
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._connect_timeout):
            _, stream = await loop.create_connection(TransportStream, parts.hostname, parts.port)
        return stream


def _open_port(settings: SerialLine) -> serial.Serial:
    """Blocks: a USB adapter may take its time. Raises OSError, also for settings that the port does not take.

    A pseudo-terminal carries whole bytes and takes no others; what its settings say of them has no meaning.
    """
    whole = _is_pseudo_terminal(settings.url)
    try:
        return serial.Serial(
            settings.url,
            baudrate=settings.baudrate,
            bytesize=8 if whole else settings.bytesize,
            parity="N" if whole else settings.parity,
            stopbits=1 if whole else settings.stopbits,
            exclusive=True,
        )
    except termios.error as error:  # pyserial lets it through, and it is no OSError
        raise OSError(*error.args) from error


def _is_pseudo_terminal(path: str) -> bool:
    return os.path.realpath(path).startswith("/dev/pts/")


async def _finished(opening: asyncio.Task[serial.Serial]) -> serial.Serial:
    """The opened port. A thread cannot be cancelled: when the caller is, the port is closed once it is
    open."""
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(lambda task: None if task.exception() else task.result().close())
        raise
