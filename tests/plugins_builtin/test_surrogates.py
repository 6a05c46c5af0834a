"""Models that predict with uncertainty."""

from typing import Any

import numpy as np
import pytest

from motet.contracts.declarations import Kind
from motet.contracts.learning import Array, Surrogate
from motet.plugins import installed

FORESTS = ["random_forest", "rf", "extra_trees"]


def surrogate(name: str, trees: int = 30, **options: float) -> Surrogate:
    return installed().make(Kind.SURROGATE, name, {"trees": trees, **options})


@pytest.fixture
def data() -> tuple[Array, Array]:
    x = np.random.default_rng(2).random((60, 2))
    return x, np.sin(5 * x[:, 0]) + x[:, 1]


@pytest.fixture
def pool() -> Array:
    return np.random.default_rng(3).random((200, 2))


@pytest.mark.parametrize("name", FORESTS)
def test_predictions_have_mean_std_and_members_of_the_right_shape(
    name: str, data: tuple[Array, Array], pool: Array
) -> None:
    prediction = surrogate(name).fit(*data, seed=1)(pool)

    assert prediction.members is not None
    assert prediction.members.shape == (30, 200)
    assert prediction.mean.dtype == np.float64
    assert np.allclose(prediction.mean, prediction.members.mean(axis=0))
    assert np.allclose(prediction.std, prediction.members.std(axis=0))
    assert prediction.std.max() > 0


@pytest.mark.parametrize("name", FORESTS)
def test_the_members_are_what_scikit_learn_itself_predicts(name: str, data: tuple[Array, Array], pool: Array) -> None:
    from sklearn import ensemble

    kind: Any = getattr(ensemble, "ExtraTreesRegressor" if name == "extra_trees" else "RandomForestRegressor")
    forest = kind(n_estimators=30, random_state=1).fit(*data)

    assert np.allclose(surrogate(name).fit(*data, seed=1)(pool).mean, forest.predict(pool))


@pytest.mark.parametrize("name", FORESTS)
def test_it_learns_a_function(name: str, data: tuple[Array, Array], pool: Array) -> None:
    truth = np.sin(5 * pool[:, 0]) + pool[:, 1]

    predicted = surrogate(name).fit(*data, seed=1)(pool).mean

    assert np.corrcoef(predicted, truth)[0, 1] > 0.9


@pytest.mark.parametrize("name", FORESTS)
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(
    name: str, data: tuple[Array, Array], pool: Array
) -> None:
    one, same, other = (surrogate(name).fit(*data, seed=seed)(pool).mean for seed in (5, 5, 6))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("name", FORESTS)
def test_each_point_is_predicted_by_itself(name: str, data: tuple[Array, Array], pool: Array) -> None:
    predict = surrogate(name).fit(*data, seed=1)

    assert np.array_equal(predict(pool).mean[::-1], predict(pool[::-1]).mean)


@pytest.mark.parametrize("name", FORESTS)
def test_one_value_is_enough(name: str, pool: Array) -> None:
    prediction = surrogate(name).fit(np.array([[0.5, 0.5]]), np.array([3.0]), seed=0)(pool)

    assert set(prediction.mean) == {3.0}
    assert set(prediction.std) == {0.0}


def test_larger_leaves_make_it_smoother(data: tuple[Array, Array], pool: Array) -> None:
    rough = surrogate("random_forest").fit(*data, seed=1)(pool).mean
    smooth = surrogate("random_forest", min_samples_leaf=20).fit(*data, seed=1)(pool).mean

    assert smooth.std() < 0.8 * rough.std()
