"""Bounds on weighted sums of axes, and the room that they leave on one axis when others have their codes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sums:
    """R bounds on weighted sums of codes: low - slack <= weights @ codes <= high + slack."""

    weights: Array
    """(R, P)"""
    low: Array
    """(R,)"""
    high: Array
    """(R,)"""
    slack: Array
    """(R,)"""

    def __len__(self) -> int:
        return len(self.low)

    def rest(self, axes: NDArray[np.intp], low: Array, high: Array) -> tuple[Array, Array]:
        """The least and the most that some axes may add to each sum: low and high (..., P) give (..., R)."""
        a, b = low[..., None, axes] * self.weights[:, axes], high[..., None, axes] * self.weights[:, axes]
        return np.minimum(a, b).sum(axis=-1), np.maximum(a, b).sum(axis=-1)

    def room(self, axis: int, so_far: Array, rest: tuple[Array, Array], *, exact: bool = False) -> tuple[Array, Array]:
        """Between which codes an axis must lie (n,) for every sum to be met with sums (n, R) of the axes before and the
        rest that those after may add; `exact` without the slack."""
        slack = self.slack * (not exact)
        low, high = np.full(len(so_far), -np.inf), np.full(len(so_far), np.inf)
        for r in np.flatnonzero(self.weights[:, axis]):
            weight = self.weights[r, axis]
            a = (self.low[r] - slack[r] - so_far[:, r] - rest[1][..., r]) / weight
            b = (self.high[r] + slack[r] - so_far[:, r] - rest[0][..., r]) / weight
            low, high = np.maximum(low, np.minimum(a, b)), np.minimum(high, np.maximum(a, b))
        return low, high
