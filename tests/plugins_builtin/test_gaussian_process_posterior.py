"""The Gaussian process at given hyper-parameters: against formulas, scikit-learn and itself."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gamma, kv

from motet.contracts.belief import Array, Correlated, Extensible, Sampling
from motet_plugins.surrogates import kernel, posterior
from motet_plugins.surrogates.cholesky import root
from motet_plugins.surrogates.gram import Gram
from motet_plugins.surrogates.kernel import Hyperparameters, covariance, frequencies, with_slope
from motet_plugins.surrogates.marginal_likelihood import NegativeLogPosterior, Prior
from motet_plugins.surrogates.one_thread import one_blas_thread
from motet_plugins.surrogates.posterior import EXACT, KEPT_ROWS, Posterior

HYPER = Hyperparameters(np.array([0.3, 0.8]), signal=1.3, noise=0.2)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with one_blas_thread():
        yield


def given_values(x: Array, y: Array, errors: Array | None = None, hyper: Hyperparameters = HYPER) -> Posterior:
    return Posterior(Gram.of(x, hyper, np.zeros(len(y)) if errors is None else errors), y)


@pytest.fixture
def data() -> tuple[Array, Array]:
    x = np.random.default_rng(2).random((30, 2))
    y = np.sin(5 * x[:, 0]) + x[:, 1] ** 2
    return x, (y - y.mean()) / y.std()


@pytest.fixture
def pool() -> Array:
    return np.random.default_rng(3).random((400, 2))


def by_the_book(a: Array, b: Array) -> Array:
    """The covariance of the function with HYPER, point by point."""
    found = np.zeros((len(a), len(b)))
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            r = np.sqrt((((one - other) / HYPER.lengths) ** 2).sum())
            found[i, j] = 1.3**2 * (1 + np.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-np.sqrt(5) * r)
    return found


def test_the_posterior_is_that_of_the_dense_formulas(data: tuple[Array, Array], pool: Array) -> None:
    x, y, pool = data[0][:6], data[1][:6], pool[:60]
    errors = np.array([0.0, 0.1, 0.0, 0.5, 0.0, 0.0])
    inverse = np.linalg.inv(by_the_book(x, x) + np.diag(0.2**2 + errors))
    across = by_the_book(pool, x)
    among = by_the_book(pool, pool) - across @ inverse @ across.T

    model = given_values(x, y, errors)

    assert np.allclose(model(pool).mean, across @ inverse @ y, atol=1e-12)
    assert np.allclose(model(pool).std ** 2, np.diag(among), atol=1e-12)
    assert np.allclose(model.covariance(pool, pool[:7]), among[:, :7], atol=1e-12)
    assert model.noise == 0.2


def sklearn_gp(x: Array, y: Array, constant: float = 0.0) -> Any:
    """scikit-learn's, with HYPER and an unknown constant of that standard deviation."""
    theirs: Any = import_module("sklearn.gaussian_process")
    kernels = theirs.kernels.ConstantKernel(1.3**2) * theirs.kernels.Matern(HYPER.lengths, nu=2.5)
    if constant:
        kernels += theirs.kernels.ConstantKernel(constant**2)
    return theirs.GaussianProcessRegressor(kernels, alpha=0.2**2, optimizer=None).fit(x, y)


@pytest.mark.parametrize("constant", [0.0, 1.5])
def test_the_posterior_is_that_of_scikit_learn(data: tuple[Array, Array], pool: Array, constant: float) -> None:
    theirs = sklearn_gp(*data, constant)
    mean, std = theirs.predict(pool, return_std=True)
    _, among = theirs.predict(pool, return_cov=True)
    model = given_values(*data, hyper=replace(HYPER, constant=constant))

    assert np.allclose(model(pool).mean, mean, atol=1e-10)
    assert np.allclose(model(pool).std, std, atol=1e-10)
    assert np.allclose(model.covariance(pool, pool), among, atol=1e-10)


@pytest.mark.parametrize("unknown", [0.0, 1.5])
def test_the_likelihood_is_that_of_scikit_learn(data: tuple[Array, Array], unknown: float) -> None:
    logs = np.log([*HYPER.lengths, HYPER.signal, HYPER.noise])
    medians = np.log([0.3 * np.sqrt(2), 0.3 * np.sqrt(2), 1.0, 0.03])
    prior = 0.5 * (((logs - medians) / [1.0, 1.0, 0.5, 1.0]) ** 2).sum()
    constant = 0.5 * len(data[1]) * np.log(2 * np.pi)

    value = NegativeLogPosterior(*data, np.zeros(30), Prior(0.3, 1.0, 1.0, 0.5, 0.03, 1.0, unknown)).value(logs)

    theirs = sklearn_gp(*data, unknown).log_marginal_likelihood_value_
    assert value == pytest.approx(prior - constant - theirs, abs=1e-9)


