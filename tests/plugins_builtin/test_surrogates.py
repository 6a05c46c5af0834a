"""Models that predict numbers with uncertainty: what holds for all of them, and the forests."""

import os
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.contracts.belief import Array, Data, Gives, Prediction, Sampling
from motet.contracts.declarations import Composite, Kind
from motet.contracts.learning import Surrogate, declared_gives
from motet.model.values import PluginRef
from motet.plugins import installed

FORESTS = ["random_forest", "rf", "extra_trees"]
RIDGE = {"model": "sklearn.linear_model.Ridge", "options": {"alpha": 0.1}}
EACH: dict[str, tuple[str, dict[str, Any]]] = {
    "random_forest": ("random_forest", {"trees": 30}),
    "extra_trees": ("extra_trees", {"trees": 30}),
    "bayesian_linear": ("bayesian_linear", {}),
    "quadratic": ("bayesian_linear", {"degree": 2}),
    "linear_ensemble": ("linear_ensemble", {}),
    "quadratic_ensemble": ("linear_ensemble", {"degree": 2}),
    "sklearn": ("sklearn", RIDGE),
    "committee": ("committee", {"members": ["gp", {"rf": {"trees": 20}}, "bayesian_linear"]}),
    "bagging": ("committee", {"members": ["gp", {"sklearn": RIDGE}, "bayesian_linear"], "bootstrap": True}),
}
SINGLE = [name for name in EACH if name not in ("committee", "bagging")]


def part(kind: Kind, ref: PluginRef) -> Any:
    declaration = installed().get(kind, ref.name)
    parts = (part,) if isinstance(declaration, Composite) else ()
    return installed().make(kind, ref.name, ref.options, *parts)


def surrogate(name: str, **options: Any) -> Surrogate:
    plugin, given = EACH.get(name, (name, {"trees": 30}))
    return part(Kind.SURROGATE, PluginRef(name=plugin, options={**given, **options}))


def told(x: Array, merits: Array, errors: Array | None = None) -> Data:
    """As the learner passes it on: rows sorted, their places in the order told kept."""
    order = np.lexsort((merits, *x.T[::-1]))
    return Data(x[order], merits[order], np.argsort(np.argsort(order)), None if errors is None else errors[order])


def smooth(x: Array) -> Array:
    return np.sin(3 * x[:, 0]) + 2 * x[:, 1]


def points(n: int, d: int = 2, seed: int = 2) -> Array:
    return np.random.default_rng(seed).random((n, d))


@pytest.fixture
def data() -> Data:
    x = points(60)
    return told(x, smooth(x))


@pytest.fixture
def pool() -> Array:
    return points(200, seed=3)


def truth(data: Data, x: Array) -> Array:
    return (smooth(x) - data.centre) / data.spread


@pytest.mark.parametrize("name", EACH)
def test_it_gives_what_it_declares(name: str, data: Data, pool: Array) -> None:
    chosen = surrogate(name)
    gives = declared_gives(chosen)
    model = chosen.fit(data, 1)
    prediction = model(pool)

    assert Gives.MEAN_STD in gives
    assert prediction.mean.shape == prediction.std.shape == (200,)
    assert prediction.mean.dtype == prediction.std.dtype == np.float64
    assert (prediction.members is not None) == (Gives.MEMBERS in gives)
    if Gives.SAMPLES in gives:
        assert isinstance(model, Sampling)
        assert model.samples(pool, 3, np.random.default_rng(0)).shape == (3, 200)
        assert model.samples(pool, 0, np.random.default_rng(0)).shape == (0, 200)


@pytest.mark.parametrize("name", EACH)
def test_it_learns_a_smooth_function(name: str, data: Data, pool: Array) -> None:
    predicted = surrogate(name).fit(data, 1)(pool)

    off = np.sqrt(np.mean((predicted.mean - truth(data, pool)) ** 2))
    assert off < 0.5 * truth(data, pool).std()


@pytest.mark.parametrize("name", [name for name in EACH if name not in FORESTS])
def test_it_is_less_sure_far_from_the_values(name: str) -> None:
    corner = points(40) * 0.4
    predict = surrogate(name).fit(told(corner, smooth(corner)), 1)

    assert np.median(predict(0.9 + points(50) * 0.1).std) > np.median(predict(points(50) * 0.4).std)


@pytest.mark.parametrize("name", FORESTS)
def test_a_forest_is_less_sure_between_the_values(name: str, data: Data, pool: Array) -> None:
    predict = surrogate(name).fit(data, 1)

    assert np.median(predict(pool).std) > 1.05 * np.median(predict(data.x).std)


