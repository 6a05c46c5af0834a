"""One process a station: who comes, or comes back, finds the name taken and is refused; the one that has it is told."""

import asyncio
import logging
from collections.abc import Callable
from itertools import count

from motet.bus import Bus, Message
from motet.errors import ConnectionProblem, GarbledReply, LineLost
from motet.remote.errands import Errands
from motet.remote.messages import Describe, Manifest, ProcessBody, Reply, read
from motet.remote.topics import Topics

CLAIM_S = 1.0
"""How long somebody who has the name may take to say so, seconds."""

_log = logging.getLogger(__name__)


class Claim:
    """This process's claim to the name of a station. `describe` publishes its manifest."""

    def __init__(
        self, bus: Bus, topics: Topics, where: ProcessBody, describe: Callable[[], object], errands: Errands
    ) -> None:
        self._bus, self._topics, self._where, self._describe = bus, topics, where, describe
        self._errands = errands
        self._asking = 0
        self._numbers = count(1)
        self._rivals: set[str] = set()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails with ConnectionProblem when another process has the name."""
        self.lost.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def ask(self) -> None:
        """Ask whether another process hosts the station. Raises ConnectionProblem naming it, LineLost."""
        rival: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        own, number = self._where.process, next(self._numbers)
        asked = Describe(id=f"{own}-{number}", orchestrator=own, session=own, number=number, rival=self._where)

        def hear(message: Message) -> None:
            if asked.id.encode() not in message.payload:
                return  # of somebody else's request, or what a process said that is gone
            try:
                reply = read(message.payload, Reply)
            except GarbledReply as error:
                _log.warning("%s: ignored: %s", message.topic, error)
                return
            if reply.id == asked.id and not rival.done():
                rival.set_result(reply.reason)

        self._asking += 1
        try:
            listening = await self._bus.subscribe(self._topics.reply, hear)
        except BaseException:
            self._asking -= 1
            raise
        try:
            await self._bus.publish(self._topics.request, asked.payload())
            await asyncio.wait([rival], timeout=CLAIM_S)
        finally:
            self._asking -= 1
            await listening.cancel()
        if rival.done():
            raise ConnectionProblem(self._taken(rival.result()))

    async def ask_again(self) -> None:
        """The broker was away: somebody may have taken the name meanwhile."""
        try:
            await self.ask()
        except ConnectionProblem as error:
            self._lose(error)
        except LineLost as error:  # it will be there again, and then this is done again
            _log.info("%s", error)
        else:
            self._describe()

    def answers(self, rival: ProcessBody) -> bool:
        """Whether this process has the name rather than one that asks for it."""
        if rival.process == self._where.process:
            return False
        return not self._asking or self._where.started < rival.started

    def see(self, message: Message) -> None:
        """A manifest: when two processes have missed each other, the one that came earlier stays, and says so. It is
        asked, since the manifest of a process that is gone may come late."""
        other = None if self._asking else self._other(message)
        if other is None:
            return
        if other.started < self._where.started:
            self._errands.soon(self.ask_again())
        elif other.process not in self._rivals:
            self._rivals.add(other.process)
            self._describe()

    def _other(self, message: Message) -> ProcessBody | None:
        """The process of a manifest that is sent now, and not by this one."""
        if message.retain:
            return None
        try:
            other = read(message.payload, Manifest).where
        except GarbledReply as error:
            _log.warning("%s: ignored: %s", message.topic, error)
            return None
        return other if other.process != self._where.process else None

    def _lose(self, error: ConnectionProblem) -> None:
        _log.error("%s", error)
        if not self.lost.done():
            self.lost.set_exception(error)

    def _taken(self, other: str) -> str:
        return f"station {self._topics.station}: {other} hosts it already; each station is hosted once"
