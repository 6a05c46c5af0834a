"""What random choice finds, in closed form.

Of N points, M are in the top set. Experiment i, counted from 0, finds another of them with the probability
P_i = (M - E_(i-1)) / (N - i), where E is the running sum of P (Q. Liang et al., npj Comput. Mater.
7 (2021) 188). By induction E after n experiments is n M / N: the share found is n / N.
"""

import numpy as np

from motet.study.replay.top import needed
from motet.study.statistics import Floats


def random_share(points: int, most: int | None = None) -> Floats:
    """The share of the top set that random choice is expected to have found after 0, 1, 2 ... `most` experiments (all
    of them when left out): (most + 1,)."""
    counts = np.arange((points if most is None else most) + 1)
    return np.minimum(counts / points, 1.0)


def random_experiments(share: float, points: int) -> int:
    """The experiments after which random choice is expected to have found a share of 0 to 1 of the top set."""
    return needed(share, points)


def random_wait(found: int, top: int, points: int) -> float:
    """The mean number of experiments until random choice has found so many of `top` points: k (N + 1) / (M + 1), the
    mean of the negative hypergeometric distribution. Less than what the curve of means gives for most shares, since a
    curve of means is not a mean of waits."""
    return found * (points + 1) / (top + 1)
