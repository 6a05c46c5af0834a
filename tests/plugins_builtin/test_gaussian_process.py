"""The Gaussian process: its posterior, its hyper-parameters, and what it is good for."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.contracts.declarations import Kind
from motet.contracts.learning import Array, Extensible, Surrogate
from motet.plugins import installed
from motet_plugins.surrogates.gaussian_process import POINTS, Posterior
from motet_plugins.surrogates.marginal_likelihood import (
    Hyperparameters,
    NegativeLogPosterior,
    Prior,
    matern,
    most_probable,
)

HYPER = Hyperparameters(np.array([0.3, 0.8]), signal=1.3, noise=0.2)
PRIOR = Prior(0.4, 0.03)


def surrogate(name: str = "gp", **options: float) -> Surrogate:
    return installed().make(Kind.SURROGATE, name, options)


def standardized(values: Array) -> Array:
    return (values - values.mean()) / values.std()


@pytest.fixture
def data() -> tuple[Array, Array]:
    x = np.random.default_rng(2).random((30, 2))
    return x, standardized(np.sin(5 * x[:, 0]) + x[:, 1] ** 2)


@pytest.fixture
def pool() -> Array:
    return np.random.default_rng(3).random((200, 2))


def covariance(a: Array, b: Array) -> Array:
    """Of the function with HYPER, point by point as the book writes it."""
    found = np.zeros((len(a), len(b)))
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            r = np.sqrt((((one - other) / HYPER.lengths) ** 2).sum())
            found[i, j] = 1.3**2 * (1 + np.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-np.sqrt(5) * r)
    return found


def test_the_posterior_is_that_of_the_dense_formulas(data: tuple[Array, Array], pool: Array) -> None:
    x, y = data[0][:6], data[1][:6]
    inverse = np.linalg.inv(covariance(x, x) + 0.2**2 * np.eye(6))
    across = covariance(pool, x)

    prediction = Posterior(x, y, HYPER)(pool)

    assert np.allclose(prediction.mean, across @ inverse @ y, atol=1e-12)
    assert np.allclose(prediction.std**2, np.diag(covariance(pool, pool) - across @ inverse @ across.T), atol=1e-12)


def sklearn_gp(x: Array, y: Array) -> Any:
    """scikit-learn's, with HYPER."""
    theirs: Any = import_module("sklearn.gaussian_process")
    kernel = theirs.kernels.ConstantKernel(1.3**2) * theirs.kernels.Matern(HYPER.lengths, nu=2.5)
    return theirs.GaussianProcessRegressor(kernel, alpha=0.2**2, optimizer=None).fit(x, y)


def test_the_posterior_is_that_of_scikit_learn(data: tuple[Array, Array], pool: Array) -> None:
    mean, std = sklearn_gp(*data).predict(pool, return_std=True)

    prediction = Posterior(*data, HYPER)(pool)

    assert np.allclose(prediction.mean, mean, atol=1e-10)
    assert np.allclose(prediction.std, std, atol=1e-10)


def test_the_likelihood_is_that_of_scikit_learn(data: tuple[Array, Array]) -> None:
    logs = np.log([*HYPER.lengths, HYPER.signal, HYPER.noise])
    medians = np.log([0.4, 0.4, 1.0, 0.03])
    prior = 0.5 * (((logs - medians) / [1.0, 1.0, 0.5, 1.0]) ** 2).sum()
    constant = 0.5 * len(data[1]) * np.log(2 * np.pi)

    value = NegativeLogPosterior(*data, PRIOR).value(logs)

    assert value == pytest.approx(prior - constant - sklearn_gp(*data).log_marginal_likelihood_value_, abs=1e-9)


@given(st.lists(st.floats(-1.5, 1.5), min_size=4, max_size=4))
def test_the_gradient_is_the_slope_of_the_value(logs: list[float]) -> None:
    x = np.random.default_rng(2).random((12, 2))
    improbable = NegativeLogPosterior(x, standardized(x[:, 0] - x[:, 1] ** 2), PRIOR)
    at = np.array(logs)
    steps = 1e-5 * np.eye(4)
    slopes = [(improbable.value(at + step) - improbable.value(at - step)) / 2e-5 for step in steps]

    value, gradient = improbable(at)

    assert value == improbable.value(at)
    assert gradient == pytest.approx(slopes, rel=1e-5, abs=1e-5)


def test_it_interpolates_values_without_noise(data: tuple[Array, Array], pool: Array) -> None:
    x, y = data
    predict = surrogate(noise=1e-3).fit(x, y, seed=0)

    assert np.allclose(predict(x).mean, y, atol=5e-3)
    assert predict(x).std.max() < 0.02
    truth = np.sin(5 * pool[:, 0]) + pool[:, 1] ** 2
    assert np.corrcoef(predict(pool).mean, truth)[0, 1] > 0.99


