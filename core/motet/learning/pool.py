"""The candidates that a learner chooses from: every point of a small space, a sample of a large one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from motet.contracts.belief import Array
from motet.learning.encoding import Encoder
from motet.learning.sampling import Sampler
from motet.model.listing import LISTED_AT_MOST as ENUMERATED_AT_MOST
from motet.model.rows import Rows
from motet.model.space import Space
from motet.model.values import Point

__all__ = ["ENUMERATED_AT_MOST", "SAMPLE", "Pool", "everything", "sample"]

SAMPLE = 2048
"""Points in a sample: a power of two, which keeps a Sobol sequence balanced."""

KNOWN = 1024
"""So many keys that were looked up are remembered."""

_ODD = np.uint64(0x9E3779B97F4A7C15)
"""An odd number whose multiples are spread evenly (2^64 over the golden ratio; Knuth, vol. 3, 6.4)."""


@dataclass(frozen=True)
class Pool:
    """Distinct candidates in the order of their rows `x` (n, d), whatever order they came in."""

    points: Sequence[Point]
    x: Array

    @classmethod
    def of(cls, points: Sequence[Point], encoder: Encoder) -> "Pool":
        """The pool of these points, equal rows taken once."""
        rows = encoder.encode(points)
        if rows.size == 0:
            return cls(points[:1], rows[:1])
        order: NDArray[np.intp] = np.lexsort(rows.T[::-1])
        x = rows[order]
        first = np.ones(len(x), dtype=bool)
        np.any(x[1:] != x[:-1], axis=1, out=first[1:])
        kept: NDArray[np.intp] = order[first]
        return cls(points.take(kept) if isinstance(points, Rows) else [points[int(i)] for i in kept], x[first])

    def find(self, key: bytes) -> int | None:
        """The row of the candidate with this `Encoder.key`, None when there is none."""
        known = self._known
        if key not in known:
            if len(known) >= KNOWN:
                known.clear()
            known[key] = self._look_up(key)
        return known[key]

    @cached_property
    def _known(self) -> dict[bytes, int | None]:
        """What was asked for lately: what waits at many stations is asked for with every suggestion."""
        return {}

    def _look_up(self, key: bytes) -> int | None:
        row = np.frombuffer(key)
        if len(row) != self.x.shape[1]:
            return None
        hashes, order = self._index
        wanted = _hashes(row[None, :])
        at = int(np.searchsorted(hashes, wanted)[0])
        while at < len(hashes) and hashes[at] == wanted[0]:
            if np.array_equal(self.x[order[at]], row):
                return int(order[at])
            at += 1
        return None

    @cached_property
    def _index(self) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
        """Hashes of all rows in rising order, and the rows that have them."""
        hashes = _hashes(self.x)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order


def _hashes(x: Array) -> NDArray[np.uint64]:
    """A number for each row of x (n, d): equal rows have equal ones, others almost never."""
    found = np.zeros(len(x), dtype=np.uint64)
    for column in np.ascontiguousarray(x.T).view(np.uint64):
        found = (found ^ column ^ (column >> np.uint64(29))) * _ODD
        found ^= found >> np.uint64(32)
    return found


def everything(space: Space, encoder: Encoder) -> Pool | None:
    """All points of a space, None when there are too many to list."""
    points = space.listed()
    return None if points is None else Pool.of(points, encoder)


def sample(space: Space, encoder: Encoder, rng: np.random.Generator, n: int = SAMPLE) -> Pool:
    """About n points spread evenly over a space, all of which meet its constraints."""
    return Pool.of(Sampler(space).draw(n, rng), encoder)
