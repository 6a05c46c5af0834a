"""Hyper-parameters of a Gaussian process that follow the values: when they are looked for, and from where."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motet.contracts.belief import Array
from motet_plugins.surrogates.kernel import Hyperparameters
from motet_plugins.surrogates.marginal_likelihood import NegativeLogPosterior, Prior, logarithms

ALWAYS = 50
"""Up to so many values, each new one decides anew."""

GROWTH = 1.05
"""Above, the hyper-parameters are looked for when the number of values has grown by this factor, ..."""

SPREADING = 1.2
"""... when their standard deviation has grown or fallen by this factor ..."""

SURPRISE = 3.0
"""... or when one of them is so many standard deviations from what was expected of it."""

SEVERAL = 1.1
"""Above ALWAYS, a search begins at several starts when the number of values has grown by this factor."""

POINTS = 400
"""At most so many values decide: the cost grows with the third power of their number."""

TRIED = tuple((length, noise) for noise in (1e-2, 0.3) for length in (0.1, 0.3, 1.0, 3.0))
"""Length scales and noise (standard deviation) at which a search from several starts looks first."""

FOLLOWED = 2
"""From how many of those it goes on: the likelihood may have several maxima (R&W ch. 5.4.1, fig. 5.5)."""

BOUNDS = {"length": (1e-2, 1e3), "signal": (0.2, 10.0), "noise": (1e-4, 1.5)}
"""Lowest and highest hyper-parameter. The lowest noise keeps the covariance well conditioned in double precision."""

DECIMALS = 6
"""To which the logarithms of hyper-parameters are rounded: further ones depend on the machine's arithmetic."""

PRECISION = {"gtol": 1e-2, "ftol": 1e-6}
"""Where a search ends: the slope of the log posterior by logarithms, and its change as a fraction of itself."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """Hyper-parameters, and what they were found from."""

    hyper: Hyperparameters
    count: int
    """The number of values then."""
    unit: float
    """Standard deviation of the values then: the unit of signal, noise and known errors."""
    several: int
    """The number of values when a search began at several starts last."""

    def due(self, count: int, spread: float) -> bool:
        """Whether to look again at so many values with that standard deviation, whatever the last one is."""
        spreading = max(spread / self.unit, self.unit / spread)
        return count <= ALWAYS or count >= GROWTH * self.count or spreading > SPREADING


def tuned(x: Array, y: Array, errors: Array, prior: Prior, last: Tuning | None, unit: float) -> Tuning:
    """The most probable hyper-parameters given values y (n,) at rows x (n, d) with known variances `errors` (n,).

    The search begins at the `last` ones; with few values and now and then with many it also begins at others, so
    that a poor maximum does not last. `unit` is the standard deviation of the values. Raises ArithmeticError.
    """
    count = len(y)
    chosen = drawn(count)
    improbable = NegativeLogPosterior(x[chosen], y[chosen], errors[chosen], prior)
    if last is None or count <= ALWAYS or count >= SEVERAL * last.several:
        starts = promising(improbable, x.shape[1])
        several = count
    else:
        starts, several = [], last.several
    if last is not None:
        starts.append(logarithms(last.hyper))
    return Tuning(most_probable(improbable, starts), count, unit, several)


def promising(improbable: NegativeLogPosterior, columns: int) -> list[Array]:
    """The most probable of some scattered hyper-parameters, as logarithms (d + 2,)."""
    tried = [np.log([length] * columns + [1.0, noise]) for length, noise in TRIED]
    return sorted(tried, key=improbable.value)[:FOLLOWED]


def most_probable(improbable: NegativeLogPosterior, starts: Sequence[Array]) -> Hyperparameters:
    """The best of what searches from several starts find. Raises ArithmeticError."""
    optimize: Any = import_module("scipy.optimize")  # takes a fifth of a second the first time
    columns = len(starts[0]) - 2
    limits = np.log([BOUNDS["length"]] * columns + [BOUNDS["signal"], BOUNDS["noise"]])
    searches: list[Any] = [
        optimize.minimize(improbable, start, jac=True, method="L-BFGS-B", bounds=limits, options=PRECISION)
        for start in starts
    ]
    best: Any = min(searches, key=lambda each: each.fun)
    if not np.isfinite(best.fun):
        raise ArithmeticError(f"the search for hyper-parameters of a Gaussian process failed: {best.message}")
    logs: Array = best.x
    hyper = np.exp(np.round(logs, DECIMALS))
    return Hyperparameters(hyper[:-2], float(hyper[-2]), float(hyper[-1]), improbable.constant)


def drawn(count: int) -> NDArray[np.intp]:
    """Which of so many values decide: all, or POINTS of them at random, always the same."""
    if count <= POINTS:
        return np.arange(count)
    return np.sort(np.random.default_rng(count).choice(count, POINTS, replace=False))
