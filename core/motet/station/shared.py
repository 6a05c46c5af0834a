"""A device that several stations use: each has a face of it, which takes the lease before anything is done.

The instrument is opened once, by whichever station connects first, and closed by the last one. A station that is
aborted or made safe leaves it alone while another one has it; an emergency stop of any station stops it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, cast

from bluesky.protocols import Reading
from ophyd_async.core import DEFAULT_TIMEOUT, DeviceMock, StandardReadable

from motet.contracts.people import Person
from motet.devices import Device
from motet.errors import Aborted, ProcedureError
from motet.model.questions import Answer, Question
from motet.station.gate import Gate
from motet.station.leases import Held, Leases


@dataclass
class Shared:
    """The instrument behind the faces. `longest` is how long a station may have it, loop seconds."""

    key: str
    core: Device
    leases: Leases
    lease: Literal["step", "stage"] = "step"
    longest: float | None = None
    users: set[str] = field(default_factory=set[str], init=False)
    """The stations that are connected to it."""
    stopped: bool = field(default=False, init=False)
    """Whether it was stopped in an emergency, and has not been opened anew since."""
    _under_way: dict[str, asyncio.Task[Any]] = field(default_factory=dict[str, asyncio.Task[Any]], init=False)

    def face(self, station: str) -> "Face":
        """The device as one station sees it."""
        kind = cast("Any", type(self.core))
        own = {"verbs_for": kind.verbs_for, "signals_for": kind.signals_for}
        return type(f"Shared{kind.__name__}", (Face,), own)(self, station)

    async def once(self, what: str, act: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Do something that several stations ask for at once a single time; all of them get what it gave."""
        task = self._under_way.get(what)
        if task is None:
            task = self._under_way[what] = asyncio.ensure_future(act())
            task.add_done_callback(partial(self._over, what))
        return await asyncio.shield(task)

    def _over(self, what: str, done: asyncio.Task[Any]) -> None:
        del self._under_way[what]
        if not done.cancelled():
            done.exception()  # seen, also where everybody who asked has left


@dataclass(frozen=True)
class AsksForHolder:
    """Whom a shared device asks: the people of the station that has it now (a `motet.contracts.people.Person`)."""

    person: Person
    leases: Leases
    key: str

    async def ask(self, question: Question) -> Answer:
        """The answer to what that station is asking, as of a device of its own. Raises ProcedureError where none has
        it."""
        station = self.leases.holder(self.key)
        if station is None:
            raise ProcedureError(f"{question.device}: {question.text!r} is asked while no station has it")
        return await self.person.ask(replace(question, device=f"{station}-{self.key}"))


