"""The candidates that a learner chooses from: every point of a small space, a sample of a large one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from motet.contracts.learning import Array
from motet.learning.encoding import Encoder
from motet.model.space import Continuous, Parameter, Space, Stepped
from motet.model.values import Point, Value

ENUMERATED_AT_MOST = 100_000
"""The largest product of parameters that is listed in full; larger ones are sampled, tables never."""

SAMPLE = 2048
"""Points in a sample: a power of two, which keeps a Sobol sequence balanced."""


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
        x, first = np.unique(rows, axis=0, return_index=True)
        return cls([points[int(i)] for i in first], x)

    @cached_property
    def rows(self) -> dict[bytes, int]:
        """The row of every candidate by its `Encoder.key`."""
        return {row.tobytes(): number for number, row in enumerate(self.x)}


def everything(space: Space, encoder: Encoder) -> Pool | None:
    """All points of a space, None when there are too many to list."""
    if space.candidates is None and space.size > ENUMERATED_AT_MOST:
        return None
    return Pool.of(list(space.points()), encoder)


def sample(space: Space, encoder: Encoder, rng: np.random.Generator, n: int = SAMPLE) -> Pool:
    """About n points spread evenly over a space: a scrambled Sobol sequence taken to each grid."""
    from scipy.stats import qmc  # slow to import, and only needed for spaces that cannot be listed

    spread = qmc.Sobol(len(space.parameters), rng=rng).random(n)
    columns = [_values(parameter, u) for parameter, u in zip(space.parameters.values(), spread.T, strict=True)]
    return Pool.of([dict(zip(space.parameters, row, strict=True)) for row in zip(*columns, strict=True)], encoder)


def _values(parameter: Parameter, u: Array) -> list[Value]:
    """Values of a parameter at the fractions `u` of [0, 1) of its range."""
    if isinstance(parameter, Continuous):
        return np.clip(parameter.low + u * (parameter.high - parameter.low), parameter.low, parameter.high).tolist()
    if isinstance(parameter, Stepped):
        return [parameter.value(int(fraction * parameter.size)) for fraction in u]
    levels = parameter.values()
    return [levels[int(fraction * len(levels))] for fraction in u]
