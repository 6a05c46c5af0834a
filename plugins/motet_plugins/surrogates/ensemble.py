"""A model made of several of the same kind."""

from collections.abc import Callable, Sequence

import numpy as np

from motet.contracts.belief import Array, Prediction

Members = Callable[[Array, Sequence[int]], Array]
"""Means (k, n) of the members of k numbers, at rows (n, d)."""


class Ensemble:
    """Mean and standard deviation over the members, which keep their order; a function drawn is one of them.

    std divides by their number, not by one less, as in HELAO's learner. Members that were fitted to bootstrap
    samples are draws from an approximate posterior: Eckles and Kaptein, Thompson sampling with the online
    bootstrap, arXiv:1410.4009 (2014).
    """

    def __init__(self, count: int, members: Members) -> None:
        self._count = count
        self._members = members

    def __call__(self, x: Array) -> Prediction:
        """The belief about rows x (n, d)."""
        members = self._members(x, range(self._count))
        return Prediction(members.mean(axis=0), members.std(axis=0), members)

    def samples(self, x: Array, count: int, rng: np.random.Generator) -> Array:
        """Values (count, n) at rows x of members drawn with replacement."""
        if not count:
            return np.empty((0, len(x)))
        drawn, which = np.unique(rng.integers(self._count, size=count), return_inverse=True)
        return self._members(x, [int(number) for number in drawn])[which]
