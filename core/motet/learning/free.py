"""Which candidates may still be suggested, kept up to date at a cost that does not grow with the campaign."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from motet.contracts.belief import Array
from motet.learning.encoding import Encoder
from motet.learning.neighbours import near
from motet.learning.pool import SAMPLE, Pool, everything
from motet.learning.sampling import Sampler
from motet.model.rows import Rows
from motet.model.space import Space
from motet.model.values import Point

BLOCK = 512
"""Rows that are counted together: finding one looks at the counts and at one block, not at the whole pool."""

RENEWED = SAMPLE // 2
"""Points that a start design takes from one sample of a large space before it gets the next one."""

REFINED = 512
"""Points that are looked at around the best of a sample."""

_SAMPLE = 3
"""Keeps the random numbers of samples for start designs apart from those of choices and fits."""


class Free:
    """The candidates of a pool that may be suggested: `motet.contracts.learning.Candidates`.

    Numbered from 0 in the order of the pool's rows.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._mask = np.ones(len(pool.x), dtype=bool)
        self._counts = np.add.reduceat(self._mask, np.arange(0, len(self._mask), BLOCK), dtype=np.intp)
        self._n = len(self._mask)

    def __len__(self) -> int:
        """How many there are."""
        return self._n

    @property
    def x(self) -> Array:
        """Their rows (n, d), copied at every call."""
        return self.pool.x[self._mask]

    def rows(self) -> NDArray[np.intp]:
        """The row in the pool of every one of them."""
        return np.flatnonzero(self._mask)

    def row(self, number: int) -> int:
        """The row in the pool of one of them."""
        ends = np.cumsum(self._counts)
        block = int(np.searchsorted(ends, number, side="right"))
        before = int(ends[block - 1]) if block else 0
        within = np.flatnonzero(self._mask[block * BLOCK : (block + 1) * BLOCK])
        return block * BLOCK + int(within[number - before])

    def key(self, row: int) -> bytes:
        """The `Encoder.key` of a row of the pool."""
        return self.pool.x[row].tobytes()

    def point(self, row: int) -> Point:
        """The point of a row of the pool."""
        return self.pool.points[row]

    def mark(self, key: bytes, free: bool) -> None:
        """Say whether the point with this key may be suggested; a point that is not in the pool is ignored."""
        row = self.pool.find(key)
        if row is None or bool(self._mask[row]) is free:
            return
        change = 1 if free else -1
        self._mask[row] = free
        self._counts[row // BLOCK] += change
        self._n += change


class Supply:
    """What a learner chooses from: every point of a small space, samples of a large one.

    `blocked` says of a point's key whether it may not be suggested; `update` has to be told when that changes.
    """

    def __init__(self, space: Space, encoder: Encoder, seed: int, blocked: Callable[[bytes], bool]) -> None:
        self._space = space
        self._encoder = encoder
        self._seed = seed
        self._blocked = blocked
        whole = everything(space, encoder)
        self._whole = None if whole is None else Free(whole)
        self._at_start: tuple[int, Free] | None = None

    def update(self, key: bytes) -> None:
        """Whether the point with this key may be suggested has changed, perhaps."""
        free = not self._blocked(key)
        if self._whole is not None:
            self._whole.mark(key, free)
        if self._at_start is not None:
            self._at_start[1].mark(key, free)

    def at_start(self, begun: int) -> Free:
        """For a start design that has had `begun` points. A sample of a large space serves it many times."""
        if self._whole is not None:
            return self._whole
        number = begun // RENEWED
        if self._at_start is None or self._at_start[0] != number:
            self._at_start = number, self._sample(np.random.default_rng([_SAMPLE, self._seed, number]))
        return self._at_start[1]

    def to_score(self, rng: np.random.Generator) -> Free:
        """For an acquisition; a large space is sampled anew, so that it is searched more closely every time."""
        return self._sample(rng) if self._whole is None else self._whole

    def refined(self, free: Free, rows: Sequence[int], rng: np.random.Generator, stage: int) -> Free | None:
        """Points near some rows of the pool of `free`, and these rows: a few hundred in all, nearer with every `stage`
        from 0. All are valid; blocked ones may not be suggested. None when the whole space is listed, or `rows` empty.
        """
        if self._whole is not None or not len(rows):
            return None
        axes = self._sampler.axes
        base = axes.codes([free.point(int(row)) for row in rows])
        codes = np.vstack([base, near(self._sampler.moves, base, REFINED, rng, stage)])
        return self._free(axes.rows(codes))

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler(self._space)

    def _sample(self, rng: np.random.Generator) -> Free:
        return self._free(self._sampler.draw(SAMPLE, rng))

    def _free(self, points: Rows) -> Free:
        pool = Pool.of(points, self._encoder)
        free = Free(pool)
        for row in pool.x:
            if self._blocked(key := row.tobytes()):
                free.mark(key, False)
        return free
