"""A simulator as a node on MQTT."""

import asyncio
import logging
from types import TracebackType

from motet.bus import Bus, Message, Subscription
from motet.contracts.simulation import MqttSimulator
from motet.errors import LineLost
from motet.simulation.cable import Cable

_log = logging.getLogger(__name__)


class MqttHost:
    """`async with MqttHost(simulator, bus, topic)`: the simulator is the node at `topic`.

    It hears what is published on its filters, but no retained commands, as no node should act on old ones. What it
    publishes goes out at QoS 1 in the order published; while the bus is lost it is lost too. Its last will is published
    when it goes off line: the bus is shared, so the broker cannot do it.
    """

    def __init__(self, simulator: MqttSimulator, bus: Bus, topic: str) -> None:
        self._simulator = simulator
        self._bus = bus
        self._topic = topic
        self._outgoing: asyncio.Queue[tuple[str, bytes, bool]] = asyncio.Queue()
        self._sending: asyncio.Task[None] | None = None
        self._listening: list[Subscription] = []
        self._ending = False
        self._cable = Cable(simulator, self._cut, self._plug_in)

    async def __aenter__(self) -> "MqttHost":
        self._ending = False
        self._sending = asyncio.create_task(self._send(), name=f"simulator at {self._topic}")
        try:
            for topic_filter in self._simulator.filters(self._topic):
                self._listening.append(await self._bus.subscribe(topic_filter, self._receive))
            self._plug_in()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._cable.out:
            self._simulator.detach()
        self._cable.release()
        try:
            for subscription in self._listening:
                await subscription.cancel()
            await self._say_will()
        finally:
            assert self._sending is not None
            self._ending = True
            self._sending.cancel()
            await asyncio.wait([self._sending])

    def _cut(self) -> None:
        """The node loses its connection."""
        self._simulator.detach()
        will = self._simulator.will(self._topic)
        if will is not None:
            self._publish(*will)

    def _plug_in(self) -> None:
        self._cable.watch()
        self._simulator.attach(self._topic, self._publish)

    def _publish(self, topic: str, payload: bytes, retain: bool) -> None:
        self._outgoing.put_nowait((topic, payload, retain))

    def _receive(self, message: Message) -> None:
        if message.retain:
            _log.warning("%s: a retained command is not passed to the simulator", message.topic)
        elif not self._cable.out:
            self._simulator.receive(message.topic, message.payload)

    async def _say_will(self) -> None:
        will = self._simulator.will(self._topic)
        if will is not None:
            try:
                await self._bus.publish(will[0], will[1], retain=will[2])
            except LineLost as error:
                _log.info("%s: the last will of the simulator was not published: %s", will[0], error)

    async def _send(self) -> None:
        # Python 3.11's wait_for, inside of publish, swallows a cancellation that comes together with the
        # broker's acknowledgement; so the flag ends the loop where the cancellation alone would not.
        while not self._ending:
            topic, payload, retain = await self._outgoing.get()
            try:
                await self._bus.publish(topic, payload, retain=retain)
            except LineLost as error:
                _log.warning("%s: what the simulator published was lost: %s", topic, error)
