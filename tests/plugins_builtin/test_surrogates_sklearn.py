"""Any model of scikit-learn by its import name."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from motet.contracts.belief import Array, Data, Gives
from motet.contracts.declarations import Kind
from motet.contracts.learning import Surrogate, declared_gives
from motet.plugins import installed


def surrogate(model: str, bootstrap: int = 20, **options: Any) -> Surrogate:
    return installed().make(Kind.SURROGATE, "sklearn", {"model": model, "options": options, "bootstrap": bootstrap})


def rows(n: int, d: int = 3, seed: int = 0) -> Array:
    x = np.random.default_rng(seed).random((n, d))
    return x[np.lexsort(x.T[::-1])]


@pytest.fixture
def data() -> Data:
    x = rows(50)
    return Data(x, np.sin(4 * x[:, 0]) + x[:, 1], np.arange(50))


REGRESSORS = {
    "sklearn.linear_model.Ridge": {"alpha": 0.1},
    "sklearn.linear_model.HuberRegressor": {},
    "sklearn.neighbors.KNeighborsRegressor": {"n_neighbors": 3},
    "sklearn.svm.SVR": {"C": 10.0},
    "sklearn.ensemble.GradientBoostingRegressor": {"n_estimators": 30},
    "sklearn.ensemble.HistGradientBoostingRegressor": {"max_iter": 20, "min_samples_leaf": 3},
    "sklearn.gaussian_process.GaussianProcessRegressor": {"alpha": 0.01, "optimizer": None},
    "sklearn.cross_decomposition.PLSRegression": {},
}


@pytest.mark.parametrize("model", REGRESSORS)
def test_any_regressor_predicts_with_uncertainty(model: str, data: Data) -> None:
    at = rows(100, seed=1)
    truth = (np.sin(4 * at[:, 0]) + at[:, 1] - data.centre) / data.spread

    chosen = surrogate(model, 8, **REGRESSORS[model])
    prediction = chosen.fit(data, 0)(at)

    assert declared_gives(chosen) == {Gives.MEAN_STD, Gives.MEMBERS, Gives.SAMPLES}
    assert prediction.members is not None
    assert prediction.members.shape == (8, 100)
    assert np.corrcoef(prediction.mean, truth)[0, 1] > 0.65
    assert prediction.std.max() > 0.01


def test_its_members_are_fits_to_bootstrap_samples(data: Data) -> None:
    from sklearn.linear_model import LinearRegression

    at = rows(10, seed=1)
    generator = np.random.default_rng(0)
    fits: list[Array] = []
    for _ in range(500):
        sample = generator.integers(50, size=50)
        model: Any = LinearRegression()
        fits.append(model.fit(data.x[sample], data.y[sample]).predict(at))

    prediction = surrogate("sklearn.linear_model.LinearRegression", 500).fit(data, 0)(at)

    assert np.allclose(prediction.mean, np.mean(fits, axis=0), atol=0.05)
    assert np.allclose(prediction.std, np.std(fits, axis=0), rtol=0.2)


@pytest.mark.parametrize("model", ["sklearn.tree.ExtraTreeRegressor", "sklearn.linear_model.SGDRegressor"])
def test_a_model_that_draws_is_seeded(model: str, data: Data) -> None:
    one, same, other = (surrogate(model, 3).fit(data, seed)(data.x).mean for seed in (1, 1, 2))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_seed_in_the_file_is_kept() -> None:
    from motet_plugins.surrogates.estimators import estimator

    assert estimator("sklearn.tree.ExtraTreeRegressor", {"random_state": 5}).random_state == 5


@pytest.mark.parametrize(
    "model", ["sklearn.svm.SVC", "sklearn.naive_bayes.GaussianNB", "sklearn.dummy.DummyClassifier"]
)
def test_any_classifier_has_columns_for_all_classes(model: str) -> None:
    x = rows(40)
    numbers = np.where(x[:, 0] > 0.5, 3.0, 0.0)
    chosen = surrogate(model, 6)

    found = chosen.fit(Data(x, numbers, np.arange(40), classes=4), 0)(x).member_probabilities

    assert declared_gives(chosen) == {Gives.PROBABILITIES, Gives.MEMBER_PROBABILITIES}
    assert found is not None
    assert found.shape == (6, 40, 4)
    assert np.allclose(found[:, :, [1, 2]], 1 / 44)
    assert np.allclose(found.sum(axis=2), 1)


def test_a_sample_of_one_class_only_is_sure_of_it() -> None:
    x = rows(12)
    numbers = np.zeros(12)
    numbers[4] = 1.0
    chosen = surrogate("sklearn.linear_model.LogisticRegression", 30)

    found = chosen.fit(Data(x, numbers, np.arange(12), classes=2), 0)(x).member_probabilities

    assert found is not None
    without = np.all(found[:, :, 1] == 0, axis=1)
    assert 0 < without.sum() < 30


def test_too_few_values_for_the_model_are_said_by_the_model() -> None:
    chosen = surrogate("sklearn.neighbors.KNeighborsRegressor", n_neighbors=5)
    x = rows(3)

    with pytest.raises(ValueError, match="n_neighbors"):
        chosen.fit(Data(x, x[:, 0], np.arange(3)), 0)(x)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("Ridge", {}, "'Ridge' is no import name with its module, such as sklearn.linear_model.Ridge"),
        ("sklearn.linear_modl.Ridge", {}, "sklearn.linear_modl cannot be imported: ModuleNotFoundError"),
        ("sklearn.linear_model.Rige", {}, r"sklearn.linear_model has no Rige; did you mean Ridge\?"),
        ("sklearn.linear_model.Qqq", {}, "sklearn.linear_model has no Qqq; needed is an import name such as"),
        ("sklearn.preprocessing.StandardScaler", {}, "StandardScaler is no regressor or classifier: it has no fit and"),
        ("sklearn.cluster.KMeans", {}, "sklearn.cluster.KMeans is neither a regressor nor a classifier"),
        ("numpy.random.default_rng", {}, "numpy.random.default_rng is no regressor or classifier"),
        ("sklearn.linear_model.Ridge", {"alhpa": 1.0}, r"Ridge takes no option 'alhpa'; did you mean alpha\?"),
        ("sklearn.linear_model.Ridge", {"zz": 1.0}, "Ridge takes no option 'zz'; known: alpha, "),
        ("sklearn.ensemble.VotingRegressor", {}, "VotingRegressor cannot be made without estimators"),
    ],
)
def test_what_cannot_be_used_is_refused_when_the_file_is_read(
    model: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        surrogate(model, **options)
