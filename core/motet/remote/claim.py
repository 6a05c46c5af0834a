"""One process a station: who finds the name taken is refused, and the one that has it is told."""

import asyncio
import logging
from collections.abc import Callable

from motet.bus import Bus, Message
from motet.errors import ConnectionProblem, GarbledReply
from motet.remote.messages import Describe, Manifest, ProcessBody, read
from motet.remote.topics import Topics

CLAIM_S = 1.0
"""How long somebody who has the name may take to say so, seconds."""

_log = logging.getLogger(__name__)


async def claim(bus: Bus, topics: Topics, where: ProcessBody) -> None:
    """Ask whether another process hosts the station. Raises ConnectionProblem naming it."""
    rival: asyncio.Future[ProcessBody] = asyncio.get_running_loop().create_future()

    def see(message: Message) -> None:
        other = other_process(message, where)
        if other is not None and not message.retain and not rival.done():
            rival.set_result(other)

    listening = await bus.subscribe(topics.manifest, see)
    try:
        asked = Describe(id=where.process, orchestrator=where.process, session=where.process, number=1, rival=where)
        await bus.publish(topics.request, asked.payload())
        await asyncio.wait([rival], timeout=CLAIM_S)
    finally:
        await listening.cancel()
    if rival.done():
        raise ConnectionProblem(taken(topics.station, rival.result()))


def other_process(message: Message, where: ProcessBody) -> ProcessBody | None:
    """The process of a manifest that is not this one's."""
    try:
        other = read(message.payload, Manifest).where
    except GarbledReply as error:
        _log.warning("%s: ignored: %s", message.topic, error)
        return None
    return other if other.process != where.process else None


def taken(station: str, other: ProcessBody) -> str:
    """For messages."""
    return f"station {station}: {other} hosts it already; each station is hosted once"


def lost_to(where: ProcessBody, rejected: Callable[[ProcessBody], object]) -> Callable[[Message], None]:
    """A handler of manifests: calls `rejected` for one of a process that has taken this one's name since it began."""

    def see(message: Message) -> None:
        other = other_process(message, where)
        if other is not None and not message.retain and other.started > where.started:
            rejected(other)

    return see
