"""One campaign file at work in a lab: its learner, its loop, its record in the store."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from motet.api.beginning import BEGAN, about, begun_before
from motet.api.choosing import suggester_of
from motet.api.commands import Commands, commanded
from motet.api.desk import Reply
from motet.api.lab import LabSession
from motet.api.setting import Setting
from motet.bus import Bus
from motet.contracts.declarations import Kind
from motet.contracts.people import Person
from motet.files.campaign import CampaignFile
from motet.files.units import convert
from motet.learning import build_stop_rules
from motet.model.consumption import cost_of, used_up
from motet.model.events import CampaignChanged, CampaignState, Event, StationChanged
from motet.model.questions import Answer, Question
from motet.model.space import units_of
from motet.orchestration import CampaignLoop, Control, Questions, Recorder, Summary
from motet.orchestration.asking import asks_again, nobody
from motet.orchestration.floor import Floor, Shared
from motet.orchestration.goal import Goal
from motet.orchestration.queue import Queue
from motet.orchestration.recorder import Sink
from motet.orchestration.resume import Before
from motet.orchestration.supplies import FillsUp, Supplies
from motet.orchestration.work import Course, Stage
from motet.plugins import Registry
from motet.stamps import wall
from motet.store import CampaignRecord, Stamp, Store, StoreTrouble

STORE = "store"
"""Who holds a campaign while nothing can be stored."""


@dataclass
class Session:
    """Runs one campaign file. `control` is there once the campaign has started, `campaign` is its id then.

    `answered_here` says that somebody beside the broker's commands can answer questions: a terminal, a program.
    `resume` says whether an earlier process's campaign goes on: see `begun_before`.
    """

    file: CampaignFile
    registry: Registry
    setting: Setting
    sinks: Sequence[Sink] = ()
    capture: bool = False
    answered_here: bool = True
    resume: bool | None = None
    control: Control | None = None
    questions: Questions = field(default_factory=Questions)
    campaign: str = ""
    learner_s: float = 0.0
    """Seconds of real time that the learner worked, when the campaign has ended."""
    _recorder: Recorder | None = field(default=None, init=False)
    _commands: Commands | None = field(default=None, init=False)
    _started: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _before: Before | None = field(default=None, init=False)
    _floor: Floor | None = field(default=None, init=False)
    _at_work: CampaignLoop | None = field(default=None, init=False)
    _early: list[Event] = field(default_factory=list[Event], init=False)
    """What happened before there was a campaign to store it with."""

    @property
    def key(self) -> str:
        """What its leases are held under."""
        return self.file.campaign.campaign

    @property
    def station_names(self) -> Sequence[str]:
        """The stations that it uses."""
        return self.file.stations

    @property
    def priority(self) -> int:
        """Before which other campaigns of the lab it gets stations."""
        return self.file.campaign.priority

    @property
    def share(self) -> float:
        """Its share of the stations among campaigns of one priority."""
        return self.file.campaign.share

    async def run(self) -> Summary:
        """Everything from first to last. Raises ConnectionProblem before anything has moved; StoreError."""
        async with self.lab((self,)) as lab:
            await self.begin(lab)
            return await self.run_in(lab)

    def lab(self, sessions: "Sequence[Session]") -> LabSession:
        """The lab of this campaign, for all these campaigns."""
        names = tuple(dict.fromkeys(name for session in sessions for name in session.file.stations))
        return LabSession(self.file.lab, names, self.registry, self.setting, sessions, self.capture, self._can_be_asked)

    async def begin(self, lab: LabSession) -> None:
        """Find out what is to be gone on with, or begin anew. Raises FileProblems, NotFound, StoreError, and
        CampaignError for a consumable that was counted in a unit of another kind."""
        self._before = before = await begun_before(self.file, self.setting, lab.store, self.resume)
        await lab.stockroom.open(self.file.supplies, {} if before is None else before.used)
        self.campaign = await self._new(lab.store) if before is None else before.campaign
        self._floor = lab.floor(self)

    def claim(self) -> None:
        """Have the stations first that still work for this campaign, before others do: all of them have begun."""
        if isinstance(self._floor, Shared) and self._before is not None:
            self._floor.claim(dict.fromkeys(self._before.stations.values()))

    async def run_in(self, lab: LabSession) -> Summary:
        """The campaign, once it has begun, in a lab that is open."""
        try:
            return await self._run_in(lab)
        finally:
            lab.give_up_store(self)
            if isinstance(self._floor, Shared):  # it may have come to no end of its own
                await asyncio.gather(*(self._floor.leave(lab.stations[name]) for name in self.station_names))

    async def _run_in(self, lab: LabSession) -> Summary:
        before = self._before
        async with AsyncExitStack() as stack:
            sinks = (self.questions.see, *self.sinks)
            self._recorder = recorder = Recorder(
                lab.store,
                self.campaign,
                sinks,
                documents=self.setting.documents,
                before_s=0.0 if before is None else before.elapsed_s,
            )
            for event in self._early:
                recorder.keep(event)
            self.questions.record_with(recorder, 0 if before is None else before.asked)
            self.control = control = Control()
            control.listen(self.questions.on_control)
            control.insist(lambda: lab.give_up_store(self))
            queue = Queue(recorder, None if before is None else before.queue)
            loop = self._at_work = await self._loop(stack, lab, recorder, control, queue, before)
            lab.watch(self)
            self._commands = commands = Commands(control, self.questions, queue, loop, self.file.space, lab.stockroom)
            self._started.set()
            if lab.bus is not None and not self.setting.virtual:
                assert self.setting.data is not None, "a campaign that others may control is stored"
                where = self.setting.data, self.file.lab, self.campaign
                await stack.enter_async_context(commanded(lab.bus, commands, *where))
            try:
                return await loop.run()
            finally:
                self.learner_s = loop.suggester.busy_s

    async def carry_out(self, request: Mapping[str, Any]) -> Reply:
        """What a program asks of its own campaign, once that has started: see `Commands`."""
        await self._started.wait()
        assert self._commands is not None, "it has started"
        return await self._commands.carry_out(request)

    def hear(self, event: Event) -> None:
        """Something happened at a station of the lab."""
        if self._recorder is not None:
            self._recorder.emit(event)
            if self._at_work is not None and isinstance(event, StationChanged):
                self._at_work.look_again()
            return
        self._early.append(event)
        for sink in self.sinks:
            sink(event)

    def stamp(self) -> Stamp:
        """Now, on its clock, while it runs."""
        assert self._recorder is not None, "it runs"
        return self._recorder.stamp()

    def on_trouble(self, trouble: StoreTrouble | None) -> None:
        """While nothing can be stored the campaign is paused, or waits to begin, and says why."""
        said = "the store can be written again"
        if trouble is not None:
            said = f"the store cannot be written: {trouble.path}: {trouble.cause}"
        if self.control is None:
            for sink in self.sinks:
                sink(CampaignChanged(self.key, CampaignState.STARTING, said))
        elif trouble is None:
            self.control.resume(said, STORE)
        else:
            self.control.pause(said, STORE)

    def on_estop(self, reason: str) -> None:
        """The emergency stop is pressed: nothing goes on until it is cleared and a person resumes."""
        if self.control is not None:
            (self.control.abort if self.setting.virtual else self.control.estop)(reason)
        if self._recorder is not None:
            self._recorder.note("emergency stop", "", reason)

    def on_clear(self, who: str) -> None:
        """Somebody has cleared it: the campaign may be resumed."""
        if self.control is not None:
            self.control.clear()
        if self._recorder is not None:
            self._recorder.note("emergency stop cleared", "", f"by {who}; `motet resume` goes on")

    async def ask(self, question: Question) -> Answer:
        """A step asks a person."""
        return await self.questions.ask(question)

    def _can_be_asked(self, bus: Bus | None) -> bool:
        return not self.setting.virtual and (self.answered_here or bus is not None)

    async def _loop(
        self,
        stack: AsyncExitStack,
        lab: LabSession,
        recorder: Recorder,
        control: Control,
        queue: Queue,
        before: Before | None,
    ) -> CampaignLoop:
        config = self.file.campaign
        stop = build_stop_rules(config.stop, self.registry)
        suggester = suggester_of(self.file, self.registry, self.setting, stop, before)
        stack.push_async_callback(suggester.close)
        wait_s = convert(config.failures.wait, "s") / self.file.lab.scale
        constraints = config.outcome_constraints
        pause = config.learner.on_error == "pause"
        safe_s = convert(self.file.lab.safety.safe_within, "s") / self.file.lab.scale
        goal = Goal(
            config.objectives, stop, config.budget, config.failures, wait_s, safe_s, constraints, pause, self._cost
        )
        analysis = self.registry.make(Kind.ANALYSIS, config.analysis.name, config.analysis.options)
        supplies = self._supplies(lab, recorder)
        if supplies is not None:
            stack.push_async_callback(supplies.closed)
        stages = tuple(Stage(stage.name, stage.procedure, stage.stations) for stage in self.file.stages)
        return CampaignLoop(
            [lab.stations[name] for name in self.file.stations],
            Course(stages, units_of(self.file.space), config.limits, config.priority),
            suggester,
            analysis,
            goal,
            recorder,
            control,
            queue,
            supplies,
            before,
            self._floor or lab.floor(self),
            asks_again(self.questions) if self._can_be_asked(lab.bus) else nobody,
        )

    def _supplies(self, lab: LabSession, recorder: Recorder) -> Supplies | None:
        """The counted consumables, where the lab states a stock of any that is used."""
        supplies = self.file.supplies
        if not any(supply.each > 0 and supply.stock is not None for supply in supplies.values()):
            return None
        person: Person | None = self.questions if self._can_be_asked(lab.bus) else None
        if self.setting.virtual:
            person = FillsUp()
        return Supplies([stage.supplies for stage in self.file.stages], supplies, lab.stockroom, recorder, person)

    def _cost(self, runs: Mapping[str, int], busy_h: Mapping[str, float]) -> float | None:
        hours = {name: time * self.file.lab.scale for name, time in busy_h.items()}
        amounts = used_up({stage.name: stage.supplies for stage in self.file.stages}, runs)
        return cost_of(self.file.lab, self.file.supplies, amounts, hours)

    async def _new(self, store: Store) -> str:
        """A new campaign in the store, with what it is about."""
        config = self.file.campaign
        at = Stamp(wall(), 0.0)
        record = CampaignRecord(
            name=config.campaign,
            lab=self.file.lab.lab,
            files=self.file.files,
            versions=_versions(self.registry),
            seed=config.seed,
            stations=tuple(self.file.stations),
            objectives={name: objective.model_dump() for name, objective in config.objectives.items()},
            parameters={name: parameter.model_dump() for name, parameter in self.file.space.parameters.items()},
            at=at,
            constraints={name: one.model_dump() for name, one in config.outcome_constraints.items()},
        )
        campaign = await store.new_campaign(record)
        if not self.setting.virtual:
            await store.happened(campaign, BEGAN, "", "", about(self.file), at)
        return campaign


def _versions(registry: Registry) -> dict[str, str]:
    """What ran: Motet, the plugins' distributions and the libraries that numbers depend on."""
    names = ("motet", "bluesky", "ophyd-async", "numpy", "scipy", "scikit-learn", "pydantic")
    return {name: metadata.version(name) for name in names} | dict(registry.origins.values())
