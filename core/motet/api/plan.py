"""What a campaign will take, before it starts: experiments, lab time, consumables and cost, by simulating it."""

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from motet.api.fast_check import check_fast
from motet.api.simulate import load_simulated
from motet.api.supplies import look
from motet.api.trial import Bundle, run_piece
from motet.api.workers import Workers
from motet.errors import SimulationError
from motet.files.campaign import CampaignFile
from motet.learning import build_stop_rules
from motet.model.consumption import Supply
from motet.model.events import CampaignState
from motet.plugins import Registry, installed
from motet.study.result import Trial, TrialResult

CHECKED = 2
"""Experiments that are run fast and in full beforehand, and compared."""


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest, the middle and the highest of several numbers."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Range":
        """The range of at least one number."""
        return cls(min(numbers), statistics.median(numbers), max(numbers))


@dataclass(frozen=True, slots=True)
class Need:
    """How much of a consumable a campaign uses, in its unit; `short` counts the simulated campaigns for which there was
    not enough, where that is known.

    `left` is what is left of it now; None where the lab has not counted it yet, and begins with the `stock` of the
    `supply`.
    """

    amount: Range
    supply: Supply
    short: int
    left: float | None = None

    @property
    def there(self) -> Supply:
        """The supply with what there is now as its stock."""
        return self.supply if self.left is None else replace(self.supply, stock=max(0.0, self.left))


@dataclass(frozen=True, slots=True)
class Plan:
    """What simulated campaigns took: times in lab seconds, `experiment_s` for one experiment.

    `most` is the largest number of experiments there may be; `experiments` counts every attempt, as each takes a
    sample. `reasons` counts how they ended. `cost` is None where the lab states no prices.
    """

    file: CampaignFile
    campaigns: int
    reasons: Mapping[str, int]
    most: int | None
    experiments: Range
    failed: Range
    wall_s: Range
    experiment_s: Range
    utilization: Range
    needs: Mapping[str, Need]
    cost: Range | None


def plan(
    campaign: Path,
    workers: Workers,
    *,
    seeds: int = 5,
    changes: Mapping[str, str] | None = None,
    data: Path | None = None,
    see: Callable[[int], object] = lambda done: None,
    registry: Registry | None = None,
) -> Plan:
    """Simulate a campaign with several seeds and sum up what it took; `see` hears how many are done.

    `data` is the folder whose store has counted what is left of the lab's consumables; without one, the lab file's
    stock is there. Raises FileProblems, StoreError, and SimulationError with the reason when a campaign cannot be
    simulated, or ends with an emergency stop.
    """
    file = load_simulated(campaign, registry=registry, changes=changes)
    left: Mapping[str, float] = {} if data is None else _left(file, data, registry)
    check_fast(file, CHECKED, registry)
    bundle = Bundle(campaign.name, dict(file.files))
    trials = ((bundle, Trial(changes or {}, seed)) for seed in range(seeds))
    results: list[TrialResult] = []
    for (_, trial), result in workers.done(run_piece, trials):
        error = str(result) if isinstance(result, Exception) else result.error
        if isinstance(result, Exception) or error:
            raise SimulationError(f"the campaign cannot be simulated with seed {trial.seed}: {error}")
        if result.state == CampaignState.ABORTED:  # in virtual time by an emergency stop: what it took says nothing
            raise SimulationError(f"the campaign with seed {trial.seed} does not come to its end: {result.reason}")
        results.append(result)
        see(len(results))
    ordered = sorted(results, key=lambda result: result.trial.seed)
    return _summed_up(file, ordered, left, registry or installed())


def _left(file: CampaignFile, data: Path, registry: Registry | None) -> Mapping[str, float]:
    """What is left of the consumables that were counted, on the hardware that the lab file says."""
    if all(supply.stock is None for supply in file.supplies.values()):
        return {}
    found = look(file.path.parent / file.campaign.lab, data, registry=registry)
    return {row.name: row.left for row in found if row.level is not None and row.left is not None}


def _summed_up(
    file: CampaignFile, results: Sequence[TrialResult], left: Mapping[str, float], registry: Registry
) -> Plan:
    costs = [result.cost for result in results if result.cost is not None]
    rules = build_stop_rules(file.campaign.stop, registry)
    bounds = [file.campaign.budget.experiments, *(rule.most() for rule in rules)]
    return Plan(
        file=file,
        campaigns=len(results),
        reasons=Counter(f"{result.state}: {result.reason}" for result in results),
        most=min((bound for bound in bounds if bound is not None), default=None),
        experiments=Range.of([float(result.attempts) for result in results]),
        failed=Range.of([float(sum(value is None for value in result.values)) for result in results]),
        wall_s=Range.of([result.wall_s for result in results]),
        experiment_s=Range.of([result.busy_s / max(1, result.attempts) for result in results]),
        utilization=Range.of([result.utilization for result in results]),
        needs={
            name: _need(name, supply, results, left.get(name))
            for name, supply in file.supplies.items()
            if supply.each > 0
        },
        cost=Range.of(costs) if costs else None,
    )


def _need(name: str, supply: Supply, results: Sequence[TrialResult], left: float | None) -> Need:
    amounts = [result.consumed.get(name, 0.0) for result in results]
    need = Need(Range.of(amounts), supply, 0, left)
    return replace(need, short=sum(need.there.is_short(amount) for amount in amounts))