@pytest.mark.parametrize("name", EACH)
def test_the_same_seed_gives_the_same_numbers(name: str, data: Data, pool: Array) -> None:
    one, same = (surrogate(name).fit(data, 5)(pool) for _ in range(2))

    assert np.array_equal(one.mean, same.mean)
    assert np.array_equal(one.std, same.std)


@pytest.mark.parametrize("name", ["random_forest", "extra_trees", "linear_ensemble", "sklearn"])
def test_another_seed_gives_other_numbers(name: str, data: Data, pool: Array) -> None:
    one, other = (surrogate(name).fit(data, seed)(pool).mean for seed in (5, 6))

    assert not np.array_equal(one, other)


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(25)), slope=st.sampled_from([0.01, 250.0]), shift=st.sampled_from([-70.0, 3.0]))
@pytest.mark.parametrize("name", SINGLE)
def test_neither_unit_nor_order_told_matter(name: str, order: list[int], slope: float, shift: float) -> None:
    x = points(25, d=3)
    rows = points(30, d=3, seed=4)
    one = surrogate(name).fit(told(x, smooth(x)), 1)(rows)
    other = surrogate(name).fit(told(x[order], slope * smooth(x[order]) + shift), 1)(rows)

    assert np.allclose(one.mean, other.mean, atol=1e-6)
    assert np.allclose(one.std, other.std, atol=1e-6)


@pytest.mark.parametrize("name", ["committee", "bagging"])
def test_the_unit_does_not_matter_to_a_committee(name: str, data: Data, pool: Array) -> None:
    one = surrogate(name).fit(data, 1)(pool)
    other = surrogate(name).fit(Data(data.x, 40 * data.merits - 7, data.told), 1)(pool)

    assert np.allclose(one.mean, other.mean, atol=1e-5)
    assert np.allclose(one.std, other.std, atol=1e-5)


@pytest.mark.parametrize("name", EACH)
def test_the_order_of_the_pool_does_not_matter(name: str, data: Data, pool: Array) -> None:
    predict = surrogate(name).fit(data, 1)

    assert np.allclose(predict(pool).mean[::-1], predict(pool[::-1].copy()).mean, atol=1e-9)


DEGENERATE = {
    "one value": (np.array([[0.3, 0.7]]), np.array([3.0])),
    "two values": (np.array([[0.3, 0.7], [0.5, 0.1]]), np.array([3.0, 4.0])),
    "equal values": (points(6), np.full(6, -2.5)),
    "equal rows": (np.full((5, 2), 0.4), np.arange(5.0)),
    "a constant column": (points(9) * [1, 0] + [0, 0.5], np.arange(9.0)),
    "no column": (np.zeros((7, 0)), np.arange(7.0)),
    "fewer values than columns": (points(4, d=9), np.arange(4.0)),
}


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("case", DEGENERATE)
def test_poor_data_are_predicted_from_too(case: str, name: str) -> None:
    x, merits = DEGENERATE[case]
    prediction: Prediction = surrogate(name).fit(told(x, merits), 1)(points(20, d=x.shape[1], seed=6))

    assert np.isfinite(prediction.mean).all()
    assert np.isfinite(prediction.std).all()
    assert np.all(prediction.std >= 0)
    if case in ("one value", "equal values"):
        assert np.allclose(prediction.mean, 0, atol=1e-6)
    else:
        assert np.all(np.abs(prediction.mean) < 10)


@pytest.mark.parametrize("name", ["random_forest", "extra_trees", "bayesian_linear", "linear_ensemble", "sklearn"])
def test_equal_rows_are_predicted_by_their_mean(name: str) -> None:
    data = told(np.full((8, 2), 0.4), np.array([0.0, 1, 2, 3, 4, 5, 6, 10]))

    prediction = surrogate(name).fit(data, 1)(np.full((1, 2), 0.4))

    assert abs(prediction.mean[0]) < 0.35


@pytest.mark.parametrize("name", ["random_forest", "extra_trees", "bayesian_linear", "linear_ensemble", "sklearn"])
def test_a_value_known_to_be_poor_counts_little(name: str) -> None:
    x = np.repeat(np.linspace(0, 1, 8)[:, None], 2, axis=0)
    merits = np.tile([0.0, 4.0], 8) + x[:, 0]
    errors = np.tile([0.05, 2.0], 8)
    plain, weighted = (surrogate(name).fit(told(x, merits, given), 1) for given in (None, errors))

    good = told(x, merits).y[told(x, merits).merits < 2].mean()
    assert np.all(np.abs(weighted(x).mean - good) < 0.6)
    assert np.abs(plain(x).mean - good).mean() > 0.8


