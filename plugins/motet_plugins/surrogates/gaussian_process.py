"""The surrogate `gaussian_process`, also called `gp`."""

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, Data, Gives, Predict
from motet.model.values import Frozen
from motet_plugins.surrogates.gram import Gram, Whitened
from motet_plugins.surrogates.marginal_likelihood import Prior
from motet_plugins.surrogates.one_thread import one_blas_thread
from motet_plugins.surrogates.posterior import Posterior
from motet_plugins.surrogates.tuning import SURPRISE, Tuning, tuned


class Options(Frozen):
    """Options of `gaussian_process` and `gp`."""

    length: float = Field(default=Prior().length, gt=0)
    """How far apart points are still alike, as a fraction of a parameter's range: the median of a broad prior."""
    noise: float = Field(default=Prior().noise, gt=0)
    """Noise of a value, in standard deviations of the values measured: the median of a broad prior."""


class Fit(Posterior):
    """The belief after some values were told, in the order told, with what the next value is judged by."""

    def __init__(self, gram: Gram, data: Data, tuning: Tuning, pools: tuple[Whitened, ...] = ()) -> None:
        super().__init__(gram, data.y[np.argsort(data.told)], pools)
        self.tuning = tuning
        self._centre, self._spread = data.centre, data.spread

    def surprise(self, row: Whitened, merit: float, error: float) -> float:
        """How many standard deviations a new value lies from what was expected at its row."""
        mean, std = self.marginal(row)
        off = (merit - self._centre) / self._spread - mean[0]
        return float(abs(off) / np.sqrt(std[0] ** 2 + self.noise**2 + error))


class GaussianProcess:
    """An exact Gaussian process with a Matern-5/2 kernel; its hyper-parameters are the most probable ones.

    One length scale for each column, constant mean 0, noise on every value besides its known error. Rasmussen and
    Williams (2006): kernel eq. 4.17, likelihood eq. 5.8, one length scale for each column ch. 5.1; log-normal
    priors. A fit takes in one value after the other in the order told. The hyper-parameters are looked for anew at
    each of the first 50 values, then when there are 5 % more or one is more than 3 standard deviations from what was
    expected, beginning at the last ones; above 400 values, a random 400 decide. In between a value is appended
    to the covariances that are known, whose unit stays what it was. The seed has no say.
    """

    gives = frozenset({Gives.MEAN_STD, Gives.SAMPLES, Gives.COVARIANCE})

    def __init__(self, options: Options) -> None:
        self._prior = Prior(length=options.length, noise=options.noise)

    def fit(self, data: Data, seed: int) -> Predict:
        """The belief given the data. Raises ArithmeticError when no hyper-parameters can be found."""
        return self._told(None, data)

    def go_on(self, before: Predict, data: Data, seed: int) -> Predict:
        """The same from the belief `before`, which was fitted to the values told first."""
        if not isinstance(before, Fit):
            raise TypeError(f"a Gaussian process goes on from a fit of its own, not from {type(before).__name__}")
        known = before.gram.x
        if not np.array_equal(known, data.x[np.argsort(data.told)][: len(known)]):
            raise ValueError(f"a fit to {len(known)} values cannot go on to {len(data)} that do not begin with them")
        return self._told(before, data)

    @one_blas_thread()
    def _told(self, fit: Fit | None, data: Data) -> Fit:
        for count in range(1 if fit is None else len(fit.gram) + 1, len(data) + 1):
            fit = self._next(fit, data if count == len(data) else data.first(count))
        if fit is None:
            raise ValueError("a Gaussian process needs at least one value, there is none")
        return fit

    def _next(self, fit: Fit | None, data: Data) -> Fit:
        """With the value that was told last."""
        order = np.argsort(data.told)
        x, errors = data.x[order], _errors(data)[order]
        if fit is not None and not fit.tuning.due(len(x), data.spread):
            row = fit.gram.across(x[-1:])
            error = float(errors[-1]) * (data.spread / fit.tuning.unit) ** 2
            if fit.surprise(row, float(data.merits[order[-1]]), error) <= SURPRISE:
                return Fit(fit.gram.appended(row, error), data, fit.tuning, fit.pools)
        tuning = tuned(x, data.y[order], errors, self._prior, fit and fit.tuning, data.spread)
        return Fit(Gram.of(x, tuning.hyper, errors), data, tuning)


def _errors(data: Data) -> Array:
    """Known variances of the values (n,), 0 where unknown."""
    return np.zeros(len(data)) if data.variances is None else np.nan_to_num(data.variances)
