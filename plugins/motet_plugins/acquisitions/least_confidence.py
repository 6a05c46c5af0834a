"""The acquisition `least_confidence`."""

from motet.contracts.belief import Array, Gives, View
from motet.contracts.declarations import NoOptions
from motet_plugins.acquisitions.given import probabilities


class LeastConfidence:
    """How probable it is that a point is not of the class that it most probably is of.

    Settles, Active learning literature survey, Univ. of Wisconsin-Madison, tech. rep. 1648 (2009), sec. 3.1:
    1 - P(most probable class).
    """

    needs = frozenset({Gives.PROBABILITIES})
    scale = "positive"

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def score(self, view: View) -> Array:
        """Scores (n,) from 0 to 1 - 1/k."""
        return 1 - probabilities(view.prediction).max(axis=1)
