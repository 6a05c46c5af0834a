"""The acquisition `thompson`."""

from motet.contracts.belief import Array, Gives, View
from motet.contracts.declarations import NoOptions
from motet_plugins.acquisitions.given import sampling


class Thompson:
    """Thompson sampling: the values of one function drawn from what is believed.

    Thompson, On the likelihood that one unknown probability exceeds another in view of the evidence of two
    samples, Biometrika 25 (1933) 285-294. A point is suggested as often as it is believed to be the best.
    """

    needs = frozenset({Gives.SAMPLES})

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def score(self, view: View) -> Array:
        """Scores (n,), others at every call."""
        # Over the whole pool: models keep what they know of it, and the candidates change with every suggestion.
        return sampling(view).samples(view.pool, 1, view.rng)[0][view.rows]
