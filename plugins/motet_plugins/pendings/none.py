"""The pending strategy `none`."""

import numpy as np

from motet.contracts.belief import Array, Data, Predict
from motet.contracts.declarations import NoOptions


class NoHandling:
    """Pending points are ignored: stations may be at the same point at once. What the others must beat."""

    repeats = True

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        """None: the model does not know of them either."""
        return None
