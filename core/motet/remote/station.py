"""A station in another process, as the orchestrator sees it: like one of its own."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from motet.bus import Bus
from motet.contracts.people import Person
from motet.errors import EmergencyStop, MotetError, NoReply, ProcedureError
from motet.model.events import Event, StationChanged, StationState, StepStarted
from motet.model.experiment import RunRecord
from motet.model.job import Job
from motet.model.questions import Answer
from motet.remote import messages as m
from motet.remote.bodies import error_of
from motet.remote.following import Following
from motet.remote.link import ANSWER_S
from motet.remote.questions import RemoteQuestions
from motet.remote.terms import Terms
from motet.remote.topics import Topics
from motet.remote.unsafe import RemoteUnsafe
from motet.remote.work import Work
from motet.station.station import PERSON
from motet.station.together import SAFE_TIMEOUT_S

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
        self._moved = asyncio.Event()
        self._told_by, self._told_last = "", 0
        self._questions = RemoteQuestions(person, self._answer)
        self._work = Work(bus, Topics(lab, name), terms, self._tell, self._on_events)
        self._link = self._work.link
        self.unsafe = RemoteUnsafe(self.safe)

    @property
    def state(self) -> StationState:
        """What it is doing, as far as is known here."""
        return self._state

    @property
    def unavailable(self) -> str:
        """Why no job can be sent now; empty when one can."""
        return self._link.unavailable or self._stopped

    @property
    def _stopped(self) -> str:
        """Whether the emergency stop is pressed there, or not cleared yet."""
        stopped = self._state in (StationState.ESTOPPED, StationState.CLEARING)
        return f"station {self.name} is {self._state}: {self._cause}" if stopped else ""

    async def available(self) -> None:
        """Wait until a job can be sent."""
        while self.unavailable:
            await self._link.available()
            self._moved.clear()
            if self._stopped:
                await self._moved.wait()

    async def connect(self) -> None:
        """Find the station and hold it; nothing moves. Raises ConnectionProblem when it is not there within 15 s, is
        not what the lab file here says, or is held by another orchestrator; EmergencyStop while the lab is latched."""
        self._tell(StationState.CONNECTING, "")
        await self._link.open()
        if self._state is StationState.ESTOPPED:
            raise EmergencyStop(f"station {self.name} is e-stopped: {self._cause}")

    async def run(self, job: Job, cleared: "asyncio.Future[Any] | None" = None) -> RunRecord:
        """Have the job run there. Failures are in the record, also that the station was lost: StationLost.

        It is sent when `cleared` is done; when that raises, never.
        """
        return await self._followed(Following(job), cleared)

    async def recall(self, job: Job) -> RunRecord | None:
        """What became of a job that an earlier process of this orchestrator sent; waited for while it goes on. None
        when it never began there."""
        follow = Following(job, recalled=True)
        record = await self._followed(follow)
        return None if follow.unknown else record

    async def _followed(self, follow: Following, cleared: "asyncio.Future[Any] | None" = None) -> RunRecord:
        """What this orchestrator wanted before counts no more, and what the job's steps ask ends with it."""
        if self._link.stopping:
            self._link.stopping = ""
            self._link.renew()
        try:
            return await self._work.followed(follow, cleared)
        finally:
            self._questions.withdraw_all()

    def acknowledge(self, job: Job) -> None:
        """The record of the job is in the store here: the station may forget it."""
        self._work.acknowledge(job)

    def pause(self, holder: str = PERSON, why: str = "") -> None:
        """Wait before the next step until the same holder resumes."""
        self._link.paused[holder] = why
        self._link.renew()

    def resume(self, holder: str = PERSON) -> None:
        """Go on after `pause`, unless somebody else holds the station."""
        self._link.paused.pop(holder, None)
        self._link.renew()

    def stop_after(self, reason: str) -> None:
        """Stop after the experiment that runs, which goes on if a person has paused it. One that could not be sent yet,
        since the station is not available, ends here as Aborted."""
        self._link.paused.pop(PERSON, None)
        self._link.stopping = reason
        self._link.renew()
        self._work.poke()

    async def abort(self, reason: str) -> None:
        """Stop what moves there, run the cleanup steps and end the running experiment.

        A station that does not answer is told when it is heard of again; its experiment ends here now.
        """
        self._link.paused.pop(PERSON, None)
        await self._work.abort(reason)

    async def safe(self) -> None:
        """Bring every device there to its safe state. What fails is told in the station's state, and is `unsafe`."""
        reply, problem = await self._told(self._link.calls.make(m.Safe), "its devices may not be in their safe state")
        of_others = reply is not None and reply.said is m.Said.REFUSED and reply.holder is not None
        self.unsafe.answered("" if of_others else problem)

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
        self._work.leave()
        await self._questions.stop()
        await self._link.close()
        self._tell(StationState.OFFLINE, "")

    def _on_events(self, events: m.Events) -> None:
        """What happened, once and in order; what comes late is not news any more."""
        if events.process == self._told_by and events.number <= self._told_last:
            return
        self._told_by, self._told_last = events.process, events.number
        for event in events.events:
            match event:
                case m.StateEvent(state=state, cause=cause):
                    self._tell(state, cause)
                case m.StepEvent(step=step):
                    self._emit(StepStarted(self.name, step))
                case m.QuestionEvent():
                    if self._link.held:  # else those are to be asked who watch its holder's campaign
                        self._questions.ask(events.process, event)
                case m.WithdrawnEvent():
                    self._questions.withdraw(events.process, event)
                case m.ProblemEvent(text=text):
                    _log.warning("station %s: %s", self.name, text)

    def _tell(self, state: StationState, cause: str) -> None:
        """States come as events, and again with every heartbeat."""
        if (state, cause) != (self._state, self._cause):
            self._state, self._cause = state, cause
            self._moved.set()
            self._emit(StationChanged(self.name, state, cause))

    def _answer(self, process: str, question: int, answer: Answer | None, reason: str) -> None:
        self._work.send(m.AnswerQuestion, process=process, question=question, answer=answer, reason=reason[:5000])

    async def _told(self, request: m.Request, otherwise: str) -> tuple[m.Reply | None, str]:
        """Ask for it, and tell when it is not done; the reply, if any, and what went wrong."""
        reply: m.Reply | None = None
        try:
            reply = await self._link.calls.ask(request, ANSWER_S + SAFE_TIMEOUT_S)
            problem = "" if reply.said is m.Said.DONE else reply.reason
        except NoReply as error:
            problem = str(error)
        if problem:
            _log.error("station %s: %s: %s", self.name, otherwise, problem)
            self._tell(StationState.FAULT, f"{otherwise}: {problem}")
        return reply, problem
