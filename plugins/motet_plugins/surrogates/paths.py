"""Functions drawn from a Gaussian process given values, for as many rows as wanted."""

import math
from collections.abc import Callable

import numpy as np

from motet.contracts.belief import Array
from motet_plugins.surrogates.gram import Gram, Whitened
from motet_plugins.surrogates.kernel import frequencies

FEATURES = 1024
"""Waves that a function of the prior is made of."""

TOGETHER = 1 << 16
"""Waves that are computed together: so many that they stay in the processor's cache."""


def paths(gram: Gram, y: Array, count: int, rng: np.random.Generator) -> Callable[[Whitened], Array]:
    """Functions, `count` of them, given values y (n,): from p rows to (p, count).

    A function of the prior, made of random waves (Rahimi and Recht, Random features for large-scale kernel
    machines, NIPS 2007, eq. 3), is moved by what it lacks at the values, so that the update is exact: Wilson,
    Borovitskiy, Terenin, Mostowsky and Deisenroth, Efficiently sampling functions from Gaussian process posteriors,
    ICML 2020, eqs. 9 and 13.
    """
    waves = frequencies(FEATURES, gram.hyper, rng)
    phases = rng.uniform(0, 2 * math.pi, FEATURES)
    weights = rng.standard_normal((FEATURES, count)) * (gram.hyper.signal * math.sqrt(2 / FEATURES))
    constants = rng.standard_normal(count) * gram.hyper.constant
    noise = rng.standard_normal((len(gram), count)) * np.sqrt(gram.hyper.noise**2 + gram.errors)[:, None]

    def prior(rows: Array) -> Array:
        found = np.empty((len(rows), count))
        step = max(1, TOGETHER // FEATURES)
        for begin in range(0, len(rows), step):
            found[begin : begin + step] = _cosine(rows[begin : begin + step] @ waves + phases) @ weights + constants
        return found

    lacking = gram.whiten(y[:, None] - prior(gram.x) - noise)
    return lambda rows: prior(rows.rows) + rows.times(lacking)


def _cosine(angles: Array) -> Array:
    """To seven digits, which is four times as fast: waves in random numbers are far less exact."""
    turns = angles / (2 * math.pi)
    turns -= np.rint(turns)
    return np.cos((turns * (2 * math.pi)).astype(np.float32)).astype(np.float64)
