"""What is read from a store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from motet.model.events import CampaignState, StationState
from motet.model.experiment import State, Suggestion
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.questions import Closed, Question
from motet.model.queue import QueueEntry, QueueState
from motet.model.standing import Wanted
from motet.model.values import Point
from motet.store.records import Change, Stamp


@dataclass(frozen=True, slots=True)
class Best:
    """The best experiment by the first objective's merit among those that meet the constraints on outcomes; the
    earlier one of equals."""

    experiment: str
    number: int
    parameters: Point
    objective: str
    value: float


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """A campaign in one line. `started` and `ended` in seconds since 1970, `ended` None while it has no end
    state.

    `wall_s` goes from the first dispatch to the last result (to the last change known while it runs),
    `busy_s` is the sum of the times of all attempts that ended; both in seconds. `front` are the numbers of the
    experiments on the Pareto front, the best by the first objective first; empty with one objective. `counts` is how
    many experiments found each class; empty where the objective is a number."""

    id: str
    name: str
    lab: str
    state: CampaignState
    reason: str
    started: float
    ended: float | None
    experiments: int
    done: int
    failed: int
    best: Best | None
    wall_s: float
    busy_s: float
    front: tuple[int, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def speed_up(self) -> float:
        """The sum of the experiments' times over the wall time; 0 when nothing ran."""
        return self.busy_s / self.wall_s if self.wall_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class CampaignDetail:
    """A campaign with what it was made of. `parameters` are the plain fields of the parameter models."""

    summary: CampaignSummary
    seed: int
    stations: tuple[str, ...]
    objectives: Mapping[str, Objective]
    parameters: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]
    constraints: Mapping[str, OutcomeConstraint] = field(default_factory=dict[str, OutcomeConstraint])

    @property
    def wanted(self) -> Wanted:
        """Objectives and constraints on outcomes."""
        return Wanted(self.objectives, self.constraints)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an experiment, or at one stage of it; seconds since the campaign's start, `ended_s` None while it
    runs. `reason` is why it failed, `stage` is empty where experiments have one stage."""

    number: int
    station: str
    started_s: float
    ended_s: float | None = None
    reason: str = ""
    stage: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.ended_s is None else self.ended_s - self.started_s


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """One experiment with all that became of it. Times in seconds since the campaign's start, None when not
    reached.

    `station` is the last one, None before the first dispatch; `started_s` is the first attempt's start. `lost`: the
    station failed, which says nothing of the point."""

    id: str
    number: int
    state: State
    suggestion: Suggestion
    values: Mapping[str, float]
    reason: str
    station: str | None
    planned_s: float
    attempts: tuple[Attempt, ...]
    ended_s: float | None
    lost: bool = False

    @property
    def parameters(self) -> Point:
        """The point of the space."""
        return self.suggestion.parameters

    @property
    def started_s(self) -> float | None:
        """When it was first dispatched."""
        return self.attempts[0].started_s if self.attempts else None


@dataclass(frozen=True, slots=True)
class Transition:
    """Something happened to an experiment."""

    experiment: str
    change: Change
    station: str | None
    attempt: int
    reason: str
    at: Stamp
    stage: str = ""


@dataclass(frozen=True, slots=True)
class StationChange:
    """A station's state changed."""

    station: str
    state: StationState
    cause: str
    at: Stamp


@dataclass(frozen=True, slots=True)
class CampaignChange:
    """The campaign's state changed."""

    state: CampaignState
    reason: str
    at: Stamp


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question to people. `experiment` is the number of the one that waited for the answer, None where no experiment
    did; `parameters` is its point."""

    number: int
    question: Question
    experiment: int | None
    parameters: Point
    closed: Closed
    asked: Stamp
    ended: Stamp | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something happened that is no change of an experiment, a station or the campaign: an interlock tripped, a refill,
    trouble of the store. `about` is what it happened to; `data` are its facts."""

    kind: str
    about: str
    text: str
    data: Mapping[str, Any]
    at: Stamp


@dataclass(frozen=True, slots=True)
class Level:
    """What a lab has of a consumable, in its unit; `wall` is when that changed last, and `by` who or which campaign
    changed it, empty when it was taken from the lab file."""

    amount: float
    unit: str
    wall: float
    by: str


@dataclass(frozen=True, slots=True)
class QueueRow:
    """An experiment that somebody added. `experiment` is its id once it has begun; `at` is its last change."""

    number: int
    entry: QueueEntry
    state: QueueState
    experiment: str | None
    at: Stamp
