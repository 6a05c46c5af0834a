"""The campaign loop: ask, dispatch, run, document, analyse, tell; one worker for each station."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar, cast

from motet.contracts.results import Analysis
from motet.errors import CampaignError, ExperimentError, Retryable
from motet.learning import FreshSuggester, Suggester
from motet.model.events import CampaignState, Progress
from motet.model.experiment import Experiment, Outcome, RunRecord, State
from motet.orchestration.control import Control
from motet.orchestration.goal import Goal
from motet.orchestration.policy import Decision, decide, describe, is_of_station
from motet.orchestration.recorder import Recorder
from motet.orchestration.stopping import Cost, Stopping
from motet.orchestration.summary import Summary, best_of, front_of
from motet.orchestration.values import usable
from motet.simulation.guard import computing
from motet.station import Station

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass
class CampaignLoop:
    """Runs one campaign over connected stations. It owns what happened so far; all else is frozen."""

    stations: Sequence[Station]
    suggester: Suggester | FreshSuggester
    analysis: Analysis
    goal: Goal
    recorder: Recorder
    control: Control
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])
    _begun: int = 0
    _in_flight: int = 0
    _failed_in_a_row: int = 0
    _busy_s: dict[str, float] = field(default_factory=dict[str, float])
    _attempts: int = 0
    _first_dispatch: float = math.inf
    _last_result: float = 0.0
    _reason: str = ""
    _failure: str = ""
    _defect: bool = False
    _ended: bool = False
    _most: int | None = None

    def __post_init__(self) -> None:
        self._stopping = Stopping(self.goal.stop, self.goal.objectives)
        bounds = (self.goal.budget.experiments, self._stopping.most())
        self._most = min((bound for bound in bounds if bound is not None), default=None)

    async def run(self) -> Summary:
        """Run until a stop rule holds, the budget or the pool is used up, or a person or a failure ends it.

        Stations are left in their safe state whatever happens. Raises only what is a defect of Motet itself.
        """
        self.control.listen(self._on_control)
        self.recorder.emit(Progress(0, self._most))
        try:
            await self.recorder.campaign_changed(CampaignState.RUNNING)
            await self.suggester.start()
            async with asyncio.TaskGroup() as group:
                for station in self.stations:
                    group.create_task(self._work(station), name=f"worker-{station.name}")
        except CampaignError as error:
            self._fail(error)
        except BaseException as error:
            self._fail(_first(error))
            raise
        finally:
            await asyncio.gather(*(self._leave_safe(station) for station in self.stations))
            while self._tasks:
                await asyncio.gather(*self._tasks)
            self._ended = True
            state, reason = self._end()
            await self.recorder.campaign_changed(state, reason)
        return self._summary(state, reason)

    async def _work(self, station: Station) -> None:
        """One station's worker: the next experiment whenever it is free."""
        heard: int | None = None
        try:
            while (experiment := await self._next(heard)) is not None:
                self._in_flight += 1
                outcome, told = await self._perform(experiment, station)
                self._in_flight -= 1
                self._learn_from(outcome)
                if self.suggester.waits_for_outcome(self._in_flight):
                    heard = await told
        except CampaignError as error:
            self._fail(error)

    async def _next(self, heard: int | None) -> Experiment | None:
        """The next experiment of a station whose last outcome the learner has heard of; None when it is over."""
        if not await self.control.may_go_on() or self._is_over():
            return None
        suggestion = await self.suggester.take(heard)
        if suggestion is None and self.control.ending:
            return None
        if suggestion is None:
            self._reason = self._reason or "no point is left to measure"
            return None
        if suggestion.problem:
            _log.warning("the learner goes on without its model: %s", suggestion.problem)
        if not (self.control.ending or self._is_over()):
            self._consider(self._stopping.taken, suggestion)
        if self.control.ending or self._is_over():
            self.suggester.release(suggestion)
            return None
        self._begun += 1
        return Experiment(self.recorder.campaign, self._begun, suggestion)

    def _is_over(self) -> bool:
        most, hours = self._most, self.goal.budget.hours
        if self._reason or self._failure:
            return True
        if most is not None and self._begun >= most:
            self._reason = f"{most} experiments are done or running, the most there may be"
        elif hours is not None and self.recorder.elapsed() >= hours * 3600:
            self._reason = f"the budget of {hours:g} h is used up"
        return bool(self._reason)

    async def _perform(self, experiment: Experiment, station: Station) -> "tuple[Outcome, asyncio.Task[int | None]]":
        """All attempts at one experiment at one station: the outcome, and the task that tells the learner of it."""
        planned = self.recorder.planned(experiment)
        for attempt in count(1):
            running = _all(planned, self.recorder.running(experiment, station.name, attempt))
            record = await station.run(experiment, running)
            self._attempts += 1
            self._busy_s[station.name] = self._busy_s.get(station.name, 0.0) + record.ended - record.started
            self._first_dispatch = min(self._first_dispatch, record.started)
            self._last_result = max(self._last_result, record.ended)
            outcome, error = await self._analyse(experiment, record)
            measured = self.recorder.measured(experiment, attempt, record)
            decision = Decision.FAIL if error is None else decide(error, attempt, self.goal.failures)
            if error is not None and decision is Decision.RETRY and await self._may_retry(experiment, error):
                await _all(measured, self.recorder.retried(experiment, station.name, describe(error)))
                continue
            if error is not None:
                _log.warning("experiment %s at %s failed: %s", experiment.id, station.name, error, exc_info=error)
            if error is not None and decision is Decision.STOP:
                self._fail(error)
            ended = self.recorder.ended(outcome, station.name, record.ended - record.started)
            return outcome, self._spawn(self._tell(outcome, _all(measured, ended)))
        raise AssertionError("unreachable: attempts are counted without end")

    async def _may_retry(self, experiment: Experiment, error: Exception) -> bool:
        """Wait as long as the campaign says; whether the experiment may be tried again then."""
        if self.goal.retry_wait_s > 0:
            _log.info("experiment %s is tried again in %g s: %s", experiment.id, self.goal.retry_wait_s, error)
            await self.control.pass_time(self.goal.retry_wait_s)
        return await self.control.may_go_on()

    async def _analyse(self, experiment: Experiment, record: RunRecord) -> tuple[Outcome, Exception | None]:
        """The outcome of one attempt; the analysis runs in a thread, since it may take its time."""
        error = record.error
        if error is None:
            try:
                values = await asyncio.to_thread(self._values, record)
                return Outcome(experiment, State.DONE, values), None
            except Exception as raised:  # noqa: BLE001 - a plugin may raise anything; the failure policy decides
                error = raised
        return Outcome(experiment, State.FAILED, reason=describe(error), lost=is_of_station(error)), error

    def _values(self, record: RunRecord) -> dict[str, float]:
        with computing():
            values = {name: float(value) for name, value in self.analysis.values(record).items()}
        return usable(values, self.goal.objectives, self.goal.constraints)

    async def _tell(self, outcome: Outcome, durable: Awaitable[object]) -> int | None:
        """The learner hears of an outcome once it is durable; what its next suggestion has to know of."""
        return self.suggester.tell(outcome) if await self._durable(durable) else None

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
        self._consider(self._stopping.ended, outcome)
        self.recorder.emit(Progress(len(self._stopping.outcomes), self._most))
        if outcome.state is State.DONE:
            self._failed_in_a_row = 0
        elif self.control.state is not CampaignState.ABORTING:
            self._failed_in_a_row += 1
        allowed = self.goal.failures.in_a_row
        if self._failed_in_a_row >= allowed:
            self._failure = (
                self._failure or f"{allowed} experiments in a row failed, the last one with {outcome.reason}"
            )

    def _consider(self, rules: "Callable[[T, float, Cost], str | None]", news: T) -> None:
        """What the stop rules say to an outcome or a suggestion."""
        try:
            reason = rules(news, self.recorder.elapsed(), self._cost)
            self._reason = self._reason or reason or ""
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the other stations end in order
            _log.exception("a stop rule failed")
            self._fail(error)

    def _cost(self) -> float | None:
        hours = {name: seconds / 3600 for name, seconds in self._busy_s.items()}
        return self.goal.cost(self._attempts, hours)

    def _on_control(self, state: CampaignState) -> None:
        if self._ended:
            return  # too late: the last state is being stored, and must stay the last
        if self.control.ending:
            self.suggester.interrupt()
        for station in self.stations:
            match state:
                case CampaignState.PAUSED:
                    station.pause()
                case CampaignState.ABORTING:
                    self._spawn(self._abort(station))
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

    async def _leave_safe(self, station: Station) -> None:
        await station.abort("the campaign ended")
        await station.safe()

    def _spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _end(self) -> tuple[CampaignState, str]:
        if self._failure:
            return CampaignState.FAILED, self._failure
        if self.control.state is CampaignState.ABORTING:
            return CampaignState.ABORTED, self.control.reason
        if self.control.state is CampaignState.STOPPING and not self._reason:
            return CampaignState.STOPPED, self.control.reason
        return CampaignState.FINISHED, self._reason

    def _summary(self, state: CampaignState, reason: str) -> Summary:
        outcomes = self._stopping.outcomes
        wall_s = self._last_result - self._first_dispatch if outcomes else 0.0
        failed = sum(outcome.state is State.FAILED for outcome in outcomes)
        best = best_of(outcomes, self.goal.objectives, self.goal.constraints)
        front = front_of(outcomes, self.goal.objectives, self.goal.constraints)
        count_ = len(outcomes)
        return Summary(
            self.recorder.campaign,
            state,
            reason,
            len(self.stations),
            count_,
            failed,
            best,
            wall_s,
            sum(self._busy_s.values()),
            self._stopping.reached,
            self._defect,
            front,
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
