"""What orchestrators ask of a station, and what it answers: from anybody, or only from the one that holds it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from motet.errors import GarbledReply, InstrumentError, MotetError
from motet.remote import messages as m
from motet.remote.bodies import job_of
from motet.remote.claim import Claim
from motet.remote.errands import Errands
from motet.remote.inbox import Inbox
from motet.remote.jobs import Jobs
from motet.remote.journal import Key
from motet.remote.lease import Lease, Wishes
from motet.remote.news import News
from motet.remote.outbox import Outbox
from motet.remote.person import RemotePerson
from motet.remote.post import Post
from motet.remote.topics import Topics
from motet.station import Station

ACCEPTED_AFTER_S = 0.25
"""A job that ends sooner is answered by its result alone."""

_log = logging.getLogger(__name__)


class Desk:
    """Takes requests. `describe` publishes the manifest, `heard` is called whenever the holder is heard of."""

    def __init__(
        self,
        station: Station,
        manifest: m.Manifest,
        *,
        post: Post,
        lease: Lease,
        jobs: Jobs,
        outbox: Outbox,
        news: News,
        claim: Claim,
        errands: Errands,
        person: RemotePerson | None,
        describe: Callable[[], object],
        heard: Callable[[], object],
    ) -> None:
        self.station, self._where = station, manifest.where
        self._lease, self._jobs, self._outbox, self._news = lease, jobs, outbox, news
        self._claim, self._errands, self._person = claim, errands, person
        self._describe, self._heard = describe, heard
        self._wishes = Wishes(station)
        self._last_run: tuple[str, int] = ("", 0)
        self._last_estop: tuple[str, int] = ("", 0)
        self._closed = False
        self.inbox = Inbox(post, Topics(manifest.lab, manifest.station).reply, manifest.most_bytes, self._hear)

    def close(self) -> None:
        """Take no more requests."""
        self._closed = True

    def _hear(self, request: m.Request) -> None:
        """A new request."""
        if self._closed or self._claim.lost.done():
            return  # it is for the process that has the name
        if self._lease.is_of(request):
            self._lease.heard(request)
            self._heard()
        self._handle(request)

    def _handle(self, request: m.Request) -> None:
        """From anybody, or only from the holder."""
        match request:
            case m.Describe():
                self._on_describe(request)
            case m.Hold():
                self._on_hold(request)
            case m.Run():
                self._on_run(request)
            case m.Recall():
                self.inbox.reply(request, self._jobs.known(Key(request.orchestrator, request.job)))
            case m.Acknowledge():
                self._jobs.settle(Key(request.orchestrator, request.job))
            case m.AnswerQuestion():
                self._on_answer(request)
            case _ if self._lease.is_of(request):
                self._handle_of_holder(request)
            case _:
                self._refuse(request)

    def _handle_of_holder(self, request: m.Request) -> None:
        match request:
            case m.Release():
                self._lease.release(request)
                self._wishes.grant(self._lease.paused, self._lease.stopping)
                self.inbox.reply(request, m.Said.DONE)
            case m.Drop():
                self._errands.soon(self._drop(request))
            case m.Abort():
                self._errands.soon(self._abort(request))
            case m.Safe():
                self._errands.soon(self._safe(request))
            case m.EmergencyStop():
                self._last_estop = request.session, request.number
                self._errands.soon(self._do(request, self.station.estop(request.reason)))
            case m.Clear():
                self._on_clear(request)
            case m.ReadSignal():
                self._errands.soon(self._read(request))
            case _:
                raise AssertionError(f"no answer to {type(request).__name__}")

    def _refuse(self, request: m.Request) -> None:
        holder, running = self._lease.holder, self._jobs.running
        reason = "it is not held by this orchestrator"
        if holder is None and running is not None:
            reason = f"experiment {running.job} of another orchestrator runs"
        elif holder is not None:
            busy = "" if running is None else f", and experiment {running.job} runs"
            reason = f"it is held for campaign {holder.campaign} of another orchestrator{busy}"
        self.inbox.reply(request, m.Said.REFUSED, reason, holder=holder)

    def _on_describe(self, request: m.Describe) -> None:
        if request.rival is not None:
            if not self._claim.answers(request.rival):
                return
            told = f"{request.rival} wants to host {self.station.name} too, and is refused"
            _log.warning("%s", told)
            self._news.problem(told)
            self.inbox.reply(request, m.Said.REFUSED, str(self._where))
            return
        if request.refused:
            _log.warning(
                "%s is refused by orchestrator %s: %s", self.station.name, request.orchestrator, request.refused
            )
            return
        self._describe()
        self._news.beat()

    def _on_hold(self, request: m.Hold) -> None:
        running = self._jobs.running
        if not self._lease.may_take(request) or (
            running is not None and running.orchestrator != request.orchestrator and not self._lease.is_of(request)
        ):
            self._refuse(request)
            return
        if self._lease.take(request):
            _log.info("%s is held for campaign %s", self.station.name, request.campaign)
            self._news.beat()
            if self._person is not None:
                self._person.again()
        self._wishes.grant(self._lease.paused, self._lease.stopping)
        self._outbox.poke(request.orchestrator)
        self.inbox.reply(request, m.Said.DONE, holder=self._lease.holder)

    def _on_answer(self, request: m.AnswerQuestion) -> None:
        if self._person is not None and request.process == self._where.process:
            self._person.take(request)
        self.inbox.reply(request, m.Said.DONE)

    def _on_run(self, request: m.Run) -> None:
        for settled in request.acknowledged:
            self._jobs.settle(Key(request.orchestrator, settled))
        try:
            job = job_of(request.job)
        except GarbledReply as error:
            self.inbox.reply(request, m.Said.REFUSED, str(error), error="GarbledReply")
            return
        key = Key(request.orchestrator, job.id)
        known = self._jobs.known(key)
        if known is not m.Said.UNKNOWN:
            self.inbox.reply(request, known)
        elif not self._lease.is_of(request) or self._lease.is_past(request):
            self._refuse(request)
        elif self._jobs.running is not None:
            self.inbox.reply(request, m.Said.BUSY, f"experiment {self._jobs.running.job} runs at {self.station.name}")
        else:
            self._last_run = (request.session, request.number)
            self._jobs.begin(key, job)
            asyncio.get_running_loop().call_later(ACCEPTED_AFTER_S, self._accepted, request, key)

    def _accepted(self, request: m.Run, key: Key) -> None:
        if self._jobs.running == key:
            self.inbox.reply(request, m.Said.ACCEPTED)

    async def _drop(self, request: m.Drop) -> None:
        await self._jobs.drop(Key(request.orchestrator, request.job))
        self.inbox.reply(request, m.Said.DONE)

    async def _abort(self, request: m.Abort) -> None:
        self.inbox.reply(request, await self._jobs.abort(Key(request.orchestrator, request.job), request.reason))

    def _on_clear(self, request: m.Clear) -> None:
        if self._before(request, self._last_estop):
            self._too_late(request, "the emergency stop has been pressed since")
        else:
            self._errands.soon(self._do(request, self.station.clear()))

    async def _safe(self, request: m.Safe) -> None:
        if self._before(request, self._last_run):
            self._too_late(request, "an experiment has begun since")
        else:
            await self._do(request, self._make_safe())

    async def _make_safe(self) -> None:
        """Raises InstrumentError that names the devices that did not reach their safe state."""
        await self.station.safe()
        unsafe = self.station.unsafe.reasons
        if unsafe:
            raise InstrumentError("; ".join(f"{self.station.name}-{key}: {why}" for key, why in unsafe.items()))

    def _before(self, request: m.Request, other: tuple[str, int]) -> bool:
        """Whether a request was made before another one, of which session and number are known."""
        session, number = other
        return self._lease.is_past(request) or (session == request.session and request.number < number)

    def _too_late(self, request: m.Request, since: str) -> None:
        self.inbox.reply(request, m.Said.REFUSED, f"it comes too late: {since}", error="LineLost")

    async def _read(self, request: m.ReadSignal) -> None:
        try:
            value = await self.station.read(request.signal)
        except MotetError as error:
            self.inbox.reply(request, m.Said.REFUSED, str(error), error=type(error).__name__)
        else:
            self.inbox.reply(request, m.Said.DONE, value=value)

    async def _do(self, request: m.Request, work: Awaitable[object]) -> None:
        try:
            await work
        except MotetError as error:
            self.inbox.reply(request, m.Said.REFUSED, str(error), error=type(error).__name__)
        else:
            self.inbox.reply(request, m.Said.DONE)
