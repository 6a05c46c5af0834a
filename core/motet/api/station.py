"""Host stations in this process, for orchestrators in others."""

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from motet.api.broker import address
from motet.bus import Address, Bus
from motet.errors import Aborted, ConnectionProblem, EmergencyStop, FileProblems, MotetError, Problem
from motet.files.lab import LabFile, load_lab
from motet.files.units import convert
from motet.model.events import Event
from motet.model.lab import Lab
from motet.orchestration.leaving import found_at
from motet.orchestration.summary import NotSafe
from motet.plugins import Registry, installed
from motet.remote.host import Host
from motet.remote.journal import Journal
from motet.remote.manifest import manifest_of, this_process
from motet.remote.messages import ProcessBody
from motet.remote.news import HEARTBEAT_S, last_will
from motet.remote.people import People
from motet.remote.person import RemotePerson
from motet.remote.topics import Topics
from motet.station import LocalStation
from motet.station.build import Builder
from motet.station.engine import LabLoop
from motet.station.heartbeat import Heartbeat
from motet.station.latch import Latch

LOOK_S = 1.0
"""How often somebody looks whether the broker of a campaign on this computer is there, seconds."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """What is hosted: stations of a lab file; `data` is the folder of their journals. None leaves the file's value."""

    names: Sequence[str]
    lab: Path
    data: Path = Path("motet-data")
    hardware: Literal["real", "simulated"] | None = None
    time_scale: float | None = None


