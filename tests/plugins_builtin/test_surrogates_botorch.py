"""BoTorch's Gaussian process; skipped where BoTorch is not installed."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from motet.contracts.belief import Array, Correlated, Data, Extensible, Gives, Prediction, Sampling
from motet.contracts.declarations import Kind
from motet.contracts.learning import Surrogate, declared_gives
from motet.errors import PluginProblem
from motet.plugins import installed

pytestmark = pytest.mark.slow
"""Importing torch takes seconds."""

needs_botorch = pytest.mark.skipif(
    not any(finder.find_spec("botorch", None) for finder in sys.meta_path),
    reason="pip install 'motet[botorch]' brings it",
)


def surrogate() -> Surrogate:
    return installed().make(Kind.SURROGATE, "botorch_gp", {})


def rows(n: int, d: int = 2, seed: int = 0) -> Array:
    x = np.random.default_rng(seed).random((n, d))
    return x[np.lexsort(x.T[::-1])] if d else x


def smooth(n: int, d: int = 2, errors: Array | None = None) -> Data:
    x = rows(n, d)
    return Data(x, 7 + np.sin(4 * x[:, 0]) + x[:, -1], np.arange(n), errors)


def conditioned(model: Any, at: Array, values: Array, others: Array) -> tuple[Array, Array]:
    """Mean and variance at `others` after values at `at`: Rasmussen and Williams (2006), eq. A.6."""
    among: Array = model.covariance(at, at) + model.noise**2 * np.eye(len(at))
    across: Array = model.covariance(others, at)
    gain = np.asarray(np.linalg.solve(among, across.T), dtype=np.float64).T
    before: Prediction = model(others)
    missed: Array = values - model(at).mean
    return before.mean + gain @ missed, before.std**2 - (gain * across).sum(axis=1)


def test_where_it_is_not_installed_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botorch", None)

    with pytest.raises(PluginProblem, match=r"botorch_gp needs BoTorch, .* pip install 'motet\[botorch\]'"):
        surrogate()


def test_it_is_found_without_loading_torch() -> None:
    program = """
import sys
import motet_plugins
from motet.contracts.declarations import Kind
from motet.plugins import installed
found = sorted(installed().all(Kind.SURROGATE))
for name in ("gp", "random_forest", "bayesian_linear", "linear_ensemble", "gp_classifier", "forest_classifier"):
    installed().make(Kind.SURROGATE, name, {})
