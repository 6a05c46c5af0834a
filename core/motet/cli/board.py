"""What is going on, as a terminal shows it: built from events, read by the display."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from motet.cli.text import became
from motet.cli.text import outcome as told
from motet.model.events import (
    CampaignChanged,
    CampaignResumed,
    CampaignState,
    Event,
    ExperimentEnded,
    ExperimentRetried,
    ExperimentStarted,
    InterlockCleared,
    InterlockTripped,
    LeaseWaited,
    Progress,
    QuestionAsked,
    QuestionClosed,
    StageEnded,
    StationChanged,
    StationState,
    StepStarted,
)
from motet.model.experiment import Experiment, Outcome, State
from motet.model.questions import Asked
from motet.model.standing import Wanted, count_by_class


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

    wanted: Wanted
    clock: Callable[[], float] = time.monotonic
    campaign: str = ""
    state: CampaignState = CampaignState.STARTING
    stations: dict[str, StationLine] = field(default_factory=dict[str, StationLine])
    ended: int = 0
    failed: int = 0
    most: int | None = None
    best: Outcome | None = None
    front: list[Outcome] = field(default_factory=list[Outcome])
    """Of several objectives: what no other outcome is better than, in the order of their ends."""
    found: list[float] = field(default_factory=list[float])
    """Of classes: the number of each one measured."""
    broken: int = 0
    """How many outcomes broke a constraint."""
    problems: int = 0
    """How many suggestions the learner made without its model."""
    problem: str = ""
    """The last of them and why."""
    seconds: float = 0.0
    questions: dict[int, Asked] = field(default_factory=dict[int, Asked])
    """What waits for a person's answer, by number, the oldest first."""
    closed: str = ""
    """What became of the last question that was closed."""
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
            case StationChanged() | StepStarted() | ExperimentRetried() | LeaseWaited():
                self._see_station(event)
            case InterlockTripped() | InterlockCleared():
                self._see_interlock(event)
            case ExperimentStarted(experiment, name, attempt, stage):
                self._begin(experiment, name, attempt, stage)
            case StageEnded(experiment, name, seconds, stage):
                self.seconds += seconds
                self._line(name).experiment, self._line(name).last = "", f"{experiment.number}: {stage} done"
            case CampaignResumed(_, outcomes, _):
                self._take_up(outcomes)
            case ExperimentEnded(outcome, name, seconds):
                self._end(outcome, name, seconds)
            case CampaignChanged(campaign, state, _):
                self._change(campaign, state)
            case Progress(ended, most):
                self.ended, self.most = ended, most
            case QuestionAsked() | QuestionClosed():
                self._ask(event)

    def seconds_left(self) -> float | None:
        """Time left if every experiment that may run does, seconds; None while there is no ground for an estimate."""
        if self.most is None or not self.ended:
            return None
        return (self.most - self.ended) * self.elapsed / self.ended

    def value(self, outcome: Outcome) -> str:
        """The objectives' values with their units or the names of classes, and the constraints that it breaks."""
        return told(outcome.values, self.wanted)

    def counts(self) -> Mapping[str, int]:
        """How many experiments found each class."""
        return count_by_class(self.wanted.classes, self.found)

    def along_front(self) -> list[Outcome]:
        """The front, the best by the first objective first."""
        name = self.wanted.first
        merit = self.wanted.objectives[name].merit
        return sorted(self.front, key=lambda outcome: -merit(outcome.values[name]))

    def _change(self, campaign: str, state: CampaignState) -> None:
        if self.state is CampaignState.STARTING:
            self.started = self.clock()
        self.campaign, self.state = campaign, state

    def _see_station(self, event: StationChanged | StepStarted | ExperimentRetried | LeaseWaited) -> None:
        match event:
            case StationChanged(name, state, cause):
                self._change_station(name, state, cause)
            case StepStarted(name, step):
                self._line(name).step = step
            case ExperimentRetried(_, name, reason):
                self._line(name).last = f"retry: {reason}"
            case LeaseWaited():
                pass  # it is over when it is told

    def _change_station(self, name: str, state: StationState, cause: str) -> None:
        line = self._line(name)
        line.state, line.cause = state, cause
        if state not in (StationState.RUNNING, StationState.PAUSING, StationState.STOPPING):
            line.step = ""
        if cause and state in (StationState.RUNNING, StationState.FAULT, StationState.ESTOPPED):
            line.last = cause

    def _see_interlock(self, event: InterlockTripped | InterlockCleared) -> None:
        """News of one station, or of all when it is one of the whole lab."""
        became = f": {event.why}" if isinstance(event, InterlockTripped) else " has cleared"
        for line in [self._line(event.station)] if event.station else list(self.stations.values()):
            line.last = f"interlock {event.name}{became}"

    def _ask(self, event: QuestionAsked | QuestionClosed) -> None:
        asked = event.asked
        if isinstance(event, QuestionAsked):
            self.questions[asked.number] = asked
        else:
            self.questions.pop(asked.number, None)
            self.closed = f"question {asked.number} {became(event.closed, asked.question.form)}"

    def _line(self, name: str) -> StationLine:
        return self.stations.setdefault(name, StationLine(since=self.clock()))

    def _begin(self, experiment: Experiment, name: str, attempt: int, stage: str) -> None:
        line = self._line(name)
        which = stage or (f"attempt {attempt}" if attempt > 1 else "")
        line.experiment = f"{experiment.number}" + (f" ({which})" if which else "")
        line.since = self.clock()
        if attempt == 1 and experiment.suggestion.problem:
            self.problems += 1
            self.problem = f"experiment {experiment.number}: {experiment.suggestion.problem}"

    def _end(self, outcome: Outcome, name: str, seconds: float) -> None:
        self._count(outcome)
        self.seconds += seconds
        if not name:
            return  # measured by hand, or given up between two stages
        line = self._line(name)
        line.done += 1
        line.experiment = ""
        done = outcome.state is State.DONE
        line.last = self.value(outcome) if done else f"failed: {outcome.reason}"

    def _take_up(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._count(outcome)

    def _count(self, outcome: Outcome) -> None:
        if outcome.state is State.FAILED:
            self.failed += 1
            return
        self.broken += bool(self.wanted.broken(outcome.values))
        if self.wanted.classes:
            self.found.append(outcome.values[self.wanted.first])
        both = [outcome] if self.best is None else [self.best, outcome]
        self.best = self.wanted.best(both, _values)
        if self.wanted.several:
            self.front = self.wanted.front([*self.front, outcome], _values)


def _values(outcome: Outcome) -> Mapping[str, float]:
    return outcome.values
