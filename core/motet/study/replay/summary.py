"""What a benchmark came to: every learner in numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from motet.study.replay.figures_of_merit import Curve, Mean, Wait, curve_of, mean_of, medians_of, wait_of
from motet.study.replay.judged import EF_AT, MOST_OF_IT, Aim, Judged, judge
from motet.study.replay.parallel import Parallel, parallel
from motet.study.replay.question import ReplayQuestion
from motet.study.replay.random_choice import random_experiments, random_share, random_wait
from motet.study.replay.run import Entry, Run
from motet.study.statistics import Floats


@dataclass(frozen=True, slots=True)
class EntrySummary:
    """A learner over its runs. `ask_s` are the median and the 95 % quantile of the seconds of all visits, None without
    one. `speeds` has their medians over the runs by the number of experiments begun before, the first of them
    `initial`.
    """

    entry: Entry
    runs: tuple[Judged, ...]
    errors: tuple[Run, ...]
    n80: Wait
    first_top: Wait
    first_best: Wait
    share: Mean
    ef: Mean
    af: Mean
    time: Wait
    ask_s: tuple[float, float] | None
    shares: Curve
    speeds: Floats
    parallel: Parallel | None = None


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """All learners, the one with the fewest experiments to 80 % of the top set first, and random choice in closed form:
    its experiments until the expected share is 80 %, and the mean of its waits for as much."""

    question: ReplayQuestion
    aim: Aim
    entries: tuple[EntrySummary, ...]
    random_n80: int
    random_wait: float
    failed: tuple[Run, ...] = field(default=())

    @property
    def run(self) -> int:
        """How many runs there are, those that could not be run not counted."""
        return sum(len(one.runs) for one in self.entries)


def summarize(runs: Iterable[Run], question: ReplayQuestion, aim: Aim) -> ReplaySummary:
    """Go once through the runs of a benchmark, in any order."""
    gathered: dict[Entry, list[Run]] = {entry: [] for entry in question.entries}
    for run in runs:
        gathered[run.entry].append(run)
    judged = {entry: [judge(run, aim) for run in ordered(some) if not run.error] for entry, some in gathered.items()}
    errors = {entry: [run for run in ordered(some) if run.error] for entry, some in gathered.items()}
    entries = [_entry(entry, judged, errors[entry], aim) for entry in gathered if gathered[entry]]
    return ReplaySummary(
        question,
        aim,
        tuple(sorted(entries, key=_order)),
        random_experiments(MOST_OF_IT, aim.points),
        random_wait(aim.wanted, aim.size, aim.points),
        tuple(run for some in errors.values() for run in some),
    )


def ordered(runs: Sequence[Run]) -> list[Run]:
    """By their seeds."""
    return sorted(runs, key=lambda run: run.seed)


def _entry(entry: Entry, judged: dict[Entry, list[Judged]], errors: Sequence[Run], aim: Aim) -> EntrySummary:
    runs = judged[entry]
    ends = [float(len(one.run.order)) for one in runs]
    n80 = wait_of([one.n80 for one in runs], ends)
    share = mean_of([one.share for one in runs if one.share is not None and _all_known(runs)])
    by_chance = EF_AT / aim.points
    seconds = np.array([second for one in runs for second in one.run.ask_s])
    alone = judged.get(Entry(entry.learner), [])
    return EntrySummary(
        entry=entry,
        runs=tuple(runs),
        errors=tuple(errors),
        n80=n80,
        first_top=wait_of([one.first_top for one in runs], ends),
        first_best=wait_of([one.first_best for one in runs], ends),
        share=share,
        ef=Mean(*(None if value is None else value / by_chance for value in (share.mean, share.error))),
        af=_acceleration(n80, random_experiments(MOST_OF_IT, aim.points)),
        time=wait_of([one.time for one in runs], [one.run.ended[-1] if one.run.ended else 0.0 for one in runs]),
        ask_s=(float(np.median(seconds)), float(np.quantile(seconds, 0.95))) if seconds.size else None,
        shares=curve_of([one.shares for one in runs], [one.complete for one in runs]),
        speeds=medians_of([one.run.ask_s for one in runs]),
        parallel=parallel(entry.workers, runs, alone, aim.points) if entry.workers > 1 else None,
    )


def _all_known(runs: Sequence[Judged]) -> bool:
    return all(one.share is not None for one in runs)


def _acceleration(n80: Wait, by_chance: int) -> Mean:
    """The experiments of random choice over those of a learner; the relative error is that of the learner's."""
    if n80.mean is None:
        return Mean(None, None)
    af = by_chance / n80.mean
    return Mean(af, None if n80.error is None else af * n80.error / n80.mean)


def _order(one: EntrySummary) -> tuple[float, float, float]:
    """By the experiments to 80 % of the top set, where all runs got there; then by how many did."""
    mean = math.inf if one.n80.mean is None else one.n80.mean
    return mean, -one.n80.reached / max(1, len(one.runs)), one.n80.at_least or math.inf


def random_curve(summary: ReplaySummary) -> Floats:
    """The share of the top set that random choice has found after 1, 2 ... experiments, as far as any curve goes."""
    most = max((int(one.shares.x.size) for one in summary.entries), default=0)
    return random_share(summary.aim.points, most)[1:]
