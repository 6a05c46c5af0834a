"""A run judged: what was looked for in the table, and how soon it was found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.study.replay.run import Run, after, found
from motet.study.replay.top import needed
from motet.study.statistics import Floats

MOST_OF_IT = 0.8
"""The share of the top set that N80 and AF are about."""

EF_AT = 30
"""The number of experiments at which the enhancement factor is stated."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is looked for in a table: its `top` points (n,), and among its best points, the `first` of which matters
    too. `first_words` tells how many those are (`1 %`)."""

    top: NDArray[np.bool_]
    first: NDArray[np.bool_]
    first_words: str

    @property
    def points(self) -> int:
        """Number of points of the table."""
        return self.top.size

    @property
    def size(self) -> int:
        """Number of top points."""
        return int(self.top.sum())

    @property
    def wanted(self) -> int:
        """How many top points are 80 % of them at least."""
        return needed(MOST_OF_IT, self.size)


@dataclass(frozen=True, slots=True)
class Judged:
    """A run: experiments until 80 % of the top set, until its first point and until the first of the best points were
    found; the share of the top set after 30 experiments, and the time (mean durations) at which 80 % were there. None
    where it did not get so far."""

    run: Run
    n80: int | None
    first_top: int | None
    first_best: int | None
    share: float | None
    time: float | None
    shares: Floats
    """The share of the top set found after 0, 1, 2 ... experiments."""

    @property
    def complete(self) -> bool:
        """Whether the whole top set was found."""
        return bool(self.shares[-1] == 1.0)


def judge(run: Run, aim: Aim) -> Judged:
    """What a run got to."""
    counts = found(run.order, aim.top)
    n80 = after(counts, aim.wanted)
    shares = counts / aim.size
    known = counts.size > EF_AT or counts[-1] == aim.size
    share = float(shares[min(EF_AT, counts.size - 1)]) if known and aim.points >= EF_AT else None
    return Judged(
        run,
        n80,
        after(counts, 1),
        after(found(run.order, aim.first), 1),
        share,
        None if n80 is None else run.ended[n80 - 1],
        shares,
    )
