"""What came of the attempts at experiments: stored first, then told; and why a campaign ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from motet.errors import CampaignError, EmergencyStop, ExperimentError, Interrupted, Retryable
from motet.learning import FreshSuggester, Suggester
from motet.model.events import CampaignResumed, CampaignState, Progress
from motet.model.experiment import Experiment, Outcome, RunRecord, State, Suggestion
from motet.model.queue import TOLD_ID
from motet.model.standing import Wanted
from motet.orchestration.control import Control
from motet.orchestration.goal import Goal
from motet.orchestration.intake import Intake
from motet.orchestration.judge import Again, Ended, Next, Staged, Verdict
from motet.orchestration.pipeline import Pipeline
from motet.orchestration.policy import describe
from motet.orchestration.queue import Queue
from motet.orchestration.recorder import Recorder
from motet.orchestration.resume import Before
from motet.orchestration.so_far import SoFar
from motet.orchestration.stopping import Cost, Stopping
from motet.orchestration.summary import Summary
from motet.orchestration.tally import Tally
from motet.orchestration.told import told
from motet.orchestration.work import Course, Work
from motet.station import Station

_log = logging.getLogger(__name__)
T = TypeVar("T")
Telling = asyncio.Task[int | None]
"""Tells the learner of an outcome; gives what its next suggestion has to know of."""


@dataclass
class Ledger:
    """The books of one campaign: what has ended, what it took, and `failure`, why it cannot go on."""

    course: Course
    suggester: Suggester | FreshSuggester
    goal: Goal
    recorder: Recorder
    control: Control
    pipeline: Pipeline
    queue: Queue
    failure: str = field(default="", init=False)
    ended: bool = field(default=False, init=False)
    """Whether nothing more can be told of."""
    tally: Tally = field(default_factory=Tally, init=False)
    so_far: SoFar = field(init=False)
    stopping: Stopping = field(init=False)
    intake: Intake = field(init=False)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]], init=False)
    _taken_over: set[int] = field(default_factory=set[int], init=False)
    """The numbers of the experiments of earlier processes."""
    _failed_in_a_row: int = field(default=0, init=False)
    _defect: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.so_far = SoFar(Wanted(self.goal.objectives, self.goal.constraints))
        self.stopping = Stopping(self.goal.stop, self.goal.objectives)
        self.queue.listen(self.pipeline.changed)
        self.intake = Intake(
            self.recorder,
            self.suggester,
            self.queue,
            self.control,
            self.goal.budget,
            self.stopping.most(),
            self._consider,
            self.stopping.taken,
            self.goal.pause_on_learner_error,
        )

    def take_up(self, before: Before) -> None:
        """What an earlier process left: what was measured counts for stop rules, what was planned waits its turn."""
        self.tally, self.intake.begun = before.tally, before.begun
        self.stopping.take_up(before.outcomes, before.suggestions)
        self.recorder.emit(CampaignResumed(self.recorder.campaign, before.outcomes, len(before.unfinished)))
        self._consider(self.stopping.reason)
        self._taken_over = {one.experiment.number for one in (*before.outcomes, *before.unfinished)}
        for outcome in before.outcomes:
            self.so_far.add(outcome)
            self._count(outcome)
        self._failed_in_a_row %= self.goal.failures.in_a_row  # those that have ended it once do not end it again
        for suggestion in before.pending:
            self.suggester.hold(suggestion)
        for work in before.unfinished:
            self.pipeline.begin(work)
            name = work.experiment.id
            if name in before.gone:
                reason = describe(Interrupted(f"{before.gone[name]} had it, a station that the campaign has no longer"))
                self._close(work, Outcome(work.experiment, State.FAILED, reason=reason, lost=True), "", 0.0)
            elif name not in before.stations:
                self.pipeline.wait(work)

    @property
    def ends(self) -> bool:
        """Whether nothing further begins, not even another attempt."""
        return bool(self.failure) or self.control.ending

    def progress(self) -> None:
        """Tell how far the campaign is."""
        self.recorder.emit(Progress(self.so_far.ended, self.intake.most))

    async def settle(
        self, work: Work, station: Station, record: RunRecord, verdict: Verdict
    ) -> tuple[Next, Telling | None]:
        """What follows from an attempt, stored; with the task that tells the learner where the experiment has ended."""
        experiment, job = work.experiment, work.job(self.course)
        self.tally.add(station.name, job.stage, record)
        seconds = record.ended - record.started
        measured = self.recorder.measured(experiment, work.attempts, record)
        if isinstance(verdict, Staged):
            await all_of(measured, self.recorder.staged(experiment, station.name, seconds, job.stage))
            station.acknowledge(job)
            work.advance(record, job.stage)
            self.pipeline.wait(work)
            return Next.STAGED, None
        error = verdict.error
        if isinstance(error, EmergencyStop):
            self.control.pause(f"emergency stop: {error}")
        if isinstance(verdict, Again) and await self._may_retry(experiment, verdict.error):
            await all_of(measured, self.recorder.retried(experiment, station.name, describe(verdict.error), job.stage))
            station.acknowledge(job)
            if verdict.next is Next.ELSEWHERE:
                work.avoid.add(station.name)
                self.pipeline.wait(work, first=True)
            return verdict.next, None
        if error is not None:
            _log.warning("experiment %s at %s failed: %s", experiment.id, station.name, error, exc_info=error)
            if isinstance(verdict, Ended) and verdict.stop:
                self.fail(error)
        stored = station.acknowledge
        return Next.ENDED, self._close(work, verdict.outcome, station.name, seconds, measured, lambda: stored(job))

    def take_in(self, suggestion: Suggestion, values: dict[str, float]) -> tuple[int, Awaitable[object]]:
        """Take in a result that nobody asked for, such as one measured by hand, as the next experiment: its number, and
        what is done when it is durable, which raises StoreError."""
        number = self.intake.number()
        outcome = told(self.recorder.campaign, number, suggestion, values)
        written = all_of(self.recorder.planned(outcome.experiment), self.recorder.ended(outcome, "", 0.0))
        self.spawn(self._tell(outcome, written))
        self._learn_from(outcome)
        self.pipeline.changed()
        return number, written

    def give_up(self, work: Work) -> None:
        """The campaign ends, and with it an experiment that waits: for a station, or for what it uses up."""
        if self.control.leaving and not self.failure:
            return  # it waits until the campaign goes on
        name = self.course.stages[work.stage].name
        cause = self.failure or self.control.reason or "the campaign ended"
        before = f"before its stage {name}" if name else "" if work.attempts else "before it ran"
        reason = f"given up {before}".rstrip() + f": {cause}"
        try:
            self._close(work, Outcome(work.experiment, State.FAILED, reason=reason, lost=True), "", 0.0, work.planned)
        except CampaignError as error:
            self.fail(error)

    async def settled(self) -> None:
        """Wait until all that was spawned is done."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def fail(self, error: BaseException) -> None:
        """The campaign cannot go on: running experiments end, no further one begins."""
        if not self.failure:
            self.failure, self._defect = describe(error), not isinstance(error, ExperimentError | Retryable)
        self.suggester.interrupt()
        self.pipeline.changed()

    def end(self) -> tuple[CampaignState, str]:
        """How the campaign ends, and why."""
        if self.failure:
            return CampaignState.FAILED, self.failure
        if self.control.aborting:
            return CampaignState.INTERRUPTED if self.control.leaving else CampaignState.ABORTED, self.control.reason
        if self.control.state is CampaignState.STOPPING and not self.intake.reason:
            return CampaignState.STOPPED, self.control.reason
        return CampaignState.FINISHED, self.intake.reason

    def summary(self, state: CampaignState, reason: str, stations: int) -> Summary:
        """What it came to."""
        so_far = self.so_far
        return Summary(
            self.recorder.campaign,
            state,
            reason,
            stations,
            so_far.ended,
            so_far.failed,
            so_far.best,
            self.tally.wall_s if so_far.ended else 0.0,
            sum(self.tally.busy_s.values()),
            self.stopping.reached,
            self._defect,
            so_far.front,
        )

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Work that is waited for before the campaign has ended."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _close(
        self,
        work: Work,
        outcome: Outcome,
        station: str,
        seconds: float,
        before: Awaitable[None] | None = None,
        stored: Callable[[], object] = lambda: None,
    ) -> Telling:
        """An experiment has ended: stored, then told. `stored` is called when it is durable."""
        ended = self.recorder.ended(outcome, station, seconds)
        self.pipeline.end(work)
        telling = self.spawn(self._tell(outcome, all_of(ended) if before is None else all_of(before, ended), stored))
        self._learn_from(outcome)
        return telling

    async def _may_retry(self, experiment: Experiment, error: Exception) -> bool:
        """Wait as long as the campaign says, and while it is paused; whether the experiment may be tried again then."""
        if self.goal.retry_wait_s > 0:
            _log.info("experiment %s is tried again in %g s: %s", experiment.id, self.goal.retry_wait_s, error)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.goal.retry_wait_s):
                    while not self.ends:
                        await self.pipeline.change()
        return await self.may_go_on()

    async def may_go_on(self) -> bool:
        """Wait while paused; whether a further attempt may begin."""
        while self.control.paused and not self.ends:
            await self.pipeline.change()
        return not self.ends

    async def _tell(
        self, outcome: Outcome, durable: Awaitable[object], stored: Callable[[], object] = lambda: None
    ) -> int | None:
        """The learner hears of an outcome once it is durable; what its next suggestion has to know of."""
        try:
            await durable
        except CampaignError as error:
            self.fail(error)
            return None
        stored()
        return self.suggester.tell(outcome)

    def _learn_from(self, outcome: Outcome) -> None:
        """Stop rules and the count of failures in a row."""
        self.so_far.add(outcome)
        self._consider(lambda elapsed_s, cost: self.stopping.ended(outcome, elapsed_s, cost))
        self.progress()
        self._count(outcome)
        allowed = self.goal.failures.in_a_row
        if self._failed_in_a_row >= allowed and outcome.state is State.FAILED:
            self.failure = self.failure or f"{allowed} experiments in a row failed, the last one with {outcome.reason}"
            self.suggester.interrupt()
            self.pipeline.changed()

    def _count(self, outcome: Outcome) -> None:
        """Failures in a row; a result that was told says nothing of the stations."""
        if outcome.experiment.suggestion.id.startswith(TOLD_ID):
            return
        if outcome.state is State.DONE:
            self._failed_in_a_row = 0
        elif not (self.control.aborting or outcome.reason.startswith(EmergencyStop.__name__) or self._was_cut(outcome)):
            self._failed_in_a_row += 1

    def _was_cut(self, outcome: Outcome) -> bool:
        """Whether it failed because an earlier process of the campaign ended: one fault, however many ran."""
        return outcome.experiment.number in self._taken_over and outcome.reason.startswith(Interrupted.__name__)

    def _consider(self, rules: Callable[[float, Cost], str | None]) -> None:
        """What the stop rules say to news."""
        try:
            self.intake.end(rules(self.recorder.elapsed(), self._cost) or "")
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the other stations end in order
            _log.exception("a stop rule failed")
            self.fail(error)

    def _cost(self) -> float | None:
        return self.goal.cost(self.tally.runs, self.tally.busy_h)


def all_of(*writes: Awaitable[None]) -> "asyncio.Future[Any]":
    """Done when all are, which they become in their order; at once when they are already, as in simulations."""
    futures = [asyncio.ensure_future(write) for write in writes]
    undone = next((future for future in futures if not future.done() or future.exception() is not None), None)
    return futures[-1] if undone is None else asyncio.gather(*futures)
