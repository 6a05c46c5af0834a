"""A campaign on soft stations: real loop, RunEngines, learner and store; instruments that obey the test."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from motet.contracts.declarations import NoOptions
from motet.contracts.learning import StopRule
from motet.devices import Context, Device, Limits, Output, verb
from motet.learning import FreshSuggester, Learner, Suggester, build_learner, build_stop_rules
from motet.model.campaign import Budget, FailurePolicy, LearnerConfig
from motet.model.consumption import Supply
from motet.model.events import Event
from motet.model.experiment import RunRecord
from motet.model.objective import Objective
from motet.model.procedure import Procedure
from motet.model.space import Space, Stepped
from motet.model.values import PluginRef
from motet.orchestration import CampaignLoop, Control, Recorder, Summary
from motet.orchestration.floor import Alone
from motet.orchestration.goal import Goal
from motet.orchestration.queue import Queue
from motet.orchestration.resume import read
from motet.orchestration.stockroom import Stockroom
from motet.orchestration.supplies import Supplies
from motet.orchestration.work import Course, Stage, Work
from motet.plugins import Registry, installed
from motet.station import LocalStation
from motet.station.engine import LabLoop
from motet.store import CampaignRecord, Reader, Stamp, Store

SPACE = Space({"x": Stepped(low=0, high=20, step=1, unit="mm")})
OBJECTIVES = {"y": Objective(goal="maximize")}
PROCEDURE = Procedure.model_validate({"parameters": {"x": "mm"}, "steps": [{"gauge.measure": {"x": "$x"}, "as": "m"}]})
LEARNER = LearnerConfig(surrogate=PluginRef(name="random_forest", options={"trees": 5}))


class Gauge(Device):
    """Measures what the test's function says at x, which may raise or wait."""

    def __init__(self, context: Context, measured: Callable[[float], Any]) -> None:
        self.measured = measured
        self.calls: list[str] = []
        super().__init__(context)

    @verb(units={"x": "mm"}, outputs={"y": Output()})
    async def measure(self, x: float) -> Mapping[str, Any]:
        """Measure at x."""
        self.calls.append(f"measure {x:g}")
        value = self.measured(x)
        return {"y": await value if asyncio.iscoroutine(value) else value}

    async def stop(self, success: bool = True) -> None:
        self.calls.append("stop")

    async def safe(self) -> None:
        self.calls.append("safe")


class Reads:
    """The analysis of these tests: y as measured."""

    def outputs(self) -> tuple[str, ...]:
        return ("y",)

    def needs(self) -> tuple[str, ...]:
        return ("m.y",)

    def values(self, run: RunRecord) -> Mapping[str, float]:
        (value,) = run.output("m", "y")
        return {"y": value}


