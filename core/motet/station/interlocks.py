"""Interlocks: conditions of the lab file on signals, watched on the loop's timers, that hold stations.

A tripped one closes the gate of its stations: the step that runs ends, no further one begins, and nothing is repeated
when it clears.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from motet.errors import LineLost, MotetError
from motet.files.safety import full_name, lab_wide, readers_of, unit_in
from motet.files.signal_conditions import SignalCondition, described, parse_condition
from motet.files.units import convert
from motet.model.events import Event, InterlockCleared, InterlockTripped
from motet.model.lab import Interlock, Lab
from motet.plugins import Registry

_log = logging.getLogger(__name__)
Read = Callable[[str], Awaitable[Any]]
UnitOf = Callable[[str], str]


class Held(Protocol):
    """What an interlock holds: a station."""

    def pause(self, holder: str = ..., why: str = ...) -> None:
        """Begin no further step until that holder says so."""
        ...

    def resume(self, holder: str = ...) -> None:
        """That holder holds it no longer."""
        ...

    async def abort(self, reason: str) -> None:
        """End the running experiment."""
        ...


@dataclass
class Watch:
    """One interlock. `every_s` is in seconds of the loop; `station` is empty for one of the whole lab."""

    name: str
    station: str
    interlock: Interlock
    held: Sequence[Held]
    read: Read
    unit_of: UnitOf
    trip: Callable[[str], object]
    emit: Callable[[Event], object]
    every_s: float
    lost: Callable[[LineLost], object] = lambda error: None
    """Told when it cannot be told because the line to the device was lost, which nobody opens anew meanwhile."""
    tripped: bool = False
    _condition: SignalCondition = field(init=False)
    _until: SignalCondition | None = field(init=False)

    def __post_init__(self) -> None:
        until = self.interlock.until
        self._condition = parse_condition(self.interlock.pause_while).in_units(self.unit_of)
        self._until = None if until is None else parse_condition(until).in_units(self.unit_of)

    def begin(self) -> None:
        """An emergency stop that was cleared is pressed again while its condition still holds."""
        if self.tripped and self.interlock.then == "estop":
            self._clear()

    async def look(self) -> None:
        """Read the signals once, and do what follows."""
        holds, why = await self._holds()
        if holds and not self.tripped:
            await self._trip(why)
        elif not holds and self.tripped:
            self._clear()

    async def keep_looking(self) -> None:
        """Look at every tick of the loop's timer, until cancelled."""
        while True:
            await asyncio.sleep(self.every_s)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - whatever it is, the signals are watched on
                _log.exception("interlock %s", self._label)

    async def _holds(self) -> tuple[bool, str]:
        """Whether it must hold the stations, and why."""
        until = self._until if self.tripped else None
        condition = until or self._condition
        try:
            results = await asyncio.gather(*(self.read(name) for name in condition.signals))
            values = dict(zip(condition.signals, results, strict=True))
            holds = condition.holds(values)
        except MotetError as error:
            if isinstance(error, LineLost):
                self.lost(error)
            return True, f"it cannot be told: {error}"
        except Exception as error:  # noqa: BLE001 - whatever keeps a signal from being read: it counts as tripped
            _log.exception("interlock %s", self._label)
            return True, f"it cannot be told: {type(error).__name__}: {error}"
        found = f"{described(values, self.unit_of)} (`{condition.text}`)"
        return holds if until is None else not holds, found

    async def _trip(self, why: str) -> None:
        self.tripped = True
        told = f"interlock {self._label}: {why}"
        _log.warning("%s", told)
        if self.interlock.then == "estop":
            self.trip(told)
        for held in self.held:
            self._surely(held.pause, self._holder, told)
        self._surely(self.emit, InterlockTripped(self.station, self.name, why))
        if self.interlock.then == "abort":
            for result in await asyncio.gather(*(held.abort(told) for held in self.held), return_exceptions=True):
                if isinstance(result, BaseException):
                    _log.error("%s: cannot stop what moves: %s", told, result)

    def _clear(self) -> None:
        self.tripped = False
        for held in self.held:
            self._surely(held.resume, self._holder)
        self._surely(self.emit, InterlockCleared(self.station, self.name))

    def _surely(self, act: Callable[..., object], *arguments: object) -> None:
        """One that fails must not keep the others from it."""
        try:
            act(*arguments)
        except Exception:  # noqa: BLE001 - it is told, and the others go on
            _log.exception("interlock %s", self._label)

    @property
    def _label(self) -> str:
        return f"{self.station}.{self.name}" if self.station else self.name

    @property
    def _holder(self) -> str:
        return f"interlock {self._label}"


class Interlocks:
    """The interlocks of one station, or those of the whole lab."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._watches = watches
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    def of_station(
        cls,
        name: str,
        interlocks: Mapping[str, Interlock],
        station: "Readable",
        unit_of: UnitOf,
        trip: Callable[[str], object],
        emit: Callable[[Event], object],
        scale: float,
        lost: Callable[[LineLost], object],
    ) -> "Interlocks":
        """Those that a station watches by itself. Raises ProcedureError for a condition that is none."""
        return cls(
            [
                Watch(
                    key, name, one, [station], station.read, unit_of, trip, emit, convert(one.every, "s") / scale, lost
                )
                for key, one in interlocks.items()
            ]
        )

    async def start(self, *, anew: bool = True) -> None:
        """Look at all of them once, then at each of them time and again; unless that goes on, when not `anew`."""
        if self._tasks and not anew:
            return
        await self.stop()
        for watch in self._watches:
            watch.begin()
        await asyncio.gather(*(watch.look() for watch in self._watches))
        self._tasks = [
            asyncio.create_task(watch.keep_looking(), name=f"interlock {watch.name}") for watch in self._watches
        ]

    async def stop(self) -> None:
        """Look no more."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


class Readable(Held, Protocol):
    """A station whose signals can be read."""

    name: str

    async def read(self, signal: str) -> Any:
        """The value of `device.signal` now."""
        ...


@asynccontextmanager
async def watched(
    lab: Lab,
    registry: Registry,
    stations: Sequence[Readable],
    trip: Callable[[str], object],
    emit: Callable[[Event], object],
) -> AsyncGenerator[None]:
    """While entered, the interlocks of the whole lab hold `stations`, which are connected.

    `trip` presses the emergency stop. A signal of a station that is not among them cannot be read: it counts as
    tripped.
    """
    by_name = {station.name: station for station in stations}

    async def read(name: str) -> Any:
        whole = full_name(lab, name)
        readers = readers_of(lab, whole)
        station = next((by_name[reader] for reader in readers if reader in by_name), None)
        if station is None:
            raise MotetError(f"{name}: the station {readers[0]} is not in use here")
        return await station.read(whole.partition(".")[2])

    def unit_of(name: str) -> str:
        return unit_in(lab, registry, name)

    interlocks = Interlocks(
        [
            Watch(name, "", one, stations, read, unit_of, trip, emit, convert(one.every, "s") / lab.scale)
            for name, one in lab_wide(lab).items()
        ]
    )
    await interlocks.start()
    try:
        yield
    finally:
        await interlocks.stop()
