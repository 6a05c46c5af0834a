"""The surrogate `botorch_gp`, of the extra `motet[botorch]`."""

import copy
from importlib.util import find_spec
from typing import Any

import numpy as np

from motet.contracts.belief import Array, Data, Gives, Predict, Prediction
from motet.contracts.declarations import NoOptions
from motet.errors import PluginProblem
from motet_plugins.surrogates.one_thread import one_blas_thread
from motet_plugins.surrogates.one_torch_thread import loaded, one_torch_thread

CHUNK = 512
"""Points that are predicted together, which bounds the memory needed."""

JOINT = 2000
"""Up to so many rows functions are drawn from their exact joint distribution; its cost grows with the third power."""


class BotorchPosterior:
    """A BoTorch model of standardized values: `botorch` is the model itself, over rows with at least one column."""

    def __init__(self, model: Any, noise: float) -> None:
        self.botorch = model
        self.noise = noise
        """Standard deviation of a value about the function; the middle one where errors are known."""

    def __call__(self, x: Array) -> Prediction:
        """Mean and std (n,) of the function, without the noise of a value, at rows x (n, d)."""
        mean, variance = np.empty(len(x)), np.empty(len(x))
        with one_torch_thread() as torch, torch.no_grad():
            for begin in range(0, len(x), CHUNK):
                part = slice(begin, begin + CHUNK)
                # Each row is a batch of its own: how they go together is not asked.
                posterior = self.botorch.posterior(_tensor(torch, _rows(x[part])).unsqueeze(-2))
                mean[part] = posterior.mean.reshape(-1).numpy()
                variance[part] = posterior.variance.reshape(-1).numpy()
        return Prediction(mean, np.sqrt(np.maximum(variance, 0.0)))

    def knowing(self, x: Array, y: Array) -> "BotorchPosterior":
        """The same hyper-parameters with values y (k,) at rows x (k, d) besides."""
        with one_torch_thread() as torch:
            model = copy.deepcopy(self.botorch)
            scale = model.outcome_transform
            added = (_tensor(torch, y) - scale.means.reshape(-1)) / scale.stdvs.reshape(-1)
            inputs = torch.cat([model.train_inputs[0], _tensor(torch, _rows(x))])
            model.set_train_data(inputs, torch.cat([model.train_targets, added]), strict=False)
            if _errors_fixed(model):
                covar = model.likelihood.noise_covar
                typical = torch.full((len(y),), self.noise**2, dtype=torch.double) / scale.stdvs.reshape(-1) ** 2
                covar.noise = torch.cat([covar.noise, typical])
        return BotorchPosterior(model, self.noise)

    def samples(self, x: Array, count: int, rng: np.random.Generator) -> Array:
        """Values (count, n) at rows x of functions drawn.

        Beyond 2000 rows by BoTorch's pathwise sampling, where the prior's part is approximate: Wilson et al.,
        Efficiently sampling functions from Gaussian process posteriors, ICML (2020).
        """
        if len(x) <= JOINT:
            return self._drawn_jointly(x, rng.standard_normal((count, len(x))))
        with one_torch_thread(seed=int(rng.integers(2**31))) as torch, torch.no_grad():
            pathwise = loaded("botorch.sampling.pathwise")
            paths = pathwise.draw_matheron_paths(self.botorch, sample_shape=torch.Size([count]))
            return _array(paths(_tensor(torch, _rows(x)))).reshape(count, len(x))

    def covariance(self, first: Array, second: Array) -> Array:
        """Of the function between rows first (n, d) and second (m, d): (n, m)."""
        return self._joint(np.vstack([first, second]))[1][: len(first), len(first) :]

    @one_blas_thread()
    def _drawn_jointly(self, x: Array, normal: Array) -> Array:
        mean, covariance = self._joint(x)
        values, vectors = np.linalg.eigh(covariance)
        return mean + (normal * np.sqrt(np.maximum(values, 0.0))) @ vectors.T

    def _joint(self, x: Array) -> tuple[Array, Array]:
        """Mean (n,) and covariance (n, n) at rows x."""
        with one_torch_thread() as torch, torch.no_grad():
            posterior = self.botorch.posterior(_tensor(torch, _rows(x)))
            return _array(posterior.mean).reshape(-1), _array(posterior.distribution.covariance_matrix)


class BotorchGaussianProcess:
    """BoTorch's SingleTaskGP as it comes, fitted by its own fit_gpytorch_mll in double precision.

    Balandat et al., BoTorch: A framework for efficient Monte-Carlo Bayesian optimization, NeurIPS (2020). Known
    errors are given to it; where only some are known, the middle one of those stands for the others.
    """

    gives = frozenset({Gives.MEAN_STD, Gives.SAMPLES, Gives.COVARIANCE, Gives.BOTORCH})

    def __init__(self, options: NoOptions) -> None:
        """Raises PluginProblem where BoTorch is not installed."""
        if find_spec("botorch") is None:
            raise PluginProblem("botorch_gp needs BoTorch, which is not installed: pip install 'motet[botorch]'")
        self._options = options

    def fit(self, data: Data, seed: int) -> Predict:
        """The fitted model, ready to predict."""
        models = loaded("botorch.models")
        fitting = loaded("botorch.fit")
        likelihoods = loaded("gpytorch.mlls")
        variances = _known(data)
        with one_torch_thread(seed) as torch:
            known = None if variances is None else _tensor(torch, variances)[:, None]
            model = models.SingleTaskGP(_tensor(torch, _rows(data.x)), _tensor(torch, data.y)[:, None], known)
            fitting.fit_gpytorch_mll(likelihoods.ExactMarginalLogLikelihood(model.likelihood, model))
            model.eval()
            spread = float(model.outcome_transform.stdvs.reshape(-1))
            noise = float(model.likelihood.noise.detach().median().sqrt()) * spread
        return BotorchPosterior(model, noise)


def _known(data: Data) -> Array | None:
    """Squared errors (n,) with none missing; None when none is known."""
    variances = data.variances
    if variances is None or np.isnan(variances).all():
        return None
    return np.where(np.isnan(variances), np.nanmedian(variances), variances)


def _errors_fixed(model: Any) -> bool:
    """Whether a model's noise is one given for each value, not one learned for all."""
    return model.likelihood.noise.numel() > 1


def _rows(x: Array) -> Array:
    """With one column where there is none."""
    return x if x.shape[1] else np.zeros((len(x), 1))


def _tensor(torch: Any, values: Array) -> Any:
    return torch.tensor(values, dtype=torch.double)


def _array(tensor: Any) -> Array:
    return np.asarray(tensor.detach().numpy(), dtype=np.float64)
