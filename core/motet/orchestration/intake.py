"""Where new experiments come from: what people have queued, or else the learner; and when there are no more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from motet.errors import LearnerError
from motet.learning import FreshSuggester, Suggester
from motet.model.campaign import Budget
from motet.model.experiment import Experiment, Suggestion
from motet.model.queue import QueueState
from motet.orchestration.control import Control
from motet.orchestration.queue import Queue
from motet.orchestration.recorder import Recorder
from motet.orchestration.stopping import Cost
from motet.orchestration.work import Work

_log = logging.getLogger(__name__)


@dataclass
class Intake:
    """Begins experiments. `rules_most` is the largest number that the stop rules let through; `taken` asks them about a
    suggestion. `begun` counts the experiments of the campaign, those of earlier processes too."""

    recorder: Recorder
    suggester: Suggester | FreshSuggester
    queue: Queue
    control: Control
    budget: Budget
    rules_most: int | None
    consider: Callable[[Callable[[float, Cost], str | None]], None]
    taken: Callable[[Suggestion, float, Cost], str | None]
    pause_on_error: bool = False
    """Whether a learner that fails pauses the campaign; else LearnerError is raised."""
    begun: int = 0
    reason: str = field(default="", init=False)
    """Why no further experiment begins; empty while one may."""

    @property
    def most(self) -> int | None:
        """The largest number of experiments there may be."""
        return min((bound for bound in (self.budget.experiments, self.rules_most) if bound is not None), default=None)

    @property
    def has_any(self) -> bool:
        """Whether somebody can be asked for an experiment now."""
        return bool(self.queue.waiting) or self.queue.asks_learner

    def end(self, reason: str) -> None:
        """No further experiment begins; the first reason stays."""
        self.reason = self.reason or reason

    def is_over(self) -> bool:
        """Whether no further experiment begins."""
        if self.reason or self.control.ending:
            return True
        hours = self.budget.hours
        if self.most is not None and self.begun >= self.most:
            self.end(f"{self.most} experiments are done or running, the most there may be")
        elif hours is not None and self.recorder.elapsed() >= hours * 3600:
            self.end(f"the budget of {hours:g} h is used up")
        return bool(self.reason)

    @property
    def left_s(self) -> float | None:
        """Seconds until the budget's time is used up; None without one, or when no further experiment begins anyway."""
        hours = self.budget.hours
        if hours is None or self.reason or self.control.ending:
            return None
        return max(hours * 3600 - self.recorder.elapsed(), 0.0)

    def number(self) -> int:
        """The number of an experiment that begins now."""
        self.begun += 1
        return self.begun

    async def next(self, heard: int | None) -> Work | None:
        """The next experiment; None when none may begin now. Raises LearnerError.

        `heard` is what the learner has to know of: see `FreshSuggester.take`.
        """
        if self.is_over():
            return None
        queued = self.queue.take()
        if queued is not None:
            experiment = self._experiment(queued.suggestion)
            self.suggester.hold(queued.suggestion)
            planned = self.recorder.planned(experiment)
            begun = self.recorder.queue_changed(queued.number, state=QueueState.BEGUN, experiment=experiment.id)
            return Work(experiment, _both(planned, begun))
        suggestion = await self._suggestion(heard) if self.queue.asks_learner else None
        if suggestion is None:
            return None
        if not self.queue.asks_learner:  # somebody has changed the mode while the learner chose
            self.suggester.release(suggestion)
            return None
        if suggestion.problem:
            _log.warning("the learner goes on without its model: %s", suggestion.problem)
        if not self.is_over():
            self.consider(lambda elapsed_s, cost: self.taken(suggestion, elapsed_s, cost))
        if self.is_over():
            self.suggester.release(suggestion)
            return None
        experiment = self._experiment(suggestion)
        return Work(experiment, self.recorder.planned(experiment))

    async def _suggestion(self, heard: int | None) -> Suggestion | None:
        """The learner's next point; None when there is none, or when it has failed and the campaign pauses."""
        try:
            suggestion = await self.suggester.take(heard)
        except LearnerError as error:
            if not self.pause_on_error:
                raise
            self.suggester.forgive()
            self.control.pause(f"{error}; mend it, then `motet resume`, or start `motet run` again")
            return None
        if suggestion is None and not self.queue.waiting and not self.control.ending:
            self.end("no point is left to measure")
        return suggestion

    def _experiment(self, suggestion: Suggestion) -> Experiment:
        return Experiment(self.recorder.campaign, self.number(), suggestion)


def _both(*writes: Awaitable[None]) -> "asyncio.Future[None]":
    """Done when both are: they are of one turn of the loop, so of one transaction."""
    futures = [asyncio.ensure_future(write) for write in writes]

    async def both() -> None:
        for future in futures:
            await future

    return asyncio.ensure_future(both())
