"""Acquisitions that look at the whole space: `top_q` and `variance_reduction`."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Prediction, View
from motet.contracts.declarations import Kind
from motet.contracts.learning import Acquisition
from motet.plugins import installed

MakeView = Callable[..., View]


def made(name: str, **options: Any) -> Acquisition:
    return installed().make(Kind.ACQUISITION, name, options)


class Process:
    """A Gaussian process of fixed hyper-parameters, straight from the textbook."""

    def __init__(self, x: Array, noise: float) -> None:
        self._x, self.noise = x, noise
        self._inverse = np.linalg.inv(kernel(x, x) + noise**2 * np.eye(len(x)))

    def covariance(self, first: Array, second: Array) -> Array:
        return kernel(first, second) - kernel(first, self._x) @ self._inverse @ kernel(self._x, second)

    def variance(self, rows: Array) -> Array:
        return np.maximum(np.diagonal(self.covariance(rows, rows)), 0.0)


def kernel(first: Array, second: Array) -> Array:
    return np.exp(-0.5 * ((first[:, None] - second[None]) ** 2).sum(axis=2) / 0.2**2)


def test_variance_reduction_is_what_measuring_a_point_would_do(make_view: MakeView) -> None:
    rng = np.random.default_rng(3)
    pool, x, noise = rng.random((60, 2)), rng.random((8, 2)), 0.2
    before = Process(x, noise)
    belief = Prediction(np.zeros(60), np.sqrt(before.variance(pool)))

    scores = made("variance_reduction").score(make_view(belief, pool=pool, models=[before], rows=range(0, 60, 3)))

    expected = [
        before.variance(pool).mean() - Process(np.vstack([x, point]), noise).variance(pool).mean()
        for point in pool[::3]
    ]
    assert scores == pytest.approx(expected, rel=1e-9)
    assert scores.min() > 0
    assert made("alc").score(make_view(belief, pool=pool, models=[before])).tolist()[::3] == scores.tolist()


def test_variance_reduction_is_averaged_over_points_drawn_from_a_large_space(make_view: MakeView) -> None:
    pool = np.linspace(0, 1, 1200)[:, None]
    model = Process(np.array([[0.2], [0.7]]), 0.1)
    belief = Prediction(np.zeros(1200), np.sqrt(model.variance(pool)))
    view, again, other = (make_view(belief, pool=pool, models=[model], seed=seed) for seed in (1, 1, 2))

    scores = made("variance_reduction", references=400).score(view)

    assert scores == pytest.approx(made("variance_reduction", references=1200).score(view), rel=0.25)
    assert scores.tolist() == made("variance_reduction", references=400).score(again).tolist()
    assert scores.tolist() != made("variance_reduction", references=400).score(other).tolist()


def test_where_nothing_is_left_to_learn_the_reduction_is_none(make_view: MakeView) -> None:
    class Certain:
        noise = 0.0

        def covariance(self, first: Array, second: Array) -> Array:
            return np.zeros((len(first), len(second)))

    view = make_view(Prediction(np.zeros(5), np.zeros(5)), models=[Certain()])

    assert made("variance_reduction").score(view).tolist() == [0.0] * 5


def test_a_pool_of_100_000_takes_little_memory(make_view: MakeView) -> None:
    class Product:
        noise = 0.1

        def covariance(self, first: Array, second: Array) -> Array:
            return first @ second.T

    pool = np.random.default_rng(0).random((100_000, 3))
    view = make_view(Prediction(np.zeros(100_000), np.ones(100_000)), pool=pool, models=[Product()])
    tracemalloc.start()

    scores = made("variance_reduction").score(view)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6
    moment = pool.T @ pool / len(pool)
    assert scores[:50] == pytest.approx(np.einsum("ij,jk,ik->i", pool[:50], moment, pool[:50]) / 1.01, rel=0.1)


def test_the_top_set_is_bounded_by_what_is_expected_of_the_whole_space(make_view: MakeView) -> None:
    """Expected of eleven points: 0 to 10, so that the best fifth begins at 8."""
    mean, std = np.arange(11.0), np.full(11, 2.0)
    draws = mean[:, None] + std[:, None] * np.random.default_rng(0).standard_normal((11, 200_000))

    scores = made("top_q", q=0.2).score(make_view(Prediction(mean, std), data=[nowhere()]))

    assert scores == pytest.approx((draws > 8).mean(axis=1), abs=4e-3)


def test_measured_points_count_with_the_mean_of_their_values(make_view: MakeView) -> None:
    """Two of eleven points were measured, one twice: 20 and 16 take the places of 0 and 1 in the expectation."""
    x = np.array([[0.0], [0.1], [0.1]])
    data = Data(x, np.array([20.0, 15.0, 17.0]), np.arange(3))
    raw = Data(x, data.merits, data.told, classes=1)  # y as it stands, to keep the numbers readable
    view = make_view(Prediction(np.arange(11.0), np.zeros(11)), pool=np.arange(11)[:, None] / 10, data=[raw])

    scores = made("top_q", q=0.2).score(view)

    assert scores.tolist() == [0.0] * 10 + [1.0]  # the sorted expectation ends 8, 9, 10, 16, 20


def test_a_point_on_the_bound_is_in_the_top_set(make_view: MakeView) -> None:
    view = make_view(Prediction(np.arange(11.0), np.zeros(11)), data=[nowhere()])

    assert made("top_q", q=0.2).score(view).tolist() == [0.0] * 8 + [1.0] * 3


def test_a_smaller_top_set_is_less_probable(make_view: MakeView) -> None:
    rng = np.random.default_rng(4)
    view = make_view(Prediction(rng.standard_normal(50), rng.random(50)), data=[nowhere()])
    tenth, fiftieth = (made("top_q", q=q).score(view) for q in (0.1, 0.02))

    assert np.all(fiftieth <= tenth)
    assert np.all((tenth >= 0) & (tenth <= 1))


def nowhere() -> Data:
    """A value outside the pool."""
    return Data(np.array([[7.0]]), np.array([0.0]), np.arange(1))
