"""One station of this process, as the bus sees it: answers requests, runs jobs, tells what happens."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from motet.bus import Bus, Message, Subscription
from motet.devices import Device
from motet.errors import GarbledReply, LineLost
from motet.model.events import Event, StationState
from motet.model.remote import WhenAlone
from motet.remote import messages as m
from motet.remote.alone import Alone
from motet.remote.claim import Claim
from motet.remote.desk import Desk
from motet.remote.errands import Errands
from motet.remote.jobs import Jobs
from motet.remote.journal import Journal
from motet.remote.lease import Lease
from motet.remote.news import MOST_TEXT, News
from motet.remote.outbox import Outbox
from motet.remote.person import RemotePerson
from motet.remote.post import Post
from motet.remote.topics import Topics
from motet.station import Station
from motet.store.trouble import StoreTrouble

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
        self._errands = Errands(station.name, self._news.problem)
        self._claim = Claim(bus, self._topics, manifest.where, self._describe, self._errands)
        self._desk = Desk(
            station,
            manifest,
            post=self._post,
            lease=self._lease,
            jobs=self._jobs,
            outbox=self._outbox,
            news=self._news,
            claim=self._claim,
            errands=self._errands,
            person=person,
            describe=self._describe,
            heard=self._on_holder,
        )
        self._subscriptions: list[Subscription] = []
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
            (self._topics.request, self._desk.inbox.take),
            (self._topics.manifest, self._claim.see),
            (self._topics.state, self._on_state),
        ):
            self._subscriptions.append(await self._bus.subscribe(topic, handler))
        self._news.state = self.station.state
        self._describe()
        self._news.start()
        self._outbox.start()
        self._deaf = self._bus.connected.listen(self._on_broker)
        self._watching = self._errands.soon(self._alone.watch())

    @property
    def held(self) -> bool:
        """Whether an orchestrator holds the station."""
        return self._lease.held is not None

    def see(self, event: Event) -> None:
        """What happens at the station, to be told."""
        self._news.see(event)

    async def stop(self, cause: str) -> None:
        """Abort what runs, and be gone in order: its result is kept and was sent once more."""
        self._deaf()
        self._desk.close()
        if self._watching is not None:
            self._watching.cancel()
        try:
            await self._jobs.stop(cause)  # before anything that a broker that hangs could delay
            await asyncio.gather(*(_cancelled(subscription) for subscription in self._subscriptions))
            await self._errands.done()
        finally:
            await self._outbox.stop()
            self._news.stop()
            if not self.lost.done():
                self._news.state, self._news.cause = StationState.OFFLINE, cause[:MOST_TEXT]
                self._news.beat()
            await self._post.stop()

    def _facts(self) -> tuple[str | None, m.HolderBody | None]:
        if self._lease.held is None:
            self.on_heard()
        return (None if self._jobs.running is None else self._jobs.running.job), self._lease.holder

    def _on_holder(self) -> None:
        self._alone.heard()
        self.on_heard()

    def _describe(self) -> None:
        self._post.send(self._topics.manifest, self._manifest, retain=True)

    def _on_broker(self) -> None:
        """The broker is there again, perhaps without what it had kept."""
        self._news.beat()
        self._errands.soon(self._claim.ask_again())
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


async def _cancelled(subscription: Subscription) -> None:
    with suppress(LineLost):  # then it has ended with the connection
        await subscription.cancel()
