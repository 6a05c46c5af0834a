"""A bus's connection to its broker: made, watched and made again."""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import aiomqtt

from motet.bus.address import Address
from motet.bus.message import Message
from motet.bus.subscriptions import Subscriptions
from motet.errors import ConnectionProblem, LineLost

T = TypeVar("T")
Will = tuple[str, bytes, bool]
"""What the broker publishes when a client is gone without a word: topic, payload, retain."""
_log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds before the first and before any later try to reconnect; each pause is twice the one before."""


class Client(aiomqtt.Client):
    """aiomqtt's client for one connection, which closes its socket also when the broker never says hello."""

    def __init__(
        self, address: Address, client_id: str, keepalive: int, connect_timeout: float, will: Will | None = None
    ) -> None:
        super().__init__(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            identifier=client_id,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=keepalive,
            timeout=connect_timeout,
            will=None if will is None else aiomqtt.Will(will[0], will[1], qos=1, retain=will[2]),
            tls_context=ssl.create_default_context() if address.tls else None,
            # without it an exchange at QoS 1 takes 40 ms more in each direction
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        self._client.connect_timeout = connect_timeout
        self.pending_calls_threshold = 1000  # many stations publish at once; that is no reason for a warning

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109 - aiomqtt's signature
        """aiomqtt's own uses `asyncio.wait_for`, which before Python 3.12 swallows a cancellation that comes together
        with the broker's answer: whoever was cancelled would go on, and whoever waits for its end would hang."""
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None

    async def connect(self) -> None:
        """Connect. Raises MqttError. The part that runs in a thread cannot be cancelled and is waited for."""
        entering = asyncio.create_task(self.__aenter__())
        try:
            await asyncio.shield(entering)
        except BaseException:
            await asyncio.wait([entering])
            self._client.disconnect()
            raise

    async def disconnect(self) -> None:
        """Say goodbye, if anybody is there."""
        with suppress(aiomqtt.MqttError):
            await self.__aexit__(None, None, None)


class Connection:
    """Keeps a client connected; every connection begins with all subscriptions."""

    def __init__(
        self,
        address: Address,
        make_client: Callable[[], Client],
        subscriptions: Subscriptions,
        on_lost: Callable[[str], None],
        patience: float,
        seed: str,
    ) -> None:
        self.connected = asyncio.Event()
        self._address = address
        self._make_client = make_client
        self._subscriptions = subscriptions
        self._on_lost = on_lost
        self._patience = patience
        self._jitter = random.Random(seed)  # noqa: S311 - spreads reconnections, protects nothing
        self._client: Client | None = None
        self._lost = "not connected"
        self._running: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Timeout] = set()

    async def start(self) -> None:
        """Connect for the first time. Raises ConnectionProblem when that fails."""
        if self._running is not None:
            return
        client = self._make_client()
        try:
            await client.connect()
        except aiomqtt.MqttError as error:
            raise ConnectionProblem(f"cannot reach the MQTT broker at {self._address}: {error}") from error
        self._running = asyncio.create_task(self._run(client), name=f"bus {self._address}")
        try:
            async with asyncio.timeout(self._patience):
                await self.connected.wait()
        except TimeoutError:
            await self.stop()
            raise ConnectionProblem(f"the MQTT broker at {self._address} hung up: {self._lost}") from None
        except asyncio.CancelledError:
            await self.stop()  # nobody else would: who was cancelled while it started does not stop it
            raise

    async def stop(self) -> None:
        """Disconnect for good. Raises what ended the connection's task, if anything but this did."""
        if self._running is None:
            return
        running, self._running = self._running, None
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled() and (failure := running.exception()) is not None:
            raise failure

    @asynccontextmanager
    async def client(self, purpose: str) -> AsyncGenerator[Client]:
        """The connected client for one call, within `patience` seconds. Raises LineLost, also when it is
        lost."""
        call: asyncio.Timeout | None = None
        try:
            async with asyncio.timeout(self._patience) as call:
                self._calls.add(call)
                await self.connected.wait()
                assert self._client is not None
                yield self._client
        except (TimeoutError, aiomqtt.MqttError) as error:
            cause = str(error) or self._lost or f"no answer within {self._patience:g} s"
            raise LineLost(f"MQTT broker {self._address}: cannot {purpose}: {cause}") from error
        finally:
            if call is not None:
                self._calls.discard(call)

    async def _run(self, client: Client) -> None:
        while True:
            try:
                await self._serve(client)
            finally:
                self.connected.clear()
                await client.disconnect()
            client = await self._reconnected()

    async def _serve(self, client: Client) -> None:
        """Returns when the connection is lost; everybody who waits for something from it has been told
        then."""
        reason = "the bus was stopped"
        try:
            filters = [(topic_filter, 1) for topic_filter in self._subscriptions.filters]
            if filters:
                await client.subscribe(filters)
            self._client, self._lost = client, ""
            self.connected.set()
            async for message in client.messages:
                self._subscriptions.dispatch(Message(message.topic.value, message.payload, message.retain))
        except aiomqtt.MqttError as error:
            reason = f"connection lost ({error.__cause__ or error})"
            _log.warning("MQTT broker %s: %s; reconnecting", self._address, reason)
        finally:
            self._lost = reason
            self.connected.clear()
            self._give_up_calls()
            self._on_lost(f"MQTT broker {self._address}: {reason}")

    def _give_up_calls(self) -> None:
        """aiomqtt leaves calls of a lost connection waiting until their timeout."""
        now = asyncio.get_running_loop().time()
        for call in self._calls:
            if not call.expired():
                call.reschedule(now)

    async def _reconnected(self) -> Client:
        pause = FIRST_PAUSE
        while True:
            await asyncio.sleep(pause * self._jitter.uniform(0.5, 1.0))
            client = self._make_client()
            try:
                await client.connect()
            except aiomqtt.MqttError as error:
                _log.info("MQTT broker %s: %s; trying again", self._address, error)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                _log.info("MQTT broker %s: connected again", self._address)
                return client
