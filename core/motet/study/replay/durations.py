"""How long experiments last, in units of their mean."""

from collections.abc import Iterator

import numpy as np

from motet.study.replay.choices import Durations

_DURATIONS = 2
"""Keeps the random numbers of durations apart from those of first points."""


def durations(kind: Durations, sigma: float, seed: int) -> Iterator[float]:
    """How long the first, second ... experiment of a run lasts; their mean is 1. The same for every learner.

    A lognormal duration is exp(sigma z - sigma^2 / 2) with a standard normal z: `sigma` is the standard deviation of
    its logarithm.
    """
    rng = np.random.default_rng([_DURATIONS, seed])
    while True:
        yield 1.0 if kind == "equal" else float(np.exp(sigma * rng.standard_normal() - sigma**2 / 2))
