"""What is going on, as a terminal shows it: built from events, read by the display."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from motet.model.events import (
    CampaignChanged,
    CampaignState,
    Event,
    ExperimentEnded,
    ExperimentRetried,
    ExperimentStarted,
    Progress,
    StationChanged,
    StationState,
    StepStarted,
)
from motet.model.experiment import Outcome, State
from motet.model.objective import Objective


@dataclass
class StationLine:
    """One station's line on the board."""

    state: StationState = StationState.OFFLINE
    cause: str = ""
    experiment: str = ""
    step: str = ""
    since: float = 0.0
    done: int = 0
    last: str = ""


@dataclass
class Board:
    """The state of a campaign as far as its events tell. One thread writes, others may read at any time.

    `clock` gives the seconds by which times are shown: the machine's, or those of a simulated lab.
    """

    objectives: Mapping[str, Objective]
    clock: Callable[[], float] = time.monotonic
    campaign: str = ""
    state: CampaignState = CampaignState.STARTING
    stations: dict[str, StationLine] = field(default_factory=dict[str, StationLine])
    ended: int = 0
    failed: int = 0
    most: int | None = None
    best: Outcome | None = None
    seconds: float = 0.0
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the campaign started."""
        return self.clock() - self.started

    def see(self, event: Event) -> None:
        """Take an event in."""
        match event:
            case StationChanged(name, state, cause):
                line = self._line(name)
                line.state, line.cause = state, cause
                if state is not StationState.RUNNING:
                    line.step = ""
            case StepStarted(name, step):
                self._line(name).step = step
            case ExperimentStarted(experiment, name, attempt):
                line = self._line(name)
                line.experiment = f"{experiment.number}" + (f" (attempt {attempt})" if attempt > 1 else "")
                line.since = self.clock()
            case ExperimentRetried(_, name, reason):
                self._line(name).last = f"retry: {reason}"
            case ExperimentEnded(outcome, name, seconds):
                self._end(outcome, name, seconds)
            case CampaignChanged(campaign, state, _):
                if self.state is CampaignState.STARTING:
                    self.started = self.clock()
                self.campaign, self.state = campaign, state
            case Progress(ended, most):
                self.ended, self.most = ended, most

    def seconds_left(self) -> float | None:
        """Time left if every experiment that may run does, seconds; None while there is no ground for an estimate."""
        if self.most is None or not self.ended:
            return None
        return (self.most - self.ended) * self.elapsed / self.ended

    def value(self, outcome: Outcome) -> str:
        """The first objective's value with its unit."""
        name, objective = next(iter(self.objectives.items()))
        return f"{name} {outcome.values[name]:.5g}{f' {objective.unit}' if objective.unit else ''}"

    def _line(self, name: str) -> StationLine:
        return self.stations.setdefault(name, StationLine(since=self.clock()))

    def _end(self, outcome: Outcome, name: str, seconds: float) -> None:
        line = self._line(name)
        line.done += 1
        line.experiment = ""
        self.seconds += seconds
        if outcome.state is State.FAILED:
            self.failed += 1
            line.last = f"failed: {outcome.reason}"
            return
        line.last = self.value(outcome)
        key, objective = next(iter(self.objectives.items()))
        if self.best is None or objective.merit(outcome.values[key]) > objective.merit(self.best.values[key]):
            self.best = outcome
