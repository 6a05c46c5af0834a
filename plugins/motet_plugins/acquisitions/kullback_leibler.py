"""The acquisition `kullback_leibler`."""

from typing import Any

import numpy as np

from motet.contracts.belief import Array, Gives, View
from motet.contracts.declarations import NoOptions
from motet_plugins.acquisitions.given import member_probabilities, parts

DECIMALS = 12
"""To which scores are rounded: where all members agree, what is left of the difference would choose the point."""


class KullbackLeibler:
    """Query by committee for classes: how far its members are from their consensus on average.

    McCallum and Nigam, Employing EM and pool-based active learning for text classification, ICML (1998): the
    mean over members of the sum over classes of p log(p / consensus), natural, where the consensus is the mean
    of the members' probabilities. Unlike `entropy` it is 0 where all members are equally unsure.
    """

    needs = frozenset({Gives.MEMBER_PROBABILITIES})
    scale = "positive"

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def score(self, view: View) -> Array:
        """Scores (n,) from 0 to log k."""
        committee = member_probabilities(view.prediction)
        return np.concatenate([_divergence(part) for part in parts(committee)])


def _divergence(committee: Array) -> Array:
    """The mean divergence (n,): the entropy of the consensus less the mean of the members' entropies."""
    from scipy.special import entr  # a tenth of a second to import

    consensus: Any = entr(committee.mean(axis=0))
    members: Any = entr(committee)
    divergence: Array = (consensus - members.mean(axis=0)).sum(axis=1)
    return np.maximum(np.round(divergence, DECIMALS), 0.0)
