"""How points that are being measured enter the model, or the scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.special import erfc

from motet.contracts.belief import Array, Data, Gives, Predict, Prediction, View
from motet.contracts.declarations import Kind
from motet.contracts.learning import Pending, Repeating, Rescoring, declared_needs
from motet.errors import LearnerError
from motet.plugins import installed


def strategy(name: str, **options: Any) -> Pending:
    return installed().make(Kind.PENDING, name, options)


def rescoring(name: str, **options: Any) -> Rescoring:
    found = strategy(name, **options)
    assert isinstance(found, Rescoring)
    return found


def sloped(x: Array) -> Prediction:
    """Mean 2 x_0 and std 0.1: the steepest slope is 2."""
    return Prediction(2 * x[:, 0], np.full(len(x), 0.1))


class Line:
    """Functions b + 2 x_0 with one unknown b: mean 0 and std 1."""

    def __call__(self, x: Array) -> Prediction:
        return Prediction(2 * x[:, 0], np.ones(len(x)))

    def samples(self, x: Array, count: int, rng: np.random.Generator) -> Array:
        return 2 * x[:, 0] + rng.standard_normal((count, 1))


class NoisyLine(Line):
    """The same, measured with an error of 0.5."""

    noise = 0.5

    def covariance(self, first: Array, second: Array) -> Array:
        return np.ones((len(first), len(second)))


def data(*merits: float, classes: int = 0) -> Data:
    x = np.linspace(0, 1, len(merits))[:, None]
    return Data(x, np.array(merits, dtype=float), np.arange(len(merits)), classes=classes)


def view(models: Sequence[Predict], pool: Array, pending: Array, known: Data, seed: int = 0) -> View:
    """All points of the pool are candidates."""

    def unfitted(merits: Array) -> Predict:
        raise AssertionError("nothing is fitted here")

    return View(
        pool=pool,
        rows=np.arange(len(pool)),
        models=models,
        wholes=[model(pool) for model in models],
        data=[known] * len(models),
        best=float(known.y.max()),
        pending=pending,
        rng=np.random.default_rng(seed),
        outcomes=np.zeros((0, len(models))),
        outcomes_at=np.zeros((0, pool.shape[1])),
        fit=unfitted,
    )


TWO = np.array([[0.25], [0.75]])
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("exclude", None), ("none", None), ("believer", [0.5, 1.5]), ("local_penalization", None), ("thompson", None)],
)
def test_what_a_pending_strategy_pretends(name: str, expected: list[float] | None) -> None:
    values = strategy(name).stand_ins(sloped, TWO, data(0, 1), RNG)

    assert (values if values is None else values.tolist()) == expected


@pytest.mark.parametrize(
    "name", ["exclude", "believer", "fantasies", "constant_liar", "local_penalization", "thompson", "none"]
)
def test_pending_points_are_suggested_again_by_none_only(name: str) -> None:
    pending = strategy(name)

    assert (isinstance(pending, Repeating) and pending.repeats) is (name == "none")


@pytest.mark.parametrize(("name", "needs"), [("fantasies", True), ("thompson", True), ("local_penalization", False)])
def test_what_draws_functions_needs_a_surrogate_that_gives_them(name: str, needs: bool) -> None:
    assert (Gives.SAMPLES in declared_needs(strategy(name))) is needs


@pytest.mark.parametrize(("value", "expected"), [("min", -1.2247), ("mean", 0.0), ("max", 1.2247)])
def test_a_liar_tells_the_worst_mean_or_best_value(value: str, expected: float) -> None:
    values = strategy("constant_liar", value=value).stand_ins(sloped, TWO, data(3, 1, 2), RNG)

    assert values is not None
    assert values.tolist() == pytest.approx([expected] * 2, abs=1e-4)


def test_a_liar_knows_no_other_lie() -> None:
    with pytest.raises(ValidationError):
        strategy("constant_liar", value="median")


def classifier(x: Array) -> Prediction:
    """Class 0 on the left, class 2 on the right, never quite certain."""
    probabilities = np.where(x[:, :1] < 0.5, [[0.7, 0.2, 0.1]], [[0.1, 0.2, 0.7]])
    return Prediction(probabilities.max(axis=1), np.full(len(x), 0.5), probabilities=probabilities)


def test_of_classes_a_pending_point_gets_one_that_there_is() -> None:
    known = data(1, 1, 0, 2, classes=3)

    believed = strategy("believer").stand_ins(classifier, TWO, known, RNG)
    lied = strategy("constant_liar").stand_ins(classifier, TWO, known, RNG)

    assert believed is not None
    assert believed.tolist() == [0, 2]
    assert lied is not None
    assert lied.tolist() == [1, 1]


def test_fantasies_are_several_joint_draws_at_the_pending_points() -> None:
    values = strategy("fantasies", m=1000).stand_ins(Line(), TWO, data(0, 1), np.random.default_rng(0))

    assert values is not None
    assert values.shape == (1000, 2)
    assert values.mean(axis=0) == pytest.approx([0.5, 1.5], abs=0.1)
    assert values.std(axis=0) == pytest.approx([1, 1], abs=0.07)
    assert np.allclose(values[:, 1] - values[:, 0], 1)  # of one function


def test_fantasies_have_the_noise_of_a_measurement() -> None:
    values = strategy("fantasies", m=1000).stand_ins(NoisyLine(), TWO, data(0, 1), np.random.default_rng(0))

    assert values is not None
    assert values.std(axis=0) == pytest.approx([1.118, 1.118], abs=0.07)
    assert (values[:, 1] - values[:, 0]).std() == pytest.approx(0.5 * 2**0.5, abs=0.05)


def test_fantasies_follow_from_the_seed() -> None:
    found = [
        strategy("fantasies").stand_ins(Line(), TWO, data(0, 1), np.random.default_rng(seed)) for seed in (1, 1, 2)
    ]
    first, again, other = (None if values is None else values.tolist() for values in found)

    assert first == again != other


def test_a_surrogate_that_draws_nothing_is_named_as_the_trouble() -> None:
    with pytest.raises(LearnerError, match="fantasies needs a surrogate that gives samples"):
        strategy("fantasies").stand_ins(sloped, TWO, data(0, 1), RNG)


FINE = np.linspace(0, 1, 101)[:, None]


@pytest.mark.parametrize("scores", [np.full(101, 0.4), np.full(101, -0.4), np.full(101, -900.0)])
def test_local_penalization_lowers_scores_near_a_pending_point_and_not_far_away(scores: Array) -> None:
    """The ball around x = 0.3 has a radius of (1 - 0.6) / 2 = 0.2: the best value, the mean there, the slope."""
    known = data(-1, -1, 1, 1)

    lowered = rescoring("local_penalization").rescore(scores, view([sloped], FINE, np.array([[0.3]]), known))

    assert np.argmin(lowered) == 30
    assert np.all(np.diff(lowered[:31]) <= 0)
    assert np.all(np.diff(lowered[30:]) >= 0)
    assert np.all(lowered[25:36] < scores[0])
    assert lowered[75:] == pytest.approx(scores[75:], rel=1e-4)


def test_positive_scores_are_multiplied_by_the_penalizer_of_the_paper() -> None:
    """erfc(-z) / 2 with z = (L r - M + mu) / sqrt(2 sigma^2), for each pending point."""
    known, scores = data(-1, -1, 1, 1), RNG.random(101)
    pending = np.array([[0.3], [0.9]])
    radii = np.abs(FINE - pending.T)
    factor = np.prod(erfc(-(2 * radii - 1 + 2 * pending.T) / np.sqrt(2 * 0.1**2)) / 2, axis=1)

    lowered = rescoring("local_penalization").rescore(scores, view([sloped], FINE, pending, known))

    assert lowered == pytest.approx(scores * factor, rel=1e-6)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20))
def test_negative_scores_are_never_raised_and_keep_what_is_far_away(values: list[float]) -> None:
    from motet_plugins.pendings.local_penalization import penalized

    scores = np.array([*values, -1.0])

    assert penalized(scores, np.zeros(len(scores))) == pytest.approx(scores, rel=1e-9, abs=1e-9)
    assert np.all(penalized(scores, np.full(len(scores), -1.0)) < scores)
    order = np.argsort(scores, kind="stable")
    assert np.all(np.diff(penalized(scores, np.full(len(scores), -1.0))[order]) >= 0)


def test_to_a_logarithm_the_logarithm_of_the_penalizer_is_added() -> None:
    from motet_plugins.pendings.local_penalization import penalized

    assert penalized(np.array([-50.0, -900.0]), np.array([-3.0, -800.0])).tolist() == [-53.0, -1700.0]


@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_slope_is_the_norm_of_the_gradient(width: int) -> None:
    from motet_plugins.pendings.local_penalization import steepest

    weights = np.arange(1.0, width + 1)
    corners = np.array([np.zeros(width), np.ones(width), np.full(width, 0.5)])

    def plane(x: Array) -> Prediction:
        return Prediction(x @ weights, np.ones(len(x)))

    assert steepest(plane, corners) == pytest.approx(np.linalg.norm(weights))


def test_the_steps_of_a_forest_are_not_taken_for_its_slope() -> None:
    from motet_plugins.pendings.local_penalization import steepest

    def stairs(x: Array) -> Prediction:
        return Prediction(2 * np.floor(20 * x[:, 0]) / 20, np.ones(len(x)))

    assert steepest(stairs, FINE) == pytest.approx(2, abs=1)


def test_a_flat_mean_keeps_only_the_surroundings_clear() -> None:
    def flat(x: Array) -> Prediction:
        return Prediction(np.zeros(len(x)), np.full(len(x), 0.1))

    lowered = rescoring("local_penalization").rescore(np.ones(101), view([flat], FINE, np.array([[0.5]]), data(-1, 1)))

    assert lowered[50] < 0.01
    assert lowered[[20, 80]] == pytest.approx([1, 1], abs=1e-6)


def test_local_penalization_knows_a_point_without_doubt() -> None:
    def certain(x: Array) -> Prediction:
        return Prediction(2 * x[:, 0], np.zeros(len(x)))

    lowered = rescoring("local_penalization").rescore(
        np.ones(101), view([certain], FINE, np.array([[0.3]]), data(-1, -1, 1, 1))
    )

    assert np.flatnonzero(lowered < 0.4).tolist() == list(range(11, 50))


def test_while_points_are_pending_thompson_scores_by_a_function_of_the_model() -> None:
    scores = np.zeros(101)
    found = [rescoring("thompson").rescore(scores, view([Line()], FINE, TWO, data(0, 1), seed)) for seed in (0, 0, 1)]

    assert np.array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])
    assert np.allclose(found[0] - found[0][0], 2 * FINE[:, 0])


class Falling(Line):
    """The opposite of `Line`."""

    def samples(self, x: Array, count: int, rng: np.random.Generator) -> Array:
        return 2 - 2 * x[:, 0] + np.zeros((count, 1))


class Rising(Line):
    """`Line` without doubt."""

    def samples(self, x: Array, count: int, rng: np.random.Generator) -> Array:
        return 2 * x[:, 0] + np.zeros((count, 1))


def test_with_two_objectives_thompson_finds_different_trade_offs_between_them() -> None:
    known, scores = data(-1, 1), np.zeros(101)
    best = [
        int(np.argmax(rescoring("thompson").rescore(scores, view([Rising(), Falling()], FINE, TWO, known, seed))))
        for seed in range(30)
    ]

    assert min(best) < 25
    assert max(best) > 75
    assert len(set(best)) > 15
