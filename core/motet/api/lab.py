"""A lab at work: its store, its bus and its stations, which one or more campaigns use."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

from motet.api.marks import StoreMarks
from motet.api.results import store_path
from motet.api.setting import Setting
from motet.bus import Bus
from motet.contracts.people import Person
from motet.errors import ConnectionProblem, ProcedureError
from motet.files.safety import watched_stations
from motet.files.units import convert
from motet.lines import Capture
from motet.model.events import (
    Event,
    InterlockCleared,
    InterlockTripped,
    LeaseWaited,
    StationChanged,
    StepStarted,
)
from motet.model.lab import Lab
from motet.model.questions import Answer, Question
from motet.orchestration.floor import Alone, Floor, Shared
from motet.orchestration.stockroom import Stockroom, counted_as
from motet.plugins import Registry
from motet.station import Station
from motet.station.build import Builder
from motet.station.heartbeat import Heartbeat
from motet.station.interlocks import watched
from motet.station.latch import Latch
from motet.station.latch_state import Latched
from motet.station.leases import Leases
from motet.store import Reader, Stamp, Store, StoreTrouble

_OfStation = StationChanged | StepStarted | LeaseWaited | InterlockTripped | InterlockCleared


class User(Protocol):
    """A campaign that uses the lab."""

    @property
    def priority(self) -> int:
        """Before which others it gets stations."""
        ...

    @property
    def share(self) -> float:
        """Its share among those of one priority."""
        ...

    @property
    def key(self) -> str:
        """What its leases are held under."""
        ...

    @property
    def campaign(self) -> str:
        """Its id in the store, once it has begun."""
        ...

    @property
    def station_names(self) -> Sequence[str]:
        """The stations that it uses."""
        ...

    def stamp(self) -> Stamp:
        """Now, on its clock, while it runs."""
        ...

    def hear(self, event: Event) -> None:
        """Something happened at a station."""
        ...

    def on_trouble(self, trouble: StoreTrouble | None) -> None:
        """The store cannot be written, or can again (None)."""
        ...

    def on_estop(self, reason: str) -> None:
        """The emergency stop is pressed."""
        ...

    def on_clear(self, who: str) -> None:
        """Somebody has cleared it."""
        ...

    async def ask(self, question: Question) -> Answer:
        """A step of the campaign asks a person."""
        ...


@dataclass
class LabSession:
    """`async with LabSession(...) as lab`: everything open and connected, and closed in the end.

    `names` are the stations to connect. `asks` says that people can be asked what steps want to know.
    """

    lab: Lab
    names: Sequence[str]
    registry: Registry
    setting: Setting
    users: Sequence[User]
    capture: bool = False
    asks: Callable[[Bus | None], bool] = lambda bus: True
    stations: Mapping[str, Station] = field(default_factory=dict[str, Station], init=False)
    store: Store = field(init=False)
    bus: Bus | None = field(default=None, init=False)
    stockroom: Stockroom = field(init=False)
    leases: Leases = field(init=False)
    using: Mapping[str, set[str]] = field(default_factory=dict[str, set[str]], init=False)
    """The campaigns that use each station and have not ended."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)
    _latched: Latch | None = field(default=None, init=False)
    _trouble: StoreTrouble | None = field(default=None, init=False)
    _done_with: set[str] = field(default_factory=set[str], init=False)
    _closing: "asyncio.Task[None] | None" = field(default=None, init=False)

    async def __aenter__(self) -> "LabSession":
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def _open(self) -> None:
        """Raises ConnectionProblem before anything has moved; StoreError."""
        stack = self._stack
        self.leases = Leases(lambda resource, who, seconds: None)
        me = await asyncio.to_thread(self._identity)
        self.store = await self.setting.store(self._on_trouble)
        stack.push_async_callback(self.store.close)
        self.stockroom = Stockroom(self.store, *self._counted())
        self.bus = await stack.enter_async_context(self.setting.bus(self.lab))
        latch = self._latched = await self._latch()
        trip = self._on_simulated_estop if latch is None else latch.trip_soon
        person = self if self.asks(self.bus) else None
        capture = await self._traffic()
        builder = Builder(
            self.lab, self.registry, self.setting.engine, stack, self.bus, capture, self.hear, person, trip
        )
        found: dict[str, Station] = {}
        for name in dict.fromkeys((*self.names, *watched_stations(self.lab, self.names))):
            if self.lab.elsewhere(name) and not self.setting.virtual:
                found[name] = self._remote(name, me, person)
            else:
                found[name] = local = await builder.station(name)
                if not self.setting.virtual and self.setting.data is not None:
                    local.marks = StoreMarks(self.store, store_path(self.setting.data), self._stamp)
            stack.push_async_callback(found[name].close)
        self.stations = found
        self.using = {name: {user.key for user in self.users if name in user.station_names} for name in found}
        if latch is not None:
            latch.guard(*found.values())
        await _connect(list(found.values()))
        await stack.enter_async_context(watched(self.lab, self.registry, list(found.values()), trip, self.hear))
        heartbeat = self.lab.safety.heartbeat
        if heartbeat is not None and not self.setting.virtual:
            await stack.enter_async_context(Heartbeat(convert(heartbeat, "s"), trip))
        if latch is not None:
            latch.listen(self._on_estop, self._on_clear)

    async def _latch(self) -> Latch | None:
        """The lab's emergency stop. Raises EmergencyStop while it is pressed."""
        if self.setting.virtual:
            return None
        latch = await self._stack.enter_async_context(Latch(self.lab.lab, self.setting.data, self.bus))
        latch.check()
        return latch

    def _on_estop(self, latched: Latched) -> None:
        for user in self.users:
            user.on_estop(str(latched))

    def _on_simulated_estop(self, reason: str) -> None:
        """Where time is virtual the campaigns are the whole lab, and nobody is there to clear it."""
        for user in self.users:
            user.on_estop(f"emergency stop, which nobody clears in virtual time: {reason}")

    def _on_clear(self, who: str) -> None:
        for user in self.users:
            user.on_clear(who)

    def _remote(self, name: str, me: str, person: Person | None) -> Station:
        from motet.remote import connect_remote

        assert self.bus is not None, "a lab with stations elsewhere was checked to have a broker"
        campaigns = ", ".join(user.key for user in self.users)
        return connect_remote(  # on the loop, which it belongs to: the files that it reads are small
            name,
            self.lab,
            self.bus,
            self.registry,
            orchestrator=me,
            campaign=campaigns,
            person=person,
            emit=self.hear,
            settled=self._is_settled,
        )

    def _is_settled(self, job: str) -> bool:
        """Whether it is stored how a job ended; reads the store."""
        return self.setting.data is not None and Reader(store_path(self.setting.data)).is_settled(job)

    def _counted(self) -> tuple[str, Path | None]:
        """What consumables are counted under, and the store that knows how many there are: where time is virtual they
        are always those that the lab file states."""
        if self.setting.virtual or self.setting.data is None:
            return "", None
        return counted_as(self.lab), store_path(self.setting.data)

    def _identity(self) -> str:
        """Who asks for stations elsewhere: the same as long as the store is the same."""
        if self.setting.virtual or not any(map(self.lab.elsewhere, self.names)):
            return ""
        from motet.remote import orchestrator_id

        return orchestrator_id(None if self.setting.data is None else store_path(self.setting.data))

    def _stamp(self, campaign: str) -> Stamp:
        return next(user.stamp() for user in self.users if user.campaign == campaign)

    def _on_trouble(self, trouble: StoreTrouble | None) -> None:
        """While nothing can be stored, nothing begins: no experiment, and no step of those that run."""
        self._trouble = trouble
        for user in self.users:
            user.on_trouble(trouble)

    def watch(self, user: User) -> None:
        """Tell a campaign that begins of what it has missed: a store that cannot be written, an emergency stop."""
        if self._trouble is not None:
            user.on_trouble(self._trouble)
        if self._latched is not None and self._latched.latched is not None:
            user.on_estop(str(self._latched.latched))

    def give_up_store(self, user: User) -> None:
        """A campaign has ended, or will not wait any longer for a store that cannot be written; when none will, what
        could not be written is lost, and says so."""
        self._done_with.add(user.key)
        if self._trouble is not None and self._closing is None and len(self._done_with) == len(self.users):
            self._closing = asyncio.create_task(self.store.close())
            self._closing.add_done_callback(lambda done: done.cancelled() or done.exception())  # each write says it

    def floor(self, user: User) -> Floor:
        """How a campaign shares the stations with the others."""
        if len(self.users) == 1:
            return Alone()
        return Shared(self.leases, self.using, user.key, user.priority, user.share)

    def hear(self, event: Event) -> None:
        """What happens at a station concerns the campaign that has it; where none has, those that use it, if any."""
        station = event.station if isinstance(event, _OfStation) else ""
        holder = self.leases.holder(station)
        keys = self.using.get(station, set[str]())
        using = [user for user in self.users if user.key in keys] or self.users
        for user in using:
            if holder in (None, user.key):
                user.hear(event)

    async def ask(self, question: Question) -> Answer:
        """The people of the campaign that has the station (a `motet.contracts.people.Person`)."""
        holder = self.leases.holder(question.station)
        for user in self.users:
            if len(self.users) == 1 or holder == user.key:
                return await user.ask(question)
        raise ProcedureError(f"{question.device}: {question.text!r} is asked while no campaign has its station")

    async def _traffic(self) -> Capture | None:
        if not self.capture or self.setting.data is None:
            return None
        capture = Capture(self.setting.data / f"traffic-{time.strftime('%Y%m%d-%H%M%S')}.jsonl")
        self._stack.push_async_callback(capture.close)
        return capture


async def _connect(stations: Sequence[Station]) -> None:
    """All stations at once; one error that names every device that did not answer."""
    results = await asyncio.gather(*(station.connect() for station in stations), return_exceptions=True)
    problems = [result for result in results if isinstance(result, BaseException)]
    for problem in problems:
        if not isinstance(problem, ConnectionProblem):
            raise problem
    if problems:
        raise ConnectionProblem("\n".join(map(str, problems)))
