"""Classifiers: probabilities of every class."""

import math
from typing import Any

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Gives, Prediction
from motet.contracts.declarations import Composite, Kind
from motet.contracts.learning import Surrogate, declared_gives
from motet.model.values import PluginRef
from motet.plugins import installed
from motet_plugins.surrogates.gp_classifier import Improbable
from motet_plugins.surrogates.laplace import Laplace, Likelihood

EACH: dict[str, tuple[str, dict[str, Any]]] = {
    "gp": ("gp_classifier", {}),
    "forest": ("forest_classifier", {}),
    "logistic": ("sklearn", {"model": "sklearn.linear_model.LogisticRegression", "options": {"C": 10.0}}),
    "votes": ("sklearn", {"model": "sklearn.svm.LinearSVC"}),
    "committee": ("committee", {"members": ["gp_classifier", "forest_classifier"]}),
}


def part(kind: Kind, ref: PluginRef) -> Any:
    declaration = installed().get(kind, ref.name)
    parts = (part,) if isinstance(declaration, Composite) else ()
    return installed().make(kind, ref.name, ref.options, *parts)


def surrogate(name: str) -> Surrogate:
    plugin, options = EACH[name]
    return part(Kind.SURROGATE, PluginRef(name=plugin, options=options))


def rows(n: int, d: int = 2, seed: int = 0) -> Array:
    x = np.random.default_rng(seed).random((n, d))
    return x[np.lexsort(x.T[::-1])] if d else x


def right(x: Array) -> Array:
    """Two classes, divided by a line."""
    return (x[:, 0] + x[:, 1] > 1).astype(np.float64)


def thirds(x: Array) -> Array:
    """Three classes, divided by two lines."""
    return np.digitize(x[:, 0], [0.35, 0.65]).astype(np.float64)


def data(x: Array, numbers: Array, classes: int) -> Data:
    return Data(x, numbers, np.arange(len(x)), classes=classes)


def probabilities(prediction: Prediction) -> Array:
    assert prediction.probabilities is not None
    return prediction.probabilities


@pytest.mark.parametrize("name", EACH)
def test_it_gives_what_it_declares(name: str) -> None:
    x = rows(30)
    chosen = surrogate(name)
    prediction = chosen.fit(data(x, thirds(x), 3), 0)(rows(12, seed=1))
    members = prediction.member_probabilities

    assert Gives.PROBABILITIES in declared_gives(chosen)
    assert probabilities(prediction).shape == (12, 3)
    assert np.allclose(prediction.mean, probabilities(prediction).max(axis=1))
    assert np.allclose(prediction.std, np.sqrt(prediction.mean * (1 - prediction.mean)))
    assert (members is not None) == (Gives.MEMBER_PROBABILITIES in declared_gives(chosen))
    if members is not None:
        assert members.shape[1:] == (12, 3)
        assert np.allclose(members.sum(axis=2), 1)
        assert np.allclose(members.mean(axis=0), probabilities(prediction))


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("divide", [right, thirds])
def test_it_learns_where_the_classes_are(name: str, divide: Any) -> None:
    x, at = rows(60), rows(500, seed=1)

    found = probabilities(surrogate(name).fit(data(x, divide(x), 3), 0)(at))

    assert np.mean(found.argmax(axis=1) == divide(at)) > (0.8 if name == "votes" else 0.88)


@pytest.mark.parametrize("name", EACH)
def test_probabilities_add_up_to_one(name: str) -> None:
    x = rows(40)
    found = probabilities(surrogate(name).fit(data(x, thirds(x), 5), 0)(rows(200, seed=1)))

    assert np.allclose(found.sum(axis=1), 1)
    assert np.all(found >= 0)


@pytest.mark.parametrize("name", EACH)
def test_a_class_never_seen_has_its_column(name: str) -> None:
    x = rows(40)
    numbers = np.where(right(x) > 0, 3.0, 1.0)  # 1 and 3 of 5

    found = probabilities(surrogate(name).fit(data(x, numbers, 5), 0)(rows(20, seed=1)))

    assert found.shape == (20, 5)
    assert np.allclose(found[:, [0, 2, 4]], 1 / 45)
    assert set(found.argmax(axis=1)) == {1, 3}


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("d", [0, 2])
def test_one_class_alone_has_the_probability_of_the_rule_of_succession(name: str, d: int) -> None:
    found = probabilities(surrogate(name).fit(data(rows(6, d), np.ones(6), 2), 0)(rows(4, d, seed=1)))

    assert np.allclose(found, [1 / 8, 7 / 8])


@pytest.mark.parametrize("name", EACH)
def test_without_columns_it_tells_frequencies(name: str) -> None:
    numbers = np.array([0.0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0])

    found = probabilities(surrogate(name).fit(data(np.zeros((12, 0)), numbers, 2), 0)(np.zeros((3, 0))))

    assert np.all(found[:, 1] > 0.6)
    assert np.allclose(found, found[0])


@pytest.mark.parametrize("name", EACH)
def test_one_value_is_enough(name: str) -> None:
    found = probabilities(surrogate(name).fit(data(rows(1), np.zeros(1), 3), 0)(rows(4, seed=1)))

    assert np.allclose(found, [0.5, 0.25, 0.25])


@pytest.mark.parametrize("name", EACH)
def test_equal_rows_of_different_classes_share(name: str) -> None:
    x = np.full((8, 2), 0.3)

    found = probabilities(surrogate(name).fit(data(x, np.tile([0.0, 1.0], 4), 2), 0)(x))

    assert np.all(np.abs(found - 0.5) < (0.5 if name == "votes" else 0.3))


