"""What a campaign has come to so far, below the live table: its best experiment, its Pareto front, or its classes."""

from collections.abc import Sequence
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from motet.cli.board import Board
from motet.cli.text import classes, measured, point

T = TypeVar("T")

SHOWN = 8
"""At most so many experiments of a front are shown, evenly spread along it."""


def standing(board: Board) -> RenderableType:
    """The front of several objectives, the counts of classes, the best of one objective."""
    if board.wanted.classes and board.found:
        return Text(f"found {classes(board.counts())}", style="bold")
    if board.front:
        return _front(board)
    best = board.best
    if best is None:
        return Text("no experiment meets the constraints yet" if board.broken else "no value yet", style="dim")
    where = point(best.experiment.parameters)
    return Text(f"best {board.value(best)} at {where} (experiment {best.experiment.number})", style="bold")


def spread(items: Sequence[T], most: int) -> list[T]:
    """At most so many of the items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(number * (len(items) - 1) / (most - 1))] for number in range(most)]


def _front(board: Board) -> RenderableType:
    along, wanted = board.along_front(), board.wanted
    shown = spread(along, SHOWN)
    some = f", {len(shown)} of them shown" if len(shown) < len(along) else ""
    broken = f"; {board.broken} broke a constraint" if board.broken else ""
    title = f"Pareto front: {len(along)} experiment{'s' if len(along) != 1 else ''}{some}{broken}"
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("no.", *wanted.objectives):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("at", no_wrap=True, overflow="ellipsis")
    for outcome in shown:
        values = [measured(name, outcome.values[name], wanted) for name in wanted.objectives]
        table.add_row(str(outcome.experiment.number), *values, point(outcome.experiment.parameters))
    return Group(Text(title, style="bold"), table)
