"""The acquisition `largest_variance`, also called `max_std`."""

from motet.contracts.belief import Array, View
from motet.contracts.declarations import NoOptions


class LargestVariance:
    """The variance of the prediction: the point of which the model knows least.

    MacKay, Information-based objective functions for active data selection, Neural Computation 4 (1992)
    590-604, sec. 3: for a model with normal errors, what is learned of it most.
    """

    scale = "positive"

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def score(self, view: View) -> Array:
        """Scores (n,), none below 0."""
        return view.prediction.std**2
