"""The acquisition `smallest_margin`."""

import numpy as np

from motet.contracts.belief import Array, Gives, View
from motet.contracts.declarations import NoOptions
from motet_plugins.acquisitions.given import probabilities


class SmallestMargin:
    """How close the second most probable class comes to the most probable one.

    Scheffer, Decomain, Wrobel, Active hidden Markov models for information extraction, IDA (2001); Settles,
    Active learning literature survey, Univ. of Wisconsin-Madison, tech. rep. 1648 (2009), sec. 3.1: the margin
    P(first) - P(second) is smallest. Here 1 - margin, so that higher is better.
    """

    needs = frozenset({Gives.PROBABILITIES})
    scale = "positive"

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def score(self, view: View) -> Array:
        """Scores (n,) from 0, sure of the class, to 1, undecided between two."""
        found = probabilities(view.prediction)
        if found.shape[1] < 2:
            return 1 - found[:, 0]
        highest = np.partition(found, -2, axis=1)[:, -2:]
        return 1 - (highest[:, 1] - highest[:, 0])
