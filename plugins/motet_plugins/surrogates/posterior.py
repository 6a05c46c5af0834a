"""What a Gaussian process with given hyper-parameters knows."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from motet.contracts.belief import Array, Prediction
from motet_plugins.surrogates.cholesky import root
from motet_plugins.surrogates.gram import Gram, Whitened
from motet_plugins.surrogates.kernel import covariance
from motet_plugins.surrogates.one_thread import one_blas_thread
from motet_plugins.surrogates.paths import paths

KEPT = 2
"""Pools whose covariances with the values are kept, those used last: the next prediction is a product then."""

KEPT_ROWS = 256
"""The smallest pool that is kept."""

KEPT_NUMBERS = 50_000_000
"""The largest number of covariances that is kept of a pool, 400 MB."""

CHUNK_NUMBERS = 4_000_000
"""Covariances that are computed together where they are not kept, 32 MB."""

EXACT = 512
"""Up to so many rows are drawn from their joint distribution, more from functions that approximate it."""


class Posterior:
    """The belief after values y (n,) were seen whose covariance is `gram`; mean 0 before.

    Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press (2006), eqs. 2.23 to 2.26.
    """

    def __init__(
        self, gram: Gram, y: Array, pools: tuple[Whitened, ...] = (), origin: "Posterior | None" = None
    ) -> None:
        self.gram = gram
        self.y = y
        self._pools = pools
        self._origin = origin
        """The belief of which this one knows more. It keeps pools for all that were made of it."""

    @one_blas_thread()
    def __call__(self, pool: Array) -> Prediction:
        """Mean and std (p,) of the function, without the noise of a value, at the rows of `pool` (p, d)."""
        parts = [self.marginal(part) for part in self._parts(pool)]
        mean, std = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Prediction(mean, std)

    @one_blas_thread()
    def knowing(self, x: Array, y: Array) -> "Posterior":
        """The same hyper-parameters with values y (k,) at rows x (k, d) besides."""
        gram = self.gram
        for row in x:
            gram = gram.appended(gram.across(row[None]), 0.0)
        return Posterior(gram, np.concatenate([self.y, y]), origin=self)

    @one_blas_thread()
    def samples(self, x: Array, count: int, rng: np.random.Generator) -> Array:
        """Values (count, p) of functions drawn from the belief, jointly over rows x (p, d).

        Of few rows exactly, of many by `paths`.
        """
        if len(x) > EXACT:
            update = paths(self.gram, self.y, count, rng)
            return np.concatenate([update(part) for part in self._parts(x)]).T.copy()
        whitened = self.whitened(x)
        factor = root(self._covariance(whitened, whitened))
        return self.marginal(whitened)[0] + rng.standard_normal((count, factor.shape[1])) @ factor.T

    @one_blas_thread()
    def covariance(self, first: Array, second: Array) -> Array:
        """Of the function between rows first (p, d) and second (q, d): shape (p, q)."""
        return self._covariance(self.whitened(first), self.whitened(second))

    @property
    def noise(self) -> float:
        """Standard deviation of the noise on a single value."""
        return self.gram.hyper.noise

    def marginal(self, rows: Whitened) -> tuple[Array, Array]:
        """Mean and std (p,)."""
        variance = self.gram.hyper.variance - rows.squares
        return rows.times(self._whitened_y), np.sqrt(np.maximum(variance, 0.0))

    def whitened(self, rows: Array) -> Whitened:
        """Rows (p, d) whitened, kept where they are a pool. Kept ones are told by what they hold."""
        if not self._keeps(rows):
            return self.gram.across(rows)
        before = next((kept for kept in self._pools if np.array_equal(kept.rows, rows)), None)
        if before is None and self._origin is not None:
            found = self.gram.extended(self._origin.whitened(rows))
        else:
            found = self.gram.across(rows.copy()) if before is None else self.gram.extended(before)
        self._pools = (found, *[kept for kept in self._pools if kept is not before][: KEPT - 1])
        return found

    @property
    def pools(self) -> tuple[Whitened, ...]:
        """What is kept of pools."""
        return self._pools

    @cached_property
    def _whitened_y(self) -> Array:
        return self.gram.whiten(self.y)

    def _keeps(self, rows: Array) -> bool:
        return len(rows) >= KEPT_ROWS and len(rows) * len(self.gram) <= KEPT_NUMBERS

    def _parts(self, pool: Array) -> Iterator[Whitened]:
        """The rows of a pool whitened, in parts that are no larger than what may be kept."""
        if self._keeps(pool):
            yield self.whitened(pool)
            return
        step = max(1, CHUNK_NUMBERS // len(self.gram))
        for begin in range(0, max(1, len(pool)), step):
            yield self.gram.across(pool[begin : begin + step])

    def _covariance(self, first: Whitened, second: Whitened) -> Array:
        return covariance(first.rows, second.rows, self.gram.hyper) - first.explained(second)
