"""Points spread over a space that is too large to list, all of which meet its constraints.

Without constraints they are a scrambled Sobol sequence taken to each grid. With constraints each point is begun
parameter by parameter, within the room that the sums leave (so that one sum always comes out, on a grid too), and the
points are then mixed by moves that keep to the constraints: hit-and-run along the directions of
`motet.learning.directions` (Smith, Operations Research 32, 1984), whose limit is the uniform distribution.
"""

from contextlib import suppress
from functools import cached_property
from math import ceil, comb, log2

import numpy as np
from numpy.typing import NDArray

from motet.errors import LearnerError
from motet.learning.moves import Mask, Moves
from motet.model.axes import Array, Axes
from motet.model.constraints import ROUNDING, Forbidden
from motet.model.feasible import Undecided, witness
from motet.model.rows import Rows
from motet.model.space import Space

ATTEMPTS = 8
"""How often as many points as are wanted are begun."""

MIXED = 5
"""Moves of each point for each parameter that a sum ties to others."""

WITNESSES = 16
"""Points found by the solver where beginning at random finds next to none."""

_WIDER = 4.0
"""How many more points are drawn in a set of parameters for each that it has more."""

_GROUPS = 8
"""Points are begun with so many different orders of the parameters."""


class Sampler:
    """Draws points of one space. What has to be worked out once for the space is kept."""

    def __init__(self, space: Space) -> None:
        self.axes = Axes(space.parameters, space.constraints)
        self.moves = Moves(self.axes)

    def draw(self, n: int, rng: np.random.Generator) -> Rows:
        """About n points. Raises LearnerError when none is found that meets the constraints."""
        codes = self._constrained(n, rng) if self.axes.constraints else self._placed(self._spread(n, rng))
        return self.axes.rows(codes)

    @cached_property
    def _tied(self) -> NDArray[np.intp]:
        """The axes that are in a sum."""
        return np.flatnonzero(np.any(self.axes.sums.weights != 0.0, axis=0))

    def _spread(self, n: int, rng: np.random.Generator) -> Array:
        """Fractions (n, P) of [0, 1), evenly spread."""
        from scipy.stats import qmc  # slow to import, and only needed for spaces that cannot be listed

        if not self.axes.names:
            return np.zeros((1, 0))
        return qmc.Sobol(len(self.axes.names), rng=rng).random(2 ** ceil(log2(max(n, 1))))[:n]

    def _placed(self, u: Array) -> Array:
        """Codes (n, P) at fractions of each axis."""
        axes = self.axes
        whole = np.minimum(np.floor(u * (axes.high + 1.0)), axes.high)
        found = np.where(axes.whole, whole, axes.low + u * (axes.high - axes.low))
        if axes.log.any():
            low, high = np.log(axes.low[axes.log]), np.log(axes.high[axes.log])
            found[:, axes.log] = np.exp(low + u[:, axes.log] * (high - low))
        return np.clip(found, axes.low, axes.high)

    def _constrained(self, n: int, rng: np.random.Generator) -> Array:
        codes, still = np.zeros((0, len(self.axes.names))), np.zeros((0, len(self.axes.names)), dtype=bool)
        for attempt in range(ATTEMPTS):
            more, fixed = self._begun(n, rng)
            codes, still = np.vstack([codes, more]), np.vstack([still, fixed])
            if len(codes) >= n or (attempt and not len(codes)):
                break
        few = len(codes) < n // ATTEMPTS
        if few:
            found = np.vstack([codes, self._witnesses(rng)])
            if not len(found):
                raise LearnerError("no point that meets the constraints of the search space was found")
            codes = found[np.arange(n) % len(found)]
            still = self.moves.full(codes)
        codes, still = codes[:n], still[:n]
        mixed = self._mixed(codes, still, rng, anew=few)
        return mixed[self.axes.met(mixed)]

    def _begun(self, n: int, rng: np.random.Generator) -> tuple[Array, Mask]:
        """At most n rows of codes that meet the constraints, and which codes are 0 by lot."""
        axes = self.axes
        u = self._spread(n, rng)
        still = self._left_out(len(u), rng)
        codes = np.where(still, axes.zero, self._placed(u))
        low = np.where(still, axes.zero, axes.low)
        high = np.where(still, axes.zero, axes.high)
        alive = np.ones(len(codes), dtype=bool)
        for group in range(_GROUPS):
            rows = np.arange(group, len(codes), _GROUPS)
            order = rng.permutation(self._tied)
            if len(rows) and len(order):
                codes[rows], alive[rows] = self._within(u[rows], codes[rows], low[rows], high[rows], order)
        codes, still = codes[alive], still[alive]
        met = axes.met(codes)
        return codes[met], still[met]

    def _within(self, u: Array, codes: Array, low: Array, high: Array, order: NDArray[np.intp]) -> tuple[Array, Mask]:
        """Codes with those of the axes in `order` placed anew, each in the room left by those before; and which rows
        had room for all."""
        axes, codes = self.axes, codes.copy()
        so_far = np.zeros((len(codes), len(axes.sums)))
        alive = np.ones(len(codes), dtype=bool)
        for at, axis in enumerate(order):
            rest = axes.sums.rest(order[at + 1 :], low, high)
            whole = bool(axes.whole[axis])
            least, most = axes.sums.room(int(axis), so_far, rest, exact=not whole)
            least, most = np.maximum(least, low[:, axis]), np.minimum(most, high[:, axis])
            if whole:
                least = np.ceil(least - ROUNDING)
                count = np.floor(most + ROUNDING) - least + 1.0
                alive &= count >= 1.0
                code = least + np.floor(u[:, axis] * np.maximum(count, 1.0))
            else:
                alive &= least <= most + ROUNDING * (axes.high[axis] - axes.low[axis])
                least, most = np.minimum(least, most), np.maximum(least, most)
                code = self._between(u[:, axis], least, most, bool(axes.log[axis]))
            codes[:, axis] = np.clip(code, axes.low[axis], axes.high[axis])
            so_far += codes[:, axis, None] * axes.sums.weights[:, axis]
        return codes, alive

    def _between(self, u: Array, low: Array, high: Array, log: bool) -> Array:
        if not log:
            return low + u * (high - low)
        low, high = np.log(np.maximum(low, np.finfo(float).tiny)), np.log(np.maximum(high, np.finfo(float).tiny))
        return np.exp(low + u * (high - low))

    def _left_out(self, n: int, rng: np.random.Generator) -> Mask:
        """Which codes (n, P) are to be 0. Sets of as many parameters that are not 0 are as likely; the larger ones,
        in which there are more points, are more so."""
        still = np.zeros((n, len(self.axes.names)), dtype=bool)
        for counted, most in self.axes.counted:
            may = counted[~np.isnan(self.axes.zero[counted])]
            room = max(0, min(most - (len(counted) - len(may)), len(may)))
            ways = np.array([comb(len(may), size) * _WIDER**size for size in range(room + 1)])
            size = rng.choice(room + 1, size=n, p=ways / ways.sum())
            place = np.argsort(np.argsort(rng.random((n, len(may))), axis=1), axis=1)
            still[:, may] |= place >= size[:, None]
        return still

    def _witnesses(self, rng: np.random.Generator) -> Array:
        """Points (m, P) at some corners of what the constraints leave."""
        axes = self.axes
        found: list[Array] = []
        for number in range(WITNESSES):
            toward = rng.standard_normal(len(axes.names)) / np.maximum(axes.high - axes.low, 1e-300)
            with suppress(Undecided):
                one = witness(axes, toward if number else None)
                if one is None:
                    break
                found.append(one)
        codes = np.array(found).reshape(len(found), len(axes.names))
        return codes[axes.met(codes)]

    def _mixed(self, codes: Array, still: Mask, rng: np.random.Generator, *, anew: bool) -> Array:
        """Rows of codes after many moves; `anew` when they were few, so that choices and zeros move too."""
        if not len(self._tied) and not anew:
            return codes
        moves, axes = self.moves, self.axes
        barred = any(isinstance(constraint, Forbidden) for constraint in axes.constraints)
        usable = moves.usable(still)
        for _ in range(MIXED * len(axes.names if anew else self._tied)):
            moved = moves.along(codes, usable, rng)
            codes = np.where(axes.met(moved, (Forbidden,))[:, None], moved, codes) if barred else moved
            if anew:
                for other in (moves.other_choice, moves.exchange) if axes.counted else (moves.other_choice,):
                    moved = other(codes, rng)
                    codes = np.where(axes.met(moved)[:, None], moved, codes)
                usable = moves.usable(moves.full(codes))
        return codes
