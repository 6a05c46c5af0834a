"""What several workers bring to a learner, held against the same learner with one."""

from collections.abc import Sequence
from dataclasses import dataclass

from motet.study.replay.figures_of_merit import Mean, mean_of, ratio_of
from motet.study.replay.judged import Judged


@dataclass(frozen=True, slots=True)
class Parallel:
    """Several workers against one, over the seeds for which both found 80 % of the top set: `alone` is the time with
    one worker, in mean durations, `speed_up` that over the time with all; `experiments` is the number that had ended
    then over that with one worker, `begun` the same with those that were still running."""

    workers: int
    seeds: int
    alone: Mean
    speed_up: Mean
    experiments: Mean
    begun: Mean


def parallel(workers: int, runs: Sequence[Judged], alone: Sequence[Judged], points: int) -> Parallel | None:
    """Runs with several workers against runs with one, by their seeds; None without a pair in which both got there."""
    single = {one.run.seed: one for one in alone}
    pairs = [(single[one.run.seed], one) for one in runs if one.run.seed in single]
    both = [(one, many) for one, many in pairs if one.n80 is not None and many.n80 is not None]
    if not both:
        return None
    ones = [float(one.n80 or 0) for one, _ in both]
    times = [one.time or 0.0 for one, _ in both]
    return Parallel(
        workers,
        len(both),
        mean_of(times),
        ratio_of(times, [many.time or 0.0 for _, many in both]),
        ratio_of([float(many.n80 or 0) for _, many in both], ones),
        ratio_of([_begun(many, points) for _, many in both], ones),
    )


def _begun(many: Judged, points: int) -> float:
    """Experiments begun when 80 % were found: all workers but the one that had just ended were at work, as long as
    there were points."""
    return float(min((many.n80 or 0) + many.run.entry.workers - 1, points))
