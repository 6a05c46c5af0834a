"""Expected improvement, its logarithm and the probability of improvement, against integrals of their definitions."""

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.contracts.belief import Array, Prediction, View
from motet.contracts.declarations import Kind
from motet.plugins import installed

MakeView = Callable[..., View]
MEANS, STDS, BESTS = st.floats(-5, 5), st.floats(0.01, 3), st.floats(-3, 3)


@pytest.fixture(scope="session")
def score(make_view: MakeView) -> Callable[..., Array]:
    """Scores of beliefs given by means and stds."""

    def scores(name: str, mean: Any, std: Any, best: float = 0.0, **options: Any) -> Array:
        mean, std = np.broadcast_arrays(np.atleast_1d(np.asarray(mean, float)), np.asarray(std, float))
        view = make_view(Prediction(mean, std), best=best)
        return installed().make(Kind.ACQUISITION, name, options).score(view)

    return scores


Score = Callable[..., Array]


def integral(function: Callable[[float], float], low: float, high: float) -> float:
    integrate: Any = import_module("scipy.integrate")
    return float(integrate.quad(function, low, high, epsabs=0, epsrel=1e-11, limit=200)[0])


def log_h(z: float) -> float:
    """The logarithm of the expected improvement of a standard normal value over -z.

    phi(z) times the integral of u exp(u z - u^2 / 2) over u > 0; in v = u |z| for z < -1, where that is flat.
    """
    if z > -1:
        density = integral(lambda u: u * math.exp(-0.5 * (u - z) ** 2), max(0.0, z - 12), max(z, 0.0) + 12)
        return math.log(density / math.sqrt(2 * math.pi))
    rest = integral(lambda v: v * math.exp(-v - 0.5 * (v / z) ** 2), 0, 60)
    return -0.5 * z * z - 0.5 * math.log(2 * math.pi) + math.log(rest / z**2)


@settings(deadline=None)  # the first call imports scipy
@given(mean=MEANS, std=STDS, best=BESTS, margin=st.sampled_from([0.0, 0.3]))
def test_expected_improvement_is_the_integral_over_better_values(
    score: Score, mean: float, std: float, best: float, margin: float
) -> None:
    expected = std * math.exp(max(log_h((mean - best - margin) / std), -745.0))

    assert score("ei", mean, std, best, margin=margin)[0] == pytest.approx(expected, rel=1e-9, abs=1e-300)


@settings(deadline=None)  # the first call imports scipy
@given(mean=MEANS, std=STDS, best=BESTS)
def test_the_logarithm_is_that_of_the_integral(score: Score, mean: float, std: float, best: float) -> None:
    expected = log_h((mean - best) / std) + math.log(std)

    assert score("log_ei", mean, std, best)[0] == pytest.approx(expected, rel=1e-11, abs=1e-9)


@pytest.mark.parametrize("z", [-1.0, -1.0 + 1e-9, -5, -37.5, -40, -100, -999.999, -1000.001, -1e4, -1e6])
def test_the_logarithm_holds_far_below_the_best(score: Score, z: float) -> None:
    assert score("log_ei", z, 1.0)[0] == pytest.approx(log_h(z), rel=1e-12, abs=1e-9)


def test_far_below_the_best_the_logarithm_still_tells_points_apart(score: Score) -> None:
    means = -np.geomspace(1e12, 1e-3, 500)
    scores = score("log_ei", means, 1.0)

    assert np.all(np.isfinite(scores))
    assert np.all(np.diff(scores) > 0)
    assert score("ei", -40.0, 1.0)[0] == 0


def test_without_uncertainty_it_is_the_plain_improvement(score: Score) -> None:
    assert score("ei", [1.0, 0.25, 0.0], 0.0, best=0.25).tolist() == [0.75, 0.0, 0.0]
    assert score("ei", 1.0, 0.0, best=0.25, margin=0.5)[0] == 0.25
    assert score("pi", [1.0, 0.25, 0.0], 0.0, best=0.25).tolist() == [1.0, 0.0, 0.0]
    assert score("log_ei", 1.0, 0.0, best=0.25)[0] == pytest.approx(math.log(0.75))


def test_without_uncertainty_the_logarithm_is_finite_and_below_that_of_uncertain_points(score: Score) -> None:
    certain = score("log_ei", [0.25, 0.0, -3.0], 0.0, best=0.25)
    uncertain = score("log_ei", -3.0, 0.01, best=0.25)

    assert np.all(np.isfinite(certain))
    assert np.all(np.diff(certain) < 0)
    assert certain[2] < uncertain[0]


def test_expected_improvement_at_the_best_value_is_std_over_sqrt_two_pi(score: Score) -> None:
    assert score("ei", 0.25, 2.0, best=0.25)[0] == pytest.approx(2 / math.sqrt(2 * math.pi))


@settings(deadline=None)  # the first call imports scipy
@given(mean=MEANS, std=STDS, best=BESTS, margin=st.sampled_from([0.0, 0.3]))
def test_the_probability_is_the_share_of_better_values(
    score: Score, mean: float, std: float, best: float, margin: float
) -> None:
    z = (best + margin - mean) / std
    area = integral(lambda u: math.exp(-0.5 * u * u), z, max(z, 0.0) + 40) if z < 30 else 0.0

    found = score("pi", mean, std, best, margin=margin)[0]

    assert 0 <= found <= 1
    assert found == pytest.approx(area / math.sqrt(2 * math.pi), rel=1e-8, abs=1e-190)


@pytest.mark.parametrize("name", ["ei", "log_ei"])
@settings(deadline=None)  # the first call imports scipy
@given(mean=MEANS, std=st.floats(0, 3), more=st.floats(0, 2), best=BESTS)
def test_a_higher_mean_or_std_is_never_worth_less(
    score: Score, name: str, mean: float, std: float, more: float, best: float
) -> None:
    base, higher, wider = (score(name, m, s, best)[0] for m, s in ((mean, std), (mean + more, std), (mean, std + more)))

    slack = 1e-11 * max(1.0, abs(base))
    assert higher >= base - slack
    assert wider >= base - slack
    assert name == "log_ei" or base >= 0


@settings(deadline=None)  # the first call imports scipy
@given(mean=MEANS, std=STDS, best=BESTS, shift=st.floats(-10, 10), factor=st.floats(0.1, 10))
def test_a_shift_changes_nothing_and_a_factor_scales(
    score: Score, mean: float, std: float, best: float, shift: float, factor: float
) -> None:
    moved = (factor * mean + shift, factor * std, factor * best + shift)
    gain = max(1.0, abs(mean - best) / std) ** 2  # how much a rounding of the gain is enlarged

    close = 1e-13 * gain * max(1.0, abs(shift), factor * 5) / (factor * std)
    assert score("log_ei", *moved)[0] == pytest.approx(
        score("log_ei", mean, std, best)[0] + math.log(factor), abs=close
    )
    assert score("pi", *moved)[0] == pytest.approx(score("pi", mean, std, best)[0], abs=close)
