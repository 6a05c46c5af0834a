"""A bus's connection to its broker: made, watched and made again."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from ssl import SSLContext

import aiomqtt

from motet.bus.address import Address
from motet.bus.causes import words
from motet.bus.client import Client
from motet.bus.connected import Connected
from motet.bus.subscriptions import Subscriptions
from motet.errors import ConnectionProblem, LineLost

_log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.1
"""Before the first try to reconnect; each pause is twice the one before, up to half the keepalive."""
MakeClient = Callable[[SSLContext | None], Client]


class Connection:
    """Keeps a client connected; every connection begins with all subscriptions.

    A broker that is there again is found after the rest of a try (at most the keepalive) and the pause after it (at
    most half the keepalive): within twice the keepalive, with what connecting itself takes.
    """

    def __init__(
        self,
        address: Address,
        make_client: MakeClient,
        subscriptions: Subscriptions,
        on_lost: Callable[[str], None],
        patience: float,
        seed: str,
    ) -> None:
        self.connected = Connected()
        self._address = address
        self._make_client = make_client
        self._subscriptions = subscriptions
        self._on_lost = on_lost
        self._patience = patience
        self._longest_s = address.keepalive / 2
        self._jitter = random.Random(seed)  # noqa: S311 - spreads reconnections, protects nothing
        self._client: Client | None = None
        self._lost = "not connected"
        self._running: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Timeout] = set()

    async def start(self) -> None:
        """Connect for the first time. Raises ConnectionProblem when that fails."""
        if self._running is not None:
            return
        client = await self._connect()
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

    async def _connect(self) -> Client:
        """A connected client. Raises ConnectionProblem. Certificates are read each time: they may be new ones."""
        context = await asyncio.to_thread(self._address.context) if self._address.tls else None
        client = self._make_client(context)
        try:
            await client.connect()
        except aiomqtt.MqttError as error:
            cause = words(error, self._address)
            raise ConnectionProblem(f"cannot connect to the MQTT broker at {self._address}: {cause}") from error
        return client

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

    def post(self, topic: str, payload: bytes, qos: int, retain: bool) -> bool:
        """Send a message and wait for nothing; False when there is no connection now."""
        if self._client is None or not self.connected.is_set():
            return False
        try:
            self._client.post(topic, payload, qos, retain)
        except aiomqtt.MqttError:  # it is about to be noticed
            return False
        return True

    async def posted(self) -> None:
        """Wait until the broker has all that was posted. Raises LineLost; what was posted is lost then."""
        if self._client is not None and self.connected.is_set():
            async with self.client("wait for what was sent") as client:
                await client.posted()

    async def _run(self, client: Client) -> None:
        pause, now = FIRST_PAUSE_S, asyncio.get_running_loop().time
        while True:
            since = now()
            try:
                await self._serve(client)
            finally:
                self.connected.clear()
                await client.disconnect()
            if now() - since > self._longest_s:  # else somebody with the same id may be throwing us out each time
                pause = FIRST_PAUSE_S
            client, pause = await self._reconnected(pause)

    async def _serve(self, client: Client) -> None:
        """Returns when the connection is lost; everybody who waits for something from it has been told
        then."""
        reason = "the bus was stopped"
        try:
            await self._subscribe(client)
            self._client, self._lost = client, ""
            self.connected.set()
            await client.lost()
        except aiomqtt.MqttError as error:
            reason = f"connection lost ({error.__cause__ or error})"
            _log.warning("MQTT broker %s: %s; reconnecting", self._address, reason)
        finally:
            self._lost = reason
            self.connected.clear()
            self._give_up_calls()
            self._on_lost(f"MQTT broker {self._address}: {reason}")

    async def _subscribe(self, client: Client) -> None:
        """Subscribe to everything again. The broker's rules may have changed, which is no reason to end."""
        filters = self._subscriptions.filters
        if not filters:
            return
        codes = await client.subscribe([(topic_filter, 1) for topic_filter in filters])
        for topic_filter, code in zip(filters, codes, strict=True):
            if getattr(code, "is_failure", False):
                _log.warning("MQTT broker %s: may not subscribe to %s any more", self._address, topic_filter)

    def _give_up_calls(self) -> None:
        """aiomqtt leaves calls of a lost connection waiting until their timeout."""
        now = asyncio.get_running_loop().time()
        for call in self._calls:
            if not call.expired():
                call.reschedule(now)

    async def _reconnected(self, pause: float) -> tuple[Client, float]:
        """A new client, and the pause before the next try."""
        told = set[str]()
        while True:
            pause = min(pause, self._longest_s)
            await asyncio.sleep(pause * self._jitter.uniform(0.5, 1.0))
            pause *= 2
            try:
                client = await self._connect()
            except ConnectionProblem as problem:
                cause = str(problem)
                _log.log(logging.DEBUG if cause in told else logging.WARNING, "%s; trying again", cause)
                told.add(cause)
            else:
                _log.info("MQTT broker %s: connected again", self._address)
                return client, pause
