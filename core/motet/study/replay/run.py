"""One run of a benchmark: a learner that searches a measured table, from one seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Entry:
    """What is run with every seed: a learner by its name, with so many workers."""

    learner: str
    workers: int = 1

    @property
    def label(self) -> str:
        """`gp+ucb`, or `gp+ucb, 4 workers`."""
        return self.learner if self.workers == 1 else f"{self.learner}, {self.workers} workers"


@dataclass(frozen=True, slots=True)
class Run:
    """How a run went.

    `order` has the numbers of the points in the order in which their experiments ended, `ended` when each did: in mean
    durations of an experiment, from the start. `ask_s` has the seconds of each visit to the learner, in which it was
    told what was new and asked for one more point. `reason` is why the run ended. So many suggestions (`problems`)
    were made without the learner's model, the first of them for the reason `problem`. `error` is why it could not be
    run, empty when it could; all else is empty then.
    """

    entry: Entry
    seed: int
    order: tuple[int, ...] = ()
    ended: tuple[float, ...] = ()
    ask_s: tuple[float, ...] = ()
    reason: str = ""
    error: str = ""
    problems: int = 0
    problem: str = ""


def found(order: Sequence[int], top: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many of the top points were found after 0, 1, 2 ... experiments: (len(order) + 1,). A point that is measured
    again counts once."""
    counts = np.zeros(len(order) + 1, dtype=np.int64)
    seen: set[int] = set()
    for place, point in enumerate(order, 1):
        counts[place] = counts[place - 1] + (bool(top[point]) and point not in seen)
        seen.add(point)
    return counts


def after(counts: NDArray[np.int64], wanted: int) -> int | None:
    """The number of experiments after which `wanted` top points were found; None when they were not."""
    place = int(np.searchsorted(counts, wanted, side="left"))
    return place if place < counts.size else None