@pytest.mark.parametrize("smoothness", [1.5, 2.5])
@given(logs=st.lists(st.floats(-1.5, 1.5), min_size=4, max_size=4), error=st.floats(0, 1))
def test_the_gradient_is_the_slope_of_the_value(smoothness: float, logs: list[float], error: float) -> None:
    x = np.random.default_rng(2).random((12, 2))
    y = x[:, 0] - x[:, 1] ** 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "SMOOTHNESS", smoothness)
        improbable = NegativeLogPosterior(x, (y - y.mean()) / y.std(), error * x[:, 0], Prior())
        at = np.array(logs)
        steps = 1e-5 * np.eye(4)
        slopes = [(improbable.value(at + step) - improbable.value(at - step)) / 2e-5 for step in steps]
        value, gradient = improbable(at)

        assert value == improbable.value(at)
        assert gradient == pytest.approx(slopes, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("nu", [1.5, 2.5])
def test_the_kernel_is_the_matern_kernel_of_its_smoothness(nu: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "SMOOTHNESS", nu)
    distances = np.array([0.01, 0.1, 1.0, 3.0, 40.0])
    z = np.sqrt(2 * nu) * distances
    theirs = 2 ** (1 - nu) / gamma(nu) * z**nu * kv(nu, z)
    along = np.column_stack([0.3 * distances, np.zeros(5)])

    correlation, _ = with_slope(distances**2)

    assert np.allclose(correlation, theirs, rtol=1e-10)
    assert np.allclose(covariance(np.zeros((1, 2)), along, HYPER)[0], 1.3**2 * theirs, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("nu", [1.5, 2.5])
def test_random_waves_have_the_kernel_as_their_mean(nu: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "SMOOTHNESS", nu)
    apart = np.array([[0.0, 0.0], [0.1, 0.1], [0.3, 0.0], [0.0, 0.8], [0.5, 0.5]])

    waves = frequencies(200_000, HYPER, np.random.default_rng(0))

    correlation = covariance(apart, np.zeros((1, 2)), HYPER)[:, 0] / 1.3**2
    assert np.allclose(np.cos(apart @ waves).mean(axis=1), correlation, atol=0.01)


def test_far_from_every_value_it_knows_nothing() -> None:
    prediction = given_values(np.zeros((1, 2)), np.array([2.0]))(np.array([[50.0, 50.0]]))

    assert prediction.mean.tolist() == pytest.approx([0.0])
    assert prediction.std.tolist() == pytest.approx([1.3])


def test_repeated_measurements_are_one_of_their_mean_with_less_noise(data: tuple[Array, Array], pool: Array) -> None:
    x, y = data
    off = np.array([-0.3, 0.1, 0.2, 0.0])
    quieter = Hyperparameters(HYPER.lengths, HYPER.signal, HYPER.noise / 2)

    each = given_values(np.repeat(x, 4, axis=0), (y[:, None] + off).ravel())(pool)
    mean = given_values(x, y, hyper=quieter)(pool)

    assert np.allclose(each.mean, mean.mean, atol=1e-10)
    assert np.allclose(each.std, mean.std, atol=1e-10)


def test_more_values_are_added_as_if_they_had_been_there(data: tuple[Array, Array], pool: Array) -> None:
    x, y = data
    few, all_of_them = given_values(x[:20], y[:20]), given_values(x, y)
    few(pool)

    known = few.knowing(x[20:25], y[20:25]).knowing(x[25:], y[25:])

    for rows in (pool, pool[:9], pool[::-1]):
        assert np.allclose(known(rows).mean, all_of_them(rows).mean, atol=1e-11)
        assert np.allclose(known(rows).std, all_of_them(rows).std, atol=1e-11)
    assert np.allclose(known.covariance(pool, x), all_of_them.covariance(pool, x), atol=1e-11)
    assert np.allclose(few(pool).mean, given_values(x[:20], y[:20])(pool).mean, atol=0)


def test_what_was_asked_before_changes_no_digit(data: tuple[Array, Array], pool: Array) -> None:
    x, y = data
    asked, silent = given_values(x[:20], y[:20]), given_values(x[:20], y[:20])
    for each in range(20, 30):
        asked(pool)
        asked(pool[: KEPT_ROWS + 10])
        asked = asked.knowing(x[each : each + 1], y[each : each + 1])
    silent = silent.knowing(x[20:], y[20:])

    assert np.array_equal(asked(pool).mean, silent(pool).mean)
    assert np.array_equal(asked(pool).std, silent(pool).std)


def test_a_pool_is_worked_out_once_for_all_that_know_more(data: tuple[Array, Array], pool: Array) -> None:
    x, y = data
    model = given_values(x[:20], y[:20])
    one, other = model.knowing(x[20:22], y[20:22]), model.knowing(x[22:], y[22:])
    one(pool)
    other.covariance(pool, x)

    assert model.pools[0].base is one.pools[0].base
    assert model.pools[0].base is other.pools[0].base
    assert [len(each.pools[0].tail) for each in (model, one, other)] == [0, 2, 8]


def test_a_pool_that_changes_in_place_is_another_pool(data: tuple[Array, Array], pool: Array) -> None:
    model = given_values(*data)
    first = model(pool)
    pool[0] = 1.0

    assert model(pool).mean[0] == pytest.approx(model(pool[:1]).mean[0], abs=1e-12)
    assert model(pool).mean[0] != first.mean[0]


def test_the_largest_pools_are_predicted_in_parts(
    data: tuple[Array, Array], pool: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = given_values(*data)
    prediction, twice = whole(pool), np.vstack([pool, pool])
    drawn = whole.samples(twice, 3, np.random.default_rng(0))
    monkeypatch.setattr(posterior, "KEPT_NUMBERS", 30 * 399)
    monkeypatch.setattr(posterior, "CHUNK_NUMBERS", 30 * 150)
    parts = given_values(*data)

    assert np.allclose(prediction.mean, parts(pool).mean, atol=1e-12)
    assert np.allclose(prediction.std, parts(pool).std, atol=1e-12)
    assert np.allclose(drawn, parts.samples(twice, 3, np.random.default_rng(0)), atol=1e-9)
    assert (len(whole.pools), len(parts.pools)) == (2, 0)
    assert parts(pool[:0]).mean.shape == (0,)


def test_the_root_of_a_covariance_of_any_rank() -> None:
    half = np.random.default_rng(0).standard_normal((7, 3))

    assert root(half @ half.T).shape == (7, 3)
    assert np.allclose(root(half @ half.T) @ root(half @ half.T).T, half @ half.T)
    assert root(np.zeros((4, 4))).shape[0] == 4


@pytest.mark.parametrize(("rows", "exact"), [(40, True), (EXACT + 1, False)])
def test_samples_have_the_mean_and_the_covariance_of_the_belief(
    rows: int, exact: bool, data: tuple[Array, Array]
) -> None:
    """Many more waves than draws would be needed for a closer look at those of large pools."""
    model = given_values(data[0][:8], data[1][:8], hyper=replace(HYPER, constant=1.0))
    x = np.random.default_rng(4).random((rows, 2))
    few = x[:12]
    among = model.covariance(few, few)

    draws = model.samples(x, 6000, np.random.default_rng(0))[:, :12]

    assert np.allclose(draws.mean(axis=0), model(few).mean, atol=0.06)
    assert np.allclose(np.cov(draws.T), among, atol=0.08 if exact else 0.12)


def test_samples_go_through_values_without_noise(data: tuple[Array, Array], pool: Array) -> None:
    x, y = data
    model = given_values(x, y, hyper=Hyperparameters(HYPER.lengths, 1.3, 1e-4))
    everywhere = np.vstack([x, pool, pool + 0.001])

    draws = model.samples(everywhere, 5, np.random.default_rng(0))

    assert draws.shape == (5, 830)
    assert np.allclose(draws[:, :30], y, atol=1e-3)
    assert draws[:, 30:].std(axis=0).max() > 0.1
    assert np.array_equal(draws, model.samples(everywhere, 5, np.random.default_rng(0)))


def test_it_is_all_that_a_model_can_be(data: tuple[Array, Array]) -> None:
    model = given_values(*data)

    assert isinstance(model, Extensible)
    assert isinstance(model, Sampling)
    assert isinstance(model, Correlated)
