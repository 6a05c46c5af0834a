"""Scores over candidates."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.contracts.declarations import Kind
from motet.contracts.learning import Acquisition, Array, Prediction
from motet.plugins import installed

MEAN, STD = np.array([0.0, 1.0, -1.0, 0.5]), np.array([1.0, 0.0, 2.0, 0.5])


def score(name: str, best: float = 0.0, **options: Any) -> Array:
    acquisition: Acquisition = installed().make(Kind.ACQUISITION, name, options)
    return acquisition.score(Prediction(MEAN, STD), best, np.random.default_rng(0))


def test_weighted_adds_mean_and_variance_by_their_weights() -> None:
    assert score("weighted").tolist() == [0.5, 0.5, 1.5, 0.375]
    assert score("weighted", a=1.0).tolist() == MEAN.tolist()
    assert score("weighted", a=0.0).tolist() == (STD**2).tolist()


def test_the_confidence_bound_credits_uncertainty_under_both_names() -> None:
    assert score("lcb", kappa=2.0).tolist() == [2.0, 1.0, 3.0, 1.5]
    assert score("ucb", kappa=2.0).tolist() == score("lcb", kappa=2.0).tolist()
    assert score("lcb", kappa=0.0).tolist() == MEAN.tolist()


def test_expected_improvement_at_the_best_value_is_std_over_sqrt_two_pi() -> None:
    assert score("ei")[0] == pytest.approx(1 / math.sqrt(2 * math.pi))


def test_expected_improvement_without_uncertainty_is_the_plain_improvement() -> None:
    assert score("ei", best=0.25)[1] == 0.75
    assert score("ei", best=1.5)[1] == 0.0
    assert score("ei", best=0.25, margin=0.5)[1] == 0.25


@given(mean=st.floats(-3, 3), std=st.floats(0.05, 3), best=st.floats(-2, 2))
def test_expected_improvement_is_what_sampling_gives(mean: float, std: float, best: float) -> None:
    acquisition: Acquisition = installed().make(Kind.ACQUISITION, "ei", {})
    prediction = Prediction(np.array([mean]), np.array([std]))
    quantiles = (np.arange(20_000) + 0.5) / 20_000
    from scipy.special import ndtri

    sampled = np.maximum(mean + std * np.asarray(ndtri(quantiles)) - best, 0).mean()

    assert acquisition.score(prediction, best, np.random.default_rng(0))[0] == pytest.approx(sampled, abs=2e-3 * std)


def test_random_scores_differ_and_follow_the_generator() -> None:
    assert len(set(score("random").tolist())) == 4
    assert score("random").tolist() == score("random").tolist()
