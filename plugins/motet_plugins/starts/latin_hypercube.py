"""The start design `latin_hypercube`."""

import numpy as np

from motet.contracts.learning import Beginning
from motet_plugins.starts.nearest import nearest
from motet_plugins.starts.sized import Sized

_LATIN = 12
"""Keeps the design apart from other random numbers of the same seed."""


class Options(Sized):
    """Options of `latin_hypercube`."""


class LatinHypercube:
    """n points with one in each n-th part of every parameter's range, taken to the nearest free candidates.

    McKay, Beckman, Conover, Technometrics 21 (1979) 239. All points are drawn as one design; when more are needed
    than were planned (none of them gave a value), another design of the same size follows. Where the candidates are a
    small part of the cube (compositions, odd tables), `farthest_point` spreads better.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def count(self, stations: int) -> int:
        """As many as the option says, or one a station."""
        return self._options.points(stations)

    def choose(self, beginning: Beginning) -> int:
        """The candidate nearest to the point of the design that has this start point's number."""
        from scipy.stats import qmc

        x = beginning.candidates.x
        width = x.shape[1]
        if width == 0:  # nothing to vary: there is one candidate
            return 0
        design, number = divmod(beginning.number, beginning.count)
        rng = np.random.default_rng([_LATIN, beginning.seed, design])
        return nearest(x, qmc.LatinHypercube(width, rng=rng).random(beginning.count)[number])
