"""A surrogate fitted to a bootstrap sample, and its predictions brought back to the scale of all values."""

import numpy as np

from motet.contracts.belief import Array, Correlated, Data, Extensible, Predict, Prediction, Sampling


def resampled(data: Data, rng: np.random.Generator) -> Data:
    """As many values drawn with replacement, in the same order of rows."""
    rows = np.sort(rng.integers(len(data), size=len(data)))
    told = np.argsort(np.argsort(data.told[rows], kind="stable"), kind="stable")
    errors = None if data.errors is None else data.errors[rows]
    return Data(data.x[rows], data.merits[rows], told, errors, data.classes)


class Rescaled:
    """A model of y = shift + factor * y', where `model` is one of y'. It can do what `model` can."""

    def __init__(self, model: Predict, shift: float, factor: float) -> None:
        self._model, self._shift, self._factor = model, shift, factor
        if isinstance(model, Sampling):
            drawing = model

            def samples(x: Array, count: int, rng: np.random.Generator) -> Array:
                return shift + factor * drawing.samples(x, count, rng)

            self.samples = samples
        if isinstance(model, Correlated):
            correlated = model

            def covariance(first: Array, second: Array) -> Array:
                return factor**2 * correlated.covariance(first, second)

            self.covariance = covariance
            self.noise = factor * correlated.noise
        if isinstance(model, Extensible):
            extensible = model

            def knowing(x: Array, y: Array) -> Predict:
                return Rescaled(extensible.knowing(x, (y - shift) / factor), shift, factor)

            self.knowing = knowing

    def __call__(self, x: Array) -> Prediction:
        """Mean, std and members in the other scale."""
        found = self._model(x)
        members = None if found.members is None else self._shift + self._factor * found.members
        return Prediction(self._shift + self._factor * found.mean, self._factor * found.std, members)


def rescaled(model: Predict, fitted: Data, whole: Data) -> Predict:
    """The model of standardized values of `fitted`, as one of those of `whole`. Classes have no scale."""
    if whole.classes:
        return model
    return Rescaled(model, (fitted.centre - whole.centre) / whole.spread, fitted.spread / whole.spread)
