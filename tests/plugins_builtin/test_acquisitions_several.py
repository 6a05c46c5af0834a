"""Acquisitions towards several objectives: `ehvi` and `parego`."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from motet.contracts.belief import Array, Data, Predict, Prediction, View
from motet.contracts.declarations import Kind
from motet.contracts.learning import Acquisition
from motet.errors import LearnerError
from motet.model.standing import pareto_front
from motet.plugins import installed
from motet_plugins.acquisitions.fronts import reference_point
from motet_plugins.acquisitions.hypervolume_improvement import expected_improvement
from motet_plugins.acquisitions.parego import chebyshev, costs

MakeView = Callable[..., View]


def made(name: str, **options: Any) -> Acquisition:
    return installed().make(Kind.ACQUISITION, name, options)


def gained(values: Array, front: Array, reference: Array) -> Array:
    """Volume that each of values (n, m) adds to a front: its own, less what is shared, by inclusion and exclusion."""
    total = np.zeros(len(values))
    for size in range(len(front) + 1):
        for some in combinations(front, size):
            corner = np.minimum(values, np.min(some, axis=0)) if some else values
            total += (-1) ** size * np.prod(np.maximum(corner - reference, 0.0), axis=1)
    return total


def front_of(seed: int, count: int, objectives: int) -> Array:
    return pareto_front(np.random.default_rng(seed).standard_normal((count, objectives)))


@pytest.mark.parametrize(("objectives", "count"), [(2, 1), (2, 6), (2, 40), (3, 6), (4, 4)])
def test_expected_hypervolume_improvement_is_what_sampling_gives(objectives: int, count: int) -> None:
    rng = np.random.default_rng(objectives + count)
    front = front_of(count, count, objectives)
    reference = np.full(objectives, -1.5)
    means, stds = 1.5 * rng.standard_normal((objectives, 6)), rng.uniform(0.1, 1.5, (objectives, 6))

    found = expected_improvement(means, stds, front, reference)

    normal: Any = qmc.MultivariateNormalQMC(np.zeros(objectives), rng=0)
    draws: Array = normal.random(2**14)
    sampled = [gained(mean + std * draws, front, reference).mean() for mean, std in zip(means.T, stds.T, strict=True)]
    assert found == pytest.approx(sampled, rel=0.01, abs=2e-3)


@settings(deadline=None)  # the first call imports scipy
@given(seed=st.integers(0, 10_000), objectives=st.integers(2, 4))
def test_without_uncertainty_it_is_the_volume_gained(seed: int, objectives: int) -> None:
    rng = np.random.default_rng(seed)
    measured, reference = rng.integers(-2, 3, (5, objectives)) / 2, np.full(objectives, -0.75)
    values = np.vstack([rng.standard_normal((6, objectives)), measured])

    found = expected_improvement(values.T, np.zeros(values.T.shape), measured, reference)

    assert found == pytest.approx(gained(values, measured, reference), abs=1e-12)
    assert found[6:].tolist() == [0.0] * 5


@settings(deadline=None)  # the first call imports scipy
@given(seed=st.integers(0, 10_000), shift=st.floats(-3, 3), factor=st.floats(0.1, 10))
def test_units_and_the_order_of_objectives_matter_as_for_a_volume(seed: int, shift: float, factor: float) -> None:
    rng = np.random.default_rng(seed)
    means, stds, values = rng.standard_normal((2, 5)), rng.random((2, 5)), rng.standard_normal((4, 2))
    reference, unit = np.array([-1.0, -2.0]), np.array([[factor], [1.0]])
    found = expected_improvement(means, stds, values, reference)

    moved = expected_improvement(
        unit * means + shift, unit * stds, values * unit.T + shift, reference * unit[:, 0] + shift
    )
    turned = expected_improvement(means[::-1], stds[::-1], values[::-1, ::-1], reference[::-1])

    assert moved == pytest.approx(factor * found, rel=1e-9, abs=1e-12)
    assert turned == pytest.approx(found, rel=1e-9, abs=1e-12)
    assert np.all(found >= 0)


@settings(deadline=None)  # the first call imports scipy
@given(seed=st.integers(0, 10_000), more=st.floats(0, 2), objective=st.integers(0, 1))
def test_a_higher_mean_or_std_gains_no_less(seed: int, more: float, objective: int) -> None:
    rng = np.random.default_rng(seed)
    means, stds, values = rng.standard_normal((2, 5)), rng.random((2, 5)), rng.standard_normal((4, 2))
    added = np.zeros((2, 1))
    added[objective] = more
    reference = np.full(2, -1.0)
    found = expected_improvement(means, stds, values, reference)

    assert np.all(expected_improvement(means + added, stds, values, reference) >= found - 1e-12)
    assert np.all(expected_improvement(means, stds + added, values, reference) >= found - 1e-12)


def test_a_front_of_one_value_leaves_a_volume_in_closed_form(make_view: MakeView) -> None:
    """Above the reference (0, 0) and beside the value (1, 1), the certain point (2, 3) adds 6 - 1."""
    belief = [Prediction(np.array([2.0, 0.5]), np.zeros(2)), Prediction(np.array([3.0, 0.5]), np.zeros(2))]
    outcomes = np.array([[1.0, 1.0]])
    data = [Data(np.zeros((2, 1)), np.array([-1.0, 1.0]), np.arange(2))] * 2

    scores = made("ehvi", reference=[0.0, 0.0]).score(make_view(*belief, outcomes=outcomes, data=data))

    assert scores == pytest.approx([5.0, 0.0])


def test_the_reference_is_given_in_the_units_of_the_objectives(make_view: MakeView) -> None:
    belief = Prediction(np.zeros(1), np.ones(1))
    data = [Data(np.zeros((2, 1)), np.array(merits), np.arange(2)) for merits in ([10.0, 30.0], [-4.0, -2.0])]

    found = reference_point(make_view(belief, belief, data=data), [0.0, -5.0])

    assert found.tolist() == [-2.0, -2.0]
    with pytest.raises(LearnerError, match=r"\[1.0\] has 1 values, one for each of the 2 objectives"):
        made("ehvi", reference=[1.0]).score(make_view(belief, belief, data=data))


def test_the_reference_follows_the_front_when_it_is_left_out(make_view: MakeView) -> None:
    belief = Prediction(np.zeros(1), np.ones(1))
    merits = np.array([[-1.0, 1.0], [1.0, -0.5], [0.0, -1.5]])  # the last is dominated, but counts for the range
    outcomes = (merits - merits.mean(axis=0)) / merits.std(axis=0)

    reference = reference_point(make_view(belief, belief, outcomes=outcomes), None)

    assert reference * merits.std(axis=0) + merits.mean(axis=0) == pytest.approx([-1.2, -0.75])


def test_values_that_are_all_equal_or_never_measured_together_have_a_reference_too(make_view: MakeView) -> None:
    belief = Prediction(np.zeros(3), np.ones(3))
    equal = Data(np.zeros((2, 1)), np.array([5.0, 5.0]), np.arange(2))
    apart = Data(np.ones((2, 1)), np.array([0.0, 2.0]), np.arange(2))
    view = make_view(belief, belief, data=[equal, apart])

    assert reference_point(view, None) == pytest.approx([-0.1, -1.2])
    assert np.all(made("ehvi").score(view) > 0)


def test_five_objectives_are_refused_with_an_alternative(make_view: MakeView) -> None:
    with pytest.raises(LearnerError, match=r"at most 4 objectives; found 5: parego"):
        made("ehvi").score(make_view(*[Prediction(np.zeros(2), np.ones(2))] * 5))


@given(seed=st.integers(0, 10_000), objectives=st.integers(1, 4))
def test_the_front_is_what_nothing_else_beats(seed: int, objectives: int) -> None:
    values = np.random.default_rng(seed).integers(0, 4, (12, objectives)).astype(float)
    rows = {tuple(row) for row in values.tolist()}

    def beaten(row: Sequence[float]) -> bool:
        return any(other != row and all(a >= b for a, b in zip(other, row, strict=True)) for other in rows)

    assert [tuple(row) for row in pareto_front(values).tolist()] == sorted(row for row in rows if not beaten(row))


def test_the_weighted_cost_is_that_of_the_worst_objective_and_a_little_of_all() -> None:
    assert chebyshev(np.array([[0.4, 0.2], [1.0, 0.0]]), np.array([0.25, 0.75]), 0.05) == pytest.approx(
        [0.1625, 0.2625]
    )
    assert costs(np.array([[1.0, 7.0], [3.0, 7.0], [2.0, 7.0]])).tolist() == [[1, 0], [0, 0], [0.5, 0]]


class Remembering:
    """A surrogate that keeps what it was fitted to and predicts it, nearest value first."""

    def __init__(self, at: Array) -> None:
        self._at = at
        self.fitted: list[Array] = []

    def fit(self, values: Array) -> Predict:
        self.fitted.append(values)
        return lambda x: Prediction(values[np.abs(x - self._at.T).argmin(axis=1)], np.full(len(x), 0.2))


def trade_off(make_view: MakeView, surrogate: Remembering, at: Array) -> View:
    """Two objectives of which one rises and one falls along the only parameter."""
    belief = Prediction(np.zeros(21), np.ones(21))
    return make_view(belief, belief, outcomes=np.hstack([at, 1 - at]), outcomes_at=at, fit=surrogate.fit)


def test_every_suggestion_weighs_the_objectives_anew(make_view: MakeView) -> None:
    at = np.linspace(0, 1, 6)[:, None]
    surrogate = Remembering(at)
    view = trade_off(make_view, surrogate, at)

    best = [float(view.x[made("parego").score(view).argmax(), 0]) for _ in range(300)]

    assert len(surrogate.fitted) == 300
    assert np.std([values.argmax() for values in surrogate.fitted]) > 1
    assert np.mean(best) == pytest.approx(0.5, abs=0.08)
    assert np.min(best) < 0.2
    assert np.max(best) > 0.8


def test_it_fits_and_improves_on_standardized_values(make_view: MakeView) -> None:
    at = np.linspace(0, 1, 6)[:, None]
    surrogate = Remembering(at)
    view = trade_off(make_view, surrogate, at)

    scores = made("parego").score(view)

    values = surrogate.fitted[0]
    assert values.mean() == pytest.approx(0, abs=1e-8)
    assert values.std() == pytest.approx(1, abs=1e-8)
    nearest = values[np.abs(view.x - at.T).argmin(axis=1)]
    reference = made("ei").score(make_view(Prediction(nearest, np.full(21, 0.2)), best=float(values.max())))
    assert scores.tolist() == reference.tolist()


def test_units_of_the_objectives_do_not_matter(make_view: MakeView) -> None:
    at = np.linspace(0, 1, 6)[:, None]
    surrogate = Remembering(at)
    belief = Prediction(np.zeros(21), np.ones(21))
    for factor in (1.0, 4.0):
        outcomes = np.hstack([at, 3 + factor * np.sin(5 * at)])
        made("parego").score(make_view(belief, belief, outcomes=outcomes, outcomes_at=at, fit=surrogate.fit))

    assert surrogate.fitted[0] == pytest.approx(surrogate.fitted[1], abs=1e-8)


def test_nothing_measured_in_full_is_said(make_view: MakeView) -> None:
    with pytest.raises(LearnerError, match="a point at which every objective was measured"):
        made("parego").score(make_view(*[Prediction(np.zeros(2), np.ones(2))] * 2))
