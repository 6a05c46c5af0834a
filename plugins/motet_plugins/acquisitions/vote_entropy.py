"""The acquisition `vote_entropy`."""

from functools import reduce
from typing import Any

import numpy as np

from motet.contracts.belief import Array, Gives, View
from motet.contracts.declarations import NoOptions
from motet_plugins.acquisitions.given import member_probabilities, parts


class VoteEntropy:
    """Query by committee for classes: how evenly the members' votes are spread over the classes.

    Dagan and Engelson, Committee-based sampling for training probabilistic classifiers, ICML (1995); as in
    Settles, Active learning literature survey, Univ. of Wisconsin-Madison, tech. rep. 1648 (2009), sec. 3.2:
    - sum over classes of V/C log V/C, natural, with V the votes for a class of C members. A member to whom
    several classes are equally probable gives each of them a part of its vote.
    """

    needs = frozenset({Gives.MEMBER_PROBABILITIES})
    scale = "positive"

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def score(self, view: View) -> Array:
        """Scores (n,) from 0, all votes for one class, to log k."""
        committee = member_probabilities(view.prediction)
        return np.concatenate([_spread(part) for part in parts(committee)])


def _spread(committee: Array) -> Array:
    """The entropy of votes (n,); class by class, for they are few and members and points are many."""
    from scipy.special import entr  # a tenth of a second to import

    classes = np.moveaxis(committee, 2, 0)
    highest = reduce(np.maximum, classes)
    equal = reduce(np.add, [(each == highest).astype(float) for each in classes])
    spread: Any = [entr(((each == highest) / equal).sum(axis=0) / len(committee)) for each in classes]
    return np.sum(spread, axis=0)
