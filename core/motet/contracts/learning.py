"""Learner plugins: start designs, surrogates, acquisitions, pending strategies and stop rules.

They see numbers only. `x` has shape (n, d), one row a point with every column scaled to [0, 1] over the space
(categories one-hot); `y` has shape (n,), the objective turned so that higher is better and standardized over
the values measured so far (mean 0, std 1; all 0 when they are equal), so that no choice depends on the
objective's unit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from motet.model.experiment import Outcome
from motet.model.objective import Objective

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A surrogate's belief about n points: mean and std (n,), and members (m, n) where it has them."""

    mean: Array
    std: Array
    members: Array | None = None


Predict = Callable[[Array], Prediction]


@runtime_checkable
class Extensible(Protocol):
    """What a predict function has besides when its model can take in more values without being fitted anew."""

    def knowing(self, x: Array, y: Array) -> Predict:
        """The same model, told of values y (k,) at rows x (k, d) besides those that it was fitted to."""
        ...


class Candidates(Protocol):
    """The points that may be suggested now, numbered from 0."""

    def __len__(self) -> int:
        """How many there are, at least one."""
        ...

    @property
    def x(self) -> Array:
        """Their rows (n, d). Copied out of the pool at every look: who needs their number only does not look."""
        ...


class StartDesign(Protocol):
    """Chooses the first points, before there is anything to model."""

    def count(self, stations: int) -> int:
        """How many points to start with in a lab of so many stations."""
        ...

    def choose(self, candidates: Candidates, rng: np.random.Generator) -> int:
        """The number of the candidate to measure next."""
        ...


class Surrogate(Protocol):
    """A model that predicts with uncertainty."""

    def fit(self, x: Array, y: Array, seed: int) -> Predict:
        """A fitted model as its predict function. The same data and seed give the same numbers.

        Where that is `Extensible`, pending points are added to it; other models are fitted anew with them.
        """
        ...


class Acquisition(Protocol):
    """A score over candidates, higher is better."""

    def score(self, prediction: Prediction, best: float, rng: np.random.Generator) -> Array:
        """Scores of shape (n,); `best` is the highest y measured so far."""
        ...


class Pending(Protocol):
    """How points that are asked for but not told yet enter the model.

    They are not suggested meanwhile, unless the strategy is `Repeating` too.
    """

    def stand_ins(self, predict: Predict, x: Array, y: Array) -> Array | None:
        """Values (k,) to pretend were measured at the pending points `x` (k, d); None to leave them out.

        `y` holds the measured values, shape (n,). A point that is pending several times has as many rows.
        """
        ...


@runtime_checkable
class Repeating(Protocol):
    """What a pending strategy has besides when pending points may be suggested again."""

    repeats: bool
    """Whether they may. A point that is measured or failed is never suggested again."""


@dataclass(frozen=True, slots=True)
class History:
    """What a stop rule may look at: every outcome so far, in the order told, and seconds since the start."""

    outcomes: Sequence[Outcome]
    objectives: Mapping[str, Objective]
    elapsed_s: float


class StopRule(Protocol):
    """Says when a campaign has what it wanted."""

    def reason(self, history: History) -> str | None:
        """Why the campaign ends now, or None to go on."""
        ...

    def most(self) -> int | None:
        """The largest number of experiments this rule lets through, None when it sets none."""
        ...
