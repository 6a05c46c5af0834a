"""By how much a normally distributed value exceeds a threshold, on average: closed forms that hold far out too.

With gain = mean - threshold and z = gain / std the expectation of max(gain, 0) is std h(z), h(z) = phi(z) + z Phi(z)
(Jones, Schonlau, Welch, J. Global Optim. 13 (1998) 455-492, eq. 15). Written with Mills' ratio
R(a) = (1 - Phi(a)) / phi(a) at a = |z|, it is h(z) = max(z, 0) + phi(a) (1 - a R(a)): positive however far out, where
phi(z) + z Phi(z) has no digit left below z = -8.
"""

import math
from typing import Any

import numpy as np

from motet.contracts.belief import Array

FAR = 1e3
"""From here on 1 - a R(a) comes from its series: the difference has lost as many digits as the series leaves out."""

TINY = 1e-300
"""Divides by in the place of 0."""

EXACT = 1e-9
"""The std from which a logarithm counts a belief as uncertain: values themselves are known to nine decimals."""

LOG_ROOT_2_PI = 0.5 * math.log(2 * math.pi)


def improvement(gain: Array, std: Array) -> Array:
    """The expectation of max(gain, 0), none below 0; gain and std of one shape, gain itself where std is 0."""
    size = np.abs(gain)
    a = size / np.maximum(std, np.maximum(size / FAR, TINY))  # at most FAR, where the density is 0 long since
    return np.maximum(gain, 0.0) + std * (np.exp(-0.5 * a * a - LOG_ROOT_2_PI) * _beyond(a))


def log_improvement(gain: Array, std: Array) -> Array:
    """The logarithm of `improvement`, finite for any gain up to 1e140: a std below 1e-9 counts as 1e-9.

    Ament, Daulton, Eriksson, Balandat, Bakshy, Unexpected improvements to expected improvement for Bayesian
    optimization, NeurIPS (2023), eqs. 8 and 9: log h(z) + log std, where for z <= -1 the logarithm of phi is
    taken out of h.
    """
    std = np.maximum(std, EXACT)
    z = gain / std
    a = np.abs(z)
    beyond = _beyond(a)
    density = -0.5 * a * a - LOG_ROOT_2_PI
    near = np.where(z > -1, np.maximum(z, 0.0) + np.exp(density) * beyond, 1.0)
    return np.where(z > -1, np.log(near), density + np.log(beyond)) + np.log(std)


def _beyond(a: Array) -> Array:
    """1 - a R(a) for a >= 0, positive; the first terms of its asymptotic series, 1/a^2 - 3/a^4, where a is large."""
    from scipy.special import erfcx  # a tenth of a second to import

    scaled: Any = erfcx(a * math.sqrt(0.5))
    near = 1 - a * (math.sqrt(math.pi / 2) * scaled)
    far = np.maximum(a, FAR) ** -2.0
    return np.where(a < FAR, near, far * (1 - 3 * far))
