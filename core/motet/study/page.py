"""Writes a study's page: one HTML file that needs nothing but a browser, with the look of a campaign's report."""

import time
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from motet import __version__
from motet.report.page import environment, write_whole
from motet.report.tables import Tile, moment
from motet.report.text import duration, number, with_unit
from motet.study.cells import Column, columns, short, with_quartiles
from motet.study.comparison import Comparison, Measure
from motet.study.figures import plots
from motet.study.question import Question
from motet.study.summary import CombinationSummary, StudySummary
from motet.study.wording import brief, conclusions, headline, interval, p_value, seeds

MOST_SAID = 12
"""So many sentences stand at the top, the rest behind a click."""

MOST_FAILED = 1000
"""The table of failed trials shows the first so many."""


def write_page(summary: StudySummary, question: Question, path: Path) -> Path:
    """Write the page of a study, finished or not, to the file `path` and give it.

    The page needs no network: styles, scripts and data are inside it, and it forbids itself to load anything. An older
    file of that name is replaced in one step. Raises OSError when it cannot be written.
    """
    page = environment("motet.study", "motet.report").get_template("study.html.j2").render(_context(summary, question))
    write_whole(page, path)
    return path


def _context(summary: StudySummary, question: Question) -> dict[str, Any]:
    shown = plots(summary)
    said = conclusions(summary)
    main = [_said(one, text) for one, text in said if one.measure is _main(summary)]
    table = columns(summary)
    return {
        "question": question,
        "goal": _goal(question),
        "seeds": seeds(question.seeds),
        "trials": _trials(summary, question),
        "lab_time": duration(summary.lab_s),
        "written": moment(time.time()),
        "headline": headline(summary),
        "said": main[:MOST_SAID],
        "more_said": main[MOST_SAID:],
        "also_said": [_said(one, text) for one, text in said if one.measure is not _main(summary)],
        "reference": summary.reference,
        "named": summary.named,
        "tiles": _tiles(summary),
        "columns": table,
        "rows": [[_cell(column, one) for column in table] for one in summary.combinations],
        "plots": shown,
        "figures": [plot.figure for plot in shown],
        "tests": [_test(one, question) for one, _ in said],
        "failed": summary.failed[:MOST_FAILED],
        "hidden": max(0, len(summary.failed) - MOST_FAILED),
        "failures": len(summary.failed),
        "version": __version__,
        "plotly_js": get_plotlyjs(),
    }


def _said(one: Comparison, text: str) -> tuple[str, str, str]:
    """A sentence: its class, what it is about where it begins with that, the rest."""
    about = one.combination if text.startswith(one.combination) else ""
    return one.verdict.name.lower(), about, text.removeprefix(about)


def _main(summary: StudySummary) -> Measure:
    """The measure that the first sentences are about."""
    return Measure.TIME if summary.milestones else Measure.BEST


def _goal(question: Question) -> str:
    objective = question.objective
    if objective.goal == "target":
        return f"{question.objective_name} near {with_unit(objective.target, objective.unit)}"
    return f"{objective.goal} {question.objective_name}"


def _trials(summary: StudySummary, question: Question) -> str:
    left = question.trials - summary.run - summary.not_run
    parts = [f"{summary.run} run", f"{summary.not_run} failed", *([f"{left} not done yet"] if left > 0 else [])]
    return ", ".join(parts)


def _tiles(summary: StudySummary) -> list[Tile]:
    ran = [one for one in summary.combinations if one.trials]
    if not ran:
        return []
    first, question = ran[0], summary.question
    values = ", ".join(first.combination.values()) or first.label
    names = ", ".join(first.combination) or "nothing is varied"
    best = "distance from target" if question.objective.goal == "target" else question.objective_name
    lead = f"Best {best}"
    if summary.milestones:
        lead = "Quickest to the goal" if first.reached[0].seconds.median is not None else "Most often at the goal"
    found = [Tile(lead, values, names)]
    if summary.milestones:
        goal = first.reached[0]
        found += [
            Tile("Lab time to the goal", duration(goal.seconds.median), f"{goal.reached} of {goal.trials} got there"),
            Tile("Experiments to the goal", number(goal.experiments.median), with_quartiles(goal.experiments)),
        ]
    unit = question.objective.unit
    found.append(Tile(f"Best {best} at the end", with_unit(short(first.best.median), unit), with_quartiles(first.best)))
    return [*found, Tile("Trials", str(summary.run), f"{summary.experiments} experiments")]


def _cell(column: Column, one: CombinationSummary) -> tuple[str, str]:
    """A cell's text, and what stands below it: the quartiles of a number."""
    text = column.cell(one)
    if not column.numeric:
        return text, ""
    value, _, quartiles = text.partition(" (")
    return value, quartiles.removesuffix(")")


def _test(one: Comparison, question: Question) -> tuple[str, ...]:
    unit = question.objective.unit if one.measure is Measure.BEST else None
    effect = with_unit(brief(one.effect), unit) if one.measure is Measure.BEST else f"{brief(one.effect)} x"
    reach = interval(one.low, one.high)
    return (
        one.combination,
        one.measure,
        str(one.pairs),
        effect,
        reach,
        p_value(one.p),
        p_value(one.adjusted),
        one.verdict,
    )
