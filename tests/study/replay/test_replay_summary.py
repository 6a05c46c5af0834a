"""What is said of runs, against numbers computed by hand."""

import csv
import io
import json
import math
import statistics
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from motet.report.text import NOTHING
from motet.study.replay.columns import BY_CHANCE, columns, parallel_rows, rows
from motet.study.replay.facts import RUN_COLUMNS, facts, runs_csv
from motet.study.replay.figures_of_merit import Mean, curve_of, mean_of, medians_of, ratio_of, wait_of
from motet.study.replay.judged import Aim, judge
from motet.study.replay.question import ReplayQuestion
from motet.study.replay.run import Entry, Run
from motet.study.replay.summary import summarize
from motet.study.replay.wording import headline, remarks, seconds, waited, with_error

GP, RF = Entry("gp+ucb"), Entry("rf")
TOP = np.array([True] * 5 + [False] * 95)
AIM = Aim(TOP, np.arange(100) == 0, "1 %")
"""The first five of a hundred points are the top, of which four are 80 %; the very best is point 0."""


def run(order: list[int], entry: Entry = GP, seed: int = 0, **fields: Any) -> Run:
    ended = tuple(float(place) for place in range(1, len(order) + 1))
    return Run(entry, seed, tuple(order), ended, (0.01,) * max(0, len(order) - 2), "done", **fields)


def course(hits: dict[int, int], length: int) -> list[int]:
    """An order with given points at given experiments (from 1), and others in between."""
    others = iter(range(5, 100))
    return [hits.get(place, -1) if place in hits else next(others) for place in range(1, length + 1)]


EARLY = course({3: 1, 10: 0, 20: 2, 24: 3, 40: 4}, 40)
LATE = course({5: 0, 20: 1, 30: 2, 31: 3, 32: 4}, 32)
NEVER = course({8: 1, 9: 2}, 35)


def test_a_run_is_judged_by_hand() -> None:
    judged = judge(run(EARLY), AIM)
    assert (judged.n80, judged.first_top, judged.first_best, judged.time) == (24, 3, 10, 24.0)
    assert judged.share == 0.8
    assert judged.complete
    assert judged.shares[[2, 3, 24, 39, 40]].tolist() == [0, 0.2, 0.8, 0.8, 1]
    never = judge(run(NEVER), AIM)
    assert (never.n80, never.first_top, never.first_best, never.time, never.share) == (None, 8, None, None, 0.4)
    assert not never.complete


def test_the_share_after_30_experiments_is_known_of_longer_and_of_complete_runs_only() -> None:
    assert judge(run(EARLY[:30]), AIM).share == 0.8
    assert judge(run(EARLY[:29]), AIM).share is None
    assert judge(run([0, 1, 2, 3, 4]), AIM).share == 1.0
    small = Aim(TOP[:20], TOP[:20], "5")
    assert judge(run([0, 1, 2, 3, 4]), small).share is None


def test_a_learner_is_judged_by_hand(replay_question: ReplayQuestion) -> None:
    """N80 24 and 31: mean 27.5, standard error 3.5. EF(30) = (0.8 + 0.6) / 2 / 0.3. AF = 80 / 27.5."""
    summary = summarize([run(LATE, seed=1), run(EARLY, seed=0)], replay_question, AIM)
    (one,) = summary.entries
    assert one.n80.each == (24, 31)
    assert (one.n80.mean, one.n80.median) == (27.5, 24)
    assert one.n80.error == pytest.approx(3.5)
    assert one.ef.mean == pytest.approx(0.7 / 0.3)
    assert one.ef.error == pytest.approx(0.1 / 0.3)
    assert one.af.mean == pytest.approx(80 / 27.5)
    assert one.af.error == pytest.approx(80 / 27.5 * 3.5 / 27.5)
    assert (one.first_top.mean, one.first_best.mean) == (4.0, 7.5)
    assert one.ask_s == pytest.approx((0.01, 0.01))
    assert summary.random_n80 == 80
    assert summary.random_wait == pytest.approx(4 * 101 / 6)
    assert headline(summary) == (
        "gp+ucb needs 27.5 ± 3.5 experiments (mean and standard error over 2 runs) to find"
        " 80 % of the top set (4 of 5 points); random choice needs 80."
    )
    assert remarks(summary) == []


