"""A simulator as a node on MQTT."""

import asyncio
import logging
from types import TracebackType

from motet.bus import Bus, Message, Subscription
from motet.contracts.simulation import MqttSimulator
from motet.errors import LineLost

_log = logging.getLogger(__name__)


class MqttHost:
    """`async with MqttHost(simulator, bus, topic)`: the simulator is the node at `topic`.

    It receives what is published on `topic/command` and below, as the subtopic `command` or `command/...`,
    and nothing else: so it never hears itself. Retained commands are not passed on, as no node should act
    on old ones. What it publishes goes out at QoS 1 in the order published; while the bus is lost it is
    lost too.
    """

    def __init__(self, simulator: MqttSimulator, bus: Bus, topic: str) -> None:
        self._simulator = simulator
        self._bus = bus
        self._topic = topic
        self._outgoing: asyncio.Queue[tuple[str, bytes, bool]] = asyncio.Queue()
        self._sending: asyncio.Task[None] | None = None
        self._listening: Subscription | None = None
        self._ending = False

    async def __aenter__(self) -> "MqttHost":
        self._ending = False
        self._simulator.attach(self._publish)
        self._sending = asyncio.create_task(self._send(), name=f"simulator at {self._topic}")
        try:
            self._listening = await self._bus.subscribe(f"{self._topic}/command/#", self._receive)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._simulator.detach()
        try:
            if self._listening is not None:
                await self._listening.cancel()
        finally:
            assert self._sending is not None
            self._ending = True
            self._sending.cancel()
            await asyncio.wait([self._sending])

    def _publish(self, subtopic: str, payload: bytes, retain: bool) -> None:
        self._outgoing.put_nowait((f"{self._topic}/{subtopic}", payload, retain))

    def _receive(self, message: Message) -> None:
        if message.retain:
            _log.warning("%s: a retained command is not passed to the simulator", message.topic)
            return
        self._simulator.receive(message.topic.removeprefix(f"{self._topic}/"), message.payload)

    async def _send(self) -> None:
        # Python 3.11's wait_for, inside of publish, swallows a cancellation that comes together with the
        # broker's acknowledgement; so the flag ends the loop where the cancellation alone would not.
        while not self._ending:
            topic, payload, retain = await self._outgoing.get()
            try:
                await self._bus.publish(topic, payload, retain=retain)
            except LineLost as error:
                _log.warning("%s: what the simulator published was lost: %s", topic, error)
