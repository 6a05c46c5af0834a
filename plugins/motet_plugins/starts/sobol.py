"""The start design `sobol`."""

import numpy as np

from motet.contracts.learning import Beginning
from motet_plugins.starts.nearest import nearest
from motet_plugins.starts.sized import Sized

_SOBOL = 11
"""Keeps the scrambling apart from other random numbers of the same seed."""


class Options(Sized):
    """Options of `sobol`."""


class Sobol:
    """A scrambled Sobol sequence, each of its points taken to the nearest candidate that is free.

    I. M. Sobol', USSR Comput. Math. Math. Phys. 7 (1967) 86; the scrambling is Matousek's, J. Complexity 14 (1998)
    527, as in `scipy.stats.qmc`. The number of points need not be known beforehand; powers of two are balanced best.
    The sequence fills the cube: where the candidates are a small part of it (compositions, odd tables),
    `farthest_point` spreads better.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def count(self, stations: int) -> int:
        """As many as the option says, or one a station."""
        return self._options.points(stations)

    def choose(self, beginning: Beginning) -> int:
        """The candidate nearest to the point of the sequence that has this start point's number."""
        from scipy.stats import qmc

        x = beginning.candidates.x
        width = x.shape[1]
        if width == 0:  # nothing to vary: there is one candidate
            return 0
        sequence = qmc.Sobol(width, rng=np.random.default_rng([_SOBOL, beginning.seed]))
        if beginning.number:
            sequence.fast_forward(beginning.number)  # which takes no zero
        return nearest(x, sequence.random(1)[0])
