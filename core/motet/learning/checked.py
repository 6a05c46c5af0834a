"""Calls into learner plugins, checked: whatever goes wrong in one is a LearnerError that names it."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from motet.contracts.belief import Array, Data, Extensible, Predict, Prediction, View
from motet.contracts.learning import (
    Acquisition,
    Beginning,
    Continuing,
    Noting,
    Pending,
    Repeating,
    Rescoring,
    StartDesign,
    Surrogate,
)
from motet.errors import LearnerError


class FitFailed(LearnerError):
    """A surrogate could not be fitted, or its predictions are of no use."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the parts of a learner are called in reasons and errors."""

    start: str = "start"
    surrogate: str = "surrogate"
    acquisition: str = "acquisition"
    pending: str = "pending"
    feasibility: str = "feasibility"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A surrogate's predict function, checked; `who` is blamed."""

    predict: Predict
    who: str

    def __call__(self, pool: Array) -> Prediction:
        """The prediction for the rows of `pool` (n, d). Raises FitFailed."""
        with _blaming(f"{self.who}, predicting {len(pool)} points", FitFailed):
            prediction = self.predict(pool)
            n = len(pool)
            _finite(f"{self.who}: mean", prediction.mean, (n,), FitFailed)
            _finite(f"{self.who}: std", prediction.std, (n,), FitFailed)
            if np.any(prediction.std < 0):
                raise FitFailed(f"{self.who}: std is negative, {prediction.std.min():g} at the lowest")
            if prediction.probabilities is not None:
                shape = (n, prediction.probabilities.shape[-1])
                _finite(f"{self.who}: probabilities", prediction.probabilities, shape, FitFailed)
        return prediction

    def knowing(self, x: Array, y: Array) -> "Fitted | None":
        """The same model told of more values; None when it has to be fitted anew. Raises FitFailed."""
        if not isinstance(self.predict, Extensible):
            return None
        with _blaming(f"{self.who}, adding {len(y)} values", FitFailed):
            return Fitted(self.predict.knowing(x, y), self.who)


@dataclass(frozen=True, slots=True)
class CheckedSurrogate:
    """A surrogate. Every method raises FitFailed only."""

    surrogate: Surrogate
    label: str

    @property
    def continues(self) -> bool:
        """Whether a fit can go on from an earlier one."""
        return isinstance(self.surrogate, Continuing)

    def fit(self, data: Data, seed: int, before: Fitted | None = None) -> Fitted:
        """The surrogate fitted; its predictions are checked too."""
        who = f"surrogate {self.label}"
        with _blaming(f"{who}, fitting {len(data)} values", FitFailed):
            if before is not None and isinstance(self.surrogate, Continuing):
                return Fitted(self.surrogate.go_on(before.predict, data, seed), who)
            return Fitted(self.surrogate.fit(data, seed), who)


@dataclass(frozen=True, slots=True)
class Checked:
    """Start design, acquisition, pending strategy and watching stop rules. Every method raises LearnerError only."""

    start: StartDesign
    acquisition: Acquisition
    pending: Pending
    watchers: Sequence[Noting] = ()
    labels: Labels = Labels()

    def count(self, stations: int) -> int:
        """How many points the start design wants, at least one."""
        with _blaming(f"start design {self.labels.start}"):
            return max(1, int(self.start.count(stations)))

    def choose(self, beginning: Beginning) -> int:
        """The number of the candidate that the start design takes."""
        who = f"start design {self.labels.start}"
        with _blaming(who):
            number = int(self.start.choose(beginning))
        n = len(beginning.candidates)
        if not 0 <= number < n:
            raise LearnerError(f"{who} chose number {number} of {n} candidates, which count from 0")
        return number

    @property
    def repeats(self) -> bool:
        """Whether pending points may be suggested again."""
        return isinstance(self.pending, Repeating) and self.pending.repeats

    def stand_ins(self, model: Fitted, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        """Values (m, k) to pretend at the pending points `x` (k, d) in m possible courses, or None."""
        who = f"pending strategy {self.labels.pending}"
        with _blaming(who):
            values = self.pending.stand_ins(model.predict, x, data, rng)
            if values is None:
                return None
            courses = values if values.ndim > 1 else values[None, :]
            _finite(f"{who}: stand-ins", courses, (len(courses), len(x)))
            if not len(courses):
                raise LearnerError(f"{who}: no course of stand-ins, at least one is needed")
        return courses

    def score(self, view: View) -> Array:
        """The acquisition's scores (n,)."""
        who = f"acquisition {self.labels.acquisition}"
        with _blaming(who):
            scores = self.acquisition.score(view)
            _finite(f"{who}: scores", scores, (len(view.rows),))
        return scores

    def rescore(self, scores: Array, view: View) -> Array:
        """Scores as the pending strategy changes them while points are pending."""
        if not len(view.pending) or not isinstance(self.pending, Rescoring):
            return scores
        who = f"pending strategy {self.labels.pending}"
        with _blaming(who):
            changed = self.pending.rescore(scores, view)
            _finite(f"{who}: scores", changed, scores.shape)
        return changed

    def notes(self, view: View, chosen: int, score: float) -> Mapping[str, float]:
        """What stop rules keep with a suggestion."""
        found: dict[str, float] = {}
        for rule in self.watchers:
            with _blaming(f"stop rule {type(rule).__name__}"):
                found |= {name: float(value) for name, value in rule.note(view, chosen, score).items()}
        return found


@contextmanager
def _blaming(who: str, error: type[LearnerError] = LearnerError) -> Generator[None]:
    try:
        yield
    except LearnerError:
        raise
    except Exception as raised:
        raise error(f"{who} raised {type(raised).__name__}: {raised}") from raised


def _finite(what: str, values: Array, shape: tuple[int, ...], error: type[LearnerError] = LearnerError) -> None:
    if np.shape(values) != shape:
        raise error(f"{what} have shape {np.shape(values)}, {shape} is needed")
    if bad := int(np.count_nonzero(~np.isfinite(values))):
        raise error(f"{what}: {bad} of {values.size} are not finite numbers")
