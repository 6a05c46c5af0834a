"""The acquisition `random`."""

from motet.contracts.belief import Array, Gives, View
from motet.contracts.declarations import NoOptions


class RandomScore:
    """A random score for every point: what any other acquisition must beat."""

    needs = frozenset[Gives]()
    scale = "positive"

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def score(self, view: View) -> Array:
        """Scores (n,) in [0, 1)."""
        return view.rng.random(len(view.rows))
