"""Models that take in pending points without being fitted anew, and others."""

from collections.abc import Callable

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Extensible, Predict, Prediction, View
from motet.contracts.learning import Beginning
from motet.errors import LearnerError
from motet.learning import Learner
from motet.model.experiment import Outcome
from motet.model.space import Space
from motet.model.values import Point

MakeLearner = Callable[..., Learner]
End = Callable[[int, Point, float | None], Outcome]


class First:
    """A start design that takes the first candidate."""

    def count(self, stations: int) -> int:
        return 1

    def choose(self, beginning: Beginning) -> int:
        return 0


class Believing:
    """A surrogate, acquisition and pending strategy that counts what it is asked to do."""

    def __init__(self, extensible: bool) -> None:
        self.extensible = extensible
        self.fitted: list[int] = []
        self.added: list[int] = []
        self.error: Exception | None = None

    def fit(self, data: Data, seed: int) -> Predict:
        self.fitted.append(len(data))
        return Extended(self, len(data)) if self.extensible else flat

    def score(self, view: View) -> Array:
        return view.prediction.mean

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        return model(x).mean


class Extended:
    """A model that can be told of more values."""

    def __init__(self, parts: Believing, values: int) -> None:
        self.parts = parts
        self.values = values

    def __call__(self, pool: Array) -> Prediction:
        return flat(pool)

    def knowing(self, x: Array, y: Array) -> Predict:
        if self.parts.error is not None:
            raise self.parts.error
        self.parts.added.append(len(y))
        return Extended(self.parts, self.values + len(y))


def flat(pool: Array) -> Prediction:
    return Prediction(np.zeros(len(pool)), np.ones(len(pool)))


@pytest.fixture
def learner_with(grid: Space, end: End, assemble: MakeLearner) -> Callable[[Believing], Learner]:
    def make(parts: Believing) -> Learner:
        learner = assemble(grid, First(), parts)
        learner.tell(end(1, {"x": 5.0, "y": 5.0}, 0.5))
        return learner

    return make


def test_pending_points_are_added_to_a_model_that_can_take_them(learner_with: Callable[[Believing], Learner]) -> None:
    parts = Believing(extensible=True)

    assert len(learner_with(parts).ask(3)) == 3
    assert parts.fitted == [1]
    assert parts.added == [1, 2]


def test_other_models_are_fitted_anew_with_them(learner_with: Callable[[Believing], Learner]) -> None:
    parts = Believing(extensible=False)

    assert len(learner_with(parts).ask(3)) == 3
    assert parts.fitted == [1, 2, 3]


def test_a_model_that_fails_to_take_them_is_named(learner_with: Callable[[Believing], Learner]) -> None:
    parts = Believing(extensible=True)
    parts.error = ZeroDivisionError("no")

    with pytest.raises(LearnerError, match="surrogate surrogate, adding 1 values raised ZeroDivisionError: no"):
        learner_with(parts).ask(2)


def test_what_can_be_told_more_says_so() -> None:
    assert isinstance(Extended(Believing(extensible=True), 1), Extensible)
    assert not isinstance(flat, Extensible)
