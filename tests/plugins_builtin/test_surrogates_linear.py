"""Bayesian linear regression against closed forms, sampling and scikit-learn; the ensemble of ridge regressions."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.contracts.belief import Array, Correlated, Data, Extensible, Prediction, Sampling
from motet.contracts.declarations import Kind
from motet.contracts.learning import Surrogate
from motet.plugins import installed
from motet_plugins.surrogates.bayesian_linear import Line, Posterior
from motet_plugins.surrogates.evidence import NegativeLogEvidence, Prior, most_probable
from motet_plugins.surrogates.features import Features, basis
from motet_plugins.surrogates.linear_ensemble import PENALTIES, chosen_penalty


def surrogate(name: str, **options: Any) -> Surrogate:
    return installed().make(Kind.SURROGATE, name, options)


def rows(n: int, d: int, seed: int = 0) -> Array:
    x = np.random.default_rng(seed).random((n, d))
    return x[np.lexsort(x.T[::-1])]


def line(n: int, d: int, noise: float, seed: int = 0, errors: Array | None = None) -> Data:
    x = rows(n, d, seed)
    values = x @ np.arange(1.0, d + 1) + noise * np.random.default_rng(seed + 1).standard_normal(n)
    return Data(x, values, np.arange(n), errors)


def kernel(features: Features, alpha: float, first: Array, second: Array) -> Array:
    """Prior covariance of the model's function: its second implementation is as a Gaussian process."""
    return 1 + features(first) @ features(second).T / alpha


def conditioned(model: Any, at: Array, values: Array, others: Array) -> tuple[Array, Array]:
    """Mean and variance at `others` after values at `at`: Rasmussen and Williams (2006), eq. A.6."""
    among: Array = model.covariance(at, at) + model.noise**2 * np.eye(len(at))
    across: Array = model.covariance(others, at)
    gain = np.asarray(np.linalg.solve(among, across.T), dtype=np.float64).T
    before: Prediction = model(others)
    missed: Array = values - model(at).mean
    return before.mean + gain @ missed, before.std**2 - (gain * across).sum(axis=1)


VARIANCES = {"equal": np.full(12, 0.05), "different": np.linspace(0.01, 0.5, 12)}


@pytest.mark.parametrize("variances", VARIANCES.values(), ids=VARIANCES)
@pytest.mark.parametrize(("d", "degree"), [(2, 1), (2, 2), (8, 2)])
def test_the_posterior_is_that_of_a_gaussian_process_with_a_linear_kernel(
    d: int, degree: int, variances: Array
) -> None:
    x, y, at = rows(12, d), np.sin(np.arange(12.0)), rows(5, d, seed=3)
    features = Features(x, degree)
    whole = kernel(features, 2.0, x, x) + np.diag(variances)
    across, own = kernel(features, 2.0, at, x), kernel(features, 2.0, at, at)
    covariance = own - across @ np.linalg.solve(whole, across.T)

    posterior = Posterior(Line(features, 2.0, 0.05, 0.0), x, y, variances)
    prediction = posterior(at)

    assert np.allclose(prediction.mean, across @ np.linalg.solve(whole, y))
    assert np.allclose(prediction.std, np.sqrt(np.diagonal(covariance)))
    assert np.allclose(posterior.covariance(at, at[:3]), covariance[:, :3])


@pytest.mark.parametrize("variances", VARIANCES.values(), ids=VARIANCES)
def test_the_evidence_is_the_density_of_the_values(variances: Array) -> None:
    from scipy import stats

    x, y = rows(12, 3), np.sin(np.arange(12.0))
    features = Features(x, 2)
    at = features(x)
    prior = Prior(alpha=3.0, noise=0.1, alpha_spread=1.5, noise_spread=0.8)
    off = [math.log(2.0 / 3.0) / 1.5, math.log(0.02 / 0.1) / 0.8]
    whole = kernel(features, 2.0, x, x) + np.diag(variances + 0.02)
    normal: Any = stats.multivariate_normal
    expected = -float(normal.logpdf(y, np.zeros(12), whole))

    value, _ = NegativeLogEvidence(at @ basis(at), y, variances, prior)(np.log([2.0, 0.02]))

    assert value == pytest.approx(expected + 0.5 * (off[0] ** 2 + off[1] ** 2))


