"""Sends messages without waiting for the broker: what gets lost is sent again by whoever needs it to arrive."""

import asyncio
import logging

from motet.bus import Bus
from motet.errors import LineLost
from motet.remote.messages import Sent

_log = logging.getLogger(__name__)


class Post:
    """The way out for one end of the protocol. Messages leave in the order in which they are sent."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def send(self, topic: str, message: Sent | bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Publish it soon; a message may be given as its payload already. Nothing once it was stopped."""
        if self._stopped:
            _log.info("%s: not sent: this end has stopped", topic)
            return
        payload = message if isinstance(message, bytes) else message.payload()
        if not self._tasks and self._bus.post(topic, payload, retain=retain, qos=qos):
            return
        task = asyncio.create_task(self._publish(topic, payload, retain, qos))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, topic: str, payload: bytes, retain: bool, qos: int) -> None:
        """Without a broker it is lost, which is logged."""
        try:
            await self._bus.publish(topic, payload, retain=retain, qos=qos)
        except LineLost as error:
            _log.info("%s: not sent: %s", topic, error)

    async def stop(self) -> None:
        """Send what is being sent, and end. Bounded by the bus's own patience."""
        self._stopped = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        try:
            await self._bus.posted()
        except LineLost as error:
            _log.info("%s", error)
