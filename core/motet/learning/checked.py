"""Calls into learner plugins, checked: whatever goes wrong in one is a LearnerError that names it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from motet.contracts.learning import (
    Acquisition,
    Array,
    Candidates,
    Extensible,
    Pending,
    Predict,
    Prediction,
    Repeating,
    StartDesign,
    Surrogate,
)
from motet.errors import LearnerError


@dataclass(frozen=True, slots=True)
class Labels:
    """What the parts of a learner are called in reasons and errors."""

    start: str = "start"
    surrogate: str = "surrogate"
    acquisition: str = "acquisition"
    pending: str = "pending"


@dataclass(frozen=True, slots=True)
class Checked:
    """The four plugins of a learner. Every method raises LearnerError only."""

    start: StartDesign
    surrogate: Surrogate
    acquisition: Acquisition
    pending: Pending
    labels: Labels = Labels()

    def count(self, stations: int) -> int:
        """How many points the start design wants, at least one."""
        with _blaming(f"start design {self.labels.start}"):
            return max(1, int(self.start.count(stations)))

    def choose(self, candidates: Candidates, rng: np.random.Generator) -> int:
        """The number of the candidate that the start design takes."""
        who = f"start design {self.labels.start}"
        with _blaming(who):
            number = int(self.start.choose(candidates, rng))
        if not 0 <= number < len(candidates):
            raise LearnerError(f"{who} chose number {number} of {len(candidates)} candidates, which count from 0")
        return number

    @property
    def repeats(self) -> bool:
        """Whether pending points may be suggested again."""
        return isinstance(self.pending, Repeating) and self.pending.repeats

    def fit(self, x: Array, y: Array, seed: int) -> "Fitted":
        """The surrogate fitted; its predictions are checked too."""
        who = f"surrogate {self.labels.surrogate}"
        with _blaming(f"{who}, fitting {len(y)} values"):
            return Fitted(self.surrogate.fit(x, y, seed), who)

    def stand_ins(self, predict: Predict, x: Array, y: Array) -> Array | None:
        """Values to pretend at the pending points `x`, or None."""
        who = f"pending strategy {self.labels.pending}"
        with _blaming(who):
            values = self.pending.stand_ins(predict, x, y)
        if values is not None:
            _finite(f"{who}: stand-ins", values, len(x))
        return values

    def score(self, prediction: Prediction, best: float, rng: np.random.Generator) -> Array:
        """The acquisition's scores."""
        who = f"acquisition {self.labels.acquisition}"
        with _blaming(who):
            scores = self.acquisition.score(prediction, best, rng)
        _finite(f"{who}: scores", scores, len(prediction.mean))
        return scores


@dataclass(frozen=True, slots=True)
class Fitted:
    """A surrogate's predict function, checked; `who` is blamed."""

    predict: Predict
    who: str

    def __call__(self, pool: Array) -> Prediction:
        """The prediction for the rows of `pool` (n, d)."""
        with _blaming(f"{self.who}, predicting {len(pool)} points"):
            prediction = self.predict(pool)
        _finite(f"{self.who}: mean", prediction.mean, len(pool))
        _finite(f"{self.who}: std", prediction.std, len(pool))
        if np.any(prediction.std < 0):
            raise LearnerError(f"{self.who}: std is negative, {prediction.std.min():g} at the lowest")
        return prediction

    def knowing(self, x: Array, y: Array) -> "Fitted | None":
        """The same model told of more values; None when it has to be fitted anew."""
        if not isinstance(self.predict, Extensible):
            return None
        with _blaming(f"{self.who}, adding {len(y)} values"):
            return Fitted(self.predict.knowing(x, y), self.who)


@contextmanager
def _blaming(who: str) -> Generator[None]:
    try:
        yield
    except LearnerError:
        raise
    except Exception as error:
        raise LearnerError(f"{who} raised {type(error).__name__}: {error}") from error


def _finite(what: str, values: Array, n: int) -> None:
    if np.shape(values) != (n,):
        raise LearnerError(f"{what} have shape {np.shape(values)}, ({n},) is needed")
    if bad := int(np.count_nonzero(~np.isfinite(values))):
        raise LearnerError(f"{what}: {bad} of {n} are not finite numbers")
