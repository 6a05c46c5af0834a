"""Bootstrap samples, and what a known error makes of a value's weight."""

import numpy as np

from motet.contracts.belief import Array, Data

LEAST_VARIANCE = 0.01
"""Of y: what values that count together differ by anyway. So a value known exactly does not outweigh all others."""


def counts(data: Data, members: int, rng: np.random.Generator) -> Array:
    """How often each of n values is in each bootstrap sample: (members, n), every row adds up to n.

    Efron, Bootstrap methods: another look at the jackknife, Ann. Statist. 7 (1979) 1-26. Values are drawn by their
    weights: a poor value that had a small weight in every sample would still rule where it is alone.
    """
    weight = weights(data)
    return rng.multinomial(len(data), weight / weight.sum(), size=members).astype(np.float64)


def weights(data: Data) -> Array:
    """How much each value counts (n,), 1 on average: the inverse of its variance where its error is known.

    A value of unknown error counts like the middle one of those known; all count 1 when none is.
    """
    variances = data.variances
    if data.classes or variances is None or np.isnan(variances).all():
        return np.ones(len(data))
    known = np.where(np.isnan(variances), np.nanmedian(variances), variances)
    weight = 1 / (known + LEAST_VARIANCE)
    return weight / weight.mean()


def seeds(seed: int, number: int) -> list[int]:
    """Seeds for so many members, each below 2**32."""
    return [int(state) for state in np.random.SeedSequence(seed).generate_state(number)]
