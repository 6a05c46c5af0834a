"""A station in another process, as the orchestrator sees it: like one of its own."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from motet.bus import Bus
from motet.contracts.people import Person
from motet.errors import Aborted, GarbledReply, Interrupted, MotetError, NoReply, ProcedureError, StationLost
from motet.model.events import Event, StationChanged, StationState, StepStarted
from motet.model.experiment import RunRecord
from motet.model.job import Job
from motet.model.questions import Answer
from motet.remote import messages as m
from motet.remote.bodies import body_of, error_of
from motet.remote.calls import FIRST_S, LONGEST_S
from motet.remote.following import Following
from motet.remote.link import ANSWER_S, Link, Terms
from motet.remote.manifest import unrepeatable_of
from motet.remote.questions import RemoteQuestions
from motet.remote.topics import Topics
from motet.station.station import PERSON
from motet.station.together import SAFE_TIMEOUT_S

LOOK_S = 1.0
"""How often somebody looks whether a station that cannot be used is lost, seconds."""
REMEMBERED = 1000
"""So many acknowledged jobs are remembered, for results that come once more."""

_log = logging.getLogger(__name__)


class RemoteStation:
    """A station that `motet station` hosts. `person` answers what its steps ask, None where nobody can be asked."""

    def __init__(
        self,
        name: str,
        lab: str,
        bus: Bus,
        terms: Terms,
        *,
        person: Person | None = None,
        emit: Callable[[Event], object] = lambda event: None,
    ) -> None:
        self.name = name
        self._emit = emit
        self._state, self._cause = StationState.OFFLINE, ""
        self._following: dict[str, Following] = {}
        self._requests: dict[str, Following] = {}
        self._acknowledged: dict[str, None] = {}
        self._unwanted: set[str] = set()
        """Jobs that were given up, and of which the station has still to be told so."""
        self._questions = RemoteQuestions(person, self._answer)
        self._link = Link(
            bus,
            Topics(lab, name),
            terms,
            changed=self._poke,
            stated=self._tell,
            replied=self._on_reply,
            resulted=self._on_result,
            happened=self._on_events,
        )

    @property
    def state(self) -> StationState:
        """What it is doing, as far as is known here."""
        return self._state

    @property
    def unavailable(self) -> str:
        """Why no job can be sent now; empty when one can."""
        return self._link.unavailable

    async def available(self) -> None:
        """Wait until a job can be sent."""
        await self._link.available()

    async def connect(self) -> None:
        """Find the station and hold it. Raises ConnectionProblem when it is not there within 15 s, is not what the lab
        file here says, or is held by another orchestrator; nothing moves."""
        self._tell(StationState.CONNECTING, "")
        await self._link.open()

    async def run(self, job: Job, cleared: "asyncio.Future[Any] | None" = None) -> RunRecord:
        """Have the job run there. Failures are in the record, also that the station was lost: StationLost.

        It is sent when `cleared` is done; when that raises, never.
        """
        return await self._followed(Following(job), cleared)

    async def recall(self, job: Job) -> RunRecord | None:
        """What became of a job that an earlier process of this orchestrator sent; waited for while it goes on. None
        when it never began there."""
        follow = Following(job, recalled=True)
        record = await self._followed(follow, None)
        return None if follow.unknown else record

    def acknowledge(self, job: Job) -> None:
        """The result of the job is stored here: the station may forget it."""
        self._acknowledged[job.id] = None
        while len(self._acknowledged) > REMEMBERED:
            del self._acknowledged[next(iter(self._acknowledged))]
        self._send(m.Acknowledge, job=job.id)

    def pause(self, holder: str = PERSON, why: str = "") -> None:
        """Wait before the next step until the same holder resumes."""
        self._link.paused[holder] = why
        self._link.renew()

    def resume(self, holder: str = PERSON) -> None:
        """Go on after `pause`, unless somebody else holds the station."""
        self._link.paused.pop(holder, None)
        self._link.renew()

    def stop_after(self, reason: str) -> None:
        """Stop after the experiment that runs."""
        self._link.stopping = reason
        self._link.renew()

    async def abort(self, reason: str) -> None:
        """Stop what moves there, run the cleanup steps and end the running experiment.

        A station that does not answer is told when it is heard of again; its experiment ends here now.
        """
        for follow in tuple(self._following.values()):
            follow.aborted = reason
            if not follow.sent and not follow.recalled:
                follow.fail(Aborted(reason))
                continue
            try:
                reply = await self._link.calls.ask(
                    self._link.calls.make(m.Abort, job=follow.job.id, reason=reason[:5000]), ANSWER_S
                )
            except NoReply as error:
                self._give_up(follow)
                follow.fail(Aborted(f"{reason} ({error})"))
            else:
                if reply.said in (m.Said.UNKNOWN, m.Said.SETTLED):
                    follow.fail(Aborted(reason))

    async def safe(self) -> None:
        """Bring every device there to its safe state. What fails is told in the station's state."""
        await self._told(self._link.calls.make(m.Safe), "its devices may not be in their safe state")

    async def estop(self, reason: str) -> None:
        """Stop everything there at once. The lab's own topic says so too, which needs no orchestrator."""
        await self._told(
            self._link.calls.make(m.EmergencyStop, reason=reason[:5000]), "the emergency stop was not confirmed"
        )

    async def clear(self) -> None:
        """Go on after an emergency stop, which a person has cleared."""
        await self._told(self._link.calls.make(m.Clear), "it was not cleared")

    async def read(self, signal: str) -> Any:
        """The value of `device.signal` now. Raises a MotetError that says why there is none."""
        reply = await self._link.calls.ask(self._link.calls.make(m.ReadSignal, signal=signal), ANSWER_S)
        if reply.said is not m.Said.DONE:
            error = error_of(reply.error, reply.reason)
            raise error if isinstance(error, MotetError) else ProcedureError(reply.reason)
        return reply.value

    async def close(self) -> None:
        """Give the station back. What it measures until then stays there, until an orchestrator asks for it."""
        for job in self._unwanted:
            self._send(m.Drop, job=job)
        await self._questions.stop()
        await self._link.close()
        self._tell(StationState.OFFLINE, "")

    # One job

    async def _followed(self, follow: Following, cleared: "asyncio.Future[Any] | None") -> RunRecord:
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
            unrepeatable = unrepeatable_of(follow.job.procedure, self._link.manifest) if begun else ()
            return RunRecord((), started, _now(), error, unrepeatable)
        finally:
            del self._following[identity]
            self._requests = {key: other for key, other in self._requests.items() if other is not follow}

    async def _follow(self, follow: Following) -> RunRecord:
        """Ask until there is a result. Raises StationLost when nothing can be heard or asked for too long."""
        pause = FIRST_S
        while not follow.result.done():
            follow.poke.clear()
            try:
                self._link.check()
                away = self.unavailable if self._link.bus.connected.is_set() else ""
                if away or self.unavailable:
                    follow.answered()
                follow.check(_now(), self._link.terms.lost_after_s, away)
            except StationLost:
                self._give_up(follow)
                raise
            if self.unavailable:
                await self._wait(follow, LOOK_S)
                continue
            await self._drop_unwanted()
            self._ask(follow)
            await self._wait(follow, pause)
            pause = min(2 * pause, LONGEST_S)
        return follow.result.result()

    def _ask(self, follow: Following) -> None:
        if follow.known or follow.recalled:
            request: m.Request = self._link.calls.make(m.Recall, job=follow.job.id)
        else:
            request = self._link.calls.make(m.Run, job=body_of(follow.job))
        longest, length = self._link.most_bytes, len(request.payload())
        if length > longest:
            what = f"experiment {follow.job.id} is a message of {length} bytes"
            follow.fail(ProcedureError(f"station {self.name}: {what}; it reads at most {longest}"))
            return
        follow.sent = follow.sent or isinstance(request, m.Run)
        follow.asked(_now())
        self._requests[request.id] = follow
        self._link.calls.send(request)

    async def _wait(self, follow: Following, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await follow.poke.wait()
        except TimeoutError:
            pass

    def _give_up(self, follow: Following) -> None:
        if follow.sent or follow.recalled:
            self._unwanted.add(follow.job.id)
            self._send(m.Drop, job=follow.job.id)

    async def _drop_unwanted(self) -> None:
        """What was given up must not begin, or go on, beside what is sent now."""
        for job in tuple(self._unwanted):
            try:
                reply = await self._link.calls.ask(self._link.calls.make(m.Drop, job=job), ANSWER_S + SAFE_TIMEOUT_S)
            except NoReply as error:
                _log.warning("%s", error)
                return
            if reply.said is m.Said.DONE:
                self._unwanted.discard(job)

    # What it says

    def _on_reply(self, reply: m.Reply) -> None:
        follow = self._requests.get(reply.id)
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
            self._send(m.Acknowledge, job=part.job)
        elif part.job in self._unwanted:
            self._send(m.Drop, job=part.job)
        else:
            _log.info("%s has the result of %s, which nobody has asked for here", self.name, part.job)

    def _on_events(self, events: m.Events) -> None:
        for event in events.events:
            match event:
                case m.StateEvent(state=state, cause=cause):
                    self._tell(state, cause)
                case m.StepEvent(step=step):
                    self._emit(StepStarted(self.name, step))
                case m.QuestionEvent():
                    self._questions.ask(events.process, event)
                case m.WithdrawnEvent():
                    self._questions.withdraw(events.process, event)
                case m.ProblemEvent(text=text):
                    _log.warning("station %s: %s", self.name, text)

    def _tell(self, state: StationState, cause: str) -> None:
        """States come as events, and again with every heartbeat."""
        if (state, cause) != (self._state, self._cause):
            self._state, self._cause = state, cause
            self._emit(StationChanged(self.name, state, cause))

    def _poke(self) -> None:
        for follow in self._following.values():
            follow.poke.set()

    def _answer(self, process: str, question: int, answer: Answer | None, reason: str) -> None:
        self._send(m.AnswerQuestion, process=process, question=question, answer=answer, reason=reason[:5000])

    def _send(self, kind: type[m.Request], **fields: Any) -> None:
        self._link.calls.send(self._link.calls.make(kind, **fields))

    async def _told(self, request: m.Request, otherwise: str) -> None:
        """Ask for it, and tell when it is not done."""
        try:
            reply = await self._link.calls.ask(request, ANSWER_S + SAFE_TIMEOUT_S)
            problem = "" if reply.said is m.Said.DONE else reply.reason
        except NoReply as error:
            problem = str(error)
        if problem:
            _log.error("station %s: %s: %s", self.name, otherwise, problem)
            self._tell(StationState.FAULT, f"{otherwise}: {problem}")


def _now() -> float:
    """Seconds on the loop's clock."""
    return asyncio.get_running_loop().time()
