"""A remote station and its orchestrators on buses in memory, in virtual time."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from motet.bus import Handler, MemoryBus, Subscription
from motet.contracts.declarations import NoOptions
from motet.contracts.people import Person
from motet.devices import Context, Device, Limit, Limits, Output, verb
from motet.errors import LineLost
from motet.model.events import Event
from motet.model.experiment import Experiment, Suggestion
from motet.model.job import Job
from motet.model.lab import Lab
from motet.model.procedure import Procedure
from motet.model.questions import AnswerForm, Question
from motet.model.remote import WhenAlone
from motet.plugins import installed
from motet.remote.host import Host
from motet.remote.journal import Journal
from motet.remote.manifest import manifest_of, this_process
from motet.remote.messages import Manifest
from motet.remote.news import HEARTBEAT_S, last_will
from motet.remote.person import RemotePerson
from motet.remote.station import RemoteStation
from motet.remote.terms import Terms
from motet.remote.topics import Topics
from motet.simulation.virtual import VirtualLoop
from motet.station import LocalStation
from motet.station.fast import FastEngine

LAB = Lab.model_validate(
    {
        "lab": "soft",
        "broker": "mqtt://broker",
        "stations": {"cell": {"remote": True, "devices": {"gauge": {"driver": "soft_gauge"}}}},
    }
)
TOPICS = Topics("soft", "cell")
PROCEDURE = Procedure.model_validate(
    {"parameters": {"x": "mm"}, "steps": [{"gauge.measure": {"x": "$x"}, "as": "m"}, {"gauge.dispense": {}}]}
)


class Gauge(Device):
    """Measures twice x, dispenses, asks; each as the test says."""

    def __init__(self, context: Context, calls: list[str]) -> None:
        self.calls = calls
        self.blocked: asyncio.Event | None = None
        self.begun = asyncio.Event()
        super().__init__(context)

    @verb(units={"x": "mm"}, limits={"x": (0.0, 100.0)}, outputs={"y": Output("V")})
    async def measure(self, x: float) -> Mapping[str, Any]:
        """Measure at x."""
        self.calls.append(f"measure {x:g}")
        self.begun.set()
        if self.blocked is not None:
            await self.blocked.wait()
        return {"y": 2 * x}

    @verb(repeatable=False)
    async def dispense(self) -> None:
        """Dispense."""
        self.calls.append("dispense")

    @verb(outputs={"trace": Output("V", "array")})
    async def sweep(self, points: int) -> Mapping[str, Any]:
        """Measure many points."""
        return {"trace": [float(n) for n in range(points)]}

    @verb(outputs={"answer": Output()})
    async def ask(self) -> Mapping[str, Any]:
        """Ask a person for a number."""
        assert self.context.person is not None
        return {"answer": await self.context.person.ask(Question(self.name, "how many?", AnswerForm(answer="number")))}

    async def stop(self, success: bool = True) -> None:
        self.calls.append("stop")

    async def safe(self) -> None:
        self.calls.append("safe")


class Wire(MemoryBus):
    """One process's way to the broker, which may be cut."""

    def __init__(self, broker: MemoryBus) -> None:
        super().__init__()
        self._broker = broker
        self.connected.set()

    async def publish(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> None:
        if not self.connected.is_set():
            raise LineLost("cut")
        await self._broker.publish(topic, payload, qos=qos, retain=retain)

    async def subscribe(self, topic_filter: str, handler: Handler) -> Subscription:
        return await self._broker.subscribe(
            topic_filter, lambda message: handler(message) if self.connected.is_set() else None
        )

    def cut(self) -> None:
        """Nothing comes through any more."""
        self.connected.clear()

    def mend(self) -> None:
        """It does again."""
        self.connected.set()


class WildBroker(MemoryBus):
    """Delivers every message twice, each time late and in no order."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()

    async def publish(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> None:
        for _ in range(2):
            task = asyncio.create_task(self._later(topic, payload, retain, self._random.uniform(0.0, 3.0)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _later(self, topic: str, payload: bytes | str, retain: bool, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await super().publish(topic, payload, retain=retain)


@dataclass
class Process:
    """A process that hosts the station."""

    wire: Wire
    journal: Journal
    host: Host
    gauge: Gauge
    manifest: Manifest

    async def kill(self, broker: MemoryBus) -> None:
        """It is gone without a word, as by `kill -9`; the broker publishes its last will."""
        self.wire.cut()
        await self.journal.close()
        await broker.publish(TOPICS.state, last_will("cell", self.manifest.where.process).payload(), retain=True)


@dataclass
class Rig:
    """What tests start: processes with the station, and orchestrators. All of it ends with `end`."""

    folder: Path
    broker: MemoryBus = field(default_factory=MemoryBus)
    calls: list[str] = field(default_factory=list[str])
    events: list[Event] = field(default_factory=list[Event])
    _processes: list[Process] = field(default_factory=list[Process])
    _stations: list[RemoteStation] = field(default_factory=list[RemoteStation])
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def process(
        self, when_alone: WhenAlone = "finish", change: Callable[[Manifest], Manifest] = lambda manifest: manifest
    ) -> Process:
        """A process that hosts the station, on the journal of those before it."""
        person = RemotePerson()
        limits = Limits("cell-gauge", {"x": Limit(0.0, 50.0, "mm")})
        gauge = Gauge(Context("cell-gauge", NoOptions(), limits, person=person), self.calls)
        hosts: list[Host] = []
        station = LocalStation(
            "cell", {"gauge": gauge}, FastEngine(), emit=lambda event: [host.see(event) for host in hosts]
        )
        wire = Wire(self.broker)
        journal = await Journal.open(self.folder / "station-cell.db", "cell")
        where = this_process()
        manifest = change(manifest_of(LAB, "cell", station.devices, installed(), where, HEARTBEAT_S))
        host = Host(
            station, station.devices, wire, journal, manifest, when_alone=when_alone, alone_after_s=30.0, person=person
        )
        hosts.append(host)
        try:
            await host.claim()
        except BaseException:
            await journal.close()
            raise
        await station.connect()
        await host.start()
        found = Process(wire, journal, host, gauge, manifest)
        self._processes.append(found)
        return found

    async def orchestrator(
        self,
        name: str = "one",
        person: Person | None = None,
        part: Mapping[str, Any] | None = None,
        settled: Callable[[str], bool] = lambda job: False,
    ) -> tuple[RemoteStation, Wire]:
        """An orchestrator that has connected to the station, with its wire."""
        wire = Wire(self.broker)
        from motet.remote.manifest import part_of

        terms = Terms(name, f"campaign of {name}", part or part_of(LAB, "cell", installed()), settled=settled)
        station = RemoteStation("cell", "soft", wire, terms, person=person, emit=self.events.append)
        self._stations.append(station)
        await station.connect()
        return station, wire

    def job(self, x: float = 3.0, procedure: Procedure = PROCEDURE, number: int | None = None) -> Job:
        """A job with the next number."""
        experiment = Experiment("test-1", number or next(self._numbers), Suggestion({"x": x}, "by the test"))
        return Job(experiment, procedure, units={"x": "mm"})

    async def end(self) -> None:
        """Close what is open."""
        for station in self._stations:
            await station.close()
        for process in self._processes:
            if process.gauge.blocked is not None:
                process.gauge.blocked.set()
            await process.host.stop("the test has ended")
            if process.wire.connected.is_set():
                await process.journal.close()


Run = Callable[[Callable[[Rig], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def virtual(tmp_path: Path) -> Run:
    """Runs a test with a rig in virtual time; two hours of it at most."""

    def run(test: Callable[[Rig], Coroutine[Any, Any, None]], broker: Callable[[], MemoryBus] = MemoryBus) -> None:
        async def whole() -> None:
            async with asyncio.timeout(7200):
                bus = broker()
                await bus.start()
                rig = Rig(tmp_path, bus)
                try:
                    await test(rig)
                finally:
                    await rig.end()

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(whole())

    return run
