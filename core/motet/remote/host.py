"""One station of this process, as the bus sees it: answers requests, runs jobs, tells what happens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from motet.bus import Bus, Message, Subscription
from motet.devices import Device
from motet.errors import GarbledReply, LineLost, MotetError
from motet.model.events import Event, StationState
from motet.model.remote import WhenAlone
from motet.remote import messages as m
from motet.remote.alone import Alone
from motet.remote.bodies import job_of
from motet.remote.claim import Claim
from motet.remote.inbox import Inbox
from motet.remote.jobs import Jobs
from motet.remote.journal import Journal, Key
from motet.remote.lease import Lease, Wishes
from motet.remote.news import News
from motet.remote.outbox import Outbox
from motet.remote.person import RemotePerson
from motet.remote.post import Post
from motet.remote.topics import Topics
from motet.station import Station
from motet.store.trouble import StoreTrouble

ACCEPTED_AFTER_S = 0.25
"""A job that ends sooner is answered by its result alone."""

_log = logging.getLogger(__name__)


class Host:
    """Puts a connected station on the bus. `person` is who its devices ask, None where nobody can be asked."""

    def __init__(
        self,
        station: Station,
        devices: Mapping[str, Device],
        bus: Bus,
        journal: Journal,
        manifest: m.Manifest,
        *,
        when_alone: WhenAlone = "finish",
        alone_after_s: float = 30.0,
        person: RemotePerson | None = None,
    ) -> None:
        self.station = station
        self._bus = bus
        self._journal = journal
        self._manifest = manifest
        self._person = person
        self._topics = Topics(manifest.lab, manifest.station)
        self._post = Post(bus)
        self._lease = Lease(journal, alone_after_s)
        self._outbox = Outbox(journal, self._post, self._topics.result)
        self._news = News(station.name, manifest.where.process, self._topics, self._post, self._facts)
        self._jobs = Jobs(station, devices, journal, self._outbox, self._news.problem)
        self._alone = Alone(
            station, self._lease, when_alone, lambda: self._jobs.running is not None, self._news.problem
        )
        self._inbox = Inbox(self._post, self._topics.reply, manifest.most_bytes, self._hear)
        self._last_run: tuple[str, int] = ("", 0)
        self._wishes = Wishes(station)
        self._claim = Claim(bus, self._topics, manifest.where, self._describe)
        self._subscriptions: list[Subscription] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._deaf: Callable[[], None] = lambda: None
        self.lost = self._claim.lost
        """Fails with ConnectionProblem when another process has taken the name."""
        self.lost.add_done_callback(lambda done: self._news.mute())
        self.on_heard: Callable[[], object] = lambda: None
        """Called whenever the holder is heard of, and now and then while there is none."""

    async def claim(self) -> None:
        """Make sure that nobody else hosts a station of that name, before anything is connected. Raises
        ConnectionProblem, LineLost."""
        await self._claim.ask()

    async def start(self) -> None:
        """Be there. Raises LineLost."""
        if self._person is not None:
            self._person.through(self._news)
        self._journal.on_trouble(self._on_trouble)
        for topic, handler in (
            (self._topics.request, self._inbox.take),
            (self._topics.manifest, self._claim.see),
            (self._topics.state, self._on_state),
        ):
            self._subscriptions.append(await self._bus.subscribe(topic, handler))
        self._news.state = self.station.state
        self._describe()
        self._news.start()
        self._outbox.start()
        self._deaf = self._bus.connected.listen(self._on_broker)
        self._watching = asyncio.create_task(self._alone.watch(), name=f"watch {self.station.name}")

    def see(self, event: Event) -> None:
        """What happens at the station, to be told."""
        self._news.see(event)

    async def stop(self, cause: str) -> None:
        """Abort what runs, and be gone in order: its result is kept and was sent once more."""
        self._deaf()
        for subscription in self._subscriptions:
            with suppress(LineLost):  # then it has ended with the connection
                await subscription.cancel()
        if self._watching is not None:
            self._watching.cancel()
        await self._jobs.stop(cause)
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._outbox.stop()
        self._news.stop()
        if not self.lost.done():
            self._news.state, self._news.cause = StationState.OFFLINE, cause
            self._news.beat()
        await self._post.stop()

    def _facts(self) -> tuple[str | None, m.HolderBody | None]:
        if self._lease.held is None:
            self.on_heard()
        return (None if self._jobs.running is None else self._jobs.running.job), self._lease.holder

    def _describe(self) -> None:
        self._post.send(self._topics.manifest, self._manifest, retain=True)

    def _on_broker(self) -> None:
        """The broker is there again, perhaps without what it had kept."""
        self._news.beat()
        self._soon(self._claim.ask_again())
        if self._lease.held is not None:
            self._outbox.poke(self._lease.held.orchestrator)

    def _on_trouble(self, trouble: StoreTrouble | None) -> None:
        told = (
            "its journal can be written again" if trouble is None else f"its journal cannot be written: {trouble.cause}"
        )
        _log.warning("%s: %s", self.station.name, told)
        self._news.problem(f"{self.station.name}: {told}")

    def _on_state(self, message: Message) -> None:
        """The last will of an earlier process may come late: this one is there."""
        try:
            state = m.read(message.payload, m.StateMessage)
        except GarbledReply as error:
            _log.warning("%s: ignored: %s", message.topic, error)
            return
        if state.process != self._manifest.where.process and state.state is StationState.OFFLINE:
            self._news.beat()

    # Requests

    def _hear(self, request: m.Request) -> None:
        """A new request."""
        if self.lost.done():
            return  # it is for the process that has the name
        if self._lease.is_of(request):
            self._lease.heard(request)
            self._alone.heard()
            self.on_heard()
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
                self._inbox.reply(request, self._jobs.known(Key(request.orchestrator, request.job)))
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
                self._inbox.reply(request, m.Said.DONE)
            case m.Drop():
                self._soon(self._drop(request))
            case m.Abort():
                self._soon(self._abort(request))
            case m.Safe():
                self._soon(self._safe(request))
            case m.EmergencyStop():
                self._soon(self._do(request, self.station.estop(request.reason)))
            case m.Clear():
                self._soon(self._do(request, self.station.clear()))
            case m.ReadSignal():
                self._soon(self._read(request))
            case _:
                raise AssertionError(f"no answer to {type(request).__name__}")

    def _refuse(self, request: m.Request) -> None:
        holder = self._lease.holder
        reason = "it is not held by this orchestrator"
        if holder is not None:
            busy = "" if self._jobs.running is None else f", and experiment {self._jobs.running.job} runs"
            reason = f"it is held for campaign {holder.campaign} of another orchestrator{busy}"
        self._inbox.reply(request, m.Said.REFUSED, reason, holder=holder)

    def _on_describe(self, request: m.Describe) -> None:
        if request.rival is not None:
            if not self._claim.answers(request.rival):
                return
            told = f"{request.rival} wants to host {self.station.name} too, and is refused"
            _log.warning("%s", told)
            self._news.problem(told)
        if request.refused:
            _log.warning(
                "%s is refused by orchestrator %s: %s", self.station.name, request.orchestrator, request.refused
            )
            return
        self._describe()
        self._news.beat()

    def _on_hold(self, request: m.Hold) -> None:
        if not self._lease.may_take(request) or (self._jobs.running is not None and not self._lease.is_of(request)):
            self._refuse(request)
            return
        if self._lease.take(request):
            _log.info("%s is held for campaign %s", self.station.name, request.campaign)
            self._news.beat()
        self._wishes.grant(self._lease.paused, self._lease.stopping)
        self._outbox.poke(request.orchestrator)
        self._inbox.reply(request, m.Said.DONE, holder=self._lease.holder)

    def _on_answer(self, request: m.AnswerQuestion) -> None:
        if self._person is not None and request.process == self._manifest.where.process:
            self._person.take(request)
        self._inbox.reply(request, m.Said.DONE)

    def _on_run(self, request: m.Run) -> None:
        try:
            job = job_of(request.job)
        except GarbledReply as error:
            self._inbox.reply(request, m.Said.REFUSED, str(error), error="GarbledReply")
            return
        key = Key(request.orchestrator, job.id)
        known = self._jobs.known(key)
        if known is not m.Said.UNKNOWN:
            self._inbox.reply(request, known)
        elif not self._lease.is_of(request):
            self._refuse(request)
        elif self._jobs.running is not None:
            self._inbox.reply(request, m.Said.BUSY, f"experiment {self._jobs.running.job} runs at {self.station.name}")
        else:
            self._last_run = (request.session, request.number)
            self._jobs.begin(key, job)
            asyncio.get_running_loop().call_later(ACCEPTED_AFTER_S, self._accepted, request, key)

    def _accepted(self, request: m.Run, key: Key) -> None:
        if self._jobs.running == key:
            self._inbox.reply(request, m.Said.ACCEPTED)

    async def _drop(self, request: m.Drop) -> None:
        await self._jobs.drop(Key(request.orchestrator, request.job))
        self._inbox.reply(request, m.Said.DONE)

    async def _abort(self, request: m.Abort) -> None:
        self._inbox.reply(request, await self._jobs.abort(Key(request.orchestrator, request.job), request.reason))

    async def _safe(self, request: m.Safe) -> None:
        session, number = self._last_run
        if session == request.session and request.number < number:
            self._inbox.reply(
                request, m.Said.REFUSED, "it comes too late: an experiment has begun since", error="LineLost"
            )
            return
        await self._do(request, self.station.safe())

    async def _read(self, request: m.ReadSignal) -> None:
        try:
            value = await self.station.read(request.signal)
        except MotetError as error:
            self._inbox.reply(request, m.Said.REFUSED, str(error), error=type(error).__name__)
        else:
            self._inbox.reply(request, m.Said.DONE, value=value)

    async def _do(self, request: m.Request, work: Awaitable[object]) -> None:
        try:
            await work
        except MotetError as error:
            self._inbox.reply(request, m.Said.REFUSED, str(error), error=type(error).__name__)
        else:
            self._inbox.reply(request, m.Said.DONE)

    def _soon(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s: a request failed", self.station.name, exc_info=error)
            self._news.problem(f"{self.station.name}: a request failed: {type(error).__name__}: {error}")
