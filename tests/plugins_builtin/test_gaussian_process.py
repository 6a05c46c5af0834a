"""The Gaussian process as a surrogate: fits that go on, its hyper-parameters, odd data, and what it is good for."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Gives, Prediction
from motet.contracts.declarations import Kind
from motet.contracts.learning import Continuing, declared_gives
from motet.plugins import installed
from motet_plugins.surrogates.gaussian_process import Fit, GaussianProcess, Options
from motet_plugins.surrogates.kernel import Hyperparameters, covariance
from motet_plugins.surrogates.marginal_likelihood import NegativeLogPosterior, Prior, logarithms
from motet_plugins.surrogates.one_thread import one_blas_thread
from motet_plugins.surrogates.tuning import ALWAYS, POINTS, drawn, most_probable, promising


def told(x: Array, merits: Array, errors: Array | None = None) -> Data:
    """What a learner makes of values in the order told."""
    order = np.lexsort((merits, *x.T[::-1]))
    return Data(x[order], merits[order], order, None if errors is None else errors[order])


def measured(n: int, noise: float = 0.1, seed: int = 0) -> Data:
    """Values of a function of two columns, one in 25 of which is far off."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, 2))
    off = np.where(np.arange(n) % 25 == 24, 3.0, 0.0)
    return told(x, np.sin(5 * x[:, 0]) + x[:, 1] ** 2 + noise * rng.standard_normal(n) + off)


def fit(data: Data, **options: float) -> Fit:
    model = GaussianProcess(Options(**options)).fit(data, seed=0)
    assert isinstance(model, Fit)
    return model


def go_on(before: Fit, data: Data) -> Fit:
    model = GaussianProcess(Options()).go_on(before, data, seed=0)
    assert isinstance(model, Fit)
    return model


def same(one: Prediction, other: Prediction) -> bool:
    return np.array_equal(one.mean, other.mean) and np.array_equal(one.std, other.std)


@pytest.fixture
def pool() -> Array:
    return np.random.default_rng(3).random((300, 2))


def with_errors(data: Data) -> Data:
    """Every third error is unknown."""
    errors = np.where(np.arange(len(data)) % 3 == 0, np.nan, 0.05 + 0.1 * data.x[:, 0])
    return Data(data.x, data.merits, data.told, errors)


@pytest.mark.parametrize("data", [measured(90), with_errors(measured(90))], ids=["errors unknown", "errors known"])
def test_a_fit_that_goes_on_is_the_fit_to_all_values_bit_for_bit(data: Data, pool: Array) -> None:
    whole = fit(data)
    one_by_one = fit(data.first(1))
    for count in range(2, len(data) + 1):
        one_by_one = go_on(one_by_one, data.first(count))
        one_by_one(pool)
    at_once = go_on(fit(data.first(55)), data)

    for other in (one_by_one, at_once):
        assert same(whole(pool), other(pool))
        assert same(whole(pool[:7]), other(pool[:7]))
        assert np.array_equal(whole.gram.x, other.gram.x)
        assert np.array_equal(
            whole.samples(pool[:9], 3, np.random.default_rng(1)), other.samples(pool[:9], 3, np.random.default_rng(1))
        )


def test_between_searches_values_are_appended(pool: Array) -> None:
    data = measured(120)
    fits = [fit(data.first(count)) for count in (ALWAYS, ALWAYS + 1, 53, 119)]
    counts = [each.tuning.count for each in fits]

    assert counts[:2] == [ALWAYS, ALWAYS]
    assert counts[2] == 53
    assert counts[3] < 119
    assert len(fits[3].gram.tail) == 119 - counts[3]


@pytest.mark.parametrize(("off", "searched"), [(0.0, False), (5.0, True)])
def test_a_surprise_makes_it_look_for_hyper_parameters(off: float, searched: bool) -> None:
    x = np.vstack([np.random.default_rng(0).random((60, 2)), [[0.5, 0.5]]])
    merits = np.sin(5 * x[:, 0]) + x[:, 1] + 0.05 * np.sin(1000 * x[:, 1])
    merits[-1] += off
    data = told(x, merits)
    before = fit(data.first(60))

    assert (go_on(before, data).tuning.count == 61) is (searched or before.tuning.count < 58)


def test_values_that_were_equal_until_now_make_it_look_too() -> None:
    x = np.random.default_rng(0).random((60, 2))
    merits = np.zeros(60)
    merits[-1] = 1e-3

    assert fit(told(x, merits)).tuning.count == 60


