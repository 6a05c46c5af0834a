"""Scores over candidates: what every acquisition keeps to, and the simple ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import ndtr

from motet.contracts.belief import Array, Data, Gives, Predict, Prediction, View
from motet.contracts.declarations import Kind, Part
from motet.contracts.learning import Acquisition, declared_needs
from motet.errors import LearnerError
from motet.model.values import PluginRef
from motet.plugins import installed

MakeView = Callable[..., View]
MEAN, STD = np.array([0.0, 1.0, -1.0, 0.5]), np.array([1.0, 0.0, 2.0, 0.5])

ONE = {"weighted", "ei", "log_ei", "pi", "lcb", "ucb", "top_q", "largest_variance", "max_std"}
CLASSES = {"least_confidence", "smallest_margin", "entropy"}
COMMITTEES = {"qbc", "vote_entropy", "kullback_leibler"}
DRAWN = {"random", "thompson", "variance_reduction", "alc", "parego"}
EVERY = sorted(ONE | CLASSES | COMMITTEES | DRAWN | {"ehvi"})


def made(name: str, **options: Any) -> Acquisition:
    return installed().make(Kind.ACQUISITION, name, options)


class Independent:
    """A model whose errors at different points have nothing to do with one another."""

    noise = 0.1

    def __init__(self, mean: Array, std: Array) -> None:
        self._mean, self._std = mean, std

    def samples(self, x: Array, count: int, rng: np.random.Generator) -> Array:
        return self._mean + self._std * rng.standard_normal((count, len(x)))

    def covariance(self, first: Array, second: Array) -> Array:
        return np.where(np.all(first[:, None] == second[None], axis=2), 0.25, 0.0)


def everything(rng: np.random.Generator, n: int = 40) -> tuple[Prediction, Prediction]:
    """Beliefs with all that any acquisition needs, some of them certain."""

    def belief() -> Prediction:
        members = rng.standard_normal((5, n))
        std = np.where(rng.random(n) < 0.2, 0.0, members.std(axis=0))
        committee = rng.dirichlet(np.ones(3), (5, n))
        committee[:, 0] = [1.0, 0.0, 0.0]
        return Prediction(members.mean(axis=0), std, members, committee.mean(axis=0), committee)

    return belief(), belief()


def view_of_everything(make_view: MakeView, rows: list[int] | None = None, name: str = "", scale: float = 1.0) -> View:
    first, second = everything(np.random.default_rng(1))
    models = [Independent(first.mean, first.std)] * 2
    wholes = [first, second] if name in {"ehvi", "parego"} else [first]
    outcomes = np.random.default_rng(2).standard_normal((6, 2)) * scale

    def fit(values: Array) -> Predict:
        return lambda x: Prediction(np.sin(9 * x[:, 0]), np.full(len(x), 0.3 + values.std()))

    data = [Data(np.linspace(0, 1, 6)[:, None], column, np.arange(6)) for column in outcomes.T[: len(wholes)]]
    return make_view(*wholes, rows=rows, models=models[: len(wholes)], data=data, outcomes=outcomes, fit=fit, best=0.4)


@pytest.mark.parametrize("name", EVERY)
def test_scores_are_one_finite_number_for_each_candidate(make_view: MakeView, name: str) -> None:
    view = view_of_everything(make_view, rows=list(range(0, 40, 2)), name=name)

    scores = made(name).score(view)

    assert scores.shape == view.rows.shape
    assert scores.dtype == np.float64
    assert np.all(np.isfinite(scores))


@pytest.mark.parametrize("name", sorted(set(EVERY) - {"random"}))
def test_the_order_of_candidates_changes_no_digit(make_view: MakeView, name: str) -> None:
    order = np.random.default_rng(5).permutation(40)
    scores = made(name).score(view_of_everything(make_view, name=name))

    assert made(name).score(view_of_everything(make_view, rows=order.tolist(), name=name)).tolist() == (
        scores[order].tolist()
    )


@pytest.mark.parametrize("name", EVERY)
def test_a_scale_says_what_the_scores_are(make_view: MakeView, name: str) -> None:
    acquisition = made(name)
    scores = acquisition.score(view_of_everything(make_view, name=name))

    match getattr(acquisition, "scale", None):
        case "positive":
            assert scores.min() >= 0
        case "log":
            assert name == "log_ei"
        case scale:
            assert scale is None
            assert scores.min() < 0


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("lcb", {Gives.MEAN_STD}),
        ("random", set[Gives]()),
        ("thompson", {Gives.SAMPLES}),
        ("variance_reduction", {Gives.MEAN_STD, Gives.COVARIANCE}),
        ("qbc", {Gives.MEMBERS}),
        ("vote_entropy", {Gives.MEMBER_PROBABILITIES}),
        ("kullback_leibler", {Gives.MEMBER_PROBABILITIES}),
        ("least_confidence", {Gives.PROBABILITIES}),
        ("smallest_margin", {Gives.PROBABILITIES}),
        ("entropy", {Gives.PROBABILITIES}),
    ],
)
def test_each_declares_what_it_needs(name: str, needs: set[Gives]) -> None:
    assert declared_needs(made(name)) == needs


@pytest.mark.parametrize("name", sorted(CLASSES | COMMITTEES | {"thompson", "variance_reduction"}))
def test_a_model_that_does_not_give_what_was_declared_is_named(make_view: MakeView, name: str) -> None:
    needed = declared_needs(made(name)) - {Gives.MEAN_STD}

    with pytest.raises(LearnerError, match=f"needs: {next(iter(needed))}$"):
        made(name).score(make_view(Prediction(MEAN, STD)))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("weighted", {"a": 1.1}),
        ("lcb", {"kappa": -0.1}),
        ("ei", {"margin": -0.1}),
        ("pi", {"margin": -0.1}),
        ("entropy", {"base": 1}),
        ("top_q", {"q": 0}),
        ("top_q", {"q": 1}),
        ("variance_reduction", {"references": 0}),
        ("parego", {"rho": -1}),
        ("ehvi", {"reference": ["low", 0]}),
        ("epsilon_greedy", {"of": "lcb", "epsilon": 1.5}),
        ("epsilon_greedy", {"epsilon": 0.5}),
        ("random", {"seed": 1}),
    ],
)
def test_options_have_ranges(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        installed().options(Kind.ACQUISITION, name, options)


def test_several_objectives_only_where_that_is_declared() -> None:
    assert {name for name in EVERY if getattr(made(name), "several", False)} == {"ehvi", "parego"}


def test_weighted_adds_mean_and_variance_by_their_weights(make_view: MakeView) -> None:
    view = make_view(Prediction(MEAN, STD))

    assert made("weighted").score(view).tolist() == [0.5, 0.5, 1.5, 0.375]
    assert made("weighted", a=1.0).score(view).tolist() == MEAN.tolist()
    assert made("weighted", a=0.0).score(view).tolist() == (STD**2).tolist()


def test_the_confidence_bound_credits_uncertainty_under_both_names(make_view: MakeView) -> None:
    view = make_view(Prediction(MEAN, STD))

    assert made("lcb", kappa=2.0).score(view).tolist() == [2.0, 1.0, 3.0, 1.5]
    assert made("ucb", kappa=2.0).score(view).tolist() == [2.0, 1.0, 3.0, 1.5]
    assert made("lcb", kappa=0.0).score(view).tolist() == MEAN.tolist()


def test_candidates_are_scored_and_not_the_pool(make_view: MakeView) -> None:
    assert made("lcb", kappa=2.0).score(make_view(Prediction(MEAN, STD), rows=[3, 1])).tolist() == [1.5, 1.0]


def test_the_largest_variance_is_that_of_the_prediction_under_both_names(make_view: MakeView) -> None:
    view = make_view(Prediction(MEAN, STD))

    assert made("largest_variance").score(view).tolist() == [1.0, 0.0, 4.0, 0.25]
    assert made("max_std").score(view).tolist() == [1.0, 0.0, 4.0, 0.25]


def test_a_committee_is_asked_where_its_members_disagree_most(make_view: MakeView) -> None:
    members = np.array([[1.0, 2.0, 5.0], [1.0, 4.0, 5.0], [1.0, 6.0, 2.0]])

    scores = made("qbc").score(make_view(Prediction(np.zeros(3), np.ones(3), members)))

    assert scores == pytest.approx([0.0, np.sqrt(8 / 3), np.sqrt(2.0)])


def test_random_scores_differ_and_follow_the_generator(make_view: MakeView) -> None:
    first, again, other = (made("random").score(make_view(Prediction(MEAN, STD), seed=s)) for s in (0, 0, 1))

    assert len(set(first.tolist())) == 4
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_thompson_sampling_suggests_a_point_as_often_as_it_is_the_best(make_view: MakeView) -> None:
    mean, std = np.array([0.0, 0.5]), np.array([1.0, 0.4])
    view = make_view(Prediction(mean, std), models=[Independent(mean, std)])

    firsts = np.mean([np.argmax(made("thompson").score(view)) == 0 for _ in range(4000)])

    assert firsts == pytest.approx(float(ndtr(-0.5 / np.hypot(1.0, 0.4))), abs=0.025)


@pytest.fixture
def part() -> Part:
    """Makes parts as a file names them."""

    def make(kind: Kind, ref: PluginRef) -> Any:
        return installed().make(kind, ref.name, ref.options)

    return make


def greedy(part: Part, of: Any, **options: Any) -> Acquisition:
    return installed().make(Kind.ACQUISITION, "epsilon_greedy", {"of": of, **options}, part)


def test_epsilon_greedy_is_the_other_one_but_for_a_fraction_of_the_suggestions(make_view: MakeView, part: Part) -> None:
    view = make_view(Prediction(MEAN, STD))
    acquisition = greedy(part, {"lcb": {"kappa": 2.0}}, epsilon=0.3)

    drawn = [acquisition.score(view).tolist() != [2.0, 1.0, 3.0, 1.5] for _ in range(2000)]

    assert np.mean(drawn) == pytest.approx(0.3, abs=0.04)


def test_epsilon_greedy_may_never_or_always_draw(make_view: MakeView, part: Part) -> None:
    view = make_view(Prediction(MEAN, STD))

    assert greedy(part, "lcb", epsilon=0.0).score(view).tolist() == made("lcb").score(view).tolist()
    draws = np.stack([greedy(part, "lcb", epsilon=1.0).score(view) for _ in range(2000)])
    assert np.bincount(draws.argmax(axis=1)) / 2000 == pytest.approx([0.25] * 4, abs=0.04)


@pytest.mark.parametrize("of", ["lcb", "log_ei", "ehvi", "thompson"])
def test_epsilon_greedy_needs_and_scales_as_the_other_one(part: Part, of: str) -> None:
    acquisition, other = greedy(part, of), made(of)

    assert declared_needs(acquisition) == declared_needs(other)
    for declared, left_out in (("several", False), ("scale", None)):
        assert getattr(acquisition, declared, left_out) == getattr(other, declared, left_out)


def test_random_scores_in_the_place_of_logarithms_are_logarithms(make_view: MakeView, part: Part) -> None:
    scores = greedy(part, "log_ei", epsilon=1.0).score(make_view(Prediction(np.zeros(2000), np.ones(2000))))

    assert scores.max() <= 0
    assert np.exp(scores).mean() == pytest.approx(0.5, abs=0.03)