@pytest.mark.parametrize("variances", VARIANCES.values(), ids=VARIANCES)
@settings(max_examples=20, deadline=None)
@given(alpha=st.floats(-3, 4), noise=st.floats(-6, 1))
def test_the_gradient_of_the_evidence_is_that_of_finite_differences(
    variances: Array, alpha: float, noise: float
) -> None:
    x = rows(12, 3)
    at = Features(x, 2)(x)
    look = NegativeLogEvidence(at @ basis(at), np.sin(np.arange(12.0)), variances, Prior(alpha=3.0))
    logs, step = np.array([alpha, noise]), 1e-5

    differences = [(look(logs + step * e)[0] - look(logs - step * e)[0]) / (2 * step) for e in np.eye(2)]

    assert np.allclose(look(logs)[1], differences, rtol=1e-4, atol=1e-5)


def test_without_priors_the_hyper_parameters_are_those_of_scikit_learn() -> None:
    from sklearn.linear_model import BayesianRidge

    data = line(80, 4, noise=0.3)
    features = Features(data.x, 1)
    at = features(data.x)
    theirs: Any = BayesianRidge(tol=1e-10, max_iter=5000, alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0)
    theirs.fit(at, data.y)

    flat = Prior(alpha=1.0, alpha_spread=1e6, noise_spread=1e6)
    alpha, noise = most_probable(at @ basis(at), data.y, np.zeros(80), flat)
    mean, std = theirs.predict(features(rows(9, 4, 5)), return_std=True)
    ours = Posterior(Line(features, theirs.lambda_, 0.0, 0.0), data.x, data.y, np.full(80, 1 / theirs.alpha_))

    # scikit-learn subtracts the mean, where the model here has a broad constant: a degree of freedom of 80.
    assert alpha == pytest.approx(theirs.lambda_, rel=0.02)
    assert noise == pytest.approx(1 / theirs.alpha_, rel=0.03)
    prediction = ours(rows(9, 4, 5))
    assert np.allclose(prediction.mean, mean, atol=1e-6)
    # Its std has the noise of a value, and no uncertainty of the constant.
    without = std**2 - 1 / theirs.alpha_
    assert np.allclose(prediction.std**2, without + 1 / (1 + 80 * theirs.alpha_), rtol=1e-6)


@pytest.mark.parametrize("d", [2, 30])
def test_functions_drawn_have_the_mean_and_covariance_of_the_posterior(d: int) -> None:
    model = surrogate("bayesian_linear").fit(line(20, d, noise=0.5), 0)
    assert isinstance(model, Sampling)
    assert isinstance(model, Correlated)
    at = rows(4, d, seed=8)
    covariance = model.covariance(at, at)

    drawn = model.samples(at, 40_000, np.random.default_rng(1))

    std = np.sqrt(np.diagonal(covariance))
    off = np.cov(drawn.T) - covariance
    assert np.all(np.abs(off) < 0.04 * np.outer(std, std))
    mean = installed().make(Kind.SURROGATE, "bayesian_linear", {}).fit(line(20, d, noise=0.5), 0)(at).mean
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < 5 * std / 200)


def test_it_finds_the_line_and_the_noise_of_values() -> None:
    data = line(400, 3, noise=0.25)
    model = surrogate("bayesian_linear").fit(data, 0)
    assert isinstance(model, Correlated)
    at = rows(50, 3, seed=9)

    expected = (at @ [1.0, 2.0, 3.0] - data.centre) / data.spread
    prediction = surrogate("bayesian_linear").fit(data, 0)(at)

    assert model.noise * data.spread == pytest.approx(0.25, rel=0.1)
    assert np.all(np.abs(prediction.mean - expected) < 4 * prediction.std)
    assert prediction.std.max() < 0.1


