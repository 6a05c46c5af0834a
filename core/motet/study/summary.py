"""What a study came to: every combination in numbers, and what can be said about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from motet.errors import NotFound
from motet.model.events import CampaignState
from motet.study.comparison import Comparison, compare
from motet.study.course import Milestone, milestones
from motet.study.curves import Band, best_by_experiments, best_by_time, experiment_grid, time_grid
from motet.study.parallel import Parallel, parallel
from motet.study.question import Question, key
from motet.study.result import Trial, TrialResult
from motet.study.statistics import Spread, quartiles
from motet.study.trials import Reached, Trials


@dataclass(frozen=True, slots=True)
class CombinationSummary:
    """One combination. Medians and quartiles are over its `trials`; `failed` more could not be run.

    `reached` has an entry for each milestone of the study. `best` is the best value at the end as `course.shown`;
    `utilization` 0 to 1; `cost` in the lab's currency; `consumed` the medians by consumable; `learner_s` real seconds;
    `experiments` those of all trials, and `failures` the share of them that failed.
    """

    combination: Mapping[str, str]
    label: str
    stations: int
    trials: int
    failed: int
    reached: tuple[Reached, ...]
    best: Spread
    utilization: Spread
    cost: Spread
    consumed: Mapping[str, float]
    learner_s: Spread
    experiments: int
    failures: float
    by_experiments: Band
    by_time: Band


@dataclass(frozen=True, slots=True)
class FailedTrial:
    """A trial that could not be run, or one that a fault or a person ended early: its results count (`counts`)."""

    label: str
    seed: int
    counts: bool
    reason: str


@dataclass(frozen=True, slots=True)
class StudySummary:
    """A study: its combinations, the quickest to the goal first; the comparisons of all others with the `reference`,
    which is the quickest unless one was `named`; the trials that failed. The first of `milestones` is the goal; there
    is none where nothing can be reached. `lab_s` is the lab time of all campaigns, `experiments` counts theirs."""

    question: Question
    milestones: tuple[Milestone, ...]
    combinations: tuple[CombinationSummary, ...]
    reference: str
    named: bool
    comparisons: tuple[Comparison, ...]
    parallel: Parallel | None
    failed: tuple[FailedTrial, ...]
    lab_s: float

    @property
    def run(self) -> int:
        """How many trials were run."""
        return sum(one.trials for one in self.combinations)

    @property
    def not_run(self) -> int:
        """How many trials could not be run."""
        return sum(one.failed for one in self.combinations)

    @property
    def experiments(self) -> int:
        """How many experiments all trials did."""
        return sum(one.experiments for one in self.combinations)


def summarize(
    results: Iterable[TrialResult], question: Question, reference: Mapping[str, str] | None = None
) -> StudySummary:
    """Go once through the results of a study, in any order.

    Every combination is compared with `reference`, or else with the quickest one. Raises NotFound for a reference that
    has no trial.
    """
    judged = milestones(question)
    gathered: dict[str, Trials] = {}
    failed: list[FailedTrial] = []
    for result in results:
        trial = Trial({name: result.trial.combination[name] for name in question.varied}, result.trial.seed)
        gathered.setdefault(key(trial.combination), Trials(trial)).add(result, judged, question)
        if result.error or result.state in (CampaignState.FAILED, CampaignState.ABORTED):
            failed.append(FailedTrial(trial.label, trial.seed, not result.error, result.error or result.reason))
    everything = sorted(gathered.values(), key=lambda trials: trials.order(judged, question.sign))
    first = _reference(everything, reference)
    others = [trials.side(judged) for trials in everything if trials is not first]
    return StudySummary(
        question=question,
        milestones=judged,
        combinations=_combinations(everything, judged),
        reference=first.label if first else "",
        named=reference is not None,
        comparisons=tuple(compare(first.side(judged), others, question.sign)) if first else (),
        parallel=parallel(everything, bool(judged)),
        failed=tuple(failed),
        lab_s=sum(result.wall_s for trials in everything for result in trials.results),
    )


def _reference(everything: Sequence[Trials], named: Mapping[str, str] | None) -> Trials | None:
    if named is None:
        return everything[0] if everything else None
    found = [trials for trials in everything if trials.trial.combination == dict(named)]
    if not found:
        there = "; ".join(trials.label for trials in everything) or "none"
        raise NotFound(f"{Trial(named, 0).label}: no such combination to compare with; there are: {there}")
    return found[0]


def _combinations(everything: Sequence[Trials], judged: tuple[Milestone, ...]) -> tuple[CombinationSummary, ...]:
    courses = [course for trials in everything for course in trials.courses]
    counts, times = experiment_grid(courses), time_grid(courses)
    return tuple(
        CombinationSummary(
            combination=trials.trial.combination,
            label=trials.label,
            stations=trials.stations,
            trials=len(trials.results),
            failed=trials.errors,
            reached=tuple(trials.reached(i) for i in range(len(judged))),
            best=trials.best(),
            utilization=quartiles([result.utilization for result in trials.results]),
            cost=trials.cost(),
            consumed=trials.consumed(),
            learner_s=quartiles([result.learner_s for result in trials.results]),
            experiments=trials.experiments,
            failures=trials.failures / trials.experiments if trials.experiments else 0.0,
            by_experiments=best_by_experiments(trials.courses, counts),
            by_time=best_by_time(trials.courses, times),
        )
        for trials in everything
    )
