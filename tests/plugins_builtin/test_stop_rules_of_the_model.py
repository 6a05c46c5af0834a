"""Stop rules that ask what the model thinks: what they note with a suggestion, and when that ends a campaign."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.contracts.belief import Array, Data, Predict, Prediction, View
from motet.contracts.declarations import Kind
from motet.contracts.learning import History, Noting, StopRule
from motet.errors import CampaignError, PluginProblem
from motet.files.making import make_plugin
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective
from motet.model.values import PluginRef
from motet.plugins import installed


def rule(name: str, **options: Any) -> StopRule:
    return make_plugin(installed(), Kind.STOP_RULE, PluginRef(name=name, options=options))


def noted(of: StopRule, view: View, chosen: int = 0, score: float = 0.0) -> Suggestion:
    """A suggestion of a model, with what the rule notes."""
    assert isinstance(of, Noting)
    return suggestion(of.note(view, chosen, score), score)


def suggestion(notes: Mapping[str, float], score: float | None = None) -> Suggestion:
    return Suggestion({"x": 0.0}, "", score, notes=notes)


def history(suggestions: Sequence[Suggestion], outcomes: Sequence[Outcome] = ()) -> History:
    return History(outcomes, {"v": Objective(goal="maximize")}, 1.0, suggestions)


def view(
    means: Sequence[float],
    stds: Sequence[float],
    candidates: Sequence[int] | None = None,
    *,
    second: Sequence[float] | None = None,
    classes: int = 0,
) -> View:
    """A pool with these beliefs; some of its points are candidates, all when left out. `second`: other stds."""

    def unused(x: Array) -> Prediction:
        raise AssertionError("the whole pool is predicted already")

    def unfitted(merits: Array) -> Predict:
        raise AssertionError("nothing is fitted here")

    n = len(means)
    wholes = [Prediction(np.array(means, dtype=float), np.array(each, dtype=float)) for each in (stds, second) if each]
    known = Data(np.zeros((2, 1)), np.array([0.0, 1.0]), np.arange(2), classes=classes)
    return View(
        pool=np.linspace(0, 1, n)[:, None],
        rows=np.arange(n) if candidates is None else np.array(candidates),
        models=[unused] * len(wholes),
        wholes=wholes,
        data=[known] * len(wholes),
        best=1.0,
        pending=np.zeros((0, 1)),
        rng=np.random.default_rng(0),
        outcomes=np.zeros((0, 1)),
        outcomes_at=np.zeros((0, 1)),
        fit=unfitted,
    )


START = suggestion({})
"""A suggestion of a start design."""


@given(mean=st.floats(-2, 3), std=st.floats(0.05, 2), percent=st.sampled_from([1.0, 10.0, 25.0]))
def test_the_probability_of_the_top_is_what_draws_from_the_belief_give(mean: float, std: float, percent: float) -> None:
    means = np.append(np.random.default_rng(1).standard_normal(99), mean)
    top = rule("top_percentile", percent=percent)

    (probability,) = noted(top, view(means.tolist(), [std] * 100, [99])).notes.values()

    draws = mean + std * np.random.default_rng(2).standard_normal(20_000)
    threshold = np.percentile(means, 100 - percent)
    assert probability == pytest.approx(np.count_nonzero(draws > threshold) / 20_000, abs=0.015)


@pytest.mark.parametrize(("chosen", "probability"), [(0, 0.0), (1, 0.0), (2, 1.0), (3, 1.0), (4, 1.0)])
def test_without_doubt_a_point_is_in_the_top_or_not(chosen: int, probability: float) -> None:
    """The top half of 1, 2, ..., 5 begins at 3."""
    top = rule("top_percentile", percent=50)

    assert list(noted(top, view([1, 2, 3, 4, 5], [0] * 5), chosen).notes.values()) == [probability]


def test_the_top_is_that_of_the_whole_pool_and_not_of_the_candidates() -> None:
    """The best three are measured: the top half of all five begins at 3, that of the two candidates at 1.5."""
    top = rule("top_percentile", percent=50)

    assert list(noted(top, view([1, 2, 3, 4, 5], [0] * 5, [1, 0]), chosen=0).notes.values()) == [0.0]


def test_top_percentile_wants_k_probable_suggestions_in_a_row() -> None:
    top = rule("top_percentile", percent=10, probability=0.8, k=2)
    means = np.linspace(-1, 1, 100).tolist()  # the top begins at 0.8, two standard deviations below the best
    good, bad = (noted(top, view(means, [0.1] * 100), at) for at in (99, 50))

    assert top.most() is None
    assert top.reason(history([good])) is None
    assert top.reason(history([good, bad])) is None
    assert top.reason(history([good, START, good])) is None
    assert top.reason(history([good, good, START])) is None
    assert top.reason(history([bad, good, good])) == (
        "each of the last 2 suggestions lies in the top 10 % of the pool with a probability of 0.977 or more"
    )


def test_rules_of_different_percent_do_not_read_each_others_notes() -> None:
    one, ten = rule("top_percentile", percent=1, k=1), rule("top_percentile", percent=10, k=1)
    found = noted(one, view([*range(100)], [0.0] * 100), 95), noted(ten, view([*range(100)], [0.0] * 100), 95)
    together = suggestion({**found[0].notes, **found[1].notes})

    assert one.reason(history([together])) is None
    assert ten.reason(history([together])) is not None


def test_classes_have_no_top() -> None:
    top = rule("top_percentile")
    assert isinstance(top, Noting)

    with pytest.raises(CampaignError, match="stop rule top_percentile: the objective is a class"):
        top.note(view([0.5], [0.5], classes=2), 0, 0.0)


def test_score_below_wants_k_low_scores_in_a_row() -> None:
    low = rule("score_below", eps=0.01, k=2)
    here = view([0, 1], [1, 1])
    high, little = noted(low, here, score=0.01), noted(low, here, score=0.009)

    assert low.most() is None
    assert low.reason(history([little])) is None
    assert low.reason(history([little, high])) is None
    assert low.reason(history([little, START, little])) is None
    assert low.reason(history([high, little, little])) == "each of the last 2 suggestions had a score below 0.01"


def test_scores_may_be_logarithms() -> None:
    low = rule("score_below", eps=-7)

    assert low.reason(history([noted(low, view([0], [1]), score=-6.9)])) is None
    assert low.reason(history([noted(low, view([0], [1]), score=-7.1)])) == "the last suggestion had a score below -7"


def test_uncertainty_below_looks_at_all_candidates_and_only_at_them() -> None:
    sure = rule("uncertainty_below", eps=0.2)
    doubt_elsewhere = noted(sure, view([0, 0, 0], [0.1, 0.19, 0.9], [0, 1]))
    doubt_here = noted(sure, view([0, 0, 0], [0.1, 0.2, 0.9], [0, 1]))

    assert sure.most() is None
    assert sure.reason(history([START])) is None
    assert sure.reason(history([doubt_here])) is None
    assert sure.reason(history([doubt_here, doubt_elsewhere])) == (
        "at the last suggestion no candidate was as uncertain as 0.2 standard deviations of the values"
    )


def test_uncertainty_below_looks_at_every_objective() -> None:
    sure = rule("uncertainty_below", eps=0.2)

    assert sure.reason(history([noted(sure, view([0, 0], [0.1, 0.1], second=[0.1, 0.3]))])) is None
    assert sure.reason(history([noted(sure, view([0, 0], [0.1, 0.1], second=[0.1, 0.1]))])) is not None


def ended(number: int, of: Suggestion, *, lost: bool = False) -> Outcome:
    values = {} if lost else {"v": 1.0}
    return Outcome(Experiment("c", number, of), State.FAILED if lost else State.DONE, values, lost=lost)


def test_the_pool_is_exhausted_when_the_last_candidate_has_been_measured() -> None:
    done = rule("pool_exhausted")
    before = replace(noted(done, view([0, 0, 0], [1, 1, 1], [1, 2])), id="1")
    final = replace(noted(done, view([0, 0, 0], [1, 1, 1], [2])), id="2")

    assert done.most() is None
    assert done.reason(history([])) is None
    assert done.reason(history([before], [ended(1, before)])) is None
    assert done.reason(history([before, final], [ended(1, before)])) is None  # it has still to be measured
    assert done.reason(history([before, final], [ended(1, before), ended(2, final)])) == "no candidate is left"
    assert done.reason(history([before, final], [ended(2, final), ended(1, before)])) == "no candidate is left"


def test_a_candidate_whose_station_was_lost_is_still_there() -> None:
    done = rule("pool_exhausted")
    final = replace(noted(done, view([0], [1])), id="1")

    assert done.reason(history([final], [ended(1, final, lost=True)])) is None


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("top_percentile", {"percent": 0}),
        ("top_percentile", {"percent": 100}),
        ("top_percentile", {"probability": 1.5}),
        ("top_percentile", {"k": 0}),
        ("score_below", {}),
        ("score_below", {"eps": "low"}),
        ("uncertainty_below", {"eps": 0}),
        ("pool_exhausted", {"k": 1}),
    ],
)
def test_options_out_of_range_are_refused(name: str, options: dict[str, object]) -> None:
    with pytest.raises(PluginProblem, match=f"stop_rule {name}: "):
        rule(name, **options)
