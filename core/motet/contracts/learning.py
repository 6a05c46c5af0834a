"""Learner plugins: start designs, surrogates, acquisitions, pending strategies and stop rules.

What they exchange is in `motet.contracts.belief`. Where a protocol here says *optional*, a plugin may leave the
attribute out; what that means is said there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from motet.contracts.belief import Array, Data, Gives, Predict, View
from motet.model.experiment import Outcome, Suggestion
from motet.model.objective import Objective
from motet.model.values import Point


class Candidates(Protocol):
    """The points that may be suggested now, numbered from 0."""

    def __len__(self) -> int:
        """How many there are, at least one."""
        ...

    @property
    def x(self) -> Array:
        """Their rows (n, d). Copied out of the pool at every look: who needs their number only does not look."""
        ...


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a start design chooses from."""

    candidates: Candidates
    number: int
    """Which of the start points this is, from 0."""
    count: int
    """How many there will be."""
    seed: int
    """The same for all points of one campaign's start, for designs that are drawn as a whole."""
    taken: Callable[[], Array]
    """Gives the rows (k, d) measured, failed or pending so far, in an order that does not depend on time."""
    rng: np.random.Generator
    """For a draw of this point alone."""


class StartDesign(Protocol):
    """Chooses the first points, before there is anything to model."""

    def count(self, stations: int) -> int:
        """How many points to start with in a lab of so many stations."""
        ...

    def choose(self, beginning: Beginning) -> int:
        """The number of the candidate to measure next."""
        ...


@runtime_checkable
class Listed(Protocol):
    """What a start design has besides when it states its points; those that are left are chosen by `choose`."""

    points: Sequence[Point]
    """In the order of measurement, each in the search space."""


class Surrogate(Protocol):
    """A model that predicts with uncertainty.

    Optional: `gives: frozenset[Gives]`, what its predictions hold; mean and std alone when left out.
    """

    def fit(self, data: Data, seed: int) -> Predict:
        """A fitted model. The same data and seed give the same numbers.

        Where the model is `Extensible`, pending points are added to it; other models are fitted anew with them.
        """
        ...


@runtime_checkable
class Continuing(Protocol):
    """What a surrogate has besides when a fit can go on from an earlier one."""

    def go_on(self, before: Predict, data: Data, seed: int) -> Predict:
        """What `fit(data, seed)` gives, faster: `before` is the fit to `data.first(m)` for some m.

        So the fit has to be a function of the values in the order told, whichever of them were fitted before.
        """
        ...


class Acquisition(Protocol):
    """A score over candidates, higher is better.

    Optional: `needs: frozenset[Gives]`, what the surrogate has to give (mean and std when left out);
    `several: bool`, whether it works towards several objectives, and then only so (False when left out);
    `scale`, how a probability enters as a factor: `positive` scores are multiplied by it, to those of `log` its
    logarithm is added, and of any other (when left out) the lowest score is subtracted first.
    """

    def score(self, view: View) -> Array:
        """Scores of shape (n,), one for each candidate."""
        ...


class Pending(Protocol):
    """How points that are asked for but not told yet enter the model.

    They are not suggested meanwhile, unless the strategy is `Repeating` too.
    Optional: `needs: frozenset[Gives]`, what the surrogate has to give besides mean and std.
    """

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        """Standardized values to pretend were measured at the pending points `x` (k, d); None to leave them out.

        Shape (k,), or (m, k) for m possible courses: scores are then the mean over them. A point that is pending
        several times has as many rows.
        """
        ...


@runtime_checkable
class Repeating(Protocol):
    """What a pending strategy has besides when pending points may be suggested again."""

    repeats: bool
    """Whether they may. A point that is measured or failed is never suggested again."""


@runtime_checkable
class Rescoring(Protocol):
    """What a pending strategy has besides when it changes scores while points are pending."""

    def rescore(self, scores: Array, view: View) -> Array:
        """Scores (n,) instead of those of the acquisition; `view.pending` is not empty."""
        ...


@dataclass(frozen=True, slots=True)
class History:
    """What a stop rule may look at: every outcome so far, in the order told, and seconds since the start."""

    outcomes: Sequence[Outcome]
    objectives: Mapping[str, Objective]
    elapsed_s: float
    suggestions: Sequence[Suggestion] = ()
    """Every suggestion taken so far, in the order taken, the last one perhaps not yet begun."""
    cost: float | None = None
    """What the campaign has cost so far, in the lab's currency; None where the lab states no prices."""


class StopRule(Protocol):
    """Says when a campaign has what it wanted. Asked after every outcome and before a suggestion is carried out."""

    def reason(self, history: History) -> str | None:
        """Why the campaign ends now, or None to go on."""
        ...

    def most(self) -> int | None:
        """The largest number of experiments this rule lets through, None when it sets none."""
        ...


@runtime_checkable
class Noting(Protocol):
    """What a stop rule has besides when it needs to know what the model thinks."""

    def note(self, view: View, chosen: int, score: float) -> Mapping[str, float]:
        """Figures to keep with a suggestion, for `reason` to find in `Suggestion.notes`.

        `chosen` is the candidate's number in `view`. Called in the learner's thread, for suggestions of a model.
        """
        ...


def declared_needs(plugin: object) -> frozenset[Gives]:
    """What a plugin says that it needs of the surrogate."""
    return getattr(plugin, "needs", frozenset({Gives.MEAN_STD}))


def declared_gives(surrogate: object) -> frozenset[Gives]:
    """What a surrogate says that it gives."""
    return getattr(surrogate, "gives", frozenset({Gives.MEAN_STD}))
