"""The fast run checked against the full one: the same experiments, the same outcomes, the same timeline."""

from collections.abc import Sequence
from dataclasses import dataclass

from motet.api.simulate import Simulation, simulate
from motet.errors import SimulationError
from motet.files.campaign import CampaignFile
from motet.model.events import Event, ExperimentEnded
from motet.model.experiment import Outcome
from motet.plugins import Registry

TOLERANCE_S = 1e-6
"""How far two times may lie apart, seconds: rounding of sums of floats."""


@dataclass(frozen=True, slots=True)
class _Ended:
    outcome: Outcome
    station: str
    at: float


def check_fast(file: CampaignFile, experiments: int, registry: Registry | None = None) -> str:
    """Run the first experiments of a campaign both ways and compare them; what was compared, in words.

    Raises SimulationError naming the first difference.
    """
    budget = file.campaign.budget
    most = min(experiments, budget.experiments or experiments)
    short = file.campaign.model_copy(update={"budget": budget.model_copy(update={"experiments": most})})
    file = file.replace(campaign=short)
    if file.lab.simulation.learner_time == "measured":  # two runs never measure the same time
        simulation = file.lab.simulation.model_copy(update={"learner_time": 0.0})
        file = file.replace(lab=file.lab.model_copy(update={"simulation": simulation}))
    fast, full = (_ended(file, fast, registry) for fast in (True, False))
    for one, other in zip(fast, full, strict=False):
        if (difference := _difference(one, other)) is not None:
            raise SimulationError(f"the fast run differs from the full one: {difference}")
    if len(fast) != len(full):
        raise SimulationError(f"the fast run has {len(fast)} experiments, the full one {len(full)}")
    return f"the first {len(full)} experiments are the same, at the same times, in the full run"


def _ended(file: CampaignFile, fast: bool, registry: Registry | None) -> Sequence[_Ended]:
    found: list[_Ended] = []

    def see(event: Event, now: float) -> None:
        if isinstance(event, ExperimentEnded):
            found.append(_Ended(event.outcome, event.station, now))

    simulate(file, Simulation(None, fast), see, registry)
    return found


def _difference(fast: _Ended, full: _Ended) -> str | None:
    number = full.outcome.experiment.number
    facts = (
        ("number", fast.outcome.experiment.number, number),
        ("point", dict(fast.outcome.experiment.parameters), dict(full.outcome.experiment.parameters)),
        ("station", fast.station, full.station),
        ("state", fast.outcome.state, full.outcome.state),
        ("values", dict(fast.outcome.values), dict(full.outcome.values)),
    )
    for name, one, other in facts:
        if one != other:
            return f"experiment {number}: {name} {one}, in the full run {other}"
    if abs(fast.at - full.at) > TOLERANCE_S:
        return f"experiment {number} ends at {fast.at:.6f} s, in the full run at {full.at:.6f} s"
    return None
