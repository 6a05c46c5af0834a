"""How a campaign ended, in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from motet.model.events import CampaignState
from motet.model.values import Point


@dataclass(frozen=True, slots=True)
class Best:
    """An experiment that stands out: the best so far by the first objective, or one of the Pareto front."""

    experiment: str
    parameters: Point
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class NotSafe:
    """A device that did not reach its safe state at the end; `device` is empty where the station is not heard of."""

    station: str
    device: str
    reason: str

    def __str__(self) -> str:
        what = f"{self.station}-{self.device}" if self.device else f"station {self.station}"
        return f"{what} is not known to be in its safe state: {self.reason}"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a campaign came to. Times in seconds: `wall_s` from the first dispatch to the last result, `busy_s` the sum
    of the times of all attempts at experiments. `reached` is the number of experiments that had ended when a stop rule
    held, None when none did or when it only counts experiments. `defect`: it failed by an error that is none of its
    experiments', such as a learner that raises. `front` is the Pareto front, empty with one objective. `unsafe` is what
    did not reach its safe state at the end."""

    campaign: str
    state: CampaignState
    reason: str
    stations: int
    experiments: int
    failed: int
    best: Best | None
    wall_s: float
    busy_s: float
    reached: int | None = None
    defect: bool = False
    front: tuple[Best, ...] = ()
    unsafe: tuple[NotSafe, ...] = ()

    @property
    def speed_up(self) -> float:
        """The sum of the experiments' times over the wall time; 0 when nothing ran."""
        return self.busy_s / self.wall_s if self.wall_s > 0 else 0.0
