"""Request and response over MQTT: ids in the JSON, so that MQTT 3.1.1 is enough."""

import asyncio
import itertools
import json
import logging
import reprlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from motet.bus.message import Handler, Message
from motet.bus.subscriptions import Subscription
from motet.errors import LimitError, LineLost, MotetError, NoReply

_log = logging.getLogger(__name__)

MOST_ANSWERS = 1000
"""How many requests a service answers at a time."""

Answer = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
Until = Callable[[Mapping[str, Any]], bool]


def _shorten(value: object) -> str:
    """A value as the log shows it, however long it is."""
    return reprlib.repr(value)


class Carrier(Protocol):
    """What requests and replies travel on."""

    async def publish(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> None:
        """Send. Raises LineLost."""
        ...

    async def subscribe(self, topic_filter: str, handler: Handler) -> Subscription:
        """Listen. Raises LineLost."""
        ...


@dataclass(slots=True)
class _Pending:
    reply: asyncio.Future[Mapping[str, Any]]
    until: Until
    last: Mapping[str, Any] | None = None


class Requests:
    """The asking side. A reply topic is subscribed to once, at its first request, and kept."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._session = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._pending: dict[str, _Pending] = {}
        self._listening: dict[str, asyncio.Task[Subscription]] = {}

    async def request(
        self, topic: str, payload: Mapping[str, Any], reply_topic: str, seconds: float, until: Until
    ) -> Mapping[str, Any]:
        """See `Bus.request`."""
        await self._listen(reply_topic)
        key = f"{self._session}-{next(self._numbers)}"
        pending = _Pending(asyncio.get_running_loop().create_future(), until)
        self._pending[key] = pending
        try:
            async with asyncio.timeout(seconds):
                await self._carrier.publish(topic, json.dumps({**payload, "id": key}))
                return await pending.reply
        except TimeoutError:
            last = "" if pending.last is None else f"; the last reply was {dict(pending.last)}"
            raise NoReply(
                f"{topic}: no final reply to {dict(payload)} on {reply_topic} within {seconds:g} s{last}"
            ) from None
        finally:
            del self._pending[key]

    def lost(self, reason: str) -> None:
        """The bus dropped: nobody may count on a reply any more."""
        for pending in self._pending.values():
            if not pending.reply.done():
                pending.reply.set_exception(LineLost(reason))

    async def stop(self) -> None:
        """Forget the reply topics. The connection is gone already, and their subscriptions with it."""
        listening = tuple(self._listening.values())
        self._listening.clear()
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)

    async def _listen(self, reply_topic: str) -> None:
        """Requests that begin together share one subscription; one that failed is made again."""
        task = self._listening.get(reply_topic)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(self._carrier.subscribe(reply_topic, self._take))
            self._listening[reply_topic] = task
        await asyncio.shield(task)

    def _take(self, message: Message) -> None:
        try:
            reply = message.json()
        except ValueError as error:
            _log.warning("%s: ignored a reply that is no JSON object: %s", message.topic, error)
            return
        key = str(reply.get("id"))
        pending = self._pending.get(key)
        if pending is None and key.startswith(f"{self._session}-"):  # QoS 1: replies may come twice; others come late
            _log.debug("%s: ignored a reply to the request %s, which is over", message.topic, _shorten(key))
            return
        if pending is None:
            _log.warning("%s: ignored a reply with the unknown id %s", message.topic, _shorten(reply.get("id")))
            return
        if pending.reply.done():
            return
        pending.last = reply
        try:
            if pending.until(reply):
                pending.reply.set_result(reply)
        except Exception as error:  # noqa: BLE001 - it is the requester's own, and goes to the requester
            pending.reply.set_exception(error)


class Service:
    """The answering side of one topic: each request is answered in a task of its own."""

    def __init__(self, carrier: Carrier, topic: str, reply_topic: str, answer: Answer) -> None:
        self._carrier = carrier
        self._topic = topic
        self._reply_topic = reply_topic
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()
        self._passed_over = 0

    def take(self, message: Message) -> None:
        """Begin to answer a request. A kept one is not news: to answer it would repeat it at every
        connection."""
        if message.retain:
            _log.warning("%s: ignored a retained request", message.topic)
            return
        if len(self._tasks) >= MOST_ANSWERS:
            self._passed_over += 1
            if self._passed_over == 1:
                _log.warning("%s: ignored a request: %d are being answered", message.topic, len(self._tasks))
            return
        if self._passed_over:
            _log.warning("%s: takes requests again; %d were ignored", message.topic, self._passed_over)
            self._passed_over = 0
        try:
            request = message.json()
            key = request["id"]
        except (ValueError, KeyError) as error:
            _log.warning("%s: ignored a request that is no JSON object with an id: %s", message.topic, error)
            return
        task = asyncio.create_task(self._reply(key, request), name=f"answer on {self._topic}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel the answers that are still being made."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _reply(self, key: object, request: Mapping[str, Any]) -> None:
        try:
            reply = {**await self._answer(request), "id": key}
        except MotetError as error:
            reply = {"id": key, "error": str(error)}
        except Exception as error:  # noqa: BLE001 - whoever asked must hear of it, and the service goes on
            _log.exception("%s: answering %s failed", self._topic, dict(request))
            reply = {"id": key, "error": f"{type(error).__name__}: {error}"}
        try:
            try:
                await self._carrier.publish(self._reply_topic, json.dumps(reply))
            except LimitError as error:
                await self._carrier.publish(self._reply_topic, json.dumps({"id": key, "error": str(error)}))
        except LineLost as error:
            _log.warning("%s: the reply to %s was not sent: %s", self._topic, key, error)
