"""Whether constraints leave a point at all, where the points cannot be listed: a mixed-integer linear programme.

Codes of `motet.model.axes` are its variables; how many may differ from 0, and what is forbidden, come in through
0/1 variables with the axes' own ranges as the large numbers (Williams, Model Building in Mathematical
Programming, 5th ed., 2013, ch. 9).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from motet.model.axes import Array, Axes
from motet.model.constraints import Between, Forbidden
from motet.model.parameters import Categorical, Fixed
from motet.model.values import Value

TIME_LIMIT = 10.0
"""Seconds after which the search is given up."""

_APART = 1e-5
"""How far a continuous value must be from one that it must not be, of its range: the solver's tolerances are 1e-6."""

_ROUNDING = 1e-9
"""Up to which part of a step a code is rounded."""

Terms = dict[int, float]
"""Factors of the programme's variables."""


class Undecided(Exception):
    """The solver did not find out, in time or within its tolerances."""


def witness(axes: Axes, toward: Array | None = None) -> Array | None:
    """The codes (P,) of a point that meets every constraint, None when there is none.

    Of all of them one that lies furthest in a direction `toward` (P,). Raises Undecided when that is not found out.
    """
    from scipy import optimize

    solver: Any = optimize
    programme = _Programme(axes)
    n, count = len(programme.low), len(axes.names)
    if not n:
        return np.zeros(0) if axes.met(np.zeros((1, 0))).all() else None
    matrix = np.zeros((len(programme.rows), n))
    for i, (terms, _, _) in enumerate(programme.rows):
        for j, factor in terms.items():
            matrix[i, j] += factor
    ends = np.array([[low, high] for _, low, high in programme.rows]).reshape(-1, 2)
    goal = np.zeros(n)
    goal[:count] = 0.0 if toward is None else -toward
    found: Any = solver.milp(
        goal,
        constraints=solver.LinearConstraint(matrix, ends[:, 0], ends[:, 1]) if len(matrix) else (),
        integrality=np.array(programme.whole, dtype=int),
        bounds=solver.Bounds(np.array(programme.low), np.array(programme.high)),
        options={"time_limit": TIME_LIMIT},
    )
    if found.x is None:
        if found.status == 2:
            return None
        raise Undecided(str(found.message))
    codes = np.asarray(found.x, dtype=np.float64)[:count]
    codes = np.clip(np.where(axes.whole, np.round(codes), codes), axes.low, axes.high)
    if not axes.met(codes[None, :]).all():
        raise Undecided("the point found meets the constraints up to the solver's tolerances only")
    return codes