@pytest.mark.slow
def test_numbers_do_not_depend_on_how_many_threads_there_are() -> None:
    program = """
import hashlib, sys
import numpy as np
from motet.contracts.belief import Data
from motet.contracts.declarations import Kind
from motet.plugins import installed
x = np.sort(np.random.default_rng(0).random((300, 6)), axis=0)
data = Data(x, np.sin(5 * x[:, 0]) + x[:, 1] * x[:, 2], np.arange(300))
ways = Data(x, (data.merits > 0.5).astype(float), np.arange(300), classes=2)
pool = np.random.default_rng(1).random((3000, 6))
hist = {"model": "sklearn.ensemble.HistGradientBoostingRegressor", "options": {"max_iter": 5}, "bootstrap": 2}
two = {"degree": 2}
for name, options in (("rf", {}), ("bayesian_linear", two), ("linear_ensemble", two), ("sklearn", hist)):
    print(hashlib.sha256(installed().make(Kind.SURROGATE, name, options).fit(data, 1)(pool).mean.tobytes()).hexdigest())
found = installed().make(Kind.SURROGATE, "gp_classifier", {}).fit(ways, 1)(pool)
print(hashlib.sha256(found.mean.tobytes()).hexdigest())
"""
    printed = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for threads in ("1", "2")
    ]

    assert printed[0] == printed[1]
    assert len(set(printed[0].split())) == 5


@pytest.mark.parametrize("name", FORESTS)
def test_a_forest_has_its_trees_as_members(name: str, data: Data, pool: Array) -> None:
    prediction = surrogate(name).fit(data, seed=1)(pool)

    assert prediction.members is not None
    assert prediction.members.shape == (30, 200)
    assert np.allclose(prediction.mean, prediction.members.mean(axis=0))
    assert np.allclose(prediction.std, prediction.members.std(axis=0))
    assert prediction.std.max() > 0


@pytest.mark.parametrize("name", FORESTS)
def test_a_function_drawn_from_a_forest_is_one_of_its_trees(name: str, data: Data, pool: Array) -> None:
    model = surrogate(name).fit(data, seed=1)
    members = model(pool).members
    assert members is not None
    assert isinstance(model, Sampling)

    drawn = model.samples(pool, 40, np.random.default_rng(7))

    which = [int(np.flatnonzero((members == row).all(axis=1))[0]) for row in drawn]
    assert len(set(which)) > 10


@pytest.mark.parametrize(("name", "other"), [("rf", "RandomForestRegressor"), ("extra_trees", "ExtraTreesRegressor")])
def test_a_forest_is_as_good_as_that_of_scikit_learn(name: str, other: str, data: Data, pool: Array) -> None:
    from sklearn import ensemble

    kind: Any = getattr(ensemble, other)
    forest = kind(n_estimators=400, random_state=1).fit(data.x, data.y)
    theirs = np.stack([tree.predict(pool) for tree in forest.estimators_])

    ours = surrogate(name, trees=400).fit(data, 1)(pool)

    # Two forests differ by what 400 draws leave to chance.
    assert np.all(np.abs(ours.mean - theirs.mean(axis=0)) < 6 * theirs.std(axis=0) / 20 + 1e-9)
    assert abs(ours.std.mean() / theirs.std(axis=0).mean() - 1) < 0.05


@pytest.mark.parametrize("name", FORESTS)
def test_each_point_is_predicted_by_itself(name: str, data: Data, pool: Array) -> None:
    predict = surrogate(name).fit(data, seed=1)

    assert np.array_equal(predict(pool).mean[::-1], predict(pool[::-1]).mean)


def test_extra_trees_are_certain_of_what_was_measured(data: Data) -> None:
    prediction = surrogate("extra_trees").fit(data, 1)(data.x)

    assert np.allclose(prediction.mean, data.y, atol=1e-9)
    assert np.allclose(prediction.std, 0, atol=1e-9)


def test_larger_leaves_make_it_smoother(data: Data, pool: Array) -> None:
    rough = surrogate("random_forest").fit(data, seed=1)(pool).mean
    smoother = surrogate("random_forest", min_samples_leaf=20).fit(data, seed=1)(pool).mean

    assert smoother.std() < 0.8 * rough.std()


@pytest.mark.slow
def test_a_forest_is_faster_than_that_of_scikit_learn() -> None:
    from sklearn.ensemble import RandomForestRegressor

    x = points(100, d=6)
    data, rows = told(x, smooth(x)), points(5000, d=6, seed=3)
    chosen = surrogate("random_forest", trees=100)

    def theirs() -> None:
        forest: Any = RandomForestRegressor(100, random_state=1)
        forest.fit(data.x, data.y)
        np.stack([tree.predict(rows) for tree in forest.estimators_])

    def seconds(work: Any) -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    ratios = [seconds(lambda: chosen.fit(data, 1)(rows)) / seconds(theirs) for _ in range(7)]
    assert sorted(ratios)[3] < 0.75