def test_the_truth_is_where_mean_and_std_say(pool: Array) -> None:
    """Some two thirds of the errors are below one std, nearly all below three."""
    rng = np.random.default_rng(5)
    x = rng.random((40, 2))
    everywhere = np.vstack([x, pool])
    root = np.linalg.cholesky(covariance(everywhere, everywhere) + 1e-9 * np.eye(240))
    function = root @ rng.standard_normal(240)
    y = function[:40] + 0.1 * rng.standard_normal(40)

    prediction = surrogate().fit(x, y, seed=0)(pool)

    errors = np.abs(function[40:] - prediction.mean) / prediction.std
    assert 0.5 < (errors < 1).mean() < 0.9
    assert (errors < 3).mean() > 0.95


def test_hyper_parameters_follow_the_values() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((100, 3))
    y = standardized(np.sin(9 * x[:, 0]) + x[:, 1]) + 0.3 * rng.standard_normal(100)

    found = most_probable(x, y, PRIOR)

    assert found.lengths[0] < found.lengths[1] < found.lengths[2]
    assert found.lengths[2] > 2
    assert found.noise == pytest.approx(0.3, abs=0.06)


def test_hyper_parameters_are_a_minimum(data: tuple[Array, Array]) -> None:
    found = most_probable(*data, PRIOR)

    _, gradient = NegativeLogPosterior(*data, PRIOR)(np.log([*found.lengths, found.signal, found.noise]))

    assert np.abs(gradient).max() < 0.01


@pytest.mark.parametrize("n", [30, POINTS + 50])
def test_the_order_of_the_values_changes_no_digit_and_the_seed_decides(n: int, pool: Array) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((n, 2))
    y = np.round(standardized(np.sin(5 * x[:, 0])) + 0.5 * rng.standard_normal(n), 9)
    shuffled = rng.permutation(n)

    one, other = surrogate().fit(x, y, seed=4)(pool), surrogate().fit(x[shuffled], y[shuffled], seed=4)(pool)
    reseeded = surrogate().fit(x, y, seed=5)(pool)

    assert np.array_equal(one.mean, other.mean)
    assert np.array_equal(one.std, other.std)
    assert np.array_equal(one.mean, reseeded.mean) is (n <= POINTS)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.array([[0.5, 0.5]]), np.zeros(1)),
        (np.array([[0.5, 0.5]]), np.array([3.0])),
        (np.repeat([[0.2, 0.3], [0.5, 0.5]], 4, axis=0), np.zeros(8)),
        (np.repeat([[0.2, 0.3], [0.5, 0.5]], 4, axis=0), np.arange(8.0) - 3.5),
        (np.zeros((5, 0)), np.arange(5.0) - 2),
        (np.linspace(0, 1, 60)[:, None] ** 9, np.linspace(-1.7, 1.7, 60)),
    ],
    ids=["one value", "one high value", "constant", "repeated rows", "no columns", "rows close together"],
)
def test_no_shape_of_the_values_is_too_odd(x: Array, y: Array) -> None:
    prediction = surrogate().fit(x, y, seed=0)(x)

    assert prediction.mean.shape == prediction.std.shape == y.shape
    assert np.isfinite(prediction.mean).all()
    assert (prediction.std > 0).all()
    assert np.abs(prediction.mean).max() <= np.abs(y).max()


def test_far_from_every_value_it_knows_nothing() -> None:
    prediction = Posterior(np.zeros((1, 2)), np.array([2.0]), HYPER)(np.array([[50.0, 50.0]]))

    assert prediction.mean.tolist() == pytest.approx([0.0])
    assert prediction.std.tolist() == pytest.approx([1.3])


def test_a_large_pool_is_predicted_as_its_parts_are(data: tuple[Array, Array]) -> None:
    pool = np.random.default_rng(3).random((10_000, 2))
    predict = Posterior(*data, HYPER)

    whole, last = predict(pool), predict(pool[9_990:])

    assert np.allclose(whole.mean[9_990:], last.mean, atol=1e-12)
    assert np.allclose(whole.std[9_990:], last.std, atol=1e-12)
    assert predict(pool[:0]).mean.shape == (0,)


def test_more_values_are_added_at_the_same_hyper_parameters(data: tuple[Array, Array], pool: Array) -> None:
    x, y = data
    predict = surrogate().fit(x, y, seed=0)
    at, before = pool[:2], predict(pool)
    assert isinstance(predict, Extensible)

    believed = predict.knowing(at, before.mean[:2])(pool)

    assert np.allclose(believed.mean, before.mean, atol=1e-6)
    assert (believed.std <= before.std + 1e-9).all()
    assert (believed.std[:2] < 0.5 * before.std[:2]).all()


def test_the_correlation_falls_from_one_to_nothing() -> None:
    correlations = matern(np.array([0.0, 0.1, 1.0, 3.0, 40.0]))

    assert correlations[0] == 1.0
    assert (np.diff(correlations) < 0).all()
    assert correlations[-1] < 1e-30


def test_both_names_are_one_plugin(data: tuple[Array, Array], pool: Array) -> None:
    long, short = (surrogate(name).fit(*data, seed=0)(pool) for name in ("gaussian_process", "gp"))

    assert np.array_equal(long.mean, short.mean)
