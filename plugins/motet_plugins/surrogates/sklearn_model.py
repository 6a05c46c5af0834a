"""The surrogate `sklearn`: any regressor or classifier of scikit-learn, or of a library like it, by import name."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator

from motet.contracts.belief import Array, Data, Gives, Predict, Prediction
from motet.model.values import Frozen, Whole
from motet_plugins.surrogates.bootstrap import counts, seeds
from motet_plugins.surrogates.classes import Classes, class_prediction
from motet_plugins.surrogates.ensemble import Ensemble
from motet_plugins.surrogates.estimators import estimator, found, predicts_classes
from motet_plugins.surrogates.one_thread import one_blas_thread


class Options(Frozen):
    """Options of `sklearn`."""

    model: str
    """Import name of a regressor or classifier, such as `sklearn.linear_model.Ridge`."""
    options: dict[str, Any] = Field(default_factory=dict[str, Any], validate_default=True)
    """What it is made with, by the names that its own documentation gives."""
    bootstrap: Whole = Field(default=20, ge=2, le=10_000)
    """Copies of the model, each fitted to a bootstrap sample. Their spread is the uncertainty."""

    @field_validator("model")
    @classmethod
    def _is_there(cls, model: str) -> str:
        found(model)
        return model

    @field_validator("options")
    @classmethod
    def _can_be_made(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        model = info.data.get("model")
        if model is not None:  # else it is a mistake already
            predicts_classes(estimator(model, options), model)
        return options


class SklearnModel:
    """Copies of a scikit-learn regressor or classifier on bootstrap samples of the values.

    Breiman, Bagging predictors, Machine Learning 24 (1996) 123-140. The copies are the members of the
    prediction. They are seeded where the model takes `random_state` and the file gives none, and work in one
    thread. Values of known error are drawn by the inverse of its square.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        made = estimator(options.model, options.options)
        self._seeded = "random_state" not in options.options and "random_state" in made.get_params()
        self._classes = predicts_classes(made, options.model)
        if self._classes:
            self.gives = frozenset({Gives.PROBABILITIES, Gives.MEMBER_PROBABILITIES})
        else:
            self.gives = frozenset({Gives.MEAN_STD, Gives.MEMBERS, Gives.SAMPLES})

    def fit(self, data: Data, seed: int) -> Predict:
        """The copies fitted."""
        with _one_thread():
            return self._classifier(data, seed) if self._classes else self._regressor(data, seed)

    def _regressor(self, data: Data, seed: int) -> Predict:
        models = self._fitted(data, data.y, seed)

        def means(x: Array, which: Sequence[int]) -> Array:
            rows = _rows(x)
            with _one_thread():
                return np.stack([np.asarray(models[number].predict(rows), np.float64).reshape(-1) for number in which])

        return Ensemble(len(models), means)

    def _classifier(self, data: Data, seed: int) -> Predict:
        classes = Classes(data)
        models = self._fitted(data, classes.places, seed)
        count = len(classes.seen)

        def predict(x: Array) -> Prediction:
            rows = _rows(x)
            with _one_thread():
                members = classes.of_all(np.stack([_probabilities(model, rows, count) for model in models]))
            return class_prediction(members.mean(axis=0), members)

        return predict

    def _fitted(self, data: Data, y: NDArray[Any], seed: int) -> list[Any]:
        """A copy for each bootstrap sample of y (n,); for a sample of one class the number of that class."""
        count = self._options.bootstrap
        samples = counts(data, count, np.random.default_rng(seed))
        x = _rows(data.x)
        models: list[Any] = []
        for sample, one in zip(samples, seeds(seed, count), strict=True):
            rows = np.repeat(np.arange(len(data)), sample.astype(np.intp))
            if self._classes and np.ptp(y[rows]) == 0:  # most classifiers refuse these
                models.append(int(y[rows[0]]))
                continue
            model = estimator(self._options.model, self._options.options)
            if self._seeded:
                model.set_params(random_state=one)
            models.append(model.fit(x[rows], y[rows]))
        return models


def _rows(x: Array) -> Array:
    """With one column where there is none, which scikit-learn refuses."""
    return x if x.shape[1] else np.zeros((len(x), 1))


def _probabilities(model: Any, rows: Array, count: int) -> Array:
    """Of all classes seen (n, count). A model without probabilities votes; a class alone is its own model."""
    shares = np.zeros((len(rows), count))
    if isinstance(model, int):
        shares[:, model] = 1.0
    elif hasattr(model, "predict_proba"):
        shares[:, np.asarray(model.classes_, dtype=np.intp)] = model.predict_proba(rows)
    else:
        shares[np.arange(len(rows)), np.asarray(model.predict(rows), dtype=np.intp)] = 1.0
    return shares


@contextmanager
def _one_thread() -> Generator[None]:
    """BLAS and OpenMP, which some of scikit-learn's models use, in one thread: the same sums on any machine."""
    from threadpoolctl import threadpool_limits

    with one_blas_thread(), threadpool_limits(limits=1, user_api="openmp"):
        yield