@dataclass
class Lab:
    """What a test starts a campaign with, and what it can look at."""

    path: Path
    measured: Callable[[float], Any] = lambda x: -((x - 7) ** 2)
    stations: int = 1
    stop: tuple[PluginRef, ...] = ()
    rules: tuple[StopRule, ...] = ()
    budget: Budget = field(default_factory=Budget)
    failures: FailurePolicy = field(default_factory=FailurePolicy)
    learner: LearnerConfig = LEARNER
    events: list[Event] = field(default_factory=list[Event])
    gauges: list[Gauge] = field(default_factory=list[Gauge])
    control: Control | None = None
    running: "asyncio.Task[Any] | None" = None
    on_event: Callable[[Event], None] = lambda event: None
    registry: Registry = field(default_factory=installed)
    beside: Callable[["Lab"], Coroutine[Any, Any, None]] | None = None
    """What goes on beside the campaign, on its loop; cancelled when it has ended."""
    stages: tuple[Stage, ...] = ()
    """The stages, at stations of their names; by default one, at all stations."""
    analysis: Any = field(default_factory=Reads)
    goes_on: bool = False
    """Whether the campaign is there already, as a process left it that ended in the middle of it."""
    fresh: bool = False
    longest_s: float | None = None
    """How long a visit to the learner may take."""
    queue: Queue | None = None
    loop: CampaignLoop | None = None
    retry_wait_s: float = 0.0
    supplies: Mapping[str, Supply] | None = None
    """What experiments use up, where that is counted."""
    person: Any = None
    """Who is asked to fill it up, and whether to try again what must not be repeated."""
    station: Callable[[LocalStation], Any] = lambda station: station
    """What the campaign sees of each station."""
    floor: Any = field(default_factory=Alone)
    room: Stockroom | None = None
    recorder: Recorder | None = None

    @property
    def reader(self) -> Reader:
        return Reader(self.path)

    def copy(self, image: Path) -> None:
        """Keep what is on the disk now, as a crash would leave it."""
        with closing(sqlite3.connect(self.path)) as now, closing(sqlite3.connect(image)) as kept:
            now.backup(kept)

    def crash(self, at: int, image: Path) -> None:
        """Run the campaign; what is on the disk in the middle of measurement number `at` is kept as `image`."""
        calls = iter(range(1, 1000))
        measured = self.measured

        def keeping(x: float) -> Any:
            if next(calls) == at:
                self.copy(image)
            return measured(x)

        self.measured = keeping
        self.run()
        self.measured = measured

    def run(self) -> Summary:
        """Run the campaign on a lab loop of its own."""
        lab_loop = LabLoop()
        try:
            return lab_loop.submit(self._run(lab_loop)).result(30)
        finally:
            lab_loop.close()

    async def _run(self, lab_loop: LabLoop) -> Summary:
        self.running = asyncio.current_task()
        store = await Store.open(self.path)
        parameters = {name: parameter.model_dump() for name, parameter in SPACE.parameters.items()}
        objectives = {name: objective.model_dump() for name, objective in OBJECTIVES.items()}
        names = tuple(f"cell{i}" for i in range(self.stations))
        record = CampaignRecord("test", "soft", {}, {}, 1, names, objectives, parameters, Stamp(0.0, 0.0))
        if self.stages:
            names = tuple(dict.fromkeys(name for stage in self.stages for name in stage.stations))
        stages = self.stages or (Stage("", PROCEDURE, names),)
        before = await asyncio.to_thread(read, Reader(self.path), "test-1", stages, names) if self.goes_on else None
        if before is None:
            campaign, elapsed_s = await store.new_campaign(record), 0.0
        else:
            campaign, elapsed_s = before.campaign, before.elapsed_s
            await store.resumed(campaign, Stamp(0.0, elapsed_s))
        self.recorder = recorder = Recorder(store, campaign, [self.events.append, self.on_event], before_s=elapsed_s)
        stations = [await self._station(lab_loop, name, recorder) for name in names]
        rules = (*build_stop_rules(self.stop, self.registry), *self.rules)
        count = self.stations

        def made() -> Learner:
            return build_learner(self.learner, self.registry, SPACE, OBJECTIVES, seed=1, stations=count, rules=rules)

        learner = made()
        if before is not None:
            learner.replay(before.learner)
        another = made if self.learner.on_error == "fall_back" and self.longest_s is not None else None
        suggester = (
            FreshSuggester(learner, longest_s=self.longest_s, another=another)
            if self.fresh
            else Suggester(learner, ahead=self.stations, longest_s=self.longest_s, another=another)
        )
        pause = self.learner.on_error == "pause"
        goal = Goal(OBJECTIVES, rules, self.budget, self.failures, self.retry_wait_s, pause_on_learner_error=pause)
        supplies = None
        if self.supplies is not None:
            self.room = room = Stockroom(store, "soft", self.path)
            await room.open(self.supplies)
            supplies = Supplies([self.supplies] * len(stages), self.supplies, room, recorder, self.person)
        self.control = Control()
        self.queue = Queue(recorder, None if before is None else before.queue)
        beside = None if self.beside is None else asyncio.create_task(self.beside(self))
        try:
            course = Course(stages, {"x": "mm"})
            self.loop = CampaignLoop(
                [self.station(station) for station in stations],
                course,
                suggester,
                self.analysis,
                goal,
                recorder,
                self.control,
                queue=self.queue,
                supplies=supplies,
                before=before,
                floor=self.floor,
                ask_again=self._ask_again,
            )
            return await self.loop.run()
        finally:
            if beside is not None:
                beside.cancel()
                await asyncio.wait([beside])
            await suggester.close()
            if supplies is not None:
                await supplies.closed()
            for station in stations:
                await station.close()
            await store.close()

    async def _ask_again(self, work: Work, station: str, record: RunRecord) -> bool:
        return await self.person.ask(f"experiment {work.experiment.number} at {station}")

    async def _station(self, lab_loop: LabLoop, name: str, recorder: Recorder) -> LocalStation:
        gauge = Gauge(Context(f"{name}-gauge", NoOptions(), Limits(name, {})), self.measured)
        self.gauges.append(gauge)
        engine = await lab_loop.engine()
        station = LocalStation(name, {"gauge": gauge}, engine, emit=recorder.emit)
        await station.connect()
        return station


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "motet.db")


@pytest.fixture
def make_lab() -> Callable[..., Lab]:
    """A further lab, with a store of its own."""
    return Lab
