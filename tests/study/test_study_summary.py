"""A study in numbers: order, shares, failures, the terminal's table and the facts."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from motet.errors import NotFound
from motet.report.text import NOTHING
from motet.study.comparison import Measure, Verdict
from motet.study.facts import facts
from motet.study.question import Question
from motet.study.result import Trial, TrialResult
from motet.study.statistics import Spread
from motet.study.summary import StudySummary, summarize
from motet.study.table import table
from motet.study.wording import conclusions, headline

Make = Callable[..., TrialResult]
Study = Callable[[Question], Iterator[TrialResult]]


@pytest.fixture
def two(question: Question) -> Question:
    return replace(question, varied={"learner": ("rf+lcb", "gp+ei")}, seeds=(1, 2, 3, 4))


def one_of(learner: str, trial: Make, seed: int, count: int, reached: bool = True, **fields: Any) -> TrialResult:
    values = [0.1 * number for number in range(1, count + 1)]
    return trial(values, seed, reached, {"learner": learner}, **fields)


def test_the_quickest_comes_first_and_censored_trials_count(two: Question, trial: Make) -> None:
    results = [one_of("rf+lcb", trial, seed, count) for seed, count in ((1, 4), (2, 6), (3, 8), (4, 10))]
    results += [one_of("gp+ei", trial, seed, count, count < 10) for seed, count in ((1, 2), (2, 4), (3, 10), (4, 10))]
    summary = summarize(results, two)
    first, second = summary.combinations
    assert (first.label, second.label) == ("learner=gp+ei", "learner=rf+lcb")
    goal = first.reached[0]
    assert (goal.reached, goal.trials, goal.share) == (2, 4, 0.5)
    assert goal.experiments == Spread(4, 2, None)
    assert goal.seconds == Spread(40.0, 20.0, None)
    assert second.reached[0].seconds == Spread(60.0, 40.0, 80.0)
    top = first.reached[1]
    assert (top.reached, top.experiments) == (2, Spread(9, 9, 9)), "two ended before they could get to 0.9"
    assert (first.best.low, first.best.median, first.best.high) == pytest.approx((0.35, 0.7, 1.0))
    assert first.experiments == 26
    assert headline(summary) == (
        "learner=gp+ei is the quickest: it needs a median of 40 s of lab time and 4 experiments"
        " until all 5 given points are measured (2 of 4 trials got there)."
    )


def test_where_less_than_half_get_there_the_share_decides(two: Question, trial: Make) -> None:
    results = [one_of("rf+lcb", trial, seed, 5, seed == 1) for seed in two.seeds]
    results += [one_of("gp+ei", trial, seed, 5, False) for seed in two.seeds]
    summary = summarize(reversed(results), two)
    assert [one.label for one in summary.combinations] == ["learner=rf+lcb", "learner=gp+ei"]
    assert summary.combinations[0].reached[0].seconds == Spread(None, 50.0, None)
    assert headline(summary) == (
        "Not half of the trials of any combination got so far that all 5 given points are measured;"
        " of learner=rf+lcb 1 of 4 trials got there."
    )


def test_what_cannot_be_reached_is_judged_by_the_best_value(two: Question, trial: Make) -> None:
    open_end = replace(two, goal="", threshold=None, seeds=tuple(range(8)))
    results = [
        trial([value], seed, False, {"learner": learner})
        for learner, value in (("rf+lcb", 0.5), ("gp+ei", 0.7))
        for seed in range(8)
    ]
    summary = summarize(results, open_end)
    assert [one.label for one in summary.combinations] == ["learner=gp+ei", "learner=rf+lcb"]
    ((only, text),) = conclusions(summary)
    assert (only.measure, only.verdict) == (Measure.BEST, Verdict.WORSE)
    assert "ends with a best current that is 0.20 mA lower than with learner=gp+ei" in text
    assert headline(summary) == "learner=gp+ei ends with a best current of 0.7 mA (median), the best of all."


def test_a_failed_trial_is_no_pair_and_is_told(two: Question, trial: Make) -> None:
    results = [one_of(learner, trial, seed, 4) for learner in ("rf+lcb", "gp+ei") for seed in (1, 2, 3)]
    results.append(TrialResult(Trial({"learner": "gp+ei"}, 4), error="PluginProblem: no such surrogate"))
    results.append(one_of("rf+lcb", trial, 4, 4, False, state="aborted", reason="a person stopped it"))
    summary = summarize(results, two)
    assert (summary.run, summary.not_run) == (7, 1)
    assert {one.pairs for one in summary.comparisons} == {3}
    assert [(one.label, one.seed, one.counts, one.reason) for one in summary.failed] == [
        ("learner=gp+ei", 4, False, "PluginProblem: no such surrogate"),
        ("learner=rf+lcb", 4, True, "a person stopped it"),
    ]


def test_a_combination_of_which_all_trials_failed_stands_last(two: Question, trial: Make) -> None:
    results = [TrialResult(Trial({"learner": "gp+ei"}, seed), error="no") for seed in two.seeds]
    results += [one_of("rf+lcb", trial, seed, 4) for seed in two.seeds]
    summary = summarize(results, two)
    assert [(one.label, one.trials, one.failed) for one in summary.combinations] == [
        ("learner=rf+lcb", 4, 0),
        ("learner=gp+ei", 0, 4),
    ]
    assert summary.comparisons == ()
    assert NOTHING in rendered(summary)


@pytest.mark.slow
def test_a_reference_can_be_named(question: Question, results: Study) -> None:
    named = {"learner": "rf+lcb", "stations": "1", "pending": "none"}
    summary = summarize(results(question), question, named)
    assert {one.reference for one in summary.comparisons} == {"learner=rf+lcb, stations=1, pending=none"}
    assert len(summary.comparisons) == 11 * 3
    fastest = next(one for one in summary.comparisons if one.combination == summary.combinations[0].label)
    assert (fastest.measure, fastest.verdict, fastest.pairs) == (Measure.TIME, Verdict.BETTER, 12)
    with pytest.raises(NotFound, match="learner=sobol: no such combination to compare with; there are: learner="):
        summarize(results(question), question, {"learner": "sobol"})


@pytest.mark.slow
def test_the_order_of_the_results_does_not_matter(question: Question, results: Study, summary: StudySummary) -> None:
    back = summarize(reversed(list(results(question))), question)
    assert facts(summary) == facts(back)


def test_stations_are_set_against_one_another_at_the_goal(summary: StudySummary) -> None:
    found = summary.parallel
    assert found is not None
    assert found.at_goal
    assert [line.stations for line in found.lines] == [1, 2, 4]
    assert found.lines[0].ratio == 1.0
    assert 1.5 < found.lines[1].ratio < 2.5 < found.lines[2].ratio < 5
    assert set(found.others) == {"learner", "pending"}


def test_stations_that_never_get_there_are_compared_at_the_last_common_experiment(
    question: Question, trial: Make
) -> None:
    asked = replace(question, varied={"stations": ("1", "2")}, seeds=(1, 2), threshold=None)
    results = [
        trial([1.0] * count, seed, False, {"stations": stations}, every_s=every, stations=int(stations))
        for stations, count, every in (("1", 5, 10.0), ("2", 8, 4.0))
        for seed in (1, 2)
    ]
    found = summarize(results, asked).parallel
    assert found is not None
    assert not found.at_goal
    assert [(line.experiments, line.seconds, line.ratio) for line in found.lines] == [(5, 50, 1.0), (5, 20, 2.5)]


def test_one_number_of_stations_is_no_comparison(question: Question, results: Study) -> None:
    for varied in ({"stations": ("2",)}, {"learner": ("rf+lcb",)}):
        asked = replace(question, varied=varied)
        assert summarize(results(asked), asked).parallel is None


def test_nothing_done_yet_is_no_mistake(question: Question) -> None:
    summary = summarize([], question)
    assert headline(summary) == "No trial was run."
    assert facts(summary)["trials"] == {"asked": 144, "run": 0, "failed": 0}
    assert rendered(summary)


def rendered(summary: StudySummary) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table(summary))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_tells_what_the_summary_does(summary: StudySummary) -> None:
    text = rendered(summary)
    lines = [line for line in text.splitlines() if line.startswith("│")]
    assert len(lines) == 12
    first = summary.combinations[0]
    cells = [cell.strip() for cell in lines[0].strip("│").split("│")]
    assert cells[:3] == [first.combination[name] for name in ("learner", "stations", "pending")]
    assert first.reached[0].seconds.median is not None
    assert float(cells[4]) == pytest.approx(first.reached[0].seconds.median / 60, rel=5e-3)
    assert cells[6] == f"{first.reached[0].reached}/12"
    for head in ("time to goal (min)", "time to top 1 %", "best current (mA)", "utilization", "cost"):
        assert head in text


def test_names_are_no_markup(two: Question, trial: Make) -> None:
    odd = replace(two, varied={"learner": ("[bold]x[/]",)})
    assert "[bold]x[/]" in rendered(summarize([trial([1.0], 1, True, {"learner": "[bold]x[/]"})], odd))


def test_the_facts_are_plain_json(question: Question, results: Study) -> None:
    mixed = [*results(question), TrialResult(Trial(next(question.combinations()), 99), error="no")]
    found = json.loads(json.dumps(facts(summarize(mixed, question)), allow_nan=False))
    assert found["headline"].endswith("trials got there).")
    assert len(found["combinations"]) == 12
    assert set(found["combinations"][0]["reached"]) == {"goal", "top 1 %"}
    assert found["combinations"][0]["consumed"]["tip"] > 0
    assert {one["verdict"] for one in found["comparisons"]} <= {str(verdict) for verdict in Verdict}
    assert found["parallel"]["lines"][0]["stations"] == 1
    assert found["failed"][0]["seed"] == 99
