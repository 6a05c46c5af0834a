"""How a campaign ended, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from motet.model.events import CampaignState
from motet.model.experiment import Outcome, State
from motet.model.objective import Objective
from motet.model.values import Point


@dataclass(frozen=True, slots=True)
class Best:
    """The best experiment so far by the first objective."""

    experiment: str
    parameters: Point
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a campaign came to. Times in seconds: `wall_s` from the first dispatch to the last result, `busy_s` the sum
    of the times of all attempts at experiments. `reached` is the number of experiments that had ended when a stop rule
    held, None when none did or when it only counts experiments. `defect`: it failed by an error that is none of its
    experiments', such as a learner that raises."""

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

    @property
    def speed_up(self) -> float:
        """The sum of the experiments' times over the wall time; 0 when nothing ran."""
        return self.busy_s / self.wall_s if self.wall_s > 0 else 0.0


def best_of(outcomes: Sequence[Outcome], objectives: Mapping[str, Objective]) -> Best | None:
    """The best finished outcome by the first objective; the earlier one of equals. None when nothing is done."""
    name, objective = next(iter(objectives.items()))
    done = [outcome for outcome in outcomes if outcome.state is State.DONE]
    if not done:
        return None
    best = max(done, key=lambda outcome: objective.merit(outcome.values[name]))
    return Best(best.experiment.id, best.experiment.parameters, best.values)
