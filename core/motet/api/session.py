"""One campaign on the lab loop, from opening the store to closing the last line."""

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from motet.api.setting import Setting
from motet.bus import Bus
from motet.contracts.declarations import Kind
from motet.errors import ConnectionProblem
from motet.files.campaign import CampaignFile
from motet.files.units import convert
from motet.learning import FreshSuggester, Suggester, build_learner, build_stop_rules
from motet.lines import Capture
from motet.model.consumption import consumption
from motet.model.events import Event
from motet.model.space import units_of
from motet.orchestration import CampaignLoop, Control, Questions, Recorder, Summary
from motet.orchestration.goal import Goal
from motet.plugins import Registry
from motet.stamps import wall
from motet.station import LocalStation
from motet.station.build import Builder
from motet.store import CampaignRecord, Stamp

CONTROL_FILE = "control.json"
ANSWER = "answer"
"""The command over the broker that answers a question; the others are those of `Control`."""
Sink = Callable[[Event], object]


@dataclass
class Session:
    """Runs one campaign file. `control` is there once the campaign has started, `campaign` is its id then.

    `answered_here` says that somebody beside the broker's commands can answer questions: a terminal, a program.
    """

    file: CampaignFile
    registry: Registry
    setting: Setting
    sinks: Sequence[Sink] = ()
    capture: bool = False
    answered_here: bool = True
    control: Control | None = None
    questions: Questions = field(default_factory=Questions)
    campaign: str = ""
    learner_s: float = 0.0
    """Seconds of real time that the learner worked, when the campaign has ended."""
    _recorder: Recorder | None = field(default=None, init=False)

    async def run(self) -> Summary:
        """Everything from first to last. Raises ConnectionProblem before anything has moved; StoreError."""
        async with AsyncExitStack() as stack:
            store = await self.setting.store()
            stack.push_async_callback(store.close)
            bus = await stack.enter_async_context(self.setting.bus(self.file.lab))
            capture = await self._capture(stack)
            stations = await self._stations(stack, bus, capture)
            await _connect(stations)
            self.campaign = await store.new_campaign(self._record())
            sinks = (self.questions.see, *self.sinks)
            self._recorder = Recorder(store, self.campaign, sinks, documents=self.setting.documents)
            self.questions.record_with(self._recorder)
            self.control = Control()
            self.control.listen(self.questions.on_control)
            if bus is not None and not self.setting.virtual:
                await stack.enter_async_context(self._remote_control(bus, self.control))
            return await self._loop(stack, stations, self._recorder, self.control)

    async def _loop(
        self, stack: AsyncExitStack, stations: Sequence[LocalStation], recorder: Recorder, control: Control
    ) -> Summary:
        config = self.file.campaign
        stop = build_stop_rules(config.stop, self.registry)
        learner = build_learner(
            config.learner,
            self.registry,
            self.file.space,
            config.objectives,
            seed=config.seed,
            stations=len(stations),
            constraints=config.outcome_constraints,
            rules=stop,
        )
        lasts = self.setting.lasts
        if config.learner.suggest == "fresh":
            suggester: FreshSuggester | Suggester = FreshSuggester(learner, lasts=lasts)
        else:
            suggester = Suggester(learner, ahead=len(stations), lasts=lasts)
        stack.push_async_callback(suggester.close)
        wait_s = convert(config.failures.wait, "s") / self.file.lab.scale
        constraints = config.outcome_constraints
        goal = Goal(config.objectives, stop, config.budget, config.failures, wait_s, constraints, self._cost)
        analysis = self.registry.make(Kind.ANALYSIS, config.analysis.name, config.analysis.options)
        try:
            return await CampaignLoop(stations, suggester, analysis, goal, recorder, control).run()
        finally:
            self.learner_s = suggester.busy_s

    def _cost(self, attempts: int, busy_h: Mapping[str, float]) -> float | None:
        hours = {name: time * self.file.lab.scale for name, time in busy_h.items()}
        return consumption(self.file.lab, self.file.supplies, attempts, hours).cost

    async def _stations(self, stack: AsyncExitStack, bus: Bus | None, capture: Capture | None) -> list[LocalStation]:
        asked = None if self.setting.virtual or not (self.answered_here or bus) else self.questions
        builder = Builder(self.file.lab, self.registry, self.setting.engine, stack, bus, capture, self._emit, asked)
        units = units_of(self.file.space)
        plugin = self.file.procedure_plugin
        procedure = self.file.procedure or (plugin and plugin.declaration.make(plugin.options))
        assert procedure is not None, "a campaign file was checked to have a procedure"
        stations: list[LocalStation] = []
        for name in self.file.stations:
            station = await builder.station(name, procedure, units)
            stack.push_async_callback(station.close)
            stations.append(station)
        return stations

    def _emit(self, event: Event) -> None:
        if self._recorder is not None:
            self._recorder.emit(event)
            return
        for sink in self.sinks:
            sink(event)

    async def _capture(self, stack: AsyncExitStack) -> Capture | None:
        if not self.capture or self.setting.data is None:
            return None
        capture = Capture(self.setting.data / f"traffic-{time.strftime('%Y%m%d-%H%M%S')}.jsonl")
        stack.push_async_callback(capture.close)
        return capture

    @asynccontextmanager
    async def _remote_control(self, bus: Bus, control: Control) -> AsyncGenerator[None]:
        """Lets `motet pause`, `resume`, `stop`, `abort` and `answer` reach this campaign over the broker."""
        topic = f"motet/{self.file.lab.lab}/{self.campaign}/control"

        async def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
            if request.get("command") == ANSWER:
                number: Any = request.get("question")
                asked, given = await self.questions.answer(request.get("value"), number)
                return {"question": asked.number, "answer": given}
            return {"state": control.command(str(request.get("command")), f"asked to {request.get('command')}")}

        subscription = await bus.serve(topic, f"{topic}/reply", answer)
        assert self.setting.data is not None, "a campaign that others may control is stored"
        path = self.setting.data / self.campaign / CONTROL_FILE
        address = {"broker": bus.url, "topic": topic, "pid": os.getpid()}
        await asyncio.to_thread(_write, path, json.dumps(address))
        try:
            yield
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            await subscription.cancel()

    def _record(self) -> CampaignRecord:
        config = self.file.campaign
        return CampaignRecord(
            name=config.campaign,
            lab=self.file.lab.lab,
            files=self.file.files,
            versions=_versions(self.registry),
            seed=config.seed,
            stations=tuple(self.file.stations),
            objectives={name: objective.model_dump() for name, objective in config.objectives.items()},
            parameters={name: parameter.model_dump() for name, parameter in self.file.space.parameters.items()},
            at=Stamp(wall(), 0.0),
            constraints={name: one.model_dump() for name, one in config.outcome_constraints.items()},
        )


async def _connect(stations: Sequence[LocalStation]) -> None:
    """All stations at once; one error that names every device that did not answer."""
    results = await asyncio.gather(*(station.connect() for station in stations), return_exceptions=True)
    problems = [result for result in results if isinstance(result, BaseException)]
    for problem in problems:
        if not isinstance(problem, ConnectionProblem):
            raise problem
    if problems:
        raise ConnectionProblem("\n".join(map(str, problems)))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # a broker's address may hold a password
    path.write_text(text)


def _versions(registry: Registry) -> dict[str, str]:
    """What ran: Motet, the plugins' distributions and the libraries that numbers depend on."""
    names = ("motet", "bluesky", "ophyd-async", "numpy", "scipy", "scikit-learn", "pydantic")
    return {name: metadata.version(name) for name in names} | dict(registry.origins.values())
