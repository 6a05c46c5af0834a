"""The acquisition `random`."""

import numpy as np

from motet.contracts.declarations import NoOptions
from motet.contracts.learning import Array, Prediction


class RandomScore:
    """A random score for every point: what any other acquisition must beat."""

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def score(self, prediction: Prediction, best: float, rng: np.random.Generator) -> Array:
        """Scores (n,) in [0, 1)."""
        return rng.random(len(prediction.mean))
