"""The page of a study as a file, and what plotly takes of its figures."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from plotly import graph_objects

from motet.model.objective import Objective
from motet.study.figures import plots
from motet.study.page import write_page
from motet.study.question import Question
from motet.study.result import Trial, TrialResult
from motet.study.summary import StudySummary, summarize

Study = Callable[[Question], Iterator[TrialResult]]
EVIL = "</script><script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"


class Loads(HTMLParser):
    """Everything a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href", "srcset") and value]


def written(question: Question, summary: StudySummary, path: Path) -> str:
    """The page without the plotting library."""
    page = write_page(summary, question, path).read_text(encoding="utf-8")
    return re.sub(r"<script>.{1000000,}?</script>", "", page, flags=re.DOTALL)


def test_the_page_tells_the_study_and_loads_nothing(question: Question, summary: StudySummary, tmp_path: Path) -> None:
    text = written(question, summary, tmp_path / "new" / "study.html")
    page = Loads()
    page.feed(text)
    assert page.found == ["data:,"]
    for expected in (
        "maximize current",
        "until all 5 given points are measured",
        "<dd>rf+lcb, gp+ei</dd>",
        "12 (0 to 11)",
        "144 run, 0 failed",
        "is the quickest: it needs",
        "x the lab time of",
        "Best so far against lab time",
        "Sequential and parallel: lab time against experiments",
        "Wilcoxon",
        "No trial failed.",
        "lab: twin",
    ):
        assert expected in text
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["study.html"]
    assert len(text) < 600_000


def test_failed_trials_are_listed_with_their_reasons(question: Question, results: Study, tmp_path: Path) -> None:
    mixed = list(results(question))[:-1]
    mixed[5] = TrialResult(mixed[5].trial, error="LearnerError: the matrix is singular")
    text = written(question, summarize(mixed, question), tmp_path / "study.html")
    assert "142 run, 1 failed, 1 not done yet" in text
    assert "LearnerError: the matrix is singular" in text


def test_html_in_names_and_reasons_stays_text(question: Question, tmp_path: Path, trial: Any) -> None:
    odd = replace(
        question, campaign=EVIL, objective_name=EVIL, goal=EVIL, varied={"learner": (EVIL, "b")}, files={EVIL: EVIL}
    )
    results = [trial([1.0, 2.0], seed, True, {"learner": learner}) for learner in (EVIL, "b") for seed in range(7)]
    results.append(TrialResult(Trial({"learner": EVIL}, 8), error=EVIL))
    text = written(odd, summarize(results, odd), tmp_path / "study.html")
    assert "<img" not in text
    assert "<script>document" not in text
    figures = text.partition('id="figures">')[2].partition("</script>")[0]
    assert len(json.loads(figures)) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"varied": {}},
        {"varied": {"stations": ("1", "2", "4", "8")}},
        {"goal": "", "threshold": None},
        {"objective": Objective(goal="minimize", unit="V"), "threshold": 0.05, "target": 0.01},
        {"objective": Objective(goal="target", target=0.5), "threshold": 0.51},
        {"seeds": (7,)},
    ],
)
def test_plotly_takes_every_figure(question: Question, results: Study, tmp_path: Path, changes: dict[str, Any]) -> None:
    asked = replace(question, **changes)
    summary = summarize(results(asked), asked)
    found = plots(summary)
    for plot in found:
        graph_objects.Figure(plot.figure, skip_invalid=False)
    assert [plot.name for plot in found][:2] == ["best-experiments", "best-time"]
    assert ("parallel" in [plot.name for plot in found]) == ("stations" in asked.varied)
    write_page(summary, asked, tmp_path / "study.html")


def test_the_figures_show_the_best_dozen_and_say_so(question: Question, results: Study) -> None:
    many = replace(question, varied={**question.varied, "learner": ("rf+lcb", "gp+ei", "random")}, seeds=(1, 2))
    summary = summarize(results(many), many)
    plot = plots(summary)[0]
    named = [trace["name"] for trace in plot.figure["data"] if "name" in trace]
    assert named == [", ".join(one.combination.values()) for one in summary.combinations[:12]]
    assert "Shown are the best 12 of 18 combinations." in plot.caption
    assert "Only the first 4 show their band." in plot.caption
    assert sum("fill" in trace for trace in plot.figure["data"]) == 4


def test_the_ratio_is_written_at_the_goal(summary: StudySummary) -> None:
    plot = plots(summary)[2]
    assert summary.parallel is not None
    marks = [trace for trace in plot.figure["data"] if "text" in trace]
    assert [trace["text"] for trace in marks] == [[f"<b>{line.ratio:.2f} x</b>"] for line in summary.parallel.lines]
    assert [trace["x"] for trace in marks] == [[line.experiments] for line in summary.parallel.lines]


def test_a_study_without_a_trial_has_a_page(question: Question, tmp_path: Path) -> None:
    text = written(question, summarize((), question), tmp_path / "study.html")
    assert "No trial was run." in text
    assert "144 not done yet" in text