class Face(Device):
    """A shared device as one station sees it, with verbs of its own: they run under the lease."""

    def __init__(self, shared: Shared, station: str) -> None:
        self._shared = shared
        self._station = station
        self._gate = Gate()
        self._waits: set[asyncio.Task[Held]] = set()
        self._given_up = ""
        self._has_stage = False
        self._priority = 0
        self._stops = 0
        super().__init__(shared.core.context)

    def __getattr__(self, name: str) -> Any:
        """Verbs go to the instrument under the lease, everything else as it is."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self.verbs_for(self.context.options):
            return partial(self._call, name)
        return getattr(self._shared.core, name)

    @property
    def leased_by_stage(self) -> bool:
        """Whether a station has it for the whole of a stage."""
        return self._shared.lease == "stage"

    @property
    def is_mine(self) -> bool:
        """Whether this station has it now."""
        return self._shared.leases.holder(self._shared.key) == self._station

    @property
    def is_free(self) -> bool:
        """Whether no other station has it now."""
        return self._shared.leases.holder(self._shared.key) in (None, self._station)

    @contextmanager
    def ranked(self, priority: int) -> Generator[None]:
        """While entered, its waits are of this priority: that of the experiment at this station."""
        self._priority = priority
        try:
            yield
        finally:
            self._priority = 0

    def wait_at(self, gate: Gate) -> None:
        """While this gate is closed no step begins, whoever has the lease."""
        self._gate = gate

    async def lease(self, too_long: Callable[[Exception], object] = lambda error: None) -> Held:
        """Wait for it. Raises Aborted when `give_up` is called meanwhile."""
        shared = self._shared
        acquiring = shared.leases.acquire(
            (shared.key,), self._station, priority=self._priority, longest=shared.longest, too_long=too_long
        )
        wait = asyncio.ensure_future(acquiring)
        self._waits.add(wait)
        try:
            return await wait
        except asyncio.CancelledError:
            if not wait.cancelled():  # it was given in the moment in which whoever waited was cancelled
                wait.result().release()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise Aborted(self._given_up) from None
        finally:
            self._waits.discard(wait)

    @contextmanager
    def for_stage(self) -> Generator[None]:
        """While entered, the station has it for a whole stage: its verbs need no lease of their own."""
        self._has_stage = True
        try:
            yield
        finally:
            self._has_stage = False

    def give_up(self, reason: str) -> None:
        """End every wait for the lease that is under way."""
        self._given_up = reason
        for wait in tuple(self._waits):
            wait.cancel()

    async def _call(self, verb: str, **arguments: Any) -> Any:
        async with self._leased():
            if self.locked is not None:  # since it was asked for: it waited for its turn
                raise self.locked
            stops = self._stops
            try:
                return await getattr(self._shared.core, verb)(**arguments)
            except asyncio.CancelledError:
                if self._stops == stops:  # it must not move when the next one gets it
                    await self._shared.once("stop", lambda: self._shared.core.stop(success=False))
                raise

    @asynccontextmanager
    async def _leased(self) -> AsyncGenerator[None]:
        """Hold the lease, unless this station has it for its whole stage."""
        if self._has_stage:
            yield
            return
        task = asyncio.current_task()
        expired: list[Exception] = []

        def too_long(error: Exception) -> None:
            expired.append(error)
            if task is not None:
                task.cancel()

        held = await self._free_to_go(too_long)
        try:
            yield
        except asyncio.CancelledError:
            if not expired or task is None or task.uncancel():
                raise
            raise expired[0] from None
        finally:
            held.release()

    async def _free_to_go(self, too_long: Callable[[Exception], object]) -> Held:
        """The lease while the station is not paused: whoever is paused holds nothing that others wait for."""
        while True:
            held = await self.lease(too_long)
            if self._gate.is_set():
                return held
            held.release()
            await self._gate.wait()

    async def connect(
        self,
        mock: "bool | DeviceMock[Any]" = False,
        timeout: float = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - ophyd-async's signature
        force_reconnect: bool = False,
    ) -> None:
        """Open the instrument, once for all stations, then this face's signals."""
        if not self._shared.users:
            await self._shared.once("connect", lambda: self._shared.core.connect(mock, timeout, force_reconnect))
        self._shared.users.add(self._station)
        await StandardReadable.connect(self, mock, timeout, force_reconnect)

    async def close(self) -> None:
        """Close the instrument, when no other station uses it any more."""
        self.give_up("the station is closed")
        self._shared.users.discard(self._station)
        if not self._shared.users:
            await self._shared.once("close", self._shared.core.close)

    async def recover(self) -> tuple[str, ...]:
        """Open it anew while no other station has it. After an emergency stop, which nobody uses it in, once for all
        stations: one that was cleared before may be using it again."""
        if self.locked is None:
            async with self._leased():
                return await self._shared.once("recover", self._shared.core.recover)
        if not self._shared.stopped:
            return ()
        lost = await self._shared.once("recover", self._shared.core.recover)
        self._shared.stopped = False
        return lost

    async def stop(self, success: bool = True) -> None:
        """Stop it, if this station has it; in an emergency whoever has it."""
        if self.is_mine or self.locked is not None:
            self._stops += 1
            self._shared.stopped = self._shared.stopped or self.locked is not None
            await self._shared.once("stop", lambda: self._shared.core.stop(success=success))

    async def safe(self) -> None:
        """Bring it to its safe state, unless another station is using it."""
        if self.is_free or self.locked is not None:
            await self._shared.once("safe", self._shared.core.safe)

    async def identity(self) -> str:
        """What the instrument says it is."""
        return await self._shared.core.identity()

    async def read(self) -> dict[str, Reading[Any]]:
        """Its signals, under the lease."""
        async with self._leased():
            return cast("dict[str, Reading[Any]]", await super().read())
