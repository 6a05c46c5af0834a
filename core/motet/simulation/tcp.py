"""A simulator behind a TCP port, like an instrument on a terminal server: `socket://127.0.0.1:PORT`."""

import asyncio
from types import TracebackType
from typing import cast

from motet.contracts.simulation import SerialSimulator
from motet.simulation.cable import Cable


class TcpServer:
    """`async with TcpServer(simulator) as server`: the simulator is at `server.url`, on a loopback port, a free one
    unless `port` says which.

    One host at a time: a new one takes the place of the one before, which is disconnected. What the simulator
    sends with no host there is lost.
    """

    def __init__(self, simulator: SerialSimulator, *, port: int = 0) -> None:
        self._simulator = simulator
        self._cable = Cable(simulator, self._cut, self._plug_in)
        self._server: asyncio.Server | None = None
        self._host: _Host | None = None
        self.host = "127.0.0.1"
        self.port = port

    @property
    def url(self) -> str:
        """The address as a lab file states it."""
        return f"socket://{self.host}:{self.port}"

    async def __aenter__(self) -> "TcpServer":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Host(self), self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._plug_in()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        if not self._cable.out:
            self._cut()
        self._cable.release()
        self._server.close()
        await self._server.wait_closed()

    def disconnect(self) -> None:
        """Hang up, as a network does."""
        if self._host is not None:
            self._host.hang_up()
            self._host = None

    def connected(self, host: "_Host") -> None:
        """A host came."""
        self.disconnect()
        if self._cable.out:
            host.hang_up()
        else:
            self._host = host

    def _cut(self) -> None:
        """The network is gone."""
        self._simulator.detach()
        self.disconnect()

    def _plug_in(self) -> None:
        self._cable.watch()
        self._simulator.attach(self._to_host)

    def left(self, host: "_Host") -> None:
        """A host went away."""
        if self._host is host:
            self._host = None

    def received(self, data: bytes) -> None:
        """Bytes from the host."""
        self._simulator.receive(data)

    def _to_host(self, data: bytes) -> None:
        if self._host is not None:
            self._host.send(data)


class _Host(asyncio.Protocol):
    def __init__(self, server: TcpServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.connected(self)

    def data_received(self, data: bytes) -> None:
        self._server.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.left(self)

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()
