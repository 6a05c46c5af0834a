"""The pending strategy `believer`."""

import numpy as np

from motet.contracts.belief import Array, Data, Predict
from motet.contracts.declarations import NoOptions


class Believer:
    """Kriging believer: pending points count as measured with the value that the model predicts.

    Ginsbourger, Le Riche, Carraro, Kriging is well-suited to parallelize optimization, in: Computational
    Intelligence in Expensive Optimization Problems, Springer (2010) 131-162. Of classes, the most probable one.
    """

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        """The predicted means (k,)."""
        prediction = model(x)
        if not data.classes:
            return prediction.mean
        if prediction.probabilities is None:
            return None
        return prediction.probabilities.argmax(axis=1).astype(float)
