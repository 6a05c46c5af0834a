"""The pending strategy `believer`."""

from motet.contracts.declarations import NoOptions
from motet.contracts.learning import Array, Predict


class Believer:
    """Kriging believer: pending points count as measured with the value that the model predicts.

    Ginsbourger, Le Riche, Carraro, Kriging is well-suited to parallelize optimization, in: Computational
    Intelligence in Expensive Optimization Problems, Springer (2010) 131-162.
    """

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def stand_ins(self, predict: Predict, x: Array, y: Array) -> Array | None:
        """The predicted means (k,)."""
        return predict(x).mean
