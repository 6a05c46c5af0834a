"""Run a campaign file in virtual time: the lab's own timeline, as fast as the machine can."""

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from motet import stamps
from motet.api.running import Running
from motet.api.session import Session
from motet.api.setting import MakeEngine, Setting
from motet.api.variation import seeded, varied
from motet.errors import MotetError, SimulationError
from motet.files.campaign import CampaignFile, load_campaign
from motet.files.units import convert
from motet.learning.thread import Lasts
from motet.model.events import CampaignState, Event
from motet.model.values import Bound
from motet.orchestration import Summary
from motet.orchestration.recorder import Sink
from motet.plugins import Registry, installed
from motet.simulation.guard import guarded, is_foreign, named
from motet.simulation.thread import LoopThread
from motet.simulation.virtual import VirtualLoop
from motet.simulation.watchdog import watched
from motet.station.fast import FastEngine
from motet.station.station import Engine

DATA = Path("motet-simulated")
"""The folder of simulated campaigns: their stores are kept apart from those of measured ones."""


MOST_ROUNDS = 10
"""So often everything is cancelled when nothing is left to happen; what goes on waiting then is left behind."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """How to simulate. `data` is the folder of the store, None to keep nothing. `fast` leaves out the RunEngine and the
    documents. `speed` is lab seconds a second at most, None for as fast as the machine can."""

    data: Path | None = DATA
    fast: bool = False
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation came to; `learner_s` is the real time that the learner worked, in seconds."""

    summary: Summary
    learner_s: float


@dataclass
class SimulatedSession(Session):
    """A session on a virtual loop: its times and ids come from there, and whatever really waits is found."""

    blocked: "concurrent.futures.Future[str]" = field(default_factory=concurrent.futures.Future[str], init=False)

    async def run(self) -> Summary:
        """Everything from first to last. Raises SimulationError beside what a session raises."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop), "a simulation runs on a virtual loop"
        waiting: list[str] = []

        def on_stuck() -> bool:
            """Nothing will ever happen: end the campaign, and if that does not help, everything."""
            if self.control is not None and self.control.state is CampaignState.PAUSED:
                return False
            ends = asyncio.all_tasks(loop) - {asyncio.current_task(loop)} if waiting else {campaign}
            waiting.append(_waiting(loop))
            if len(waiting) > MOST_ROUNDS:
                self._on_blocked(f"nothing is left to happen, and this cannot be cancelled: {waiting[0]}")
                return False
            cancelled = [task.cancel("nothing is left to happen") for task in ends]
            return any(cancelled)

        seed = self.file.campaign.seed
        with stamps.simulated(loop, seed, time.time()), guarded() as guard, watched(loop, self._on_blocked):
            campaign = asyncio.create_task(super().run(), name="campaign")
            loop.on_stuck = on_stuck
            try:
                summary = await campaign
            except asyncio.CancelledError:
                if waiting:
                    raise SimulationError(f"nothing is left to happen, and these still wait: {waiting[0]}") from None
                raise
            except MotetError as error:
                if guard.found:  # what came of it says less: a device that cannot be connected, for example
                    raise SimulationError(guard.found[0]) from error
                raise
            finally:
                loop.on_stuck = None
        if guard.found and guard.found[0] not in summary.reason:  # swallowed by a driver, or turned into its own error
            raise SimulationError(guard.found[0])
        return summary

    def _on_blocked(self, problem: str) -> None:
        """Nobody can end what blocks a thread; whoever waits for the session is told, and leaves it behind."""
        if not self.blocked.done():
            self.blocked.set_result(problem)


def _waiting(loop: asyncio.AbstractEventLoop) -> str:
    """Where plugins wait; where Motet itself does when no plugin does."""
    stacks = [_stack(task) for task in asyncio.all_tasks(loop)]
    plugins = [[frame for frame in stack if is_foreign(frame)] for stack in stacks]
    places = {named(frames[-1]) for frames in plugins if frames} or {named(stack[-1]) for stack in stacks if stack}
    return "; ".join(sorted(places)) or "no task"


def _stack(task: "asyncio.Task[Any]") -> list[FrameType]:
    """The frames of a task that waits, the innermost one last. `Task.get_stack` gives the outermost one only."""
    frames: list[FrameType] = []
    coroutine: Any = task.get_coro()
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        frames.append(frame)
        coroutine = coroutine.cr_await
    return frames


class SimulatedRun(Running):
    """A campaign that is simulated in the background."""

    def __init__(
        self, file: CampaignFile, how: Simulation, sinks: Sequence[Sink] = (), registry: Registry | None = None
    ) -> None:
        loop = VirtualLoop(how.speed)
        self._clock = loop.time
        thread, engine = _thread(loop, how)
        session = SimulatedSession(virtual(file), registry or installed(), _setting(file, how, engine), sinks)
        self._blocked = session.blocked
        super().__init__(file, session, thread)

    def wait(self, timeout: float | None = None) -> Summary:
        """See `Running.wait`; raises SimulationError too when a plugin blocks the loop's thread."""
        ended: list[concurrent.futures.Future[Any]] = [self._future, self._blocked]
        concurrent.futures.wait(ended, timeout, concurrent.futures.FIRST_COMPLETED)
        if self._blocked.done() and not self._future.done():
            raise SimulationError(self._blocked.result())
        return super().wait(0 if timeout is not None else None)

    def close(self) -> None:
        """Stop the loop; a thread that is blocked is left behind."""
        if self._blocked.done():
            self._loop.abandon()
        else:
            super().close()

    def lab_time(self) -> float:
        """Seconds on the lab's clock, from any thread."""
        return self._clock()


