"""The start design `farthest_point`."""

from typing import Literal, cast

import numpy as np

from motet.contracts.belief import Array
from motet.contracts.learning import Beginning
from motet_plugins.starts.nearest import nearest
from motet_plugins.starts.sized import Sized

TIE = 1e-12
"""Distances this close to the largest are equal: rounding must not choose."""


class Options(Sized):
    """Options of `farthest_point`."""

    first: Literal["centre", "random"] = "centre"
    """The first point of all: the candidate nearest to the centre of the candidates, or any one by the seed."""


class FarthestPoint:
    """Each point as far as can be from those measured or pending: a maximin design made one by one.

    The candidate is taken whose nearest measured, failed or pending point is farthest away (Euclidean, over scaled
    parameters); equal ones are drawn from. Kennard, Stone, Technometrics 11 (1969) 137; at most a factor of two from
    the best possible spread: Gonzalez, Theor. Comput. Sci. 38 (1985) 293. Good for tables and compositions too, since
    it looks at the candidates only.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def count(self, stations: int) -> int:
        """As many as the option says, or one a station."""
        return self._options.points(stations)

    def choose(self, beginning: Beginning) -> int:
        """The candidate that is farthest from everything taken."""
        taken = beginning.taken()
        if len(taken) == 0:
            if self._options.first == "random":
                return int(beginning.rng.integers(len(beginning.candidates)))
            x = beginning.candidates.x
            return nearest(x, x.mean(axis=0))
        x = beginning.candidates.x
        if x.shape[1] == 0:  # nothing to vary: there is one candidate
            return 0
        from scipy.spatial import KDTree

        distances = cast("Array", KDTree(taken).query(x)[0])
        ties = np.flatnonzero(distances >= distances.max() - TIE)
        return int(ties[beginning.rng.integers(len(ties))])