import numpy as np
from motet.contracts.belief import Data
x = np.linspace(0, 1, 9)[:, None]
for name in ("gp", "bayesian_linear", "linear_ensemble", "gp_classifier"):
    classes = 2 if name == "gp_classifier" else 0
    installed().make(Kind.SURROGATE, name, {}).fit(Data(x, np.arange(9.0) // 5, np.arange(9), classes=classes), 0)(x)
print("botorch_gp" in found, [name for name in ("sklearn", "torch", "botorch") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert run.stdout.strip() == "True []"


@needs_botorch
def test_it_learns_a_function_and_gives_what_it_declares() -> None:
    data, at = smooth(25), rows(700, seed=1)
    truth = (7 + np.sin(4 * at[:, 0]) + at[:, 1] - data.centre) / data.spread
    chosen = surrogate()
    model: Any = chosen.fit(data, 0)
    prediction: Prediction = model(at)

    assert declared_gives(chosen) == {Gives.MEAN_STD, Gives.SAMPLES, Gives.COVARIANCE, Gives.BOTORCH}
    assert prediction.mean.dtype == np.float64
    assert np.sqrt(np.mean((prediction.mean - truth) ** 2)) < 0.1
    assert np.all(prediction.std > 0)
    assert np.mean(np.abs(prediction.mean - truth) < 3 * prediction.std) > 0.9
    assert type(model.botorch).__name__ == "SingleTaskGP"
    assert isinstance(model, Sampling)
    assert isinstance(model, Correlated)


@needs_botorch
def test_its_numbers_are_those_of_botorch_itself() -> None:
    import torch

    data, at = smooth(20), rows(30, seed=1)
    model: Any = surrogate().fit(data, 0)
    with torch.no_grad():
        posterior = model.botorch.posterior(torch.tensor(at, dtype=torch.double))

    assert np.allclose(model(at).mean, posterior.mean.numpy()[:, 0], atol=1e-8)
    assert np.allclose(model(at).std ** 2, posterior.variance.numpy()[:, 0], atol=1e-8)
    assert np.allclose(np.diagonal(model.covariance(at, at)), model(at).std ** 2, atol=1e-8)


@needs_botorch
def test_the_same_seed_gives_the_same_numbers_and_torch_is_left_as_it_was() -> None:
    import torch

    torch.manual_seed(11)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    data, at = smooth(15), rows(30, seed=1)

    one, same = (surrogate().fit(data, 5)(at) for _ in range(2))

    assert np.array_equal(one.mean, same.mean)
    assert np.array_equal(one.std, same.std)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads


@needs_botorch
@pytest.mark.parametrize("count", [40, pytest.param(2001, marks=pytest.mark.slow)])
def test_functions_drawn_have_its_mean_and_std(count: int) -> None:
    model: Any = surrogate().fit(smooth(12, errors=np.full(12, 0.1)), 0)
    at = rows(count, seed=1)
    prediction: Prediction = model(at)

    drawn = np.asarray(model.samples(at, 500, np.random.default_rng(0)), dtype=np.float64)

    assert np.array_equal(drawn, model.samples(at, 500, np.random.default_rng(0)))
    middle = np.asarray(drawn.mean(axis=0), dtype=np.float64)
    assert np.abs(middle - prediction.mean).mean() < 0.15 * prediction.std.mean()
    ratios = np.asarray(drawn.std(axis=0), dtype=np.float64) / prediction.std
    assert abs(float(ratios.mean()) - 1) < 0.1


@needs_botorch
def test_known_errors_are_its_noise() -> None:
    errors = np.full(20, 0.3)
    data = smooth(20, errors=errors)
    gaps = smooth(20, errors=np.where(np.arange(20) % 3, 0.3, np.nan))
    model: Any = surrogate().fit(data, 0)
    at_values: Prediction = model(data.x)

    assert model.noise == pytest.approx(0.3 / data.spread, rel=1e-6)
    assert at_values.std.mean() > 2 * surrogate().fit(smooth(20), 0)(data.x).std.mean()
    assert np.allclose(surrogate().fit(gaps, 0)(data.x).mean, at_values.mean)


@needs_botorch
@pytest.mark.parametrize("errors", [None, np.full(14, 0.05)])
def test_told_of_more_values_it_is_conditioned_on_them(errors: Array | None) -> None:
    model: Any = surrogate().fit(smooth(14, errors=errors), 0)
    at, others, values = np.array([[0.95, 0.05], [0.5, 0.5]]), rows(5, seed=3), np.array([2.5, -1.0])
    before: Prediction = model(others)
    mean, variance = conditioned(model, at, values, others)

    after: Prediction = model.knowing(at, values)(others)

    assert np.allclose(after.mean, mean, atol=1e-5)
    assert np.allclose(after.std**2, variance, atol=1e-6)
    assert np.array_equal(model(others).mean, before.mean)
    assert isinstance(model, Extensible)


CASES: dict[str, Callable[[], Data]] = {
    "one value": lambda: Data(np.array([[0.3, 0.7]]), np.array([3.0]), np.arange(1)),
    "equal values": lambda: Data(rows(6), np.full(6, -2.5), np.arange(6)),
    "equal rows": lambda: Data(np.full((5, 2), 0.4), np.arange(5.0), np.arange(5)),
    "a constant column": lambda: Data(rows(9) * [1, 0] + [0, 0.5], np.arange(9.0), np.arange(9)),
    "no column": lambda: Data(np.zeros((7, 0)), np.arange(7.0), np.arange(7)),
}


@needs_botorch
@pytest.mark.parametrize("case", CASES)
def test_poor_data_are_predicted_from_too(case: str) -> None:
    data = CASES[case]()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prediction = surrogate().fit(data, 0)(rows(4, data.x.shape[1], seed=2))

    assert np.isfinite(prediction.mean).all()
    assert np.isfinite(prediction.std).all()
    assert np.all(np.abs(prediction.mean) < 5)
