"""Moves of many points at once, from which new points are made that meet the constraints as the old ones do."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from motet.learning.directions import directions
from motet.model.axes import Array, Axes
from motet.model.constraints import ROUNDING

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Usable:
    """Directions that rows may be moved along: those of row i are `which[first[i] : first[i] + count[i]]`."""

    which: NDArray[np.intp]
    first: NDArray[np.intp]
    count: NDArray[np.intp]


class Moves:
    """Moves within the space of some axes. A move that would lead out of it leaves its row as it is.

    `still` (n, P) says which codes may not change. `reach` (n,) is how far a move goes, as a part of the parameter's
    range (the standard deviation); without it, anywhere within the bounds is equally likely.
    """

    def __init__(self, axes: Axes) -> None:
        self.axes = axes

    @cached_property
    def _directions(self) -> Array:
        return directions(self.axes)

    @cached_property
    def _involved(self) -> Mask:
        return self._directions != 0.0

    @cached_property
    def _in_whole_steps(self) -> Mask:
        return np.any(self._involved & self.axes.whole, axis=1)

    @cached_property
    def _bounds(self) -> tuple[Array, Array, Array]:
        """Weights, low and high of the sums that have room."""
        sums = self.axes.sums
        free = sums.low < sums.high
        return sums.weights[free], sums.low[free], sums.high[free]

    def usable(self, still: Mask) -> Usable:
        """The directions that move no code that must stay, by row (n, P)."""
        if not still.any():
            kinds, kind = still[:1], np.zeros(len(still), dtype=np.intp)
        else:
            kinds, kind = np.unique(still, axis=0, return_inverse=True)
        lists = [np.flatnonzero(~np.any(self._involved & fixed, axis=1)) for fixed in kinds]
        count = np.array([len(found) for found in lists], dtype=np.intp)
        return Usable(np.concatenate([*lists, [0]]).astype(np.intp), (np.cumsum(count) - count)[kind], count[kind])

    def along(self, codes: Array, usable: Usable, rng: np.random.Generator, reach: Array | None = None) -> Array:
        """Each row of codes (n, P) moved along one of its directions; every sum stays within its bounds."""
        if not usable.count.any():
            return codes
        which = usable.which[usable.first + (rng.random(len(codes)) * usable.count).astype(np.intp)]
        step = self._directions[which] * (usable.count > 0)[:, None]
        low, high = self._extent(codes, step)
        whole = self._in_whole_steps[which]
        low, high = np.where(whole, np.ceil(low - ROUNDING), low), np.where(whole, np.floor(high + ROUNDING), high)
        amount = (
            self._anywhere(codes, step, low, high, whole, rng)
            if reach is None
            else self._near(codes, step, reach, whole, rng)
        )
        moved = codes + np.clip(amount, low, high)[:, None] * step
        return np.clip(np.where(self.axes.whole, np.round(moved), moved), self.axes.low, self.axes.high)

    def _extent(self, codes: Array, step: Array) -> tuple[Array, Array]:
        """The least and the most of each step (n, P) that stays within the axes and the sums; 0 lies between."""
        weights, lowest, highest = self._bounds
        room = np.hstack([self.axes.high - codes, highest - codes @ weights.T])
        back = np.hstack([self.axes.low - codes, lowest - codes @ weights.T])
        speed = np.hstack([step, step @ weights.T])
        fast = np.abs(speed) > ROUNDING * np.max(np.abs(speed), axis=1, initial=0.0)[:, None]
        speed = np.where(fast, speed, 1.0)
        up, down = room / speed, back / speed
        most = np.min(np.where(fast, np.maximum(up, down), np.inf), axis=1)
        least = np.max(np.where(fast, np.minimum(up, down), -np.inf), axis=1)
        moving = np.any(fast, axis=1)
        return np.where(moving, np.minimum(least, 0.0), 0.0), np.where(moving, np.maximum(most, 0.0), 0.0)

    def _anywhere(
        self, codes: Array, step: Array, low: Array, high: Array, whole: Mask, rng: np.random.Generator
    ) -> Array:
        u = rng.random(len(codes))
        amount = np.where(whole, low + np.floor(u * (high - low + 1.0)), low + u * (high - low))
        rows = np.flatnonzero(~whole & np.any((step != 0.0) & self.axes.log, axis=1))
        if not len(rows):
            return amount
        axis = np.argmax((step[rows] != 0.0) & self.axes.log, axis=1)
        code, speed = codes[rows, axis], step[rows, axis]
        floor, ceiling = self.axes.low[axis], self.axes.high[axis]
        ends = np.sort(np.clip([code + low[rows] * speed, code + high[rows] * speed], floor, ceiling), axis=0)
        logs = np.log(ends)
        amount[rows] = (np.exp(logs[0] + u[rows] * (logs[1] - logs[0])) - code) / speed
        return amount

    def _near(self, codes: Array, step: Array, reach: Array, whole: Mask, rng: np.random.Generator) -> Array:
        axes = self.axes
        ratio = np.where(axes.log, axes.high / np.where(axes.log, axes.low, 1.0), np.e)
        extent = np.where(axes.log, codes * np.log(ratio), axes.high - axes.low)
        speed = np.max(np.abs(step) / extent, axis=1, initial=0.0)
        amount = rng.standard_normal(len(codes)) * reach / np.where(speed > 0, speed, 1.0)
        return np.where(whole, np.where(amount < 0, -1.0, 1.0) * np.maximum(np.round(np.abs(amount)), 1.0), amount)

    def other_choice(self, codes: Array, rng: np.random.Generator) -> Array:
        """Each row with another choice on one of its categorical axes."""
        axes = np.flatnonzero(self.axes.choice)
        if not len(axes):
            return codes
        rows = np.arange(len(codes))
        axis = axes[rng.integers(len(axes), size=len(codes))]
        size = self.axes.high[axis] + 1.0
        moved = codes.copy()
        moved[rows, axis] = (codes[rows, axis] + 1.0 + np.floor(rng.random(len(codes)) * (size - 1.0))) % size
        return moved

    def exchange(self, codes: Array, rng: np.random.Generator) -> Array:
        """Each row with the amount of one parameter given to another one that is 0, in the same part of their ranges
        where no sum has to stay; for constraints on how many may differ from 0."""
        moved = codes.copy()
        counted, _ = self.axes.counted[int(rng.integers(len(self.axes.counted)))]
        zero = self.axes.zero[counted]
        at_zero = codes[:, counted] == zero
        keys: Array = rng.random((len(codes), len(counted)))
        away = np.argmax(np.where(~at_zero & ~np.isnan(zero), keys, -1.0), axis=1)
        home = np.argmax(np.where(at_zero, keys, -1.0), axis=1)
        rows = np.flatnonzero(np.any(at_zero, axis=1) & np.any(~at_zero & ~np.isnan(zero), axis=1))
        giver, taker = counted[away[rows]], counted[home[rows]]
        moved[rows, giver] = self.axes.zero[giver]
        moved[rows, taker] = self._same(codes[rows, giver], giver, taker)
        return moved

    def _same(self, code: Array, giver: NDArray[np.intp], taker: NDArray[np.intp]) -> Array:
        """The code of another axis that adds as much to the first sum that both are in."""
        axes = self.axes
        part = (code - axes.low[giver]) / (axes.high - axes.low)[giver]
        found = axes.low[taker] + part * (axes.high - axes.low)[taker]
        amount = code - axes.zero[giver]
        for weights in axes.sums.weights[::-1]:
            both = (weights[giver] != 0.0) & (weights[taker] != 0.0)
            ratio = weights[giver] / np.where(both, weights[taker], 1.0)
            found = np.where(both, axes.zero[taker] + amount * ratio, found)
        found = np.where(axes.whole[taker], np.round(found), found)
        return np.clip(found, axes.low[taker], axes.high[taker])

    def full(self, codes: Array) -> Mask:
        """Which codes (n, P) are 0 and have to stay so, as enough others are not."""
        still = np.zeros(codes.shape, dtype=bool)
        for counted, most in self.axes.counted:
            at_zero = codes[:, counted] == self.axes.zero[counted]
            crowded = np.count_nonzero(~at_zero, axis=1) >= most
            still[:, counted] |= at_zero & crowded[:, None]
        return still