def test_it_goes_on_from_its_own_fits_to_the_first_values_only() -> None:
    data = measured(10)
    model = GaussianProcess(Options())
    assert isinstance(model, Continuing)

    with pytest.raises(TypeError, match="not from Posterior"):
        model.go_on(fit(data).knowing(data.x[:1], data.y[:1]), data, 0)
    with pytest.raises(ValueError, match="10 values cannot go on to 9"):
        model.go_on(fit(data), data.first(9), 0)
    with pytest.raises(ValueError, match="10 values cannot go on to 12"):
        model.go_on(fit(data), measured(12, seed=8), 0)
    assert same(go_on(fit(data), data)(data.x), fit(data)(data.x))


@pytest.mark.parametrize(("factor", "shift"), [(1000.0, -3.0), (1e-6, 2.0), (0.37, 1e3)])
def test_the_unit_of_the_objective_changes_nothing(factor: float, shift: float, pool: Array) -> None:
    data = with_errors(measured(80))
    assert data.errors is not None
    other = Data(data.x, factor * data.merits + shift, data.told, factor * data.errors)

    one, two = fit(data)(pool), fit(other)(pool)

    assert np.allclose(one.mean, two.mean, rtol=0, atol=1e-8)
    assert np.allclose(one.std, two.std, rtol=0, atol=1e-8)


def test_the_seed_changes_nothing_and_the_order_of_the_pool_neither(pool: Array) -> None:
    data = measured(30)
    shuffled = np.random.default_rng(1).permutation(len(pool))
    model = fit(data)
    whole, turned = model(pool), model(pool[shuffled])

    assert same(whole, GaussianProcess(Options()).fit(data, seed=77)(pool))
    assert np.allclose(whole.mean[shuffled], turned.mean, rtol=0, atol=1e-12)
    assert np.allclose(whole.std[shuffled], turned.std, rtol=0, atol=1e-12)


NOTHING_HEAVY = """
import sys
import numpy as np
from motet.contracts.belief import Data
from motet_plugins.surrogates.gaussian_process import GaussianProcess, Options
from motet_plugins.surrogates.gram import Gram
from motet_plugins.surrogates.kernel import Hyperparameters
from motet_plugins.surrogates.marginal_likelihood import NegativeLogPosterior, Prior
from motet_plugins.surrogates.one_thread import one_blas_thread
from motet_plugins.surrogates.posterior import Posterior

rng = np.random.default_rng(0)
x, pool = rng.random((450, 3)), rng.random((1500, 3))
y = np.sin(5 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * rng.standard_normal(450)
found = [GaussianProcess(Options()).fit(Data(x[:60], y[:60], np.arange(60)), 0)(pool)]
hyper = Hyperparameters(np.array([0.3, 0.5, 0.9]), 1.2, 0.1)
with one_blas_thread():
    found.append(Posterior(Gram.of(x, hyper, np.zeros(450)), y)(pool))
    value, gradient = NegativeLogPosterior(x, y, np.zeros(450), Prior())(np.log([0.3, 0.5, 0.9, 1.2, 0.1]))
print([float(number).hex() for each in found for number in (*each.mean, *each.std)], value.hex(), gradient.tolist())
print(sorted({"torch", "sklearn", "botorch", "pandas"} & set(sys.modules)))
"""


@pytest.mark.slow
def test_any_number_of_threads_gives_the_same_bits_and_nothing_heavy_is_imported() -> None:
    said: list[str] = []
    for threads in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", NOTHING_HEAVY],
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        said.append(done.stdout)

    assert said[0] == said[1]
    assert said[0].splitlines()[1] == "[]"


def test_it_interpolates_values_without_noise(pool: Array) -> None:
    x = np.random.default_rng(2).random((30, 2))
    data = told(x, np.sin(5 * x[:, 0]) + x[:, 1] ** 2)
    model = fit(data, noise=1e-3)

    assert np.allclose(model(data.x).mean, data.y, atol=5e-3)
    assert model(data.x).std.max() < 0.02
    truth = np.sin(5 * pool[:, 0]) + pool[:, 1] ** 2
    assert np.corrcoef(model(pool).mean, truth)[0, 1] > 0.99


def test_the_truth_is_where_mean_and_std_say(pool: Array) -> None:
    """Some two thirds of the errors are below one std, nearly all below three."""
    rng = np.random.default_rng(5)
    everywhere = np.vstack([rng.random((40, 2)), pool])
    among = covariance(everywhere, everywhere, Hyperparameters(np.array([0.3, 0.8]), 1.3, 0.0))
    functions = np.linalg.cholesky(among + 1e-9 * np.eye(340)) @ rng.standard_normal((340, 5))
    errors: list[Array] = []
    for function in functions.T:
        data = told(everywhere[:40], function[:40] + 0.1 * rng.standard_normal(40))
        prediction = fit(data)(pool)
        errors.append(np.abs((function[40:] - data.centre) / data.spread - prediction.mean) / prediction.std)

    assert 0.55 < (np.array(errors) < 1).mean() < 0.8
    assert (np.array(errors) < 3).mean() > 0.95