@pytest.mark.parametrize("name", EACH)
def test_the_same_seed_gives_the_same_numbers(name: str) -> None:
    x, at = rows(40), rows(50, seed=1)
    one, same = (probabilities(surrogate(name).fit(data(x, thirds(x), 3), 4)(at)) for _ in range(2))

    assert np.array_equal(one, same)


def test_a_tree_gives_a_class_that_its_sample_lacks_no_probability() -> None:
    x = rows(20)
    numbers = np.zeros(20)
    numbers[3] = 1.0

    members = surrogate("forest").fit(data(x, numbers, 2), 0)(x).member_probabilities

    assert members is not None
    without = np.all(members[:, :, 1] == 0, axis=1)
    assert 0.2 < without.mean() < 0.55  # (1 - 1 / 20) ** 20 = 0.36


def test_the_forest_is_as_good_as_that_of_scikit_learn() -> None:
    from sklearn import ensemble

    x, at = rows(60), rows(300, seed=1)
    numbers = np.where(np.random.default_rng(0).random(60) < 0.1, 2.0, right(x))
    forest: Any = ensemble.RandomForestClassifier
    theirs = forest(400, random_state=1, max_features=1.0)
    theirs.fit(x, numbers)
    options = {"trees": 400}
    ours: Surrogate = installed().make(Kind.SURROGATE, "forest_classifier", options)

    found = probabilities(ours.fit(data(x, numbers, 3), 0)(at))

    assert np.abs(found - theirs.predict_proba(at)).max() < 0.15
    assert np.abs(found - theirs.predict_proba(at)).mean() < 0.02


def test_the_gaussian_process_is_less_sure_far_from_the_values() -> None:
    x = rows(60) * 0.5
    predict = surrogate("gp").fit(data(x, (x[:, 0] > 0.25).astype(np.float64), 2), 0)

    near, far = predict(np.array([[0.4, 0.25]])).mean[0], predict(np.array([[0.4, 1.0]])).mean[0]

    assert near > 0.9
    assert far < near - 0.05


def test_the_gaussian_process_ignores_a_column_that_says_nothing() -> None:
    x = rows(80, d=4)
    predict = surrogate("gp").fit(data(x, (x[:, 2] > 0.5).astype(np.float64), 2), 0)
    at = np.full((2, 4), 0.2)
    at[1, [0, 1, 3]] = 0.9

    found = probabilities(predict(at))[:, 1]

    assert found[0] < 0.2
    assert abs(found[0] - found[1]) < 0.1


def test_the_derivatives_of_the_likelihood_are_those_of_finite_differences() -> None:
    f = np.array([-8.0, -2.0, -0.1, 0.0, 0.7, 3.0])
    step = 1e-4
    for signs in (np.ones(6), -np.ones(6)):
        low, here, high = (Likelihood(signs, f + by) for by in (-step, 0.0, step))

        assert np.allclose(here.slope, (high.logs - low.logs) / (2 * step), atol=1e-6)
        assert np.allclose(-here.curvature, (high.slope - low.slope) / (2 * step), atol=1e-6)
        assert np.allclose(here.third, (low.curvature - high.curvature) / (2 * step), atol=1e-6)


def test_laplace_finds_the_mode_and_the_evidence_of_one_value() -> None:
    """One value with covariance k: the mode is where the log posterior's slope is 0."""
    k = 3.0
    grid = np.linspace(-5, 8, 2_000_001)
    height = Likelihood(np.ones(1), grid).logs - 0.5 * grid**2 / k
    mode = grid[np.argmax(height)]
    curvature = float(Likelihood(np.ones(1), np.array([mode])).curvature[0])

    laplace = Laplace(np.array([[k]]), np.ones(1))

    assert laplace.here.f[0] == pytest.approx(mode, abs=1e-4)
    assert laplace.evidence == pytest.approx(height.max() - 0.5 * math.log(1 + k * curvature), abs=1e-6)
    exact = math.log(0.5)  # the integral of Phi(f) N(f; 0, k) is a half for any k
    assert laplace.evidence == pytest.approx(exact, abs=0.1)


def test_its_mean_probability_is_that_of_the_latent_function_drawn() -> None:
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((6, 6))
    whole = factor @ factor.T + np.eye(6)
    signs = np.array([1.0, 1, -1, 1, -1])
    laplace = Laplace(whole[:5, :5], signs)
    # The Gaussian approximation itself: precision K^-1 + W about the mode (eq. 3.20).
    covariance = np.linalg.inv(np.linalg.inv(whole[:5, :5]) + np.diag(laplace.here.curvature))
    latent = rng.multivariate_normal(laplace.here.f, covariance, size=400_000)
    weights = np.linalg.solve(whole[:5, :5], whole[:5, 5])
    rest = whole[5, 5] - whole[:5, 5] @ weights
    drawn = latent @ weights + math.sqrt(rest) * rng.standard_normal(400_000)

    found = laplace.probability(whole[5:, :5], whole[5, 5])[0]

    expected = np.exp(Likelihood(np.ones(400_000), drawn).logs).mean()
    assert found == pytest.approx(expected, abs=0.003)


@pytest.mark.parametrize("logs", [[-1.2, -0.7, 0.7, 0.4], [-2.3, 0.0, 0.7, 1.1]])
def test_the_gradient_by_hyper_parameters_is_that_of_finite_differences(logs: list[float]) -> None:
    x = rows(30, d=3)
    signs = np.where(x[:, 0] + 0.3 * np.random.default_rng(1).standard_normal(30) > 0.5, 1.0, -1.0)
    look = Improbable(x, signs, 0.5)
    at, step = np.array(logs), 1e-5

    differences = [(look(at + step * e)[0] - look(at - step * e)[0]) / (2 * step) for e in np.eye(4)]

    assert np.allclose(look(at)[1], differences, rtol=1e-4, atol=1e-5)
