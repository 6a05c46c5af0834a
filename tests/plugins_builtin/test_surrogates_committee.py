"""Committees: what their members say combined."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from motet.contracts.belief import Array, Correlated, Data, Extensible, Gives, Sampling
from motet.contracts.declarations import Composite, Kind
from motet.contracts.learning import Continuing, Surrogate, declared_gives
from motet.errors import PluginProblem
from motet.model.values import PluginRef
from motet.plugins import installed
from motet_plugins.surrogates.bootstrap import seeds


def part(kind: Kind, ref: PluginRef) -> Any:
    declaration = installed().get(kind, ref.name)
    parts = (part,) if isinstance(declaration, Composite) else ()
    return installed().make(kind, ref.name, ref.options, *parts)


def surrogate(name: str, **options: Any) -> Surrogate:
    return part(Kind.SURROGATE, PluginRef(name=name, options=options))


def committee(*members: Any, **options: Any) -> Surrogate:
    return surrogate("committee", members=list(members), **options)


def rows(n: int, seed: int = 0) -> Array:
    x = np.random.default_rng(seed).random((n, 2))
    return x[np.lexsort(x.T[::-1])]


@pytest.fixture
def data() -> Data:
    x = rows(30)
    return Data(x, 40 + 3 * np.sin(5 * x[:, 0]) + x[:, 1], np.random.default_rng(5).permutation(30))


@pytest.fixture
def classes() -> Data:
    x = rows(30)
    return Data(x, np.digitize(x[:, 0], [0.3, 0.7]).astype(float), np.arange(30), classes=4)


PLANE, CURVED = {"bayesian_linear": {"degree": 1}}, {"bayesian_linear": {"degree": 2}}


def test_its_members_are_the_means_of_the_members_and_its_variance_is_within_and_between_them(data: Data) -> None:
    at = rows(9, seed=1)
    one, other = (surrogate("bayesian_linear", degree=degree).fit(data, 0)(at) for degree in (1, 2))

    prediction = committee(PLANE, CURVED).fit(data, 0)(at)

    assert prediction.members is not None
    assert np.allclose(prediction.members, [one.mean, other.mean])
    assert np.allclose(prediction.mean, (one.mean + other.mean) / 2)
    within = (one.std**2 + other.std**2) / 2
    between = ((one.mean - other.mean) / 2) ** 2
    assert np.allclose(prediction.std**2, within + between)


def test_kinds_may_be_mixed_and_a_member_may_be_a_committee(data: Data) -> None:
    inner = {"committee": {"members": [PLANE, CURVED]}}

    prediction = committee("gp", {"random_forest": {"trees": 20}}, "bayesian_linear", inner).fit(data, 0)(rows(50))

    assert prediction.members is not None
    assert prediction.members.shape == (4, 50)


def test_functions_drawn_from_it_have_its_mean_and_std(data: Data) -> None:
    chosen = committee(PLANE, CURVED)
    at = rows(5, seed=1)
    prediction = chosen.fit(data, 0)(at)
    model = chosen.fit(data, 0)
    assert isinstance(model, Sampling)

    drawn = model.samples(at, 20_000, np.random.default_rng(0))

    assert np.allclose(drawn.mean(axis=0), prediction.mean, atol=0.02)
    assert np.allclose(drawn.std(axis=0), prediction.std, rtol=0.03)
    assert isinstance(model, Correlated)
    assert np.allclose(model.covariance(at, at), np.cov(drawn.T), atol=0.03 * prediction.std.max() ** 2)


@pytest.mark.parametrize(
    ("members", "more"),
    [
        ([PLANE, CURVED], {Gives.SAMPLES, Gives.COVARIANCE}),
        (["gp", "bayesian_linear"], {Gives.SAMPLES, Gives.COVARIANCE}),
        (["rf", "bayesian_linear"], {Gives.SAMPLES}),
    ],
)
def test_it_gives_what_all_members_give(members: list[Any], more: set[Gives], data: Data) -> None:
    chosen = committee(*members)
    model = chosen.fit(data, 0)

    assert declared_gives(chosen) == {Gives.MEAN_STD, Gives.MEMBERS} | more
    assert isinstance(model, Sampling) == (Gives.SAMPLES in more)
    assert isinstance(model, Correlated) == (Gives.COVARIANCE in more)


def test_members_that_can_take_in_more_values_do_and_the_others_stay(data: Data) -> None:
    at, value = np.array([[0.5, 0.5]]), np.array([3.0])
    both, one = committee("gp", "bayesian_linear").fit(data, 0), committee("gp", "extra_trees").fit(data, 0)

    for model, told in ((both, [True, True]), (one, [True, False])):
        before = model(at)
        assert isinstance(model, Extensible)
        after = model.knowing(at, value)(at)
        assert before.members is not None
        assert after.members is not None
        assert (after.members > before.members)[:, 0].tolist() == told
        assert after.std[0] < before.std[0] + abs(after.members[0, 0] - after.members[1, 0])


def test_members_of_which_none_can_are_fitted_anew(data: Data) -> None:
    assert not isinstance(committee("rf", "extra_trees").fit(data, 0), Extensible)


def test_members_count_by_their_weights(data: Data) -> None:
    at = rows(20, seed=1)
    even, uneven = (committee("gp", "rf", weights=weights).fit(data, 0)(at) for weights in ([1, 1], [6, 2]))

    assert even.members is not None
    first, second = even.members
    assert uneven.mean == pytest.approx(0.75 * first + 0.25 * second)
    gp, rf = (surrogate(name).fit(data, seed)(at) for name, seed in zip(("gp", "rf"), seeds(0, 2), strict=True))
    between = 0.75 * (first - uneven.mean) ** 2 + 0.25 * (second - uneven.mean) ** 2
    assert uneven.std**2 == pytest.approx(0.75 * gp.std**2 + 0.25 * rf.std**2 + between)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "one weight for each of the 2 members; found 1"),
        ([1.0, 0.0], "weights above 0 are needed; found 1.0, 0.0"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        committee("gp", "rf", weights=weights)


def test_it_goes_on_from_an_earlier_fit_where_a_member_can(data: Data) -> None:
    chosen = committee("gp", "bayesian_linear")
    at = rows(20, seed=1)
    assert isinstance(chosen, Continuing)
    assert not isinstance(committee("rf", "bayesian_linear"), Continuing)

    gone_on = chosen.go_on(chosen.fit(data.first(26), 7), data, 8)(at)

    anew = chosen.fit(data, 8)(at)
    assert np.array_equal(gone_on.mean, anew.mean)
    assert np.array_equal(gone_on.std, anew.std)


def test_members_on_bootstrap_samples_keep_the_scale_of_all_values() -> None:
    x = rows(60)
    data = Data(x, 500 + 20 * x[:, 0] - 3 * x[:, 1], np.arange(60))
    at = rows(20, seed=1)
    truth = (500 + 20 * at[:, 0] - 3 * at[:, 1] - data.centre) / data.spread
    chosen = committee("bayesian_linear", "bayesian_linear", "bayesian_linear", bootstrap=True)

    prediction = chosen.fit(data, 3)(at)

    assert prediction.members is not None
    assert np.allclose(prediction.members, truth, atol=0.01)
    assert len({tuple(member) for member in prediction.members}) == 3
    model = chosen.fit(data, 3)
    assert isinstance(model, Extensible)
    assert np.all(np.abs(model.knowing(at, truth)(at).mean - truth) < 0.01)
    assert isinstance(model, Sampling)
    assert np.allclose(model.samples(at, 6, np.random.default_rng(0)), truth, atol=0.05)


def test_without_bootstrap_equal_members_agree(data: Data) -> None:
    members = committee("bayesian_linear", "bayesian_linear").fit(data, 3)(rows(9)).members

    assert members is not None
    assert np.array_equal(members[0], members[1])


@pytest.mark.parametrize("bootstrap", [False, True])
def test_a_committee_of_classifiers_has_their_probabilities(bootstrap: bool, classes: Data) -> None:
    at = rows(15, seed=1)
    logistic = {"sklearn": {"model": "sklearn.linear_model.LogisticRegression", "bootstrap": 5}}
    chosen = committee("gp_classifier", {"forest_classifier": {"trees": 20}}, logistic, bootstrap=bootstrap)

    prediction = chosen.fit(classes, 0)(at)

    assert declared_gives(chosen) == {Gives.PROBABILITIES, Gives.MEMBER_PROBABILITIES}
    assert prediction.probabilities is not None
    assert prediction.member_probabilities is not None
    assert prediction.member_probabilities.shape == (3, 15, 4)
    assert np.allclose(prediction.probabilities, prediction.member_probabilities.mean(axis=0))
    assert np.allclose(prediction.probabilities.sum(axis=1), 1)
    if not bootstrap:
        alone = surrogate("gp_classifier").fit(classes, 0)(at).probabilities
        assert alone is not None
        assert np.allclose(prediction.member_probabilities[0], alone)


def test_numbers_and_classes_do_not_mix() -> None:
    with pytest.raises(PluginProblem, match=r"gp, rf predict numbers and gp_classifier classes; all members"):
        committee("gp", "gp_classifier", "rf")


def test_a_member_nobody_knows_is_named() -> None:
    with pytest.raises(PluginProblem, match=r"no surrogate named 'bayesian_liner'; did you mean bayesian_linear\?"):
        committee("gp", "bayesian_liner")


@pytest.mark.parametrize("members", [[], ["gp"]])
def test_one_member_is_no_committee(members: list[str]) -> None:
    with pytest.raises(ValidationError, match="at least 2 items"):
        committee(*members)
