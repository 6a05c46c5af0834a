"""A simulator behind a real pseudo-terminal: to its host it is a serial port like any other."""

import asyncio
import os
import tty
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from motet.contracts.simulation import SerialSimulator
from motet.simulation.cable import Cable
from motet.simulation.clock import Wire

_CHUNK = 65536
MOST_UNSENT = 65536
"""Bytes that wait for a host that does not read; later ones are lost, as in a UART that overruns."""


class PtyServer:
    """`async with PtyServer(simulator) as server`: the simulator is the serial port `server.path`.

    The host may close the port and open it again; the instrument stays on meanwhile and what it sends is
    kept up to the terminal's buffer. `baudrate` paces what goes to the host, 10 bits a byte in seconds of
    the event loop. `link` is a symbolic link that is made to the port, and `path` then; it still leads there when a
    fault has pulled the cable and it is plugged in again. An existing file is refused, a link that leads nowhere is
    replaced. Raises FileExistsError.
    """

    def __init__(self, simulator: SerialSimulator, *, baudrate: int | None = None, link: Path | None = None) -> None:
        self._simulator = simulator
        self._baudrate = baudrate
        self._link = link
        self._loop: asyncio.AbstractEventLoop | None = None
        self._master = self._slave = -1
        self._unsent = bytearray()
        self._wire: Wire | None = None
        self._cable = Cable(simulator, self._cut, self._plug_in)
        self.path = ""

    async def __aenter__(self) -> "PtyServer":
        self._loop = asyncio.get_running_loop()
        self._clear_link()
        self._plug_in()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cable.release()
        if self._master >= 0:
            self._cut()

    def _clear_link(self) -> None:
        if self._link is not None and os.path.lexists(self._link):
            if self._link.exists() or not self._link.is_symlink():
                raise FileExistsError(f"{self._link} exists already")
            self._link.unlink()  # left behind by a process that was killed

    def _plug_in(self) -> None:
        assert self._loop is not None
        self._unsent.clear()
        master, slave = os.openpty()
        # Held open: with no slave open at all, reading the master fails with EIO until the next host comes.
        self.path = os.ttyname(slave)
        tty.setraw(slave)
        os.set_blocking(master, False)
        if self._link is not None:
            try:
                self._link.symlink_to(self.path)
            except OSError:
                os.close(master)
                os.close(slave)
                raise
            self.path = str(self._link)
        self._master, self._slave = master, slave
        self._wire = Wire(self._loop, self._to_host, self._baudrate)
        self._loop.add_reader(self._master, self._from_host)
        self._cable.watch()
        self._simulator.attach(self._wire.send if self._baudrate else self._to_host)

    def _cut(self) -> None:
        """The port is gone."""
        assert self._loop is not None
        assert self._wire is not None
        self._simulator.detach()
        self._wire.cut()
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def _from_host(self) -> None:
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return
        self._simulator.receive(data)

    def _to_host(self, data: bytes) -> None:
        if self._master < 0 or len(self._unsent) + len(data) > MOST_UNSENT:
            return
        waiting = bool(self._unsent)
        self._unsent += data
        if not waiting:
            self._flush()

    def _flush(self) -> None:
        """Write what the terminal takes; when it takes no more, go on as soon as the host has read."""
        assert self._loop is not None
        with suppress(BlockingIOError):
            del self._unsent[: os.write(self._master, self._unsent)]
        if self._unsent:
            self._loop.add_writer(self._master, self._flush)
        else:
            self._loop.remove_writer(self._master)
