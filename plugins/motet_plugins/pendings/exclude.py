"""The pending strategy `exclude`."""

import numpy as np

from motet.contracts.belief import Array, Data, Predict
from motet.contracts.declarations import NoOptions


class Exclude:
    """Pending points are not suggested again, and the model does not know of them."""

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        """None: nothing is pretended."""
        return None
