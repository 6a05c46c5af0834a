"""From models to the candidate that is measured next: scores, what they are multiplied by, and ties."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motet.contracts.belief import Array, View
from motet.learning.checked import Checked

TIE = 1e-9
"""Scores this close to the best are equal: rounding must not choose. A fraction of their spread, but for logarithms."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate: its number in the view, its score, and how many scored as well as it."""

    view: View
    number: int
    score: float
    equals: int
    scores: Array

    @property
    def row(self) -> int:
        """Its row in the pool."""
        return int(self.view.rows[self.number])

    def best(self, count: int) -> list[int]:
        """Rows in the pool of the candidates with the highest scores, the best first."""
        order = np.argsort(-self.scores, kind="stable")[:count]
        return [int(row) for row in self.view.rows[order]]


def choose(parts: Checked, views: Sequence[View], log_probability: Array | None, rng: np.random.Generator) -> Choice:
    """The best candidate over the views of all courses of pending points, all of the same candidates.

    `log_probability` (n,) is that of a candidate to be of any use, where this is in doubt. Raises LearnerError.
    """
    scale = getattr(parts.acquisition, "scale", "any")
    courses = np.stack([parts.score(view) for view in views])
    scores = courses[0] if len(courses) == 1 else _mean(courses, scale)
    scores = parts.rescore(scores, views[0])
    if log_probability is not None:
        scores = _times(scores, log_probability, scale)
    ties = np.flatnonzero(scores >= scores.max() - TIE * (1.0 if scale == "log" else np.ptp(scores)))
    number = int(ties[rng.integers(len(ties))])
    return Choice(views[0], number, float(scores[number]), len(ties), scores)


def _mean(courses: Array, scale: str) -> Array:
    if scale != "log":
        return courses.mean(axis=0)
    highest = courses.max(axis=0)
    return highest + np.log(np.exp(courses - highest).mean(axis=0))


def _times(scores: Array, log_probability: Array, scale: str) -> Array:
    match scale:
        case "log":
            return scores + log_probability
        case "positive":
            return scores * np.exp(log_probability)
        case _:
            return (scores - scores.min()) * np.exp(log_probability)