def test_a_run_that_never_got_there_leaves_a_bound_and_is_told(replay_question: ReplayQuestion) -> None:
    """It did 35 experiments: the mean is at least (24 + 35) / 2, AF at most 80 over that."""
    summary = summarize([run(EARLY), run(NEVER, seed=1)], replay_question, AIM)
    (one,) = summary.entries
    assert (one.n80.mean, one.n80.error, one.n80.at_least, one.n80.median) == (None, None, 29.5, 24)
    assert (one.n80.reached, one.n80.each) == (1, (24, None))
    assert one.af == Mean(None, None)
    cells = dict(zip([column.head for column in columns(summary)], rows(summary)[0], strict=True))
    assert (cells["N80"], cells["AF at 80 %"]) == ("≥ 29.5 (1 of 2)", "≤ 2.71")
    assert headline(summary).endswith("of gp+ucb 1 of 2 runs got there.")
    assert remarks(summary) == ["gp+ucb: 1 run ended before 80 % of the top set: done"]
    assert one.shares.x.tolist() == list(range(1, 36))


def test_learners_are_ordered_by_their_n80_and_those_that_did_not_get_there_come_last(
    replay_question: ReplayQuestion,
) -> None:
    question = replace(replay_question, learners={"never": {}, "late": {}, "early": {}})
    runs = [run(NEVER, Entry("never")), run(LATE, Entry("late")), run(EARLY, Entry("early"))]
    summary = summarize(runs, question, AIM)
    assert [one.entry.learner for one in summary.entries] == ["early", "late", "never"]
    assert rows(summary)[-1][:6] == [BY_CHANCE, NOTHING, "80", "1", "1", "16.8"]


def test_several_workers_are_held_against_one_by_their_seeds(replay_question: ReplayQuestion) -> None:
    """Seed 0: 24 experiments in 24 against 31 in 8; seed 1: 31 in 31 against 24 in 6. Seed 2 has no counterpart."""
    four = Entry("gp+ucb", 4)
    quick = [replace(run(LATE, four, 0), ended=tuple(place / 31 * 8 for place in range(1, 33)))]
    quick += [replace(run(EARLY, four, 1), ended=tuple(place / 24 * 6 for place in range(1, 41)))]
    runs = [run(EARLY, seed=0), run(LATE, seed=1), *quick, run(NEVER, four, 2)]
    summary = summarize(runs, replace(replay_question, workers=(1, 4)), AIM)
    found = next(one.parallel for one in summary.entries if one.entry == four)
    assert found is not None
    assert (found.workers, found.seeds, found.alone.mean) == (4, 2, 27.5)
    assert found.speed_up.mean == pytest.approx(55 / 14)
    assert found.experiments.mean == pytest.approx(1.0)
    assert found.begun.mean == pytest.approx((34 + 27) / 55)
    assert parallel_rows(summary)[0][:3] == ["gp+ucb", "4", "2"]
    assert len(parallel_rows(summary)) == 1


def test_failed_runs_and_suggestions_without_a_model_are_told(replay_question: ReplayQuestion) -> None:
    failed = Run(RF, 2, error="LearnerError: no")
    runs = [run(EARLY), run(LATE, RF, problems=3, problem="cannot fit"), failed]
    summary = summarize(runs, replay_question, AIM)
    assert summary.run == 2
    assert summary.failed == (failed,)
    assert remarks(summary) == [
        "rf: 1 run could not be done; LearnerError: no",
        "rf: 3 points were suggested without the model; cannot fit",
    ]
    assert headline(summarize([failed], replay_question, AIM)) == "No run was done."


def test_a_top_set_that_is_larger_than_was_asked_for_is_told(replay_question: ReplayQuestion) -> None:
    summary = summarize([run(EARLY)], replace(replay_question, top="3 %"), AIM)
    assert remarks(summary) == ["The top set has 5 points for 3: all that are equal to the last of them."]


