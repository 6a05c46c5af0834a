"""The acquisition `pi`."""

from typing import Any

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, View
from motet.model.values import Frozen, Real


class Options(Frozen):
    """Options of `pi`."""

    margin: Real = Field(default=0.0, ge=0)
    """What has to be exceeded besides the best value, in standard deviations of the values measured.

    The larger, the more is explored; with 0 the next point is mostly beside the best one.
    """


class ProbabilityOfImprovement:
    """How probable it is that a point is better than the best value so far.

    Kushner, A new method of locating the maximum point of an arbitrary multipeak curve in the presence of
    noise, J. Basic Eng. 86 (1964) 97-106: Phi((mu - best) / sigma); 1 or 0 where sigma is 0.
    """

    scale = "positive"

    def __init__(self, options: Options) -> None:
        self._margin = options.margin

    def score(self, view: View) -> Array:
        """Scores (n,) in [0, 1]."""
        gain = view.prediction.mean - view.best - self._margin
        return np.where(view.prediction.std > 0, exceeding(gain, view.prediction.std), gain > 0)


def exceeding(gain: Array, std: Array) -> Array:
    """Phi(gain / std) (n,), the probability that a normal value is above a threshold; 1/2 where std is 0."""
    from scipy.special import ndtr  # a tenth of a second to import

    with np.errstate(over="ignore"):  # of a tiny std: infinitely far is far enough
        probability: Any = ndtr(np.divide(gain, std, out=np.zeros_like(gain), where=std > 0))
    return probability
