"""The campaign loop: ask, dispatch, run, document, analyse, tell; one worker for each station."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from motet.contracts.results import Analysis
from motet.errors import CampaignError, EmergencyStop, ExperimentError, Retryable
from motet.learning import FreshSuggester, Suggester
from motet.model.events import CampaignResumed, CampaignState, Progress
from motet.model.experiment import Experiment, Outcome, RunRecord, State, Suggestion
from motet.orchestration.control import Control
from motet.orchestration.floor import Alone, Floor
from motet.orchestration.goal import Goal
from motet.orchestration.intake import Intake
from motet.orchestration.judge import AskAgain, Judge, Next
from motet.orchestration.pipeline import Pipeline
from motet.orchestration.policy import describe
from motet.orchestration.queue import Queue
from motet.orchestration.recorder import Recorder
from motet.orchestration.resume import Before
from motet.orchestration.stopping import Cost, Stopping
from motet.orchestration.summary import Summary, best_of, front_of
from motet.orchestration.supplies import Supplies
from motet.orchestration.tally import Tally
from motet.orchestration.told import told
from motet.orchestration.work import Course, Work
from motet.station import Station

_log = logging.getLogger(__name__)
T = TypeVar("T")


async def _never(work: Work, station: str, record: RunRecord) -> bool:
    return False


@dataclass
class CampaignLoop:
    """Runs one campaign over connected stations. It owns what happened so far; all else is frozen.

    `before` is what an earlier process left of the campaign; `floor` shares the stations with other campaigns;
    `ask_again` asks a person whether to repeat what must not be repeated by itself.
    """

    stations: Sequence[Station]
    course: Course
    suggester: Suggester | FreshSuggester
    analysis: Analysis
    goal: Goal
    recorder: Recorder
    control: Control
    queue: Queue | None = None
    supplies: Supplies | None = None
    before: Before | None = None
    floor: Floor = field(default_factory=Alone)
    ask_again: AskAgain = _never
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])
    _failed_in_a_row: int = 0
    _failure: str = ""
    _defect: bool = False
    _ended: bool = False

    def __post_init__(self) -> None:
        self._stopping = Stopping(self.goal.stop, self.goal.objectives)
        self._tally = Tally()
        self._pipeline = Pipeline(self.course.stages, len(self.stations))
        self._judge = Judge(self.course, self.analysis, self.goal, self.ask_again)
        queue = self.queue or Queue(self.recorder)
        queue.listen(self._pipeline.changed)
        self._intake = Intake(
            self.recorder,
            self.suggester,
            queue,
            self.control,
            self.goal.budget,
            self._stopping.most(),
            self._consider,
            self._stopping.taken,
        )

    async def run(self) -> Summary:
        """Run until a stop rule holds, the budget or the pool is used up, or a person or a failure ends it.

        Stations are left in their safe state whatever happens. Raises only what is a defect of Motet itself.
        """
        self.control.listen(self._on_control)
        try:
            await self.recorder.campaign_changed(CampaignState.RUNNING)
            await self.suggester.start()
            self._take_up()
            self.recorder.emit(Progress(len(self._stopping.outcomes), self._intake.most))
            async with asyncio.TaskGroup() as group:
                for station in self.stations:
                    group.create_task(self._work(station), name=f"worker-{station.name}")
        except CampaignError as error:
            self._fail(error)
        except BaseException as error:
            self._fail(_first(error))
            raise
        finally:
            await asyncio.gather(*map(self.floor.leave, self.stations))
            for work in self._pipeline.waiting:
                self._give_up(work)
            while self._tasks:
                await asyncio.gather(*self._tasks)
            self._ended = True
            state, reason = self._end()
            await self.recorder.campaign_changed(state, reason)
        return self._summary(state, reason)

    @property
    def over(self) -> str:
        """Why no further experiment begins, empty while one may."""
        if self._ended:
            return "it has ended"
        if not (self._failure or self._intake.is_over()):
            return ""
        return self._failure or self._intake.reason or self.control.reason

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can be told of."""
        return self._ended

    def tell(self, suggestion: Suggestion, values: dict[str, float]) -> tuple[int, Awaitable[object]]:
        """Take in a result that nobody asked for, such as one measured by hand, as the next experiment: its number, and
        what is done when it is durable, which raises StoreError."""
        number = self._intake.number()
        outcome = told(self.recorder.campaign, number, suggestion, values)
        written = _all(self.recorder.planned(outcome.experiment), self.recorder.ended(outcome, "", 0.0))
        self._spawn(self._tell(outcome, written))
        failed = self._failed_in_a_row
        self._learn_from(outcome)
        self._failed_in_a_row = failed  # it says nothing of the stations
        self._pipeline.changed()
        return number, written

    def _take_up(self) -> None:
        """What an earlier process left: what was measured counts for stop rules, what was planned waits its turn."""
        if self.before is None:
            return
        self._tally = self.before.tally
        self._intake.begun = self.before.begun
        self._stopping.take_up(self.before.outcomes, self.before.suggestions)
        outcomes, unfinished = self.before.outcomes, self.before.unfinished
        self.recorder.emit(CampaignResumed(self.recorder.campaign, outcomes, len(unfinished)))
        self._consider(self._stopping.reason)
        for work in unfinished:
            self.suggester.hold(work.experiment.suggestion)
            self._pipeline.begin(work)
            if work.experiment.id not in self.before.stations:
                self._pipeline.wait(work)

    async def _work(self, station: Station) -> None:
        """One station's worker: the next experiment, or stage of one, whenever it is free."""
        heard: int | None = None
        try:
            await self._adopt(station)
            while await self._is_wanted(station):
                async with self.floor.hold(station):
                    if self.control.paused:
                        continue
                    work = self._pipeline.take(station.name) or await self._new(station, heard)
                    if work is not None:
                        heard = await self._perform(work, station)
        except CampaignError as error:
            self._fail(error)

    async def _adopt(self, station: Station) -> None:
        """Go on with what this station was doing for an earlier process, as far as it knows."""
        for work in () if self.before is None else self.before.at(station.name):
            record = await station.recall(work.job(self.course))
            if record is None:
                work.sent = True
            else:
                _log.info("experiment %s: taken over from an earlier process", work.experiment.id)
                next_, _ = await self._settle(work, station, record)
                if next_ is not Next.AGAIN:
                    continue
            async with self.floor.hold(station):
                await self._perform(work, station)

    async def _is_wanted(self, station: Station) -> bool:
        """Wait until there is something to do for a station; False when there will be nothing more."""
        while True:
            await self.control.unpaused()
            if self._failure or self.control.aborting:
                return False
            more = not self._intake.is_over()
            if not more and not self._pipeline.may_come(station.name):
                return False
            if not station.unavailable and (
                self._pipeline.offers(station.name)
                or (more and self._pipeline.begins(station.name) and self._pipeline.has_room and self._intake.has_any)
            ):
                return True
            await self._change(station)

    async def _change(self, station: Station) -> None:
        """Wait until something has changed, or a station that was not available is."""
        if not station.unavailable:
            await self._pipeline.change()
            return
        waits = [asyncio.ensure_future(wait) for wait in (self._pipeline.change(), station.available())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _new(self, station: Station, heard: int | None) -> Work | None:
        """A new experiment for a station whose last outcome the learner has heard of; None where there is none now."""
        if not (self._pipeline.begins(station.name) and self._pipeline.has_room):
            return None
        if self.supplies is not None and not await self.supplies.ensure(0):
            return None
        work = await self._intake.next(heard)
        if work is not None:
            self._pipeline.begin(work)
        return work

    async def _perform(self, work: Work, station: Station) -> int | None:
        """All attempts at one stage of an experiment here; what the learner's next suggestion has to know of."""
        while True:
            if self.supplies is not None and not work.sent and not await self.supplies.ensure(work.stage):
                self._give_up(work)
                return None
            cleared = self._begin(work, station.name)
            record = await station.run(work.job(self.course), cleared)
            next_, told = await self._settle(work, station, record)
            if next_ is Next.AGAIN:
                continue
            if told is None or not self.suggester.waits_for_outcome(self._pipeline.in_process):
                return None
            return await told

    def _begin(self, work: Work, station: str) -> "asyncio.Future[Any] | None":
        """One more attempt, stored as running; durable when the future is done, None when it is already."""
        if work.sent:
            work.sent = False
            return None
        work.attempts, work.tries = work.attempts + 1, work.tries + 1
        stage = self.course.stages[work.stage].name
        if self.supplies is not None:
            self.supplies.use(work.experiment, work.attempts, work.stage)
        running = self.recorder.running(work.experiment, station, work.attempts, stage)
        planned, work.planned = work.planned, None
        return _all(running) if planned is None else _all(planned, running)

    async def _settle(
        self, work: Work, station: Station, record: RunRecord
    ) -> "tuple[Next, asyncio.Task[int | None] | None]":
        """What follows from an attempt, stored; with the task that tells the learner where the experiment has ended."""
        self._tally.add(station.name, record)
        experiment, job = work.experiment, work.job(self.course)
        verdict = await self._judge.verdict(work, station.name, record)
        measured = self.recorder.measured(experiment, work.attempts, record)
        error = verdict.error
        if isinstance(error, EmergencyStop):
            self.control.pause(f"emergency stop: {error}")
        if verdict.next is Next.STAGED:
            seconds = record.ended - record.started
            await _all(measured, self.recorder.staged(experiment, station.name, seconds, job.stage))
            station.acknowledge(job)
            work.advance(record, job.stage)
            self._pipeline.wait(work)
            return verdict.next, None
        if error is not None and verdict.next is not Next.ENDED and await self._may_retry(experiment, error):
            await _all(measured, self.recorder.retried(experiment, station.name, describe(error), job.stage))
            station.acknowledge(job)
            if verdict.next is Next.ELSEWHERE:
                work.avoid.add(station.name)
                self._pipeline.wait(work, first=True)
            return verdict.next, None
        if error is not None:
            _log.warning("experiment %s at %s failed: %s", experiment.id, station.name, error, exc_info=error)
            if verdict.stop:
                self._fail(error)
        ended = record.ended - record.started
        return Next.ENDED, self._close(
            work, verdict.outcome, station.name, ended, measured, lambda: station.acknowledge(job)
        )

    def _close(
        self,
        work: Work,
        outcome: Outcome,
        station: str,
        seconds: float,
        before: Awaitable[None] | None = None,
        stored: Callable[[], object] = lambda: None,
    ) -> "asyncio.Task[int | None]":
        """An experiment has ended: stored, then told. `stored` is called when it is durable."""
        ended = self.recorder.ended(outcome, station, seconds)
        self._pipeline.end(work)
        telling = self._spawn(self._tell(outcome, _all(ended) if before is None else _all(before, ended), stored))
        self._learn_from(outcome)
        return telling

    def _give_up(self, work: Work) -> None:
        """The campaign ends, and with it an experiment that waits: for a station, or for what it uses up."""
        name = self.course.stages[work.stage].name
        cause = self._failure or self.control.reason or "the campaign ended"
        reason = f"given up before {f'its stage {name}' if name else 'it ran'}: {cause}"
        try:
            self._close(work, Outcome(work.experiment, State.FAILED, reason=reason, lost=True), "", 0.0, work.planned)
        except CampaignError as error:
            self._fail(error)

    async def _may_retry(self, experiment: Experiment, error: Exception) -> bool:
        """Wait as long as the campaign says; whether the experiment may be tried again then."""
        if self.goal.retry_wait_s > 0:
            _log.info("experiment %s is tried again in %g s: %s", experiment.id, self.goal.retry_wait_s, error)
            await self.control.pass_time(self.goal.retry_wait_s)
        return await self.control.may_go_on()

    async def _tell(
        self, outcome: Outcome, durable: Awaitable[object], stored: Callable[[], object] = lambda: None
    ) -> int | None:
        """The learner hears of an outcome once it is durable; what its next suggestion has to know of."""
        if not await self._durable(durable):
            return None
        stored()
        return self.suggester.tell(outcome)

    async def _durable(self, write: Awaitable[object]) -> bool:
        """Whether a write became durable; the campaign fails when it did not."""
        try:
            await write
        except CampaignError as error:
            self._fail(error)
            return False
        return True

    def _learn_from(self, outcome: Outcome) -> None:
        """Stop rules and the count of failures in a row."""
        self._consider(lambda elapsed_s, cost: self._stopping.ended(outcome, elapsed_s, cost))
        self.recorder.emit(Progress(len(self._stopping.outcomes), self._intake.most))
        if outcome.state is State.DONE:
            self._failed_in_a_row = 0
        elif not self.control.aborting and not outcome.reason.startswith(EmergencyStop.__name__):
            self._failed_in_a_row += 1
        allowed = self.goal.failures.in_a_row
        if self._failed_in_a_row >= allowed:
            self._failure = (
                self._failure or f"{allowed} experiments in a row failed, the last one with {outcome.reason}"
            )
            self._pipeline.changed()

    def _consider(self, rules: Callable[[float, Cost], str | None]) -> None:
        """What the stop rules say to news."""
        try:
            self._intake.end(rules(self.recorder.elapsed(), self._cost) or "")
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the other stations end in order
            _log.exception("a stop rule failed")
            self._fail(error)

    def _cost(self) -> float | None:
        return self.goal.cost(self._tally.attempts, self._tally.busy_h)

    def _on_control(self, state: CampaignState) -> None:
        if self._ended:
            return  # too late: the last state is being stored, and must stay the last
        if self.control.ending:
            self.suggester.interrupt()
            if self.supplies is not None:
                self.supplies.close(self.control.reason)
        self._pipeline.changed()
        for station in filter(self.floor.has, self.stations):
            match state:
                case CampaignState.PAUSED:
                    station.pause()
                case CampaignState.ABORTING:
                    self._spawn(self._abort(station))
                case CampaignState.STOPPING:
                    station.stop_after(self.control.reason)
                case _:
                    station.resume()
        self._spawn(self._record(state, self.control.reason))

    async def _record(self, state: CampaignState, reason: str) -> None:
        """After the stations were told: a store that cannot be written must not keep them from it."""
        try:
            await self.recorder.campaign_changed(state, reason)
        except CampaignError as error:
            self._fail(error)

    async def _abort(self, station: Station) -> None:
        try:
            await station.abort(self.control.reason)
        except Exception as error:  # noqa: BLE001 - a device that does not stop; the run ends, `safe` tries again
            _log.error("%s: cannot stop what moves: %s", station.name, error)

    def _fail(self, error: BaseException) -> None:
        """The campaign cannot go on: running experiments end, no further one begins."""
        if not self._failure:
            self._failure, self._defect = describe(error), not isinstance(error, ExperimentError | Retryable)
        self._pipeline.changed()

    def _spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _end(self) -> tuple[CampaignState, str]:
        if self._failure:
            return CampaignState.FAILED, self._failure
        if self.control.aborting:
            return CampaignState.ABORTED, self.control.reason
        if self.control.state is CampaignState.STOPPING and not self._intake.reason:
            return CampaignState.STOPPED, self.control.reason
        return CampaignState.FINISHED, self._intake.reason

    def _summary(self, state: CampaignState, reason: str) -> Summary:
        outcomes = self._stopping.outcomes
        return Summary(
            self.recorder.campaign,
            state,
            reason,
            len(self.stations),
            len(outcomes),
            sum(outcome.state is State.FAILED for outcome in outcomes),
            best_of(outcomes, self.goal.objectives, self.goal.constraints),
            self._tally.wall_s if outcomes else 0.0,
            sum(self._tally.busy_s.values()),
            self._stopping.reached,
            self._defect,
            front_of(outcomes, self.goal.objectives, self.goal.constraints),
        )


def _first(error: BaseException) -> BaseException:
    """The first of a group of errors."""
    if isinstance(error, BaseExceptionGroup):
        return _first(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    return error


def _all(*writes: Awaitable[None]) -> "asyncio.Future[Any]":
    """Done when all are, which they become in their order; at once when they are already, as in simulations."""
    futures = [asyncio.ensure_future(write) for write in writes]
    undone = next((future for future in futures if not future.done() or future.exception() is not None), None)
    return futures[-1] if undone is None else asyncio.gather(*futures)
