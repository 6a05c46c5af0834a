"""The pending strategy `none`."""

from motet.contracts.declarations import NoOptions
from motet.contracts.learning import Array, Predict


class NoHandling:
    """Pending points are ignored: stations may be at the same point at once. What the others must beat."""

    repeats = True

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def stand_ins(self, predict: Predict, x: Array, y: Array) -> Array | None:
        """None: the model does not know of them either."""
        return None
