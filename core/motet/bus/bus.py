"""The bus: what devices, nodes and stations say to one another over an MQTT broker."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from motet.bus.address import Address
from motet.bus.client import Client, Will
from motet.bus.connection import Connection
from motet.bus.message import Handler, encoded
from motet.bus.requests import Answer, Requests, Service, Until
from motet.bus.subscriptions import Subscription, Subscriptions
from motet.errors import ConnectionProblem


def _first(reply: Mapping[str, Any]) -> bool:
    return True


class Bus:
    """One client of an MQTT 3.1.1 broker, `mqtt://[user:password@]host[:port]`, or `mqtts://` for TLS.

    An `Address` says more than a URL: files for TLS, and the keepalive. A lost connection is made again, with
    exponential back-off and jitter, and all subscriptions with it: within twice the keepalive after the broker is there
    again. Meanwhile calls raise LineLost after `connect_timeout` seconds; nothing is queued. A broker that hangs is
    noticed within 1.5 times the keepalive. `seed` makes the jitter repeatable. `will` is what the broker publishes when
    this client is gone without a word.

    Handlers are called as messages are read, and nothing more is read meanwhile: what comes faster than they take it
    waits at the sender or the broker, not in memory here.
    """

    def __init__(
        self,
        where: str | Address,
        *,
        client_id: str,
        connect_timeout: float = 5.0,
        seed: int = 0,
        will: Will | None = None,
    ) -> None:
        self._address = address = Address.parse(where) if isinstance(where, str) else where
        self.url = address.url
        """Where the broker is, without user and password."""
        self._subscriptions = Subscriptions()
        self._requests = Requests(self)
        self._services: set[Service] = set()
        patience = min(connect_timeout, float(address.keepalive))  # of one try to connect
        self._connection = Connection(
            address,
            lambda context: Client(address, client_id, patience, self._subscriptions.dispatch, will, context),
            self._subscriptions,
            self._requests.lost,
            connect_timeout,
            f"{client_id}:{seed}",
        )
        self.connected = self._connection.connected
        """Set while the broker is there."""

    async def start(self) -> None:
        """Connect. Raises ConnectionProblem naming the broker when it cannot be reached now."""
        await self._connection.start()

    async def stop(self) -> None:
        """Disconnect. Requests that wait get LineLost, answers being made are cancelled."""
        for service in tuple(self._services):
            await service.stop()
        await self._connection.stop()
        await self._requests.stop()

    async def __aenter__(self) -> "Bus":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def publish(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> None:
        """Send a message; at QoS 1 and 2 the broker has it when this returns.

        Raises LineLost, and LimitError for a payload above `MAX_MESSAGE`. A broker whose rules forbid the topic takes
        the message and drops it: MQTT 3.1.1 has no word for that (section 3.3.5).
        """
        data = encoded(topic, payload)
        async with self._connection.client(f"publish to {topic}") as client:
            await client.publish(topic, data, qos, retain)

    def post(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> bool:
        """Send a message without waiting for the broker's word, which costs a third of what `publish` does; False when
        there is no connection now. Raises LimitError as `publish` does."""
        return self._connection.post(topic, encoded(topic, payload), qos, retain)

    async def posted(self) -> None:
        """Wait until the broker has all that was posted. Raises LineLost."""
        await self._connection.posted()

    async def subscribe(self, topic_filter: str, handler: Handler) -> Subscription:
        """Call `handler`, on the event loop, with every message on the topics of the filter, until cancelled.

        QoS 1: a message may come twice, and does with some brokers when two filters of one bus overlap. One larger
        than `MAX_MESSAGE` is passed over with a warning; a handler that raises is logged. Raises LineLost, and
        ConnectionProblem when the broker forbids it.
        """
        subscription = Subscription(topic_filter, handler, self._unsubscribe)
        async with self._connection.client(f"subscribe to {topic_filter}") as client:
            self._subscriptions.add(subscription)
            try:
                codes = await client.subscribe(topic_filter, qos=1)
                if any(getattr(code, "is_failure", False) for code in codes):
                    raise ConnectionProblem(f"MQTT broker {self._address}: may not subscribe to {topic_filter}")
            except BaseException:
                self._subscriptions.remove(subscription)
                raise
        return subscription

    async def request(
        self,
        topic: str,
        payload: Mapping[str, Any],
        *,
        reply_topic: str,
        timeout: float,  # noqa: ASYNC109 - it becomes NoReply
        until: Until = _first,
    ) -> Mapping[str, Any]:
        """Publish a JSON object with an `id` added; return the first reply with that id for which `until`
        is true.

        `timeout` in seconds is the longest wait for that reply. Other replies, and those that are no JSON
        object or have an unknown id, are passed over; the latter are logged. Raises NoReply, LineLost, and
        what `until` raises.
        """
        return await self._requests.request(topic, payload, reply_topic, timeout, until)

    async def serve(self, topic: str, reply_topic: str, answer: Answer) -> Subscription:
        """Answer requests on a topic with `{**await answer(request), "id": ...}`, each in its own task, at most
        `MOST_ANSWERS` at a time; the rest is passed over with a warning.

        An error becomes `{"id": ..., "error": "..."}`. Retained requests are ignored. Raises like
        `subscribe`.
        """
        service = Service(self, topic, reply_topic, answer)
        listening = await self.subscribe(topic, service.take)
        self._services.add(service)

        async def cancel(_: Subscription) -> None:
            try:
                await listening.cancel()
            finally:
                self._services.discard(service)
                await service.stop()

        return Subscription(topic, service.take, cancel)

    async def _unsubscribe(self, subscription: Subscription) -> None:
        last = self._subscriptions.remove(subscription)
        if not last or not self.connected.is_set():
            return  # the next connection begins without it
        async with self._connection.client(f"unsubscribe from {subscription.topic_filter}") as client:
            await client.unsubscribe(subscription.topic_filter)
