"""What is said of two combinations, by hand."""

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest

from motet.model.objective import Objective
from motet.study.comparison import Comparison, Measure, Side, Verdict, compare
from motet.study.question import Question
from motet.study.wording import sentence

NEVER = math.inf
CLAUSE = "all 5 given points are measured"


def side(label: str, numbers: list[float] | Mapping[int, float], measure: Measure = Measure.TIME) -> Side:
    return Side(label, {measure: dict(enumerate(numbers)) if isinstance(numbers, list) else numbers})


def against(reference: list[float], other: list[float], measure: Measure = Measure.TIME, sign: int = 1) -> Comparison:
    (found,) = compare(side("learner=rf+lcb", reference, measure), [side("learner=gp+ei", other, measure)], sign)
    return found


def test_half_the_time_in_every_pair_is_better(question: Question) -> None:
    found = against([10, 20, 30, 40, 50, 60], [5, 10, 15, 20, 25, 30])
    assert (found.pairs, found.p, found.adjusted, found.verdict) == (6, 2 / 2**6, 2 / 2**6, Verdict.BETTER)
    assert (found.effect, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert sentence(found, question, CLAUSE) == (
        "learner=gp+ei needs 0.50 x the lab time of learner=rf+lcb until all 5 given points are measured"
        " (95 % interval 0.50 to 0.50, 6 pairs, p = 0.031): better."
    )


def test_the_ratio_is_the_median_of_the_pairs_not_of_the_sides() -> None:
    found = against([10, 100, 1000, 10, 10, 10, 10], [20, 100, 500, 20, 20, 20, 20])
    assert found.effect == pytest.approx(2.0)
    assert found.verdict is Verdict.NO_DIFFERENCE


def test_the_other_way_round_it_is_worse() -> None:
    found = against([5, 10, 15, 20, 25, 30], [10, 20, 30, 40, 50, 60], Measure.EXPERIMENTS)
    assert (found.effect, found.verdict) == (pytest.approx(2.0), Verdict.WORSE)


def test_fewer_than_six_pairs_are_too_few(question: Question) -> None:
    found = against([10, 20, 30, 40, 50], [5, 10, 15, 20, 25])
    assert (found.p, found.verdict) == (None, Verdict.TOO_FEW)
    assert sentence(found, question, CLAUSE) == (
        "learner=gp+ei against learner=rf+lcb, lab time until all 5 given points are measured: too few seeds to tell"
        " (5 pairs, 6 are needed; ratio 0.50 so far)."
    )


def test_a_pair_needs_the_seed_on_both_sides() -> None:
    (found,) = compare(side("a", {1: 10.0, 2: 20.0, 3: 30.0}), [side("b", {2: 10.0, 3: 15.0, 4: 1.0})], 1)
    assert (found.pairs, found.effect) == (2, pytest.approx(0.5))
    assert compare(side("a", {1: 10.0}), [side("b", {2: 10.0})], 1) == []


def test_no_difference_is_said_so(question: Question) -> None:
    found = against([10, 20, 30, 40, 50, 60, 70, 80], [11, 18, 33, 36, 55, 54, 77, 72])
    assert found.verdict is Verdict.NO_DIFFERENCE
    text = sentence(found, question, CLAUSE)
    assert "no difference can be told (ratio 0.99, 95 % interval 0.90 to 1.10, 8 pairs, p = " in text


def test_the_correction_counts_the_comparisons_by_the_same_measure(question: Question) -> None:
    """Of 6 pairs that agree p is 1/32; of two such comparisons none is below 0.05 any more."""
    times: list[float] = [10, 20, 30, 40, 50, 60]
    others = [side("b", [time / 2 for time in times]), side("c", [time / 3 for time in times])]
    found = compare(side("a", times), others, 1)
    assert [(one.p, one.adjusted, one.needed) for one in found] == [(1 / 32, 1 / 16, 7)] * 2
    assert sentence(found[0], question, CLAUSE).endswith(
        "no difference can be told with so few seeds"
        " (ratio 0.50, 95 % interval 0.50 to 0.50, 6 pairs, p = 0.062; 7 pairs are needed)."
    )
    numbers = {Measure.TIME: dict(enumerate(times)), Measure.BEST: dict.fromkeys(range(6), 1.0)}
    halved = {Measure.TIME: {i: t / 2 for i, t in enumerate(times)}, Measure.BEST: dict.fromkeys(range(6), 1.0)}
    found = compare(Side("a", numbers), [Side("b", halved)], 1)
    assert [one.adjusted for one in found] == [1 / 32, 1.0]


def test_one_that_never_got_there_is_slower_than_all_that_did(question: Question) -> None:
    found = against([10, 20, 30, 40, 50, 60, 70, 80], [NEVER, 21, NEVER, NEVER, NEVER, 61, NEVER, 81])
    assert (found.effect, found.verdict, found.got_there) == (NEVER, Verdict.WORSE, (3, 8))
    assert sentence(found, question, CLAUSE) == (
        "learner=gp+ei mostly never gets so far that all 5 given points are measured, where learner=rf+lcb does"
        " (95 % interval 1.03 to ∞, 8 pairs, of which 3 and 8 got there, p = 0.0078): worse."
    )
    other = against([NEVER] * 8, [10.0] * 8)
    assert (other.effect, other.verdict) == (0.0, Verdict.BETTER)
    assert sentence(other, question, CLAUSE).startswith(
        "learner=gp+ei gets so far that all 5 given points are measured, where learner=rf+lcb mostly never does ("
    )


def test_pairs_in_which_neither_got_there_tell_nothing(question: Question) -> None:
    found = against([NEVER] * 7, [NEVER] * 7)
    assert (found.effect, found.p, found.verdict) == (1.0, 1.0, Verdict.NO_DIFFERENCE)
    assert sentence(found, question, CLAUSE) == (
        "Neither learner=gp+ei nor learner=rf+lcb got so far that all 5 given points are measured in any of 7 pairs."
    )


@pytest.mark.parametrize(
    ("goal", "verdict", "text"),
    [
        ("maximize", Verdict.BETTER, "ends with a best current that is 0.20 mA higher than with learner=rf+lcb ("),
        ("minimize", Verdict.WORSE, "ends with a best current that is 0.20 mA higher than with learner=rf+lcb ("),
        ("target", Verdict.WORSE, "ends with a best distance from the target of current that is 0.20 mA higher than"),
    ],
)
def test_the_best_value_is_compared_by_its_difference(
    question: Question, goal: str, verdict: Verdict, text: str
) -> None:
    target = 1.0 if goal == "target" else None
    asked = replace(question, objective=Objective.model_validate({"goal": goal, "unit": "mA", "target": target}))
    values = [-0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    found = against(values, [value + 0.2 for value in values], Measure.BEST, asked.sign)
    assert (found.effect, found.verdict) == (pytest.approx(0.2), verdict)
    assert text in sentence(found, asked, CLAUSE)
    assert "95 % interval 0.20 to 0.20 mA, 7 pairs, p = 0.016" in sentence(found, asked, CLAUSE)


def test_a_combination_without_any_value_is_worse(question: Question) -> None:
    found = against([1.0] * 6, [-math.inf] * 6, Measure.BEST)
    assert sentence(found, question, CLAUSE).startswith(
        "learner=gp+ei mostly ends without any value where learner=rf+lcb has one ("
    )
    assert found.verdict is Verdict.WORSE
