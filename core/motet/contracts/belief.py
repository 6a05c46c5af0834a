"""What learner plugins look at: what was measured, what a model predicts of it, and what may be suggested now.

They see numbers only. `x` has shape (n, d), one row a point with every column scaled to [0, 1] over the space
(categories one-hot or by their descriptors). Values are *merits*: the objective turned so that higher is better.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DECIMALS = 9
"""To which standardized merits are rounded: their last bits depend on the unit, and would decide ties."""


class Gives(StrEnum):
    """What a surrogate can tell of a point, and what an acquisition or pending strategy may need to be told."""

    MEAN_STD = "mean and std"
    """A value with its uncertainty: `Prediction.mean` and `Prediction.std`."""
    MEMBERS = "members"
    """What each of several models predicts: `Prediction.members`."""
    SAMPLES = "samples"
    """Functions drawn from the belief: the model is `Sampling`."""
    COVARIANCE = "covariance"
    """How the errors of two points go together: the model is `Correlated`."""
    PROBABILITIES = "class probabilities"
    """Of every class: `Prediction.probabilities`."""
    MEMBER_PROBABILITIES = "class probabilities of members"
    """Of every class by each of several models: `Prediction.member_probabilities`."""
    BOTORCH = "a BoTorch model"
    """The model has the attribute `botorch`, a `botorch.models.model.Model` of y over x."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A belief about n points: mean and std (n,), standardized; the rest as far as the surrogate gives it.

    A classifier's mean is the probability of the most probable class, its std that of a draw of that class.
    """

    mean: Array
    std: Array
    members: Array | None = None
    """(m, n): the mean of each of m models."""
    probabilities: Array | None = None
    """(n, k): of each of k classes."""
    member_probabilities: Array | None = None
    """(m, n, k)."""

    def at(self, rows: NDArray[np.intp]) -> "Prediction":
        """The belief about some of the points."""
        return Prediction(
            self.mean[rows],
            self.std[rows],
            None if self.members is None else self.members[:, rows],
            None if self.probabilities is None else self.probabilities[rows],
            None if self.member_probabilities is None else self.member_probabilities[:, rows],
        )

    def and_of(self, others: "Prediction") -> "Prediction":
        """The belief about these points and, after them, about others by the same model."""
        return Prediction(
            np.concatenate([self.mean, others.mean]),
            np.concatenate([self.std, others.std]),
            _both(self.members, others.members, 1),
            _both(self.probabilities, others.probabilities, 0),
            _both(self.member_probabilities, others.member_probabilities, 1),
        )


def _both(first: Array | None, second: Array | None, axis: int) -> Array | None:
    return None if first is None or second is None else np.concatenate([first, second], axis=axis)


Predict = Callable[[Array], Prediction]
"""A fitted model: from rows (n, d) to the belief about them. It may also be Extensible, Sampling or Correlated."""


@runtime_checkable
class Extensible(Protocol):
    """A model that can take in more values without being fitted anew."""

    def knowing(self, x: Array, y: Array) -> Predict:
        """The same model, told of standardized values y (k,) at rows x (k, d) besides its own."""
        ...


@runtime_checkable
class Sampling(Protocol):
    """A model from which functions can be drawn."""

    def samples(self, x: Array, count: int, rng: np.random.Generator) -> Array:
        """Values (count, n) at rows x (n, d) of functions drawn from the belief, jointly over the rows."""
        ...


@runtime_checkable
class Correlated(Protocol):
    """A model that knows how its errors go together."""

    def covariance(self, first: Array, second: Array) -> Array:
        """Posterior covariance (n, m) of the function between rows first (n, d) and second (m, d)."""
        ...

    @property
    def noise(self) -> float:
        """Standard deviation of the noise on a single value, standardized."""
        ...


@dataclass(frozen=True)
class Data:
    """What was measured of one objective, in an order of rows that does not depend on who finished first."""

    x: Array
    """(n, d), sorted. Equal rows are repeated measurements."""
    merits: Array
    """(n,), the objective turned so that higher is better, in its unit; the numbers of classes for a classifier."""
    told: NDArray[np.intp]
    """(n,), a permutation: the rows' places in the order told, from 0."""
    errors: Array | None = None
    """(n,), known standard errors in the unit of the merits, NaN where unknown; None when none is known."""
    classes: int = 0
    """Number of classes, 0 when the objective is a number."""
    scale: tuple[float, float] | None = None
    """Centre and spread to standardize with, when they are not those of the merits themselves."""

    def __len__(self) -> int:
        """Number of values."""
        return len(self.merits)

    @cached_property
    def centre(self) -> float:
        """Mean of the merits, unless `scale` says otherwise."""
        return float(self.merits.mean()) if self.scale is None else self.scale[0]

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the merits, unless `scale` says otherwise; 1 when they are all equal."""
        if self.scale is not None:
            return self.scale[1]
        exponent = int(np.frexp(np.abs(self.merits).max())[1])  # a square of the merits themselves may overflow
        spread = float(np.ldexp(np.ldexp(self.merits, -exponent).std(), exponent))
        return spread if spread > np.finfo(float).eps * abs(self.centre) else 1.0

    @cached_property
    def y(self) -> Array:
        """Standardized merits (n,): mean 0, std 1; all 0 when they are equal. For classes their numbers."""
        return self.merits if self.classes else np.round((self.merits - self.centre) / self.spread, DECIMALS) + 0.0

    @cached_property
    def variances(self) -> Array | None:
        """Known squared errors of y (n,), NaN where unknown; None when none is known."""
        return None if self.errors is None else (self.errors / self.spread) ** 2

    def first(self, count: int) -> "Data":
        """The values that were told first, so many, standardized by themselves."""
        among = self.told < count
        errors = None if self.errors is None else self.errors[among]
        return Data(self.x[among], self.merits[among], self.told[among], errors, self.classes)

    def knowing(self, x: Array, y: Array) -> "Data":
        """These values and standardized ones y (k,) at rows x (k, d) after them, on the scale that these have."""
        if not self.classes:
            y = self.centre + self.spread * np.round(y, DECIMALS)  # else a mean of few may lie between two decimals
        merits = np.concatenate([self.merits, y])
        told = np.concatenate([self.told, np.arange(len(self), len(merits))])
        errors = None if self.errors is None else np.concatenate([self.errors, np.full(len(y), np.nan)])
        return Data(np.vstack([self.x, x]), merits, told, errors, self.classes, (self.centre, self.spread))


@dataclass(frozen=True)
class View:
    """What an acquisition looks at. Everything is standardized, and higher is better.

    `pool` (p, d) are the points of the space, measured ones included: all of them, or a sample of a large space with
    points near the best of it. `rows` (n,) numbers those in it that may be suggested, the candidates. There is one
    model, one prediction of the whole pool and one set of data for each objective; the models know of pending points
    in the way that the pending strategy says: what it pretends of them counts as measured in `best` and `outcomes`,
    while `data` leaves it out. `rng` draws the same numbers for every possible course of pending points.
    """

    pool: Array
    rows: NDArray[np.intp]
    models: Sequence[Predict]
    wholes: Sequence[Prediction]
    data: Sequence[Data]
    best: float
    """The highest y that meets the constraints on outcomes, the lowest of all when none does; with several objectives,
    of the first. Measured, or pretended of a pending point."""
    pending: Array
    """(k, d): points that are being measured."""
    rng: np.random.Generator
    outcomes: Array
    """(c, m): standardized values of m objectives, where all of them were measured, and those pretended of pending
    points."""
    outcomes_at: Array
    """(c, d): the rows of `outcomes`."""
    fit: Callable[[Array], Predict]
    """Fits the surrogate to other values (c,) at `outcomes_at`, standardized as it needs them."""
    near: int = 0
    """How many of the last rows of `pool` are points near the best of a sample."""

    @property
    def even(self) -> slice:
        """The rows of `pool` that stand for the whole space: all but those near the best of a sample."""
        return slice(len(self.pool) - self.near)

    @cached_property
    def x(self) -> Array:
        """The candidates (n, d)."""
        return self.pool[self.rows]

    @cached_property
    def predictions(self) -> tuple[Prediction, ...]:
        """The belief about the candidates, one for each objective."""
        return tuple(whole.at(self.rows) for whole in self.wholes)

    @property
    def prediction(self) -> Prediction:
        """The belief about the candidates; with several objectives, of the first."""
        return self.predictions[0]

    @property
    def whole(self) -> Prediction:
        """The belief about the whole pool; with several objectives, of the first."""
        return self.wholes[0]

    @property
    def model(self) -> Predict:
        """The model; with several objectives, of the first."""
        return self.models[0]
