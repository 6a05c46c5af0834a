"""Writes a benchmark's page: one HTML file that needs nothing but a browser, with the look of a study."""

import time
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from motet import __version__
from motet.report.page import environment, write_whole
from motet.report.tables import Tile, moment
from motet.report.text import NOTHING
from motet.store.encode import dumps
from motet.study.cells import percent, short
from motet.study.replay.columns import columns, parallel_columns, parallel_rows, rows
from motet.study.replay.figures import plots
from motet.study.replay.judged import EF_AT
from motet.study.replay.summary import ReplaySummary
from motet.study.replay.wording import accelerated, headline, remarks, seconds, waited, with_error
from motet.study.wording import seeds

REPEATS = {
    "unique": "the mean of their distinct values",
    "mean": "their mean",
    "median": "their median",
    "best": "the best of them",
}


def write_page(summary: ReplaySummary, path: Path) -> Path:
    """Write the page of a benchmark, finished or not, to the file `path` and give it.

    The page needs no network, and forbids itself to load anything. An older file of that name is replaced in one step.
    Raises OSError when it cannot be written.
    """
    page = environment("motet.study", "motet.report").get_template("replay.html.j2").render(_context(summary))
    write_whole(page, path)
    return path


def _context(summary: ReplaySummary) -> dict[str, Any]:
    shown = plots(summary)
    question = summary.question
    return {
        "question": question,
        "summary": summary,
        "seeds": seeds(question.seeds),
        "runs": _runs(summary),
        "written": moment(time.time()),
        "headline": headline(summary),
        "remarks": remarks(summary),
        "tiles": _tiles(summary),
        "columns": columns(summary),
        "rows": rows(summary),
        "parallel_columns": parallel_columns(),
        "parallel_rows": parallel_rows(summary),
        "plots": shown,
        "figures": [plot.figure for plot in shown],
        "repeats": REPEATS[question.repeats],
        "learners": {name: dumps(config) for name, config in question.learners.items()},
        "random_wait": short(summary.random_wait),
        "version": __version__,
        "plotly_js": get_plotlyjs(),
    }


def _runs(summary: ReplaySummary) -> str:
    failed = len(summary.failed)
    left = summary.question.runs - summary.run - failed
    parts = [f"{summary.run} done", *([f"{failed} failed"] if failed else []), *([f"{left} to do"] if left > 0 else [])]
    return ", ".join(parts)


def _tiles(summary: ReplaySummary) -> list[Tile]:
    ran = [one for one in summary.entries if one.runs]
    if not ran:
        return []
    first = ran[0]
    lead = "Fewest experiments" if first.n80.mean is not None else "Most runs to 80 %"
    n80, _, spread = waited(first.n80).partition(" ± ")
    return [
        Tile(lead, first.entry.learner, f"{first.entry.workers} workers" if first.entry.workers > 1 else "one by one"),
        Tile("N80", n80, f"{f'± {spread}; ' if spread else ''}random choice {summary.random_n80}"),
        Tile("AF at 80 %", _value(accelerated(first, summary)), "as fast as random choice"),
        Tile(f"EF({EF_AT})", _value(with_error(first.ef)), f"{percent(first.share.mean)} of the top set found"),
        Tile("Time per ask", seconds(first.ask_s[0] if first.ask_s else None), "median"),
    ]


def _value(text: str) -> str:
    """A mean without its error, as a multiple."""
    value = text.partition(" ± ")[0]
    return value if value == NOTHING else f"{value} x"