def test_degree_two_fits_products_that_degree_one_cannot() -> None:
    x = rows(40, 2)
    data = Data(x, (x[:, 0] - 0.5) * (x[:, 1] - 0.5), np.arange(40))

    flat, curved = (surrogate("bayesian_linear", degree=degree).fit(data, 0)(x).mean for degree in (1, 2))

    assert np.abs(curved - data.y).max() < 0.01
    assert np.abs(flat - data.y).max() > 0.5


@pytest.mark.parametrize("d", [2, 20])
def test_told_of_more_values_it_is_conditioned_on_them(d: int) -> None:
    model: Any = surrogate("bayesian_linear").fit(line(15, d, noise=0.1), 0)
    at, others, values = rows(3, d, seed=7), rows(6, d, seed=4), np.array([5.0, 0.0, -1.0])
    mean, variance = conditioned(model, at, values, others)

    after: Prediction = model.knowing(at, values)(others)

    assert np.allclose(after.mean, mean)
    assert np.allclose(after.std**2, variance)
    assert isinstance(model, Extensible)


def test_known_errors_are_not_taken_for_misfit() -> None:
    x = rows(200, 1)
    noise = np.where(np.arange(200) % 2, 0.8, 0.02)
    values = x[:, 0] + noise * np.random.default_rng(3).standard_normal(200)

    without = surrogate("bayesian_linear").fit(Data(x, values, np.arange(200)), 0)
    knowing = surrogate("bayesian_linear").fit(Data(x, values, np.arange(200), noise), 0)

    data = Data(x, values, np.arange(200))
    expected = (x[:, 0] - data.centre) / data.spread
    assert np.abs(knowing(x).mean - expected).max() < 0.03
    assert knowing(x).std.max() < 0.2 * without(x).std.max()


def test_an_error_that_is_not_known_is_taken_for_the_middle_one() -> None:
    errors = np.array([0.1, 0.2, np.nan, 0.2, 0.3, np.nan, 0.2, 0.2])
    filled = np.where(np.isnan(errors), 0.2, errors)
    at = rows(5, 2, seed=1)

    with_gaps, without = (surrogate("bayesian_linear").fit(line(8, 2, 0.2, errors=e), 0)(at) for e in (errors, filled))

    assert np.allclose(with_gaps.mean, without.mean)


def test_the_penalty_is_the_one_of_the_smallest_error_left_out_on_average() -> None:
    data = line(30, 5, noise=2.0)
    at = Features(data.x, 2)(data.x)
    z = at @ basis(at)
    design = np.hstack([np.ones((30, 1)), z])

    def error(penalty: float) -> float:
        """By leaving out each value in turn, where the hat matrix says how much it had to say, on average."""
        square = design.T @ design + penalty * np.diag([0.0] + [1.0] * z.shape[1])
        hat = design @ np.linalg.solve(square, design.T)
        missed = data.y - hat @ data.y
        return float((missed**2).mean() / (1 - np.trace(hat) / 30) ** 2)

    assert chosen_penalty(z, data.y, np.ones(30)) == min(PENALTIES, key=error)


def test_an_ensemble_of_lines_without_penalty_is_least_squares_on_average() -> None:
    data = line(300, 3, noise=0.2)
    at = rows(10, 3, seed=2)
    weights = np.linalg.lstsq(np.hstack([np.ones((300, 1)), data.x]), data.y, rcond=None)[0]

    prediction = surrogate("linear_ensemble", members=400, penalty=1e-9).fit(data, 0)(at)

    assert np.allclose(prediction.mean, np.hstack([np.ones((10, 1)), at]) @ weights, atol=0.01)
    exact = surrogate("bayesian_linear").fit(data, 0)(at)
    assert np.allclose(prediction.std, exact.std, rtol=0.25)
