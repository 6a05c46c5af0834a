"""A broker inside this process, for labs without one: amqtt on a free loopback port."""

import asyncio
import errno
import logging
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from motet.errors import ConnectionProblem

if TYPE_CHECKING:
    from amqtt.broker import Broker

CLOSING_S = 2.0
"""Longest wait for the sockets of clients to be closed."""

_LISTENER = "default"


class EmbeddedBroker:
    """`async with EmbeddedBroker() as broker`: an MQTT 3.1.1 broker at `broker.url`, for this machine only.

    It speaks to anybody on the machine. It keeps retained messages and wills in memory, no queues.
    """

    def __init__(self, port: int = 0) -> None:
        """`port` is 0 for a free one."""
        self._port = port
        self._broker: Broker | None = None
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._url = ""

    @property
    def url(self) -> str:
        """`mqtt://127.0.0.1:PORT`; empty when the broker does not run."""
        return self._url

    async def start(self) -> None:
        """Listen. Raises OSError when there is no free port, ConnectionProblem when the port is taken."""
        # imported here, as it brings a dozen libraries along and most labs have a broker
        from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
        from amqtt.broker import Broker

        for name in ("amqtt", "transitions"):  # they report every client that goes away
            logging.getLogger(name).setLevel(logging.ERROR)
        broker = Broker(
            {
                # amqtt's own listener does not tell which port it got: the sockets are ours
                "listeners": {_LISTENER: {"type": "external"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        await broker.start()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # asyncio has set TCP_NODELAY on the socket
            streams = StreamReaderAdapter(reader), StreamWriterAdapter(writer)
            task = asyncio.create_task(broker.external_connected(*streams, _LISTENER))
            self._clients.add(task)
            self._writers.add(writer)

            def ended(task: asyncio.Task[None]) -> None:
                self._clients.discard(task)
                self._writers.discard(writer)
                writer.close()

            task.add_done_callback(ended)

        self._broker = broker
        try:
            self._server = await asyncio.start_server(connected, "127.0.0.1", self._port)
        except OSError as error:
            await broker.shutdown()
            self._broker = None
            if error.errno != errno.EADDRINUSE:
                raise
            raise ConnectionProblem(
                f"the embedded broker cannot have the port {self._port} (`broker.port`): another program has it"
            ) from error
        self._url = f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Disconnect every client and end."""
        if self._broker is None or self._server is None:
            return
        broker, self._broker = self._broker, None
        self._server.close()
        await broker.shutdown()
        for task in self._clients:
            task.cancel()
        writers = tuple(self._writers)
        if self._clients:
            await asyncio.wait(self._clients)
        for writer in writers:  # amqtt closes those whose clients said goodbye in time
            writer.transport.abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
        self._url = ""

    async def __aenter__(self) -> "EmbeddedBroker":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
