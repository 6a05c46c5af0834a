"""aiomqtt's client for one connection: what it lacks for a lab that runs for weeks."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import aiomqtt

from motet.bus.address import Address
from motet.bus.message import Message

T = TypeVar("T")
Will = tuple[str, bytes, bool]
"""What the broker publishes when a client is gone without a word: topic, payload, retain."""
_log = logging.getLogger(__name__)


class HungUp(aiomqtt.MqttError):
    """The broker ended the connection before it said hello."""


class Client(aiomqtt.Client):
    """One connection to a broker; `on_message` is called, on the event loop, with every message as it is read.

    aiomqtt keeps what was read in a list that grows as long as messages come faster than they are taken. Without one
    the socket is read no faster than handlers take, and a sender in a hurry waits (or its broker).
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        connect_timeout: float,
        on_message: Callable[[Message], None],
        will: Will | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._deliver = on_message
        self._posted = dict[int, None]()
        self._acknowledged = asyncio.Event()
        self._heard = _Heard()
        self._silence_s = address.keepalive / 2
        super().__init__(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            identifier=client_id,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=address.keepalive,
            timeout=connect_timeout,
            will=None if will is None else aiomqtt.Will(will[0], will[1], qos=1, retain=will[2]),
            tls_context=context,
            logger=self._heard.logger,
            # without it an exchange at QoS 1 takes 40 ms more in each direction
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        self._client.connect_timeout = connect_timeout
        self.pending_calls_threshold = 1000  # many stations publish at once; that is no reason for a warning

    async def connect(self) -> None:
        """Connect. Raises MqttError. The part that runs in a thread cannot be cancelled and is waited for."""
        entering = asyncio.create_task(self.__aenter__())
        try:
            await asyncio.shield(entering)
        except BaseException:
            await asyncio.wait([entering])
            if not entering.cancelled():
                entering.exception()  # seen: who was cancelled has no use for it
            self._client.disconnect()
            raise
        # paho asks "are you there" after so long without a word, and waits as long for the answer: half the keepalive
        # each, where paho's own way, the whole of it each, notices a broker that hangs after 2 to 3 times the keepalive
        self._client._keepalive = self._silence_s  # pyright: ignore[reportPrivateUsage]

    async def disconnect(self) -> None:
        """Say goodbye, if anybody is there."""
        with suppress(aiomqtt.MqttError):
            await self.__aexit__(None, None, None)

    def post(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """Send a message and wait for nothing. Raises MqttError when there is no connection."""
        sent = self._client.publish(topic, payload, qos, retain)
        if sent.rc:
            raise aiomqtt.MqttCodeError(sent.rc, "not connected")
        if not sent.is_published():
            self._posted[sent.mid] = None

    async def posted(self) -> None:
        """Wait until the broker has all that was posted until now; others may go on meanwhile."""
        mine = set(self._posted)
        while not mine.isdisjoint(self._posted):
            self._acknowledged.clear()
            await self._acknowledged.wait()

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        """The broker has a message."""
        if mid in self._posted:
            del self._posted[mid]
            self._acknowledged.set()
        else:
            super()._on_publish(client, userdata, mid, reason_code, properties)

    async def lost(self) -> None:
        """Wait until the connection is lost, and raise MqttError then."""
        async for _ in self.messages:  # there are none: they are delivered as they are read
            pass

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109 - aiomqtt's signature
        """aiomqtt's own uses `asyncio.wait_for`, which before Python 3.12 swallows a cancellation that comes together
        with the broker's answer: whoever was cancelled would go on, and whoever waits for its end would hang."""
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None

    async def _misc_loop(self) -> None:
        """aiomqtt's own looks once a second, too seldom for a keepalive of a second or two."""
        while self._client.loop_misc() == 0:  # noqa: ASYNC110 - paho's clocks are looked at, no flag
            await asyncio.sleep(self._silence_s / 4)

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        """aiomqtt's own, which may be called from another thread, wakes the loop and waits for the socket before each
        packet: a write, a read and two changes of what is polled. The loop's own thread needs none of them."""
        try:
            inside = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            inside = False
        if inside:
            self._loop.call_soon(self._write, client, sock)
        else:
            super()._on_socket_register_write(client, userdata, sock)

    def _write(self, client: Any, sock: Any) -> None:
        """Send what paho has, and the rest when the socket takes it."""
        try:
            client.loop_write()
        except Exception as error:  # noqa: BLE001 - the connection broke: whoever waits in `lost` hears of it
            if not self._disconnected.done():
                self._disconnected.set_exception(error)
            return
        if client.socket() is sock and client.want_write():
            self._loop.add_writer(sock.fileno(), self._write, client, sock)

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError as error:
            _log.warning("ignored a message whose topic is no text: %s", error)
            return
        self._deliver(Message(topic, message.payload, message.retain))

    def _on_disconnect(self, *args: Any, **kwargs: Any) -> None:
        """aiomqtt's own passes over a broker that hangs up instead of saying hello, and waits for the timeout."""
        if not self._connected.done():
            failure = HungUp("it hung up before it said hello")
            failure.__cause__ = self._heard.error
            self._connected.set_exception(failure)
            self._connected.exception()  # so that asyncio does not complain when nobody waits any more
        super()._on_disconnect(*args, **kwargs)


class _Heard(logging.Handler):
    """What paho tells its logger and nobody else: the error that ended a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.error: OSError | None = None
        # one for each connection, of no tree; paho's debugging tells of every packet, which costs as much as to send it
        self.logger = logging.Logger("motet.bus.mqtt", logging.INFO)
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the error; pass the text on to our own log."""
        found = [arg for arg in record.args or () if isinstance(arg, OSError)]
        self.error = found[-1] if found else self.error
        if record.levelno > logging.DEBUG:  # paho's debugging holds every packet
            _log.debug("%s", record.getMessage())
