"""The table of the learners as text, for the page and for the terminal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from motet.report.text import NOTHING
from motet.study.cells import short
from motet.study.replay.judged import EF_AT
from motet.study.replay.parallel import Parallel
from motet.study.replay.random_choice import random_wait
from motet.study.replay.summary import EntrySummary, ReplaySummary
from motet.study.replay.wording import accelerated, seconds, waited, with_error

if TYPE_CHECKING:
    from rich.table import Table

BY_CHANCE = "random choice (closed form)"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, what stands in it for a learner, and for random choice."""

    head: str
    cell: Callable[[EntrySummary], str]
    by_chance: str = NOTHING
    numeric: bool = True


def columns(summary: ReplaySummary) -> list[Column]:
    """What is told of each learner: means with their standard errors."""
    aim = summary.aim
    first_top = short(random_wait(1, aim.size, aim.points))
    first_best = short(random_wait(1, int(aim.first.sum()), aim.points))
    return [
        Column("learner", lambda one: one.entry.label, BY_CHANCE, False),
        Column("runs", lambda one: str(len(one.runs))),
        Column("N80", lambda one: waited(one.n80), str(summary.random_n80)),
        Column(f"EF({EF_AT})", lambda one: with_error(one.ef), "1"),
        Column("AF at 80 %", lambda one: accelerated(one, summary), "1"),
        Column("first top point", lambda one: waited(one.first_top), first_top),
        Column(f"first of the best {aim.first_words}", lambda one: waited(one.first_best), first_best),
        Column("per ask", lambda one: seconds(one.ask_s[0] if one.ask_s else None)),
        Column("95 % below", lambda one: seconds(one.ask_s[1] if one.ask_s else None)),
    ]


def parallel_columns() -> list[Column]:
    """What is told of a learner with several workers, beside itself with one."""
    return [
        Column("learner", lambda one: one.entry.learner, numeric=False),
        Column("workers", lambda one: str(one.entry.workers)),
        Column("seeds", lambda one: _of(one, lambda found: str(found.seeds))),
        Column("makespan to 80 %", lambda one: waited(one.time)),
        Column("with one", lambda one: _of(one, lambda found: with_error(found.alone))),
        Column("speed-up", lambda one: _of(one, lambda found: with_error(found.speed_up))),
        Column("x experiments", lambda one: _of(one, lambda found: with_error(found.experiments))),
        Column("x begun", lambda one: _of(one, lambda found: with_error(found.begun))),
    ]


def _of(one: EntrySummary, text: Callable[[Parallel], str]) -> str:
    return NOTHING if one.parallel is None else text(one.parallel)


def rows(summary: ReplaySummary) -> list[list[str]]:
    """The cells of every learner, the best first, then those of random choice."""
    shown = columns(summary)
    learners = [[column.cell(one) for column in shown] for one in summary.entries]
    return [*learners, [column.by_chance for column in shown]]


def parallel_rows(summary: ReplaySummary) -> list[list[str]]:
    """The cells of every learner with several workers."""
    return [[column.cell(one) for column in parallel_columns()] for one in summary.entries if one.entry.workers > 1]


def tables(summary: ReplaySummary) -> "list[Table]":
    """The same as tables for the terminal."""
    found = [_table(columns(summary), rows(summary))]
    parallel = parallel_rows(summary)
    return [*found, _table(parallel_columns(), parallel)] if parallel else found


def _table(columns: list[Column], rows: list[list[str]]) -> "Table":
    from rich.table import Column as Head
    from rich.table import Table
    from rich.text import Text

    heads = [
        Head(Text(one.head), justify="right" if one.numeric else "left", overflow="fold", no_wrap=not one.numeric)
        for one in columns
    ]
    made = Table(*heads)
    for row in rows:
        made.add_row(*map(Text, row))
    return made
