"""The acquisition `qbc`."""

from motet.contracts.belief import Array, Gives, View
from motet.contracts.declarations import NoOptions
from motet_plugins.acquisitions.given import members


class CommitteeSpread:
    """Query by committee: the standard deviation of what the members of a committee predict.

    Seung, Opper, Sompolinsky, Query by committee, COLT (1992); for numbers Krogh and Vedelsby, Neural network
    ensembles, cross validation, and active learning, NIPS 7 (1995), where its square is the ambiguity. It
    divides by the number of members, not by one less.
    """

    needs = frozenset({Gives.MEMBERS})
    scale = "positive"

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def score(self, view: View) -> Array:
        """Scores (n,), none below 0."""
        return members(view.prediction).std(axis=0)