def load_simulated(
    path: Path,
    *,
    seed: int | None = None,
    changes: Mapping[str, str] | None = None,
    registry: Registry | None = None,
) -> CampaignFile:
    """A valid campaign file for a simulation, changed as `variation.varied` does. Raises FileProblems."""
    registry = registry or installed()
    file = varied(load_campaign(path, registry, "simulated"), changes or {}, registry, _option)
    return file if seed is None else seeded(file, seed)


def _option(change: str) -> str:
    """What a command calls a change."""
    return f"--{change.replace('_', '-')}"


def simulate(
    file: CampaignFile,
    how: Simulation,
    see: Callable[[Event, float], object] | None = None,
    registry: Registry | None = None,
) -> Simulated:
    """Simulate a campaign file to its end; `see` gets every event with its time on the lab's clock.

    Raises what stops it before its time.
    """
    sinks: list[Sink] = []
    if see is not None:
        # called on the loop, maybe before there is a `run`
        sinks.append(lambda event: see(event, asyncio.get_running_loop().time()))
    run = SimulatedRun(file, how, sinks, registry)
    try:
        return Simulated(run.wait(), run.learner_s)
    finally:
        run.close()


def virtual(file: CampaignFile) -> CampaignFile:
    """The campaign on simulators, with lines in memory, at the lab's own pace."""
    simulation = file.lab.simulation.model_copy(update={"lines": "memory", "time_scale": 1.0})
    return file.replace(lab=file.lab.model_copy(update={"hardware": "simulated", "simulation": simulation}))


def _thread(loop: VirtualLoop, how: Simulation) -> tuple[LoopThread, MakeEngine]:
    """The loop in a thread of its own, and how engines are made on it."""
    if how.fast:
        return LoopThread(loop), _fast_engine
    from motet.station.engine import LabLoop  # brings the RunEngine along

    lab_loop = LabLoop(loop)
    return lab_loop, lab_loop.engine


async def _fast_engine() -> Engine:
    return FastEngine()


def _setting(file: CampaignFile, how: Simulation, engine: MakeEngine) -> Setting:
    lasts = _lasts(file.lab.simulation.learner_time)
    return Setting(how.data, engine, virtual=True, documents=not how.fast, lasts=lasts)


def _lasts(learner_time: Bound) -> Lasts | None:
    """How long the learner's work lasts on the lab's clock, from what the lab file says."""
    if learner_time == "measured":
        return lambda seconds: seconds
    stated = convert(learner_time, "s")
    return (lambda _: stated) if stated > 0 else None
