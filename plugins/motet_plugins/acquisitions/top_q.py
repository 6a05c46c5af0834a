"""The acquisition `top_q`."""

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, View
from motet.model.values import Frozen, Real
from motet_plugins.acquisitions.probability_of_improvement import exceeding


class Options(Frozen):
    """Options of `top_q`."""

    q: Real = Field(default=0.05, gt=0, lt=1)
    """The fraction of the space that is looked for: 0.05 for the best twentieth."""


class TopQ:
    """How probable it is that a point belongs to the best fraction q of the whole space.

    Kushner's probability (J. Basic Eng. 86 (1964) 97-106) of being above a threshold, Phi((mu - t) / sigma),
    with a threshold t that suits the search for a whole set: the (1 - q) quantile of what is known and expected
    of all points, measured or not. A point counts with its predicted mean, a measured one with the mean of its
    measured values. Where sigma is 0 the score is 1 for a mean of at least t, else 0.
    """

    scale = "positive"

    def __init__(self, options: Options) -> None:
        self._q = options.q

    def score(self, view: View) -> Array:
        """Scores (n,) in [0, 1]."""
        gain = view.prediction.mean - np.quantile(expected(view)[view.even], 1 - self._q)
        return np.where(view.prediction.std > 0, exceeding(gain, view.prediction.std), gain >= 0)


def expected(view: View) -> Array:
    """What is known or else expected of every point of the pool (p,), standardized."""
    data = view.data[0]
    measured: dict[bytes, list[float]] = {}
    for row, y in zip(data.x, data.y, strict=True):
        measured.setdefault(row.tobytes(), []).append(float(y))
    values = view.whole.mean.copy()
    for number, row in enumerate(view.pool):
        if (found := measured.get(row.tobytes())) is not None:
            values[number] = sum(found) / len(found)
    return values
