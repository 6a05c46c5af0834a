"""An orchestrator's link to one station: finds it, checks that it is the right one, holds it and hears what it says."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from motet.bus import Bus, Message, Subscription
from motet.errors import ConnectionProblem, GarbledReply, LineLost, NoReply, StationLost
from motet.model.events import StationState
from motet.remote import messages as m
from motet.remote.calls import Calls, refusal
from motet.remote.manifest import differences, digest_of
from motet.remote.post import Post
from motet.remote.presence import Presence
from motet.remote.terms import Terms
from motet.remote.topics import Topics

CONNECT_S = 15.0
"""How long a station may take to show itself when it is connected, seconds."""
ANSWER_S = 5.0
"""How long it may take to answer a request that it answers at once, seconds."""
CLOSE_S = 2.0
"""How long it may take to give the hold back; after that its time runs out by itself."""
MOST_RESULT = 4 * m.MOST_BYTES
"""The longest message of a station that is read."""

T = TypeVar("T", bound=BaseModel)
_log = logging.getLogger(__name__)


class Link:
    """Opened once. `changed` is called whenever the station can be used, or cannot any more; the others with what it
    says to this orchestrator."""

    def __init__(
        self,
        bus: Bus,
        topics: Topics,
        terms: Terms,
        *,
        changed: Callable[[], object],
        stated: Callable[[StationState, str], object],
        replied: Callable[[m.Reply], object],
        resulted: Callable[[m.ResultPart], object],
        happened: Callable[[m.Events], object],
    ) -> None:
        self.bus, self.topics, self.terms = bus, topics, terms
        self.manifest: m.Manifest | None = None
        self.paused: dict[str, str] = {}
        self.stopping = ""
        self.post = Post(bus)
        self.calls = Calls(self.post, topics, terms.orchestrator)
        self._changed, self._stated = changed, stated
        self._replied, self._resulted, self._happened = replied, resulted, happened
        self._presence = Presence(bus, terms.lost_after_s, self._on_lost)
        self._online = self._held = self._fits = False
        self._refusal = ""
        self._why = "it has not been heard of yet"
        self._usable = (False, "", False)
        self._renew = asyncio.Event()
        self._news = asyncio.Event()
        self._available = asyncio.Event()
        self._subscriptions: list[Subscription] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._deaf: Callable[[], None] = lambda: None

    @property
    def unavailable(self) -> str:
        """Why nothing can be asked of it now; empty when something can."""
        if not self.bus.connected.is_set():
            return f"station {self.topics.station}: the broker is away"
        if self._available.is_set():
            return ""
        return f"station {self.topics.station}: {self._refusal or self._why}"

    @property
    def held(self) -> bool:
        """Whether the station is held for this orchestrator."""
        return self._held

    @property
    def most_bytes(self) -> int:
        """The longest message that the station reads."""
        return m.MOST_BYTES if self.manifest is None else self.manifest.most_bytes

    async def available(self) -> None:
        """Wait until something can be asked of it."""
        while self.unavailable:
            await self.bus.connected.wait()
            await self._available.wait()

    def check(self) -> None:
        """Raises StationLost when it has not been heard of for too long, or refuses this orchestrator."""
        if self._presence.is_lost or self._refusal:
            raise StationLost(self.unavailable)

    async def open(self) -> None:
        """Find the station and hold it. Raises ConnectionProblem when there is none, or not the right one, or another
        orchestrator holds it."""
        if not self._subscriptions:
            try:
                await self._listen()
            except LineLost as error:
                await self._cancel()
                raise ConnectionProblem(f"station {self.topics.station}: {error}") from error
        try:
            async with asyncio.timeout(CONNECT_S):
                while not self._available.is_set() and not self._refusal:
                    self._news.clear()
                    if self.manifest is None or not self._online:
                        self.calls.send(self.calls.make(m.Describe))
                    await self._pulse(self._news, 1.0)
        except TimeoutError:
            start = f"`motet station {self.topics.station}` hosts it; where does that run?"
            raise ConnectionProblem(f"{self.unavailable}, within {CONNECT_S:g} s; {start}") from None
        if self._refusal:
            raise ConnectionProblem(self.unavailable)

    async def close(self) -> None:
        """Give the station back."""
        self._deaf()
        for task in self._tasks:
            task.cancel()
        held, self._held = self._held, False
        if held:
            try:
                await self.calls.ask(self.calls.make(m.Release), CLOSE_S)
            except NoReply as error:
                _log.info("%s; its hold runs out by itself", error)
        await self._cancel()
        await self.post.stop()

    async def _cancel(self) -> None:
        """Listen no more; what ends with the connection has ended so."""
        subscriptions, self._subscriptions = self._subscriptions, []
        ended = await asyncio.gather(*(one.cancel() for one in subscriptions), return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException) and not isinstance(error, LineLost):
                raise error

    def renew(self) -> None:
        """Tell the station at once what this orchestrator wants of it."""
        self._renew.set()

    async def _listen(self) -> None:
        topics = self.topics
        for topic, handler in (
            (topics.manifest, self._reader(m.Manifest, self._on_manifest)),
            (topics.state, self._reader(m.StateMessage, self._on_state)),
            (topics.reply, self._reader(m.Reply, self._on_reply)),
            (topics.result, self._reader(m.ResultPart, self._on_result)),
            (topics.event, self._reader(m.Events, self._happened)),
        ):
            self._subscriptions.append(await self.bus.subscribe(topic, handler))
        self._deaf = self.bus.connected.listen(self._on_broker)
        name = topics.station
        self._tasks = [
            asyncio.create_task(self._presence.watch(), name=f"presence {name}"),
            asyncio.create_task(self._keep(), name=f"hold {name}"),
        ]

    def _reader(self, model: type[T], handler: Callable[[T], object]) -> Callable[[Message], None]:
        def take(message: Message) -> None:
            try:
                found = m.read(message.payload, model, MOST_RESULT)
            except GarbledReply as error:
                _log.warning("%s: refused: %s", message.topic, error)
                if model is m.Manifest and not self._fits:  # else it may be anybody's: the station's state tells
                    self._refuse(f"its manifest cannot be used: {error}")
                return
            handler(found)

        return take

    def _on_manifest(self, manifest: m.Manifest) -> None:
        new = self.manifest is None or self.manifest.where.process != manifest.where.process
        self.manifest = manifest
        mine = digest_of(self.terms.part)
        if manifest.digest != mine:
            unlike = differences(self.terms.part, manifest.part) or "nothing that can be named"
            self._fits = False
            digests = f"digest {manifest.digest[:12]} there, {mine[:12]} here"
            self._refuse(f"its lab file differs from the one here ({digests}): {unlike}")
            return
        if not self._fits:
            self._fits, self._refusal = True, ""
        if new:
            self._held = False
            self._online = True
            _log.info("station %s is hosted by %s", manifest.station, manifest.where)
            self.renew()
        self._update()

    def _on_state(self, state: m.StateMessage) -> None:
        if self.manifest is None:
            return
        if state.process != self.manifest.where.process:  # it is not the station any more, or its manifest got lost
            if state.state is not StationState.OFFLINE:
                self.calls.send(self.calls.make(m.Describe))
            return
        was = self._online
        self._online = state.state is not StationState.OFFLINE
        if self._online:
            lost = self._presence.is_lost
            self._presence.heard(state)
            if lost or not was:
                self.renew()
        else:
            self._why = state.cause or "it is offline"
        self._stated(state.state, state.cause)
        self._update()

    def _on_broker(self) -> None:
        """The broker is there again: what was said meanwhile got lost."""
        self.calls.send(self.calls.make(m.Describe))
        self.renew()
        self._changed()

    def _on_lost(self, why: str) -> None:
        self._why = why
        self._stated(StationState.OFFLINE, why)
        self._update()

    def _on_reply(self, reply: m.Reply) -> None:
        if reply.to != self.terms.orchestrator:
            return
        if reply.said is m.Said.REFUSED and reply.error == "" and self._held:  # it is not ours any more
            self._held = False
            self.renew()
            self._update()
        if not self.calls.take(reply):
            self._replied(reply)

    def _on_result(self, part: m.ResultPart) -> None:
        if part.to == self.terms.orchestrator:
            self._resulted(part)

    def _refuse(self, why: str) -> None:
        if not self._fits and why != self._refusal:  # the station's side has to know, too
            self.calls.send(self.calls.make(m.Describe, refused=why[:5000]))
        self._refusal = why
        self._stated(StationState.FAULT, why)
        self._update()

    def _update(self) -> None:
        now = self._online and self._held and not self._refusal and not self._presence.is_lost
        if now != self._available.is_set():
            (self._available.set if now else self._available.clear)()
        self._news.set()
        if (usable := (now, self._refusal, self._presence.is_lost)) != self._usable:  # not with every heartbeat
            self._usable = usable
            self._changed()

    async def _keep(self) -> None:
        """Hold the station, again and again while it is there."""
        while True:
            self._renew.clear()
            if self._fits and self._online and not self._presence.is_lost:
                await self._hold()
            await self._pulse(self._renew, self.terms.renew_s)

    async def _hold(self) -> None:
        terms = self.terms
        hold = self.calls.make(
            m.Hold, campaign=terms.campaign, lease_s=terms.lease_s, paused=dict(self.paused), stopping=self.stopping
        )
        try:
            reply = await self.calls.ask(hold, min(ANSWER_S, terms.renew_s))
        except NoReply as error:
            _log.info("%s", error)
            return
        self._held = reply.said is m.Said.DONE
        if self._held:
            self._refusal = ""
            self._update()
        else:
            self._refuse(refusal(reply))

    async def _pulse(self, event: asyncio.Event, seconds: float) -> None:
        """Wait until the event, or so long."""
        waiting = asyncio.create_task(event.wait())
        try:
            await asyncio.wait([waiting], timeout=seconds)
        finally:
            waiting.cancel()
