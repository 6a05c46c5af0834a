"""The jobs of a remote station, as its orchestrator follows them: each is asked about until it has a result."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from motet.bus import Bus
from motet.errors import Aborted, GarbledReply, Interrupted, NoReply, ProcedureError, StationLost
from motet.model.events import StationState
from motet.model.experiment import RunRecord
from motet.model.job import Job
from motet.remote import messages as m
from motet.remote.acknowledged import Acknowledged
from motet.remote.bodies import body_of
from motet.remote.calls import FIRST_S, LONGEST_S
from motet.remote.following import Following
from motet.remote.link import ANSWER_S, Link
from motet.remote.manifest import unrepeatable_of
from motet.remote.terms import Terms
from motet.remote.topics import Topics
from motet.station.marks import maybe_begun
from motet.station.together import SAFE_TIMEOUT_S

LOOK_S = 1.0
"""How often somebody looks whether a station that cannot be used is lost, seconds."""

_log = logging.getLogger(__name__)


class Work:
    """What is asked of one station. `stated` hears of its state, `happened` of its events."""

    def __init__(
        self,
        bus: Bus,
        topics: Topics,
        terms: Terms,
        stated: Callable[[StationState, str], object],
        happened: Callable[[m.Events], object],
    ) -> None:
        self.name = topics.station
        self._following: dict[str, Following] = {}
        self._requests: dict[str, Following] = {}
        self._acknowledged = Acknowledged(lambda job: self.send(m.Acknowledge, job=job))
        self._unwanted: set[str] = set()
        """Jobs that were given up, and of which the station has still to be told so."""
        self._looking: dict[str, asyncio.Task[None]] = {}
        self.link = Link(
            bus,
            topics,
            terms,
            changed=self.poke,
            stated=stated,
            replied=self._on_reply,
            resulted=self._on_result,
            happened=happened,
        )

    async def followed(self, follow: Following, cleared: "asyncio.Future[Any] | None" = None) -> RunRecord:
        """The record of a job, its failure in it."""
        started, identity = _now(), follow.job.id
        self._following[identity] = follow
        follow.result.add_done_callback(lambda done: follow.poke.set())
        try:
            if cleared is not None:
                await asyncio.shield(cleared)
            return await self._follow(follow)
        except asyncio.CancelledError:
            self._give_up(follow)
            raise
        except Exception as error:  # noqa: BLE001 - handed to the orchestrator's failure policy, whatever it is
            begun = follow.sent or follow.recalled
            unrepeatable = unrepeatable_of(follow.job.procedure, self.link.manifest) if begun else ()
            if isinstance(error, StationLost | Interrupted):  # nobody can say how far it came
                error = type(error)(f"{error}{maybe_begun(unrepeatable)}")
            return RunRecord((), started, _now(), error, unrepeatable)
        finally:
            del self._following[identity]
            self._requests = {key: other for key, other in self._requests.items() if other is not follow}

    async def _follow(self, follow: Following) -> RunRecord:
        """Ask until there is a result. Raises StationLost when nothing can be heard or asked for too long."""
        pause, blocked = FIRST_S, False
        while not follow.result.done():
            follow.poke.clear()
            try:
                self.link.check()
                away = self.link.unavailable if self.link.bus.connected.is_set() else ""
                if away or self.link.unavailable:
                    follow.answered()
                follow.check(_now(), self.link.terms.lost_after_s, away)
            except StationLost:
                self._give_up(follow)
                raise
            if self.link.unavailable:
                if self.link.stopping and not (follow.sent or follow.recalled):
                    raise Aborted(f"it has not begun: {self.link.stopping}; {self.link.unavailable}")
                await self._wait(follow, LOOK_S)
                continue
            await self._drop_unwanted()
            if follow.result.done():
                break  # it was aborted meanwhile: it must not be sent
            if blocked or self._unwanted:
                blocked = bool(self._unwanted)
                follow.busy(_now(), "an experiment that was given up has not ended there" if blocked else "")
            if blocked:
                continue
            self._ask(follow)
            await self._wait(follow, pause)
            if follow.known and not follow.poke.is_set():  # its result comes by itself
                await self._wait(follow, LONGEST_S - pause)
            pause = min(2 * pause, LONGEST_S)
        return follow.result.result()

    def _ask(self, follow: Following) -> None:
        if follow.known or follow.recalled:
            request: m.Request = self.link.calls.make(m.Recall, job=follow.job.id)
        else:
            request = self.link.calls.make(m.Run, job=body_of(follow.job), acknowledged=self._acknowledged.untold())
        payload, longest = request.payload(), self.link.most_bytes
        if len(payload) > longest:
            what = f"experiment {follow.job.id} is a message of {len(payload)} bytes"
            follow.fail(ProcedureError(f"station {self.name}: {what}; it reads at most {longest}"))
            return
        follow.sent = follow.sent or isinstance(request, m.Run)
        follow.asked(_now())
        self._requests[request.id] = follow
        self.link.calls.send(payload)

    async def _wait(self, follow: Following, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await follow.poke.wait()
        except TimeoutError:
            pass

    def _give_up(self, follow: Following) -> None:
        if follow.sent or follow.recalled:
            self._unwanted.add(follow.job.id)
            self.send(m.Drop, job=follow.job.id)

    async def _drop_unwanted(self) -> None:
        """What was given up must not begin, or go on, beside what is sent now."""
        for job in tuple(self._unwanted):
            try:
                reply = await self.link.calls.ask(self.link.calls.make(m.Drop, job=job), ANSWER_S + SAFE_TIMEOUT_S)
            except NoReply as error:
                _log.warning("%s", error)
                return
            if reply.said is m.Said.DONE:
                self._unwanted.discard(job)

    def _on_reply(self, reply: m.Reply) -> None:
        follow = self._requests.pop(reply.id, None)
        if follow is None:
            return
        where = f"station {self.name}"
        follow.answered()
        match reply.said:
            case m.Said.ACCEPTED | m.Said.ENDED:
                follow.known = True
                follow.busy(_now(), "")
            case m.Said.SETTLED if follow.aborted:
                follow.fail(Aborted(follow.aborted))
            case m.Said.SETTLED:
                follow.fail(Interrupted(f"{where}: experiment {follow.job.id} ended there, and nothing is kept of it"))
            case m.Said.UNKNOWN if follow.recalled:
                follow.forget()
            case m.Said.UNKNOWN:
                follow.fail(Interrupted(f"{where} does not know experiment {follow.job.id} any more"))
            case m.Said.REFUSED if reply.error:
                follow.fail(ProcedureError(f"{where} cannot read experiment {follow.job.id}: {reply.reason}"))
            case m.Said.BUSY | m.Said.REFUSED | m.Said.DONE:
                follow.busy(_now(), reply.reason or str(reply.said))

    def _on_result(self, part: m.ResultPart) -> None:
        follow = self._following.get(part.job)
        if follow is not None:
            try:
                follow.take(part)
            except GarbledReply as error:
                follow.fail(error)
        elif part.job in self._acknowledged:
            self._acknowledged.add(part.job)
        elif part.job in self._unwanted:
            self.send(m.Drop, job=part.job)
        elif part.job not in self._looking:
            self._looking[part.job] = asyncio.create_task(self._look_up(part.job))

    async def _look_up(self, job: str) -> None:
        """A result that nobody waits for: of an earlier process, which stored it and ended before it said so, or of a
        campaign that will go on later."""
        try:
            settled = await asyncio.to_thread(self.link.terms.settled, job)
        except Exception as error:  # noqa: BLE001 - whatever the disk says: the result comes again
            _log.warning("station %s: whether %s is stored is not known: %s", self.name, job, error)
            return
        finally:
            del self._looking[job]
        if settled:
            self._acknowledged.add(job)
        else:
            _log.info("%s has the result of %s, which nobody has asked for here", self.name, job)

    def acknowledge(self, job: Job) -> None:
        """The record of the job is in the store here."""
        self._acknowledged.add(job.id)

    async def abort(self, reason: str) -> None:
        """End what is followed, here in any case."""
        for follow in tuple(self._following.values()):
            follow.aborted = reason
            if not follow.sent and not follow.recalled:
                follow.fail(Aborted(reason))
                continue
            try:
                reply = await self.link.calls.ask(
                    self.link.calls.make(m.Abort, job=follow.job.id, reason=reason[:5000]), ANSWER_S
                )
            except NoReply as error:
                self._give_up(follow)
                follow.fail(Aborted(f"{reason} ({error})"))
            else:
                if reply.said in (m.Said.UNKNOWN, m.Said.SETTLED):
                    follow.fail(Aborted(reason))

    def leave(self) -> None:
        """Tell the station once more what nobody wants any more, and look nothing up for it."""
        self._acknowledged.tell()
        for task in self._looking.values():
            task.cancel()
        for job in self._unwanted:
            self.send(m.Drop, job=job)

    def send(self, kind: type[m.Request], **fields: Any) -> None:
        """Send a request, and wait for nothing."""
        self.link.calls.send(self.link.calls.make(kind, **fields))

    def poke(self) -> None:
        """There is news for all that is followed."""
        for follow in self._following.values():
            follow.poke.set()


def _now() -> float:
    """Seconds on the loop's clock."""
    return asyncio.get_running_loop().time()
