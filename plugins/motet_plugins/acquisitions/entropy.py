"""The acquisition `entropy`."""

import math
from typing import Any

from pydantic import Field

from motet.contracts.belief import Array, Gives, View
from motet.model.values import Frozen, Real
from motet_plugins.acquisitions.given import probabilities


class Options(Frozen):
    """Options of `entropy`."""

    base: Real = Field(default=math.e, gt=1)
    """Of the logarithm: e for nats, 2 for bits. It changes the scores, not their order."""


class Entropy:
    """How unsure the class of a point is, all classes considered.

    Shannon, A mathematical theory of communication, Bell Syst. Tech. J. 27 (1948) 379-423; Settles, Active
    learning literature survey, Univ. of Wisconsin-Madison, tech. rep. 1648 (2009), sec. 3.1: - sum over
    classes of P log P.
    """

    needs = frozenset({Gives.PROBABILITIES})
    scale = "positive"

    def __init__(self, options: Options) -> None:
        self._unit = math.log(options.base)

    def score(self, view: View) -> Array:
        """Scores (n,) from 0 to log k."""
        from scipy.special import entr  # a tenth of a second to import

        terms: Any = entr(probabilities(view.prediction))
        return terms.sum(axis=1) / self._unit
