"""What follows from one attempt at a stage: the numbers, and what is done about a failure."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from motet.contracts.results import Analysis
from motet.errors import StationLost
from motet.model.experiment import Experiment, Outcome, RunRecord, State
from motet.orchestration.goal import Goal
from motet.orchestration.policy import Decision, decide, describe, is_of_station
from motet.orchestration.values import usable
from motet.orchestration.work import Course, Work
from motet.simulation.guard import computing

AskAgain = Callable[[Work, str, RunRecord], Awaitable[bool]]
"""Whether a person wants an attempt repeated whose steps are not to be repeated by themselves."""


class Next(StrEnum):
    """What becomes of an experiment after an attempt."""

    STAGED = "staged"
    """The next stage follows."""
    AGAIN = "again"
    """The same stage is tried again at the same station."""
    ELSEWHERE = "elsewhere"
    """The same stage is tried again, at another station where there is one."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Staged:
    """The stage is done, and another one follows: the experiment has no outcome yet."""


@dataclass(frozen=True, slots=True)
class Again:
    """The stage is to be tried again after `error`; `outcome` is the experiment's where that cannot be any more."""

    outcome: Outcome
    error: Exception

    @property
    def next(self) -> Next:
        """At the same station, or at another one where this one is lost."""
        return Next.ELSEWHERE if isinstance(self.error, StationLost) else Next.AGAIN


@dataclass(frozen=True, slots=True)
class Ended:
    """The experiment has ended; `error` is why it failed, None where it did not. `stop`: the campaign ends of it."""

    outcome: Outcome
    error: Exception | None = None
    stop: bool = False


Verdict = Staged | Again | Ended
"""What follows from an attempt."""


@dataclass
class Judge:
    """Analyses attempts and decides about failures, by the campaign's policy."""

    course: Course
    analysis: Analysis
    goal: Goal
    ask: AskAgain

    async def verdict(self, work: Work, station: str, record: RunRecord) -> Verdict:
        """What follows from the present attempt at the present stage. Nothing is stored here."""
        if record.error is None and work.stage + 1 < len(self.course.stages):
            return Staged()
        outcome, error = await self._analysed(work.experiment, work.whole(record))
        if error is None:
            return Ended(outcome)
        decision = decide(error, work.tries, self.goal.failures, record.unrepeatable)
        if decision is Decision.ASK:
            decision = Decision.RETRY if await self.ask(work, station, record) else Decision.FAIL
        if decision is Decision.RETRY:
            return Again(outcome, error)
        return Ended(outcome, error, decision is Decision.STOP)

    async def _analysed(self, experiment: Experiment, record: RunRecord) -> tuple[Outcome, Exception | None]:
        """The outcome of an experiment; the analysis runs in a thread, since it may take its time."""
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
