"""A model that is one of several, nobody knows which: a mixture with equal weights."""

from collections.abc import Callable, Sequence

import numpy as np

from motet.contracts.belief import Array, Correlated, Extensible, Predict, Prediction, Sampling
from motet_plugins.surrogates.classes import class_prediction

Combine = Callable[[Sequence[Prediction]], Prediction]


def values_combined(predictions: Sequence[Prediction]) -> Prediction:
    """Mean of the means; variance within the models and between them (the law of total variance)."""
    members = np.stack([each.mean for each in predictions])
    within = np.stack([each.std for each in predictions]) ** 2
    return Prediction(members.mean(axis=0), np.sqrt(within.mean(axis=0) + members.var(axis=0)), members)


def classes_combined(predictions: Sequence[Prediction]) -> Prediction:
    """Mean of the probabilities, which are the members' too. Raises ValueError where a model gives none."""
    given = [each.probabilities for each in predictions if each.probabilities is not None]
    if len(given) < len(predictions):
        raise ValueError("a member of the committee predicts no class probabilities, though it says that it does")
    members = np.stack(given)
    return class_prediction(members.mean(axis=0), members)


class Mixture:
    """Several models combined; it can draw, tell covariances and be told of more values when all of them can."""

    def __init__(self, models: Sequence[Predict], combine: Combine) -> None:
        self.models = models
        self._combine = combine
        sampling = [model for model in models if isinstance(model, Sampling)]
        correlated = [model for model in models if isinstance(model, Correlated)]
        extensible = [model for model in models if isinstance(model, Extensible)]

        def samples(x: Array, count: int, rng: np.random.Generator) -> Array:
            """Each drawn from a model that is drawn first."""
            drawn = rng.integers(len(sampling), size=count)
            values = np.empty((count, len(x)))
            for number, model in enumerate(sampling):
                its = np.flatnonzero(drawn == number)
                if its.size:
                    values[its] = model.samples(x, len(its), rng)
            return values

        def covariance(first: Array, second: Array) -> Array:
            """Within the models and between them."""
            one, two = (np.stack([model(x).mean for model in models]) for x in (first, second))
            between = (one - one.mean(axis=0)).T @ (two - two.mean(axis=0)) / len(models)
            return np.mean([model.covariance(first, second) for model in correlated], axis=0) + between

        def knowing(x: Array, y: Array) -> Predict:
            return Mixture([model.knowing(x, y) for model in extensible], combine)

        if len(sampling) == len(models):
            self.samples = samples
        if len(correlated) == len(models):
            self.covariance = covariance
            self.noise = float(np.sqrt(np.mean([model.noise**2 for model in correlated])))
        if len(extensible) == len(models):
            self.knowing = knowing

    def __call__(self, x: Array) -> Prediction:
        """The belief about rows x (n, d)."""
        return self._combine([model(x) for model in self.models])
