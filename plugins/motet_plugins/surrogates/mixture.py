"""A model that is one of several, nobody knows which: a mixture."""

from collections.abc import Callable, Sequence

import numpy as np

from motet.contracts.belief import Array, Correlated, Extensible, Predict, Prediction, Sampling
from motet_plugins.surrogates.classes import class_prediction

Combine = Callable[[Sequence[Prediction], Array], Prediction]
"""From the predictions of m models and their weights (m,), which add up to 1, to that of the mixture."""


def values_combined(predictions: Sequence[Prediction], weights: Array) -> Prediction:
    """Mean of the means; variance within the models and between them (the law of total variance)."""
    members = np.stack([each.mean for each in predictions])
    within = np.stack([each.std for each in predictions]) ** 2
    mean = weights @ members
    return Prediction(mean, np.sqrt(weights @ (within + (members - mean) ** 2)), members)


def classes_combined(predictions: Sequence[Prediction], weights: Array) -> Prediction:
    """Mean of the probabilities, which are the members' too. Raises ValueError where a model gives none."""
    given = [each.probabilities for each in predictions if each.probabilities is not None]
    if len(given) < len(predictions):
        raise ValueError("a member of the committee predicts no class probabilities, though it says that it does")
    members = np.stack(given)
    return class_prediction(np.tensordot(weights, members, axes=1), members)


class Mixture:
    """Several models combined by weights (m,); it can draw and tell covariances when all of them can.

    It can be told of more values when any of them can. The others stay as they are: what is pretended at pending
    points is near to what they predict there anyway.
    """

    def __init__(self, models: Sequence[Predict], weights: Array, combine: Combine) -> None:
        self.models = models
        self._weights = weights
        self._combine = combine
        sampling = [model for model in models if isinstance(model, Sampling)]
        correlated = [model for model in models if isinstance(model, Correlated)]

        def samples(x: Array, count: int, rng: np.random.Generator) -> Array:
            """Each drawn from a model that is drawn first."""
            drawn = rng.choice(len(sampling), size=count, p=weights)
            values = np.empty((count, len(x)))
            for number, model in enumerate(sampling):
                its = np.flatnonzero(drawn == number)
                if its.size:
                    values[its] = model.samples(x, len(its), rng)
            return values

        def covariance(first: Array, second: Array) -> Array:
            """Within the models and between them."""
            one, two = (np.stack([model(x).mean for model in models]) for x in (first, second))
            between = (one - weights @ one).T @ ((two - weights @ two) * weights[:, None])
            return np.tensordot(weights, [model.covariance(first, second) for model in correlated], axes=1) + between

        def knowing(x: Array, y: Array) -> Predict:
            told = [model.knowing(x, y) if isinstance(model, Extensible) else model for model in models]
            return Mixture(told, weights, combine)

        if len(sampling) == len(models):
            self.samples = samples
        if len(correlated) == len(models):
            self.covariance = covariance
            self.noise = float(np.sqrt(weights @ [model.noise**2 for model in correlated]))
        if any(isinstance(model, Extensible) for model in models):
            self.knowing = knowing

    def __call__(self, x: Array) -> Prediction:
        """The belief about rows x (n, d)."""
        return self._combine([model(x) for model in self.models], self._weights)
