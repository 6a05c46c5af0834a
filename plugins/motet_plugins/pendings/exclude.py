"""The pending strategy `exclude`."""

from motet.contracts.declarations import NoOptions
from motet.contracts.learning import Array, Predict


class Exclude:
    """Pending points are not suggested again, and the model does not know of them."""

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def stand_ins(self, predict: Predict, x: Array, y: Array) -> Array | None:
        """None: nothing is pretended."""
        return None