def found(x: Array, y: Array) -> Hyperparameters:
    improbable = NegativeLogPosterior(x, y, np.zeros(len(y)), Prior())
    with one_blas_thread():
        return most_probable(improbable, promising(improbable, x.shape[1]))


def test_hyper_parameters_follow_the_values() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((100, 3))
    function = np.sin(9 * x[:, 0]) + x[:, 1]

    hyper = found(x, (function - function.mean()) / function.std() + 0.3 * rng.standard_normal(100))

    assert hyper.lengths[0] < hyper.lengths[1] < hyper.lengths[2]
    assert hyper.lengths[2] > 2
    assert hyper.noise == pytest.approx(0.3, abs=0.06)


def test_hyper_parameters_are_a_minimum() -> None:
    data = measured(30)

    hyper = found(data.x, data.y)

    _, gradient = NegativeLogPosterior(data.x, data.y, np.zeros(30), Prior())(logarithms(hyper))
    assert np.abs(gradient).max() < 0.1


def test_of_many_values_some_decide() -> None:
    assert drawn(POINTS).tolist() == list(range(POINTS))
    assert len(set(drawn(900).tolist())) == POINTS
    assert drawn(900).max() > 850


@pytest.mark.parametrize(
    ("x", "merits"),
    [
        (np.array([[0.5, 0.5]]), np.array([3.0])),
        (np.repeat([[0.2, 0.3], [0.5, 0.5]], 4, axis=0), np.full(8, 1e9)),
        (np.repeat([[0.2, 0.3], [0.5, 0.5]], 4, axis=0), np.arange(8.0)),
        (np.zeros((5, 0)), np.arange(5.0)),
        (np.column_stack([np.full(20, 0.5), np.linspace(0, 1, 20)]), np.linspace(0, 1, 20)),
        (np.linspace(0, 1, 60)[:, None] ** 9, np.linspace(0, 1, 60)),
        (np.random.default_rng(0).random((12, 40)), np.arange(12.0)),
    ],
    ids=["one value", "constant", "repeated rows", "no columns", "constant column", "rows close together", "wide"],
)
def test_no_shape_of_the_values_is_too_odd(x: Array, merits: Array) -> None:
    data = told(x, merits)
    model = fit(data)
    prediction = model(data.x)

    assert prediction.mean.shape == prediction.std.shape == merits.shape
    assert np.isfinite(prediction.mean).all()
    assert (prediction.std > 0).all()
    assert np.abs(prediction.mean).max() <= np.abs(data.y).max()
    assert np.isfinite(model.samples(data.x, 4, np.random.default_rng(0))).all()
    assert np.isfinite(model.knowing(data.x[:2], np.zeros(len(data.x[:2])))(data.x).mean).all()


def test_without_columns_the_mean_of_the_values_is_all_there_is() -> None:
    prediction = fit(told(np.zeros((50, 0)), np.arange(50.0)))(np.zeros((2, 0)))

    assert prediction.mean == pytest.approx([0, 0], abs=1e-9)
    assert prediction.std[0] == pytest.approx(1 / math.sqrt(50), rel=0.1)


def test_a_value_with_a_large_known_error_counts_little(pool: Array) -> None:
    x = np.vstack([np.random.default_rng(0).random((40, 2)), [[0.5, 0.5]]])
    merits = np.sin(5 * x[:, 0]) + x[:, 1]
    errors = np.full(41, 1e-3)
    smooth = told(x, merits, errors)
    merits[-1] += 1.0
    errors[-1] = 10.0
    doubtful = told(x, merits, errors)

    def merit(data: Data) -> Array:
        return data.centre + data.spread * fit(data)(pool).mean

    assert np.allclose(merit(doubtful), merit(smooth), atol=0.01)


def test_errors_that_are_not_known_are_left_to_the_noise(pool: Array) -> None:
    data = measured(20)
    unknown = Data(data.x, data.merits, data.told, np.full(20, np.nan))

    assert same(fit(data)(pool), fit(unknown)(pool))


@pytest.mark.parametrize("where", ["x", "merits"])
def test_a_fit_that_fails_says_so(where: str) -> None:
    data = measured(10)
    {"x": data.x[3], "merits": data.merits[3:4]}[where][0] = np.nan

    with pytest.raises(ArithmeticError, match=r"Gaussian process|covariance"):
        fit(data)


def test_without_a_value_there_is_no_fit() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        fit(told(np.zeros((0, 2)), np.zeros(0)))


def test_both_names_are_one_plugin_and_it_says_what_it_gives(pool: Array) -> None:
    long, short = (installed().make(Kind.SURROGATE, name, {}) for name in ("gaussian_process", "gp"))

    assert same(long.fit(measured(9), 0)(pool), short.fit(measured(9), 0)(pool))
    assert declared_gives(long) == {Gives.MEAN_STD, Gives.SAMPLES, Gives.COVARIANCE}
