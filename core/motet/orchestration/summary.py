"""How a campaign ended, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from motet.model.events import CampaignState
from motet.model.experiment import Outcome, State
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.standing import Wanted
from motet.model.values import Point


@dataclass(frozen=True, slots=True)
class Best:
    """An experiment that stands out: the best so far by the first objective, or one of the Pareto front."""

    experiment: str
    parameters: Point
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a campaign came to. Times in seconds: `wall_s` from the first dispatch to the last result, `busy_s` the sum
    of the times of all attempts at experiments. `reached` is the number of experiments that had ended when a stop rule
    held, None when none did or when it only counts experiments. `defect`: it failed by an error that is none of its
    experiments', such as a learner that raises. `front` is the Pareto front, empty with one objective."""

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

    @property
    def speed_up(self) -> float:
        """The sum of the experiments' times over the wall time; 0 when nothing ran."""
        return self.busy_s / self.wall_s if self.wall_s > 0 else 0.0


def best_of(
    outcomes: Sequence[Outcome],
    objectives: Mapping[str, Objective],
    constraints: Mapping[str, OutcomeConstraint] | None = None,
) -> Best | None:
    """The best finished outcome by the first objective that meets the constraints; the earlier one of equals. None when
    there is none, and for classes, of which none is better than another."""
    best = Wanted(objectives, constraints or {}).best(_done(outcomes), _values)
    return None if best is None else _best(best)


def front_of(
    outcomes: Sequence[Outcome],
    objectives: Mapping[str, Objective],
    constraints: Mapping[str, OutcomeConstraint] | None = None,
) -> tuple[Best, ...]:
    """The Pareto front of the finished outcomes that have all objectives and meet the constraints, in their order;
    empty with one objective."""
    wanted = Wanted(objectives, constraints or {})
    return tuple(map(_best, wanted.front(_done(outcomes), _values))) if wanted.several else ()


def _best(outcome: Outcome) -> Best:
    return Best(outcome.experiment.id, outcome.experiment.parameters, outcome.values)


def _done(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.state is State.DONE]


def _values(outcome: Outcome) -> Mapping[str, float]:
    return outcome.values
