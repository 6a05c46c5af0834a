"""The parameters of a space that vary, as axes of numbers to count, list and sample on.

A point is a row of codes: the value itself on a continuous axis, the number of the value, from 0, on all others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motet.model.constraints import EQUAL, ROUNDING, Constraint, Linear, Nonzero, Sum
from motet.model.parameters import Categorical, Continuous, Fixed, Integer, Parameter, Stepped, is_numeric
from motet.model.rows import Rows, column, constant
from motet.model.sums import Array, Sums
from motet.model.values import Frozen, Point

__all__ = ["Array", "Axes", "Sums"]

Varying = Continuous | Stepped | Integer | Categorical

_TABULATED = 4096
"""The values of an axis with at most so many are kept at hand."""


@dataclass(frozen=True)
class Axes:
    """The varying parameters of a space with its constraints; P of them."""

    parameters: Mapping[str, Parameter]
    constraints: Sequence[Constraint] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters that vary, in the order of the space."""
        return tuple(name for name, p in self.parameters.items() if not isinstance(p, Fixed))

    @cached_property
    def varying(self) -> tuple[Varying, ...]:
        """Those parameters."""
        return tuple(p for p in self.parameters.values() if not isinstance(p, Fixed))

    @cached_property
    def low(self) -> Array:
        """The lowest code of each axis (P,)."""
        return np.array([p.low if isinstance(p, Continuous) else 0.0 for p in self.varying])

    @cached_property
    def high(self) -> Array:
        """The highest code of each axis (P,)."""
        return np.array([p.high if isinstance(p, Continuous) else p.size - 1.0 for p in self.varying])

    @cached_property
    def whole(self) -> NDArray[np.bool_]:
        """Which axes have whole codes (P,)."""
        return np.array([not isinstance(p, Continuous) for p in self.varying], dtype=bool)

    @cached_property
    def log(self) -> NDArray[np.bool_]:
        """Which axes have a log scale (P,)."""
        return np.array([isinstance(p, Continuous) and p.scale == "log" for p in self.varying], dtype=bool)

    @cached_property
    def choice(self) -> NDArray[np.bool_]:
        """Which axes are categorical (P,)."""
        return np.array([isinstance(p, Categorical) for p in self.varying], dtype=bool)

    @cached_property
    def origin(self) -> Array:
        """The value at code 0 (P,); value = origin + unit * code."""
        return np.array([float(p.low) if isinstance(p, Stepped | Integer) else 0.0 for p in self.varying])

    @cached_property
    def unit(self) -> Array:
        """The value of one step of the code (P,)."""
        return np.array([p.step if isinstance(p, Stepped) else 1.0 for p in self.varying])

    @cached_property
    def zero(self) -> Array:
        """The code of the value 0 (P,), NaN where there is none."""
        codes = -self.origin / self.unit
        codes = np.where(self.whole & (np.abs(codes - np.round(codes)) < ROUNDING), np.round(codes), codes)
        there = (codes >= self.low) & (codes <= self.high) & (~self.whole | (codes == np.round(codes))) & ~self.choice
        return np.where(there, codes + 0.0, np.nan)

    @cached_property
    def sums(self) -> Sums:
        """The linear constraints over codes."""
        rows: list[Array] = []
        bounds: list[tuple[float, float]] = []
        for constraint in self.constraints:
            if not isinstance(constraint, Linear | Sum):
                continue
            weights = np.array([constraint.weights.get(name, 0.0) for name in self.names])
            constants = [w * _number(self.parameters[n]) for n, w in constraint.weights.items() if n not in self.names]
            offset = float(np.dot(weights, self.origin)) + sum(constants)
            low, high = constraint.bounds
            rows.append(weights * self.unit)
            bounds.append((low - offset, high - offset))
        weights = np.array(rows).reshape(len(rows), len(self.names))
        ends = np.array(bounds).reshape(len(rows), 2)
        size = np.abs(weights) @ np.maximum(np.abs(self.low), np.abs(self.high))
        sizes = size + np.max(np.where(np.isfinite(ends), np.abs(ends), 0.0), axis=1, initial=0.0)
        return Sums(
            weights, ends[:, 0], ends[:, 1], np.maximum(ROUNDING * sizes, self._grid_slack(weights, ends, sizes))
        )

    def _grid_slack(self, weights: Array, ends: Array, sizes: Array) -> Array:
        """How far a sum of whole codes may lie from what it must equal (R,): steps such as 0.333 do not add up to 1."""
        involved = weights != 0.0
        steps = np.min(np.abs(weights), axis=1, initial=np.inf, where=involved)
        equal = (ends[:, 0] == ends[:, 1]) & ~np.any(involved & ~self.whole, axis=1)
        return np.where(equal, np.minimum(EQUAL * sizes, steps / 4), 0.0)

    @cached_property
    def counted(self) -> list[tuple[NDArray[np.intp], int]]:
        """For each constraint on how many may differ from 0: its axes, and how many of them may."""
        found: list[tuple[NDArray[np.intp], int]] = []
        for constraint in self.constraints:
            if isinstance(constraint, Nonzero):
                axes = [self.names.index(name) for name in constraint.names if name in self.names]
                always = sum(n not in self.names and _number(self.parameters[n]) != 0 for n in constraint.names)
                found.append((np.array(axes, dtype=np.intp), constraint.at_most - always))
        return found

    def codes(self, points: Sequence[Point]) -> Array:
        """Points as rows of codes (n, P)."""
        rows = Rows.of(points, tuple(self.parameters))
        columns = [_codes(p, rows.columns[name]) for name, p in zip(self.names, self.varying, strict=True)]
        return np.array(columns, dtype=np.float64).reshape(len(columns), len(rows)).T.copy()

    def rows(self, codes: Array) -> Rows:
        """Rows of codes (n, P) as points."""
        return Rows(self._columns(codes, self.parameters), len(codes))

    def met(self, codes: Array, kinds: tuple[type[Frozen], ...] = (Frozen,)) -> NDArray[np.bool_]:
        """Which rows of codes (n, P) meet every constraint of some kinds, exactly as `Space.problems` says."""
        asked = [constraint for constraint in self.constraints if isinstance(constraint, kinds)]
        columns = self._columns(codes, [name for constraint in asked for name in constraint.names])
        return _met(asked, columns, len(codes))

    def allowed(self, rows: Rows) -> NDArray[np.bool_]:
        """Which points meet every constraint (n,)."""
        return _met(self.constraints, rows.columns, len(rows))

    def _columns(self, codes: Array, names: Iterable[str]) -> dict[str, NDArray[Any]]:
        found: dict[str, NDArray[Any]] = {}
        for name in names:
            parameter = self.parameters[name]
            if isinstance(parameter, Fixed):
                found[name] = constant(parameter.value, len(codes))
            elif name not in found:
                axis = self.names.index(name)
                found[name] = self._values(parameter, axis, codes[:, axis])
        return found

    def _values(self, parameter: Varying, axis: int, codes: Array) -> NDArray[Any]:
        if isinstance(parameter, Continuous):
            return np.clip(codes, parameter.low, parameter.high)
        if parameter.size <= _TABULATED:
            if axis not in self._levels:
                self._levels[axis] = column(list(parameter.values()))
            return self._levels[axis][codes.astype(np.intp)]
        return column([parameter.value(int(code)) for code in codes])

    @cached_property
    def _levels(self) -> dict[int, NDArray[Any]]:
        """The values of axes with few of them."""
        return {}


def _met(constraints: Iterable[Constraint], columns: Mapping[str, NDArray[Any]], n: int) -> NDArray[np.bool_]:
    found = np.ones(n, dtype=bool)
    for constraint in constraints:
        found &= np.asarray(constraint.holds(columns), dtype=bool)
    return found


def _number(parameter: Parameter) -> float:
    """The value of a fixed number."""
    return float(parameter.value) if isinstance(parameter, Fixed) and is_numeric(parameter) else 0.0


def _codes(parameter: Varying, values: NDArray[Any]) -> Array:
    match parameter:
        case Categorical():
            number = {choice: float(i) for i, choice in enumerate(parameter.choices)}
            return np.array([number[str(value)] for value in values.tolist()])
        case Continuous():
            return values.astype(np.float64)
        case _:
            step = parameter.step if isinstance(parameter, Stepped) else 1.0
            return np.round((values.astype(np.float64) - parameter.low) / step) + 0.0