def test_facts_are_json_and_hold_the_curve_of_every_learner(replay_question: ReplayQuestion) -> None:
    summary = summarize([run(EARLY), run(NEVER, seed=1), run(LATE, RF)], replay_question, AIM)
    found: Any = json.loads(json.dumps(facts(summary), allow_nan=False))
    assert [one["learner"] for one in found["learners"]] == ["rf", "gp+ucb"]
    gp = found["learners"][1]
    assert gp["n80"] == {"mean": None, "error": None, "median": 24, "at_least": 29.5, "reached": 1, "each": [24, None]}
    assert gp["top_share"]["mean"][7] == pytest.approx((0.2 + 0.2) / 2)
    assert gp["top_share"]["experiments"][-1] == 35
    assert found["learners"][0]["af_80"] == {"mean": pytest.approx(80 / 31), "error": None}
    assert found["random"]["n80"] == 80
    assert found["random"]["top_share"][:2] == [0.01, 0.02]
    assert found["top_set"] == {"asked": "5", "points": 5, "for_80": 4}
    assert "top_share" not in facts(summary, curves=False)["learners"][0]


def test_the_csv_has_a_line_for_each_run(replay_question: ReplayQuestion) -> None:
    failed = Run(RF, 1, error="LearnerError: a, b")
    summary = summarize([run(EARLY), run(NEVER, seed=1), failed], replay_question, AIM)
    lines = list(csv.DictReader(io.StringIO(runs_csv(summary))))
    assert tuple(lines[0]) == RUN_COLUMNS
    assert [(line["learner"], line["seed"], line["n80"]) for line in lines] == [
        ("gp+ucb", "0", "24"),
        ("gp+ucb", "1", ""),
        ("rf", "1", ""),
    ]
    assert (lines[0]["share_30"], lines[0]["ef_30"], lines[0]["makespan_80"]) == ("0.8", "2.66667", "24")
    assert lines[2]["error"] == "LearnerError: a, b"


def test_means_and_ratios_by_hand() -> None:
    assert mean_of([]) == Mean(None, None)
    assert mean_of([3.0]) == Mean(3.0, None)
    assert mean_of([1.0, 3.0]) == Mean(2.0, 1.0)
    assert ratio_of([2.0, 4.0], [1.0, 2.0]) == Mean(2.0, 0.0)
    assert ratio_of([6.0], [3.0]) == Mean(2.0, None)
    ratio = ratio_of([2.0, 6.0], [1.0, 3.0 - 1.0])
    assert ratio.mean == pytest.approx(8 / 3)
    residuals = [2 - 8 / 3, 6 - 16 / 3]
    assert ratio.error == pytest.approx(statistics.stdev(residuals) / math.sqrt(2) / 1.5)
    assert wait_of([], []).mean is None


def test_a_curve_ends_where_the_first_unfinished_run_does() -> None:
    whole, part = np.array([0, 0.5, 1.0]), np.array([0, 0, 0, 0.5, 0.5])
    curve = curve_of([whole, part], [True, False])
    assert curve.x.tolist() == [1, 2, 3, 4]
    assert curve.mean.tolist() == [0.25, 0.5, 0.75, 0.75]
    assert curve_of([whole, whole], [True, True]).mean.tolist() == [0.5, 1.0]
    assert curve_of([], []).x.size == 0
    assert medians_of([[1, 2, 3, 4], [3, 4], [5]]).tolist() == [3, 3]


@pytest.mark.parametrize(
    ("mean", "text"),
    [
        (Mean(118.43, 3.14), "118.4 ± 3.1"),
        (Mean(2.3456, 0.0123), "2.346 ± 0.012"),
        (Mean(134.2, 12.3), "134 ± 12"),
        (Mean(4.0, 0.0), "4.0 ± 0.0"),
        (Mean(27.5, None), "27.5"),
        (Mean(None, None), NOTHING),
    ],
)
def test_an_error_has_two_digits(mean: Mean, text: str) -> None:
    assert with_error(mean) == text


def test_waits_and_seconds_in_words() -> None:
    assert waited(wait_of([20, None], [20, 40])) == "≥ 30 (1 of 2)"
    assert waited(wait_of([], [])) == NOTHING
    assert [seconds(one) for one in (0.0123, 1.5, None)] == ["12.3 ms", "1.5 s", NOTHING]