class Hosting:
    """Stations that are hosted in the background, until `end` or until another process takes a name."""

    def __init__(self, options: Options, registry: Registry | None = None) -> None:
        """Raises FileProblems for a lab file with mistakes, and for names that are not those of remote stations."""
        self.options = options
        self._registry = registry or installed()
        file = load_lab(options.lab, self._registry, options.hardware)
        _check(file, options.names)
        self.lab = _changed(file.lab, options)
        self.unsafe: list[NotSafe] = []
        """The devices that were not in their safe state when the lines were given back."""
        self.broker = ""
        """Where the broker is, once the stations are there."""
        self.ready: concurrent.futures.Future[None] = concurrent.futures.Future()
        """Done when the stations are on the bus; fails with what keeps them from it."""
        self._hosts: dict[str, Host] = {}
        self._lab_loop = LabLoop()
        self._ended, self._hurried = asyncio.Event(), asyncio.Event()
        self._cause = ""
        self._task: asyncio.Task[None] | None = None
        self._running = self._lab_loop.submit(self._run())
        self._running.add_done_callback(self._on_end)

    def end(self, cause: str) -> None:
        """Abort what runs, bring the devices to their safe state and leave; from any thread. The second time, the end
        of what runs is not waited for. Stations that are not there yet give up coming."""

        def ask() -> None:
            if self._ended.is_set():
                self._hurried.set()
                return
            self._cause = cause
            self._ended.set()
            if self._task is not None and not self.ready.done():
                self._task.cancel()

        self._lab_loop.loop.call_soon_threadsafe(ask)

    def wait(self, timeout: float | None = None) -> None:
        """Until the stations have ended. Raises what ended them, TimeoutError after `timeout` seconds."""
        self._running.result(timeout)

    def close(self) -> None:
        """Stop the loop."""
        self._lab_loop.close()

    def _on_end(self, done: "concurrent.futures.Future[None]") -> None:
        if not self.ready.done():
            error = None if done.cancelled() else done.exception()
            self.ready.set_exception(error or ConnectionProblem("ended before the stations were there"))

    async def _run(self) -> None:
        self._task = asyncio.current_task()
        ended = ", ".join(self.options.names)
        if self._ended.is_set():  # before it had begun
            raise Aborted(f"{ended}: {self._cause}")
        try:
            await self._host_all()
        except asyncio.CancelledError:
            if not self._cause:
                raise
            raise Aborted(f"{ended}: {self._cause}") from None

    async def _host_all(self) -> None:
        async with AsyncExitStack() as stack:
            where = this_process()
            bus = await self._bus(stack, where, None)
            people = {name: RemotePerson() for name in self.options.names}
            latch = await stack.enter_async_context(Latch(self.lab.lab, self.options.data, bus))
            engine, trip = self._lab_loop.engine, latch.trip_soon
            builder = Builder(self.lab, self._registry, engine, stack, bus, None, self._hear, People(people), trip)
            builder.latched = lambda: latch.latched is not None
            stations = [await builder.station(name) for name in self.options.names]
            for station in stations:
                self._hosts[station.name] = await self._host(stack, station, where, people[station.name])
            await _all([host.claim() for host in self._hosts.values()])
            latch.guard(*stations)
            for station in stations:
                stack.push_async_callback(station.close)
            if latch.latched is None:  # else they are connected when a person has cleared it
                await _all([_connected(station, latch) for station in stations])
            stack.push_async_callback(self._leave)
            for host in self._hosts.values():
                await host.start()
            await self._watchdog(stack, trip)
            self.broker = bus.url
            self.ready.set_result(None)
            await self._until_ended()

    async def _bus(self, stack: AsyncExitStack, where: ProcessBody, name: str | None) -> Bus:
        """The way to the broker: one for the devices, and one for each station, whose last will it has."""
        will = None
        client = f"motet-{self.lab.lab}-{name or 'devices'}-{where.process[:8]}"
        if name is not None:
            will = Topics(self.lab.lab, name).state, last_will(name, where.process).payload(), True
        broker = self.lab.broker
        if not broker.embedded:
            return await stack.enter_async_context(Bus(await address(broker), client_id=client, will=will))
        at = Address.parse(f"mqtt://127.0.0.1:{broker.port}")
        while True:  # a campaign on this computer brings it along, now or later
            bus = Bus(at, client_id=client, will=will)
            try:
                return await stack.enter_async_context(bus)
            except ConnectionProblem:
                await asyncio.sleep(LOOK_S)

    async def _host(
        self, stack: AsyncExitStack, station: LocalStation, where: ProcessBody, person: RemotePerson
    ) -> Host:
        lab, name = self.lab, station.name
        journal = await Journal.open(self.options.data / f"station-{name}.db", name)
        stack.push_async_callback(journal.close)
        bus = await self._bus(stack, where, name)
        manifest = manifest_of(lab, name, station.devices, self._registry, where, HEARTBEAT_S)
        return Host(
            station,
            station.devices,
            bus,
            journal,
            manifest,
            when_alone=lab.stations[name].when_alone or lab.remote.when_alone,
            alone_after_s=convert(lab.remote.alone_after, "s"),
            person=person,
        )

    async def _watchdog(self, stack: AsyncExitStack, trip: Callable[[str], object]) -> None:
        """Press the emergency stop when a station that is held does not hear of its orchestrator for too long."""
        if self.lab.safety.heartbeat is None:
            return
        for host in self._hosts.values():
            longest = convert(self.lab.safety.heartbeat, "s")

            def silent(reason: str, host: Host = host) -> None:
                if host.held:
                    trip(reason)
                else:
                    host.on_heard()

            watchdog = await stack.enter_async_context(Heartbeat(longest, silent, own=False))
            host.on_heard = watchdog.beat

    async def _until_ended(self) -> None:
        """Raises ConnectionProblem when another process has taken the name of a station."""
        ended = asyncio.ensure_future(self._ended.wait())
        lost = [host.lost for host in self._hosts.values()]
        try:
            await asyncio.wait([ended, *lost], return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        for future in lost:
            if future.done():
                self._cause = str(future.exception())
                future.result()

    async def _leave(self) -> None:
        """All stations at once: abort, deliver, be safe."""

        async def leave(host: Host) -> None:
            stopping = asyncio.ensure_future(host.stop(self._cause or "its process is ending"))
            hurried = asyncio.ensure_future(self._hurried.wait())
            await asyncio.wait([stopping, hurried], return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
            await host.station.safe()
            await self._until_safe(host)
            if not stopping.done():
                stopping.cancel()
                await asyncio.wait([stopping])
            if not stopping.cancelled():
                stopping.result()

        await _all([leave(host) for host in self._hosts.values()])

    async def _until_safe(self, host: Host) -> None:
        """Wait for devices that are not safe, for as long as the lab file says or until somebody has enough of it."""
        station = host.station
        if not station.unsafe.reasons:
            return
        longest = convert(self.lab.safety.safe_within, "s") / self.lab.scale
        _log.error("%s; waiting for it for %g s at most", "; ".join(map(str, found_at([station]))), longest)
        waits = [asyncio.ensure_future(wait) for wait in (station.unsafe.wait(), self._hurried.wait())]
        await asyncio.wait(waits, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        self.unsafe += found_at([station])

    def _hear(self, event: Event) -> None:
        if (host := self._hosts.get(getattr(event, "station", ""))) is not None:
            host.see(event)


def _check(file: LabFile, names: Sequence[str]) -> None:
    """Raises FileProblems for names that are not those of remote stations, each once."""
    problems: list[Problem] = []
    remote = [name for name, station in file.lab.stations.items() if station.remote]
    allowed = f"stations with `remote: true` are: {', '.join(remote) or 'none'}"
    for name in dict.fromkeys(names):
        if name not in file.lab.stations:
            near = get_close_matches(name, file.lab.stations, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            problems.append(Problem(str(file.path), None, "stations", f"no station {name!r}", hint + allowed))
        elif name not in remote:
            found = f"the station {name!r}, which the campaign's own process hosts"
            problems.append(Problem(str(file.path), None, f"stations.{name}", found, allowed))
    if not file.lab.broker.for_others:
        needed = "`mqtt://HOST`, or `{url: embedded, port: PORT}`, where both sides meet"
        problems.append(Problem(str(file.path), None, "broker", f"`{file.lab.broker.url}`", needed))
    for name, device in file.lab.shared.items():
        users = set(device.used_by or file.lab.stations)
        if users & set(names) and users - set(names):
            missing = ", ".join(sorted(users - set(names)))
            found = f"a device that {missing} use too"
            problems.append(
                Problem(str(file.path), None, f"shared.{name}", found, "one process hosts all of its users")
            )
    if problems:
        raise FileProblems(problems)


async def _connected(station: LocalStation, latch: Latch) -> None:
    """One that is e-stopped meanwhile comes up so, and is connected anew when cleared. Raises ConnectionProblem."""
    try:
        await station.connect()
    except MotetError as error:
        if latch.latched is None and not isinstance(error, EmergencyStop):
            raise
        _log.warning("%s comes up e-stopped: %s", station.name, error)


def _changed(lab: Lab, options: Options) -> Lab:
    if options.hardware is not None:
        lab = lab.model_copy(update={"hardware": options.hardware})
    if options.time_scale is not None:
        simulation = lab.simulation.model_copy(update={"time_scale": options.time_scale})
        lab = lab.model_copy(update={"simulation": simulation})
    return lab


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All at once; one error that names every problem."""
    results = await asyncio.gather(*work, return_exceptions=True)
    problems = [result for result in results if isinstance(result, BaseException)]
    for problem in problems:
        if not isinstance(problem, MotetError):
            raise problem
    if problems:
        raise ConnectionProblem("\n".join(map(str, problems)))
