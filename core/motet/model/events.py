"""What happens during a campaign, for those who watch: progress bar, dashboard, MQTT. Nothing comes back."""

from dataclasses import dataclass, field
from enum import StrEnum

from motet.model.experiment import Experiment, Outcome
from motet.model.questions import Asked, Closed


class StationState(StrEnum):
    """What a station is doing."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    IDLE = "idle"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    ABORTING = "aborting"
    ABORTED = "aborted"
    FAULT = "fault"
    ESTOPPED = "e-stopped"
    CLEARING = "clearing"


class CampaignState(StrEnum):
    """Where a campaign is. `finished`, `stopped`, `aborted` and `failed` are ends; one that was `interrupted`, as its
    process was told to end, goes on when it is started again."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    ABORTING = "aborting"
    FINISHED = "finished"
    STOPPED = "stopped"
    ABORTED = "aborted"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


ENDS = frozenset({CampaignState.FINISHED, CampaignState.STOPPED, CampaignState.ABORTED, CampaignState.FAILED})
"""The states in which a campaign is over."""


@dataclass(frozen=True, slots=True)
class StationChanged:
    """A station's state changed."""

    station: str
    state: StationState
    cause: str = ""


@dataclass(frozen=True, slots=True)
class InterlockTripped:
    """An interlock of the lab file holds a station, or all of them when `station` is empty."""

    station: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class InterlockCleared:
    """An interlock holds nothing any more."""

    station: str
    name: str


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A station began a step of its procedure."""

    station: str
    step: str


@dataclass(frozen=True, slots=True)
class ExperimentStarted:
    """An experiment was dispatched to a station."""

    experiment: Experiment
    station: str
    attempt: int
    stage: str = ""


@dataclass(frozen=True, slots=True)
class StageEnded:
    """A stage of an experiment is done, and another one follows."""

    experiment: Experiment
    station: str
    seconds: float
    stage: str


@dataclass(frozen=True, slots=True)
class LeaseWaited:
    """A station has waited for a shared device; seconds on the loop's clock. It has it now, or has given up."""

    station: str
    device: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ExperimentRetried:
    """An attempt failed and the experiment is tried again."""

    experiment: Experiment
    station: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExperimentEnded:
    """An experiment is done or failed."""

    outcome: Outcome
    station: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CampaignChanged:
    """The campaign's state changed."""

    campaign: str
    state: CampaignState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CampaignResumed:
    """A campaign goes on where an earlier process left it: with these outcomes, and so many experiments unfinished."""

    campaign: str
    outcomes: tuple[Outcome, ...]
    unfinished: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the campaign is: experiments ended and the most there may be (None: no bound)."""

    ended: int
    most: int | None = field(default=None)


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A step asks a person, and waits for the answer."""

    asked: Asked


@dataclass(frozen=True, slots=True)
class QuestionClosed:
    """A question was answered, or is withdrawn."""

    asked: Asked
    closed: Closed


Event = (
    StationChanged
    | InterlockTripped
    | InterlockCleared
    | StepStarted
    | ExperimentStarted
    | StageEnded
    | LeaseWaited
    | ExperimentRetried
    | ExperimentEnded
    | CampaignChanged
    | CampaignResumed
    | Progress
    | QuestionAsked
    | QuestionClosed
)
