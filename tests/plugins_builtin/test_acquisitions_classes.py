"""Acquisitions for classifiers and committees of them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.contracts.belief import Array, Prediction, View
from motet.contracts.declarations import Kind
from motet.plugins import installed

MakeView = Callable[..., View]
PHASES = np.array([[0.80, 0.15, 0.05], [0.76, 0.08, 0.16], [0.45, 0.35, 0.20]])
"""FCC, BCC, HCP at three points, from the talk that the acquisitions for classes come from."""


@pytest.fixture(scope="session")
def score(make_view: MakeView) -> Callable[..., Array]:
    """Scores of class probabilities, (n, k) of one classifier or (m, n, k) of a committee."""

    def scores(name: str, found: Any, **options: Any) -> Array:
        found = np.asarray(found, float)
        whole = found.mean(axis=0) if found.ndim > 2 else found
        top = whole.max(axis=1)
        committee = found if found.ndim > 2 else None
        belief = Prediction(top, np.sqrt(top * (1 - top)), probabilities=whole, member_probabilities=committee)
        return installed().make(Kind.ACQUISITION, name, options).score(make_view(belief))

    return scores


Score = Callable[..., Array]


def test_least_confidence_of_the_three_phases(score: Score) -> None:
    scores = score("least_confidence", PHASES)

    assert scores == pytest.approx([0.20, 0.24, 0.55])
    assert scores.argmax() == 2


def test_margin_of_the_three_phases(score: Score) -> None:
    """The talk prints .58 for the second point, from a misprinted .74: it is .76 - .16 = .60."""
    scores = score("smallest_margin", PHASES)

    assert 1 - scores == pytest.approx([0.65, 0.60, 0.10])
    assert scores.argmax() == 2


def test_entropy_of_the_three_phases(score: Score) -> None:
    scores = score("entropy", PHASES, base=10)

    assert scores == pytest.approx([0.266, 0.306, 0.455], abs=5e-4)
    assert scores.argmax() == 2
    assert score("entropy", PHASES) == pytest.approx(scores * math.log(10))


def test_entropy_in_bits_of_a_coin(score: Score) -> None:
    assert score("entropy", [[0.5, 0.5], [1.0, 0.0]], base=2).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("name", ["least_confidence", "smallest_margin", "entropy"])
def test_nothing_is_to_be_learned_where_the_class_is_certain(score: Score, name: str) -> None:
    assert score(name, [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]).tolist() == [0.0, 0.0]
    assert score(name, [[1.0]]).tolist() == [0.0]


@pytest.mark.parametrize(("name", "highest"), [("least_confidence", 2 / 3), ("smallest_margin", 1), ("entropy", None)])
@settings(deadline=None)  # the first call imports scipy
@given(odds=st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda odds: sum(odds) > 0.01))
def test_even_odds_score_highest_and_classes_have_no_order(
    score: Score, name: str, highest: float | None, odds: list[float]
) -> None:
    probabilities = np.array(odds) / sum(odds)
    even, found, turned = score(name, [[1 / 3] * 3, probabilities, probabilities[[2, 0, 1]]])

    assert even == pytest.approx(highest or math.log(3))
    assert found <= even + 1e-12
    assert found == pytest.approx(turned)


def test_votes_are_counted(score: Score) -> None:
    sure, half, undecided = [1.0, 0.0, 0.0], [0.2, 0.6, 0.2], [0.0, 0.5, 0.5]
    committee = [[sure, sure, sure], [sure, half, half], [sure, half, undecided]]

    third, two_thirds = 1 / 3, 2 / 3
    split = -two_thirds * math.log(two_thirds) - third * math.log(third)
    assert score("vote_entropy", committee)[:2] == pytest.approx([0.0, split])
    # the last member's vote goes to the second and third class in equal parts: 1, 1.5 and .5 of three votes
    assert score("vote_entropy", committee)[2] == pytest.approx(-sum(v / 3 * math.log(v / 3) for v in (1, 1.5, 0.5)))


def test_unanimous_doubt_is_no_disagreement(score: Score) -> None:
    unsure = [[[0.4, 0.35, 0.25]]] * 4

    assert score("vote_entropy", unsure)[0] == 0
    assert score("kullback_leibler", unsure)[0] == pytest.approx(0, abs=1e-15)
    assert score("entropy", unsure)[0] > 1


def test_members_that_are_sure_of_different_classes_disagree_most(score: Score) -> None:
    committee = np.eye(3)[:, None, :]

    assert score("vote_entropy", committee)[0] == pytest.approx(math.log(3))
    assert score("kullback_leibler", committee)[0] == pytest.approx(math.log(3))


@settings(deadline=None)  # the first call imports scipy
@given(seed=st.integers(0, 1000), members=st.integers(1, 6), classes=st.integers(2, 5))
def test_the_divergence_is_the_mean_over_members_of_their_own(
    score: Score, seed: int, members: int, classes: int
) -> None:
    committee = np.random.default_rng(seed).dirichlet(np.full(classes, 2.0), (members, 7))

    consensus = committee.mean(axis=0)
    expected = np.mean([(member * np.log(member / consensus)).sum(axis=1) for member in committee], axis=0)
    assert score("kullback_leibler", committee) == pytest.approx(expected, abs=1e-12)
    assert np.all(score("kullback_leibler", committee) >= 0)