@dataclass
class _Programme:
    """Variables with their ranges, and rows low <= terms <= high."""

    axes: Axes
    low: list[float] = field(default_factory=list[float])
    high: list[float] = field(default_factory=list[float])
    whole: list[bool] = field(default_factory=list[bool])
    rows: list[tuple[Terms, float, float]] = field(default_factory=list[tuple[Terms, float, float]])
    _chosen: dict[int, int] = field(default_factory=dict[int, int])

    def __post_init__(self) -> None:
        axes = self.axes
        self.low, self.high, self.whole = axes.low.tolist(), axes.high.tolist(), axes.whole.tolist()
        lows, highs = axes.sums.low - axes.sums.slack, axes.sums.high + axes.sums.slack
        for weights, low, high in zip(axes.sums.weights, lows, highs, strict=True):
            self.rows.append(({axis: float(weight) for axis, weight in enumerate(weights)}, float(low), float(high)))
        for counted, most in axes.counted:
            self.rows.append(({self._differs(int(axis)): 1.0 for axis in counted}, -np.inf, float(most)))
        for constraint in axes.constraints:
            if isinstance(constraint, Forbidden):
                self._forbid(constraint)

    def _flag(self, low: float = 0.0) -> int:
        """A new 0/1 variable."""
        self.low.append(low)
        self.high.append(1.0)
        self.whole.append(True)
        return len(self.low) - 1

    def _differs(self, axis: int) -> int:
        """1 where the value of an axis is not 0."""
        zero = float(self.axes.zero[axis])
        if np.isnan(zero):
            return self._flag(low=1.0)
        flag = self._flag()
        self.rows.append(({axis: 1.0, flag: zero - self.high[axis]}, -np.inf, zero))
        self.rows.append(({axis: 1.0, flag: zero - self.low[axis]}, zero, np.inf))
        return flag

    def _forbid(self, constraint: Forbidden) -> None:
        """At least one of the conditions is not met."""
        escapes: list[int] = []
        for name, wanted in constraint.forbidden.items():
            parameter = self.axes.parameters[name]
            if isinstance(parameter, Fixed):
                if bool(Forbidden(forbidden={name: wanted}).holds({name: parameter.value})):
                    return
                continue
            axis = self.axes.names.index(name)
            if isinstance(parameter, Categorical):
                excluded = {parameter.choices.index(str(value)) for value in _listed(wanted)}
                escapes += [self._choice(axis) + i for i in range(parameter.size) if i not in excluded]
            else:
                escapes += [self._within(axis, low, high) for low, high in self._outside(axis, wanted)]
        self.rows.append((dict.fromkeys(escapes, 1.0), 1.0, np.inf))

    def _choice(self, axis: int) -> int:
        """The first of as many 0/1 variables as an axis has choices: one of them is 1."""
        if axis not in self._chosen:
            flags = [self._flag() for _ in range(int(self.high[axis]) + 1)]
            self.rows.append((dict.fromkeys(flags, 1.0), 1.0, 1.0))
            self.rows.append(({axis: -1.0} | {flag: float(i) for i, flag in enumerate(flags)}, 0.0, 0.0))
            self._chosen[axis] = flags[0]
        return self._chosen[axis]

    def _within(self, axis: int, low: float, high: float) -> int:
        """A 0/1 variable that is 1 only where low <= code <= high."""
        flag = self._flag()
        self.rows.append(({axis: 1.0, flag: self.low[axis] - low}, self.low[axis], np.inf))
        self.rows.append(({axis: 1.0, flag: self.high[axis] - high}, -np.inf, self.high[axis]))
        return flag

    def _outside(self, axis: int, wanted: Value | tuple[Value, ...] | Between) -> Iterator[tuple[float, float]]:
        """The ranges of codes in which a condition on a number is not met."""
        lowest, highest = self.low[axis], self.high[axis]
        apart = 1.0 if self.whole[axis] else _APART * (highest - lowest)

        def code(value: float) -> float:
            return (value - float(self.axes.origin[axis])) / float(self.axes.unit[axis])

        ranges: list[tuple[float, float]] = []
        if isinstance(wanted, Between):
            if wanted.above is not None:
                ranges.append((lowest, code(wanted.above)))
            if wanted.at_least is not None:
                ranges.append((lowest, self._before(axis, code(wanted.at_least), apart)))
            if wanted.below is not None:
                ranges.append((code(wanted.below), highest))
            if wanted.at_most is not None:
                ranges.append((-self._before(axis, -code(wanted.at_most), apart), highest))
        else:
            ends = sorted(code(float(value)) for value in _listed(wanted))
            ranges = [
                (a + apart, b - apart) for a, b in zip([lowest - apart, *ends], [*ends, highest + apart], strict=True)
            ]
        for low, high in ranges:
            if max(low, lowest) <= min(high, highest) + _ROUNDING:
                yield max(low, lowest), min(high, highest)

    def _before(self, axis: int, code: float, apart: float) -> float:
        """The last code below one."""
        return float(np.ceil(code - _ROUNDING) - 1.0) if self.whole[axis] else code - apart


def _listed(wanted: Value | tuple[Value, ...] | Between) -> Sequence[Value]:
    return wanted if isinstance(wanted, tuple) else () if isinstance(wanted, Between) else (wanted,)
