"""A bus in memory: broker and client in one, for virtual time. Nothing leaves the process."""

import asyncio

from motet.bus.bus import Bus
from motet.bus.connected import Connected
from motet.bus.message import Handler, Message, encoded, matches
from motet.bus.requests import Requests
from motet.bus.subscriptions import Subscription, Subscriptions
from motet.errors import LineLost


class MemoryBus(Bus):
    """A bus whose messages arrive at the event loop's next turn, in the order published, at whoever had subscribed when
    they were. Once it is closed nothing arrives any more.

    Retained messages are kept and given to whoever subscribes later, as a broker does (MQTT 3.1.1, section 3.3.1.3).
    """

    def __init__(self) -> None:
        """There is no connection to make."""
        self.url = "memory:"
        self.connected = Connected()
        self._subscriptions = Subscriptions()
        self._requests = Requests(self)
        self._services = set()
        self._retained: dict[str, bytes] = {}

    async def start(self) -> None:
        """Open it."""
        self.connected.set()

    async def stop(self) -> None:
        """Close it. Requests that wait get LineLost, answers being made are cancelled."""
        self.connected.clear()
        for service in tuple(self._services):
            await service.stop()
        self._requests.lost("the bus was stopped")
        await self._requests.stop()

    async def publish(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> None:
        """Send a message. Raises LineLost when the bus is closed, LimitError for a payload above `MAX_MESSAGE`."""
        self._check(f"publish to {topic}")
        data = encoded(topic, payload)
        if retain and data:
            self._retained[topic] = data
        elif retain:
            self._retained.pop(topic, None)
        self._send(Message(topic, data), self._subscriptions.wanting(topic))

    def post(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> bool:
        """False: in memory there is one way only, `publish`."""
        return False

    async def posted(self) -> None:
        """Nothing was posted."""

    async def subscribe(self, topic_filter: str, handler: Handler) -> Subscription:
        """Call `handler` with every message on the topics of the filter, until cancelled. Raises LineLost."""
        self._check(f"subscribe to {topic_filter}")
        subscription = Subscription(topic_filter, handler, self._unsubscribe)
        self._subscriptions.add(subscription)
        for topic, payload in self._retained.items():
            if matches(topic, topic_filter):
                self._send(Message(topic, payload, retain=True), (subscription,))
        return subscription

    async def _unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.remove(subscription)

    def _send(self, message: Message, wanting: tuple[Subscription, ...]) -> None:
        asyncio.get_running_loop().call_soon(self._arrive, message, wanting)

    def _arrive(self, message: Message, wanting: tuple[Subscription, ...]) -> None:
        if self.connected.is_set():
            self._subscriptions.deliver(message, wanting)

    def _check(self, purpose: str) -> None:
        if not self.connected.is_set():
            raise LineLost(f"bus in memory: cannot {purpose}: it is closed")
