"""Serial URLs against real pseudo-terminals, sockets and an RFC 2217 server."""

import asyncio
import os
import tty
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, cast

import pytest
import serial
from serial.rfc2217 import PortManager

from motet.errors import ConnectionProblem, LineLost
from motet.lines import Line, SerialOpener, Terminated
from motet.model.lab import SerialLine
from motet.simulation import PtyServer, TcpServer


class Echo:
    """Sends back whatever it gets."""

    def __init__(self) -> None:
        self.send: Callable[[bytes], None] = lambda data: None

    def attach(self, send: Callable[[bytes], None]) -> None:
        self.send = send

    def receive(self, data: bytes) -> None:
        self.send(data)

    def detach(self) -> None:
        self.send = lambda data: None


def _line(url: str, name: str = "sdc1-stage", **settings: int) -> Line:
    return Line(name, SerialOpener(SerialLine.model_validate({"url": url, **settings})), Terminated())


async def test_a_tty_carries_any_byte_both_ways() -> None:
    every = bytes(byte for byte in range(256) if byte != 0x0D)
    async with PtyServer(Echo()) as server:
        line = _line(server.path, baudrate=115200)
        await line.open()
        assert await line.query(every + b"\r", bytes) == every
        await line.close()
        await line.open()
        assert await line.query(b"again\r", bytes) == b"again"
        await line.close()


async def test_a_query_over_a_tty_costs_much_less_than_a_millisecond() -> None:
    async with PtyServer(Echo()) as server:
        line = _line(server.path)
        await line.open()
        took: list[float] = []
        for _ in range(200):
            start = perf_counter()
            await line.query(b"?CNT\r", bytes)
            took.append(perf_counter() - start)
        await line.close()
    assert median(took) < 1e-3


async def test_a_port_that_is_not_there_is_named() -> None:
    with pytest.raises(ConnectionProblem, match=r"sdc1-stage: cannot open /dev/ttyNONE7: No such file"):
        await _line("/dev/ttyNONE7").open()


async def test_a_file_that_is_no_port_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConnectionProblem, match=r"cannot open .*/file: "):
        await _line(str(tmp_path / "file")).open()


async def test_a_port_that_another_program_has_is_refused() -> None:
    async with PtyServer(Echo()) as server:
        line = _line(server.path)
        with (
            serial.Serial(server.path, exclusive=True),
            pytest.raises(ConnectionProblem, match=r"pts/\d+: .+"),
        ):
            await line.open()
        await line.open()
        await line.close()


async def test_a_link_to_a_port_is_the_same_port(tmp_path: Path) -> None:
    async with PtyServer(Echo()) as server:
        link = tmp_path / "usb-OWIS-stage"
        link.symlink_to(server.path)
        first, second = _line(server.path, "stage"), _line(str(link), "pump")
        await first.open()
        with pytest.raises(ConnectionProblem, match=r"pump: .*usb-OWIS-stage is in use by stage"):
            await second.open()
        await first.close()


async def test_a_tty_that_vanishes_is_a_lost_line() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    line = _line(os.ttyname(slave))
    await line.open()
    os.close(slave)
    asked = asyncio.Event()
    asyncio.get_running_loop().add_reader(master, asked.set)
    waiting = asyncio.create_task(line.query(b"a\r", bytes))
    await asked.wait()
    asyncio.get_running_loop().remove_reader(master)
    os.close(master)
    async with asyncio.timeout(5):
        with pytest.raises(LineLost, match="sdc1-stage"):
            await waiting
        with pytest.raises(LineLost):
            await line.send(b"a\r")
        await line.close()


async def test_a_socket_carries_bytes() -> None:
    async with TcpServer(Echo()) as server:
        line = _line(server.url)
        await line.open()
        assert await line.query(b"hello\r", bytes) == b"hello"
        await line.close()


async def test_a_socket_where_nobody_listens_is_named(free_port: int) -> None:
    with pytest.raises(ConnectionProblem, match=rf"cannot open socket://127.0.0.1:{free_port}: .*refused"):
        await _line(f"socket://127.0.0.1:{free_port}").open()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("loop://", r"unknown scheme 'loop'; allowed: /dev/\.\.\., socket://host:port, rfc2217://host:port"),
        ("socket://somewhere", "a socket is written socket://host:port"),
        ("socket://somewhere:port", "Port could not be cast"),
        ("rfc2217://somewhere", "sdc1-stage: cannot open rfc2217://somewhere: "),
    ],
)
async def test_an_address_that_is_none_is_refused(url: str, message: str) -> None:
    with pytest.raises(ConnectionProblem, match=message):
        await _line(url).open()


class _Rfc2217Server(asyncio.Protocol):
    """A terminal server with an echo behind its port, made from pyserial's server side of RFC 2217."""

    def __init__(self, port: serial.SerialBase) -> None:
        self.port = port
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.manager = PortManager(cast("Any", self.port), cast("Any", transport))

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        plain = b"".join(self.manager.filter(data))
        self.transport.write(b"".join(self.manager.escape(plain)))

    def hang_up(self) -> None:
        assert self.transport is not None
        self.transport.abort()


@asynccontextmanager
async def _rfc2217() -> AsyncGenerator[tuple[str, _Rfc2217Server]]:
    with serial.serial_for_url("loop://", timeout=0) as port:
        protocol = _Rfc2217Server(port)
        server = await asyncio.get_running_loop().create_server(lambda: protocol, "127.0.0.1", 0)
        async with server:
            yield f"rfc2217://127.0.0.1:{server.sockets[0].getsockname()[1]}", protocol


# pyserial 3.5 names its thread in the way of Python 2
@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")
async def test_a_remote_port_gets_its_settings_and_carries_any_byte() -> None:
    every = bytes(byte for byte in range(256) if byte != 0x0D)
    async with _rfc2217() as (url, server):
        line = _line(url, baudrate=19200, stopbits=2)
        await line.open()
        assert (server.port.baudrate, server.port.stopbits) == (19200, 2)
        assert await line.query(every + b"\r", bytes) == every
        await line.close()


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")
async def test_a_remote_port_that_hangs_up_is_a_lost_line() -> None:
    async with _rfc2217() as (url, server):
        line = _line(url)
        await line.open()
        server.hang_up()
        async with asyncio.timeout(5):
            with pytest.raises(LineLost, match=r"sdc1-stage \(rfc2217:"):
                await line.next_frame()
        await line.close()
