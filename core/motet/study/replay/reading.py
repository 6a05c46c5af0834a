"""A measured table from a CSV file: every mistake with its row and column."""

import csv
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.errors import Problem
from motet.files.node import shown
from motet.files.report import Report, one_of
from motet.files.source import read_text
from motet.model.objective import Objective
from motet.model.values import Value
from motet.study.replay.choices import Repeats
from motet.study.replay.measured import Measured, gathered

MOST_NAMED = 5
"""Wrong cells of one column that are named; the others are counted."""

LEAST = 2
"""Points of a table in which there is something to choose."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table are: the `objective`, and the `parameters`; without any named, all others but those
    to `ignore`."""

    objective: str
    parameters: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def read_measured(path: Path, columns: Columns, objective: Objective, repeats: Repeats = "unique") -> Measured:
    """The points of a table with a line of names. A parameter is a number, or a category when no cell of its column is
    a number; the objective is a number.

    Raises FileProblems with all that is wrong with the table or with the names of columns.
    """
    report = Report()
    text = read_text(path, report)
    lines = [] if text is None else _lines(str(path), text, report)
    report.raise_if_any()
    header = [name.strip() for name in lines[0][1]]
    _check_names(str(path), header, columns, report)
    report.raise_if_any()
    others = [name for name in header if name != columns.objective and name not in columns.ignore]
    names = columns.parameters or tuple(others)
    table = _Table(str(path), header, lines[1:], report)
    found = [table.parameter(name) for name in names]
    values = table.numbers(columns.objective)
    report.raise_if_any()
    rows, measured = gathered(list(zip(*found, strict=True)), values, objective, repeats)
    _check_points(str(path), rows, len(values), report)
    return Measured(names, rows, measured, columns.objective, objective)


_Line = tuple[int, list[str]]
"""The number of a line in the file, and its cells."""


def _lines(file: str, text: str, report: Report) -> list[_Line]:
    """The lines of a table that are not empty, the names first. Mistakes of its form go to the report."""
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        report.put(Problem(file, reader.line_num, "", f"broken CSV: {error}", "columns separated by commas are needed"))
        return []
    if not lines:
        needed = "a line of column names, then a line for each experiment"
        report.put(Problem(file, None, "", "an empty file", needed))
    wide = len(lines[0][1]) if lines else 0
    for line, cells in lines[1:]:
        if len(cells) != wide:
            report.put(Problem(file, line, "", f"{len(cells)} cells", f"{wide} are needed, one a column"))
    return lines


def _check_names(file: str, header: Sequence[str], columns: Columns, report: Report) -> None:
    """The names of columns, those of the file and those that are asked for."""
    for place, name in enumerate(header):
        if not name:
            report.put(Problem(file, 1, "", f"no name for column {place + 1}", "a name is needed"))
        elif name in header[:place]:
            report.put(Problem(file, 1, "", f"the column {name!r} twice", "each name once"))
    _check_asked("--objective", [columns.objective], file, header, {}, report)
    taken = {columns.objective: "the objective"}
    _check_asked("--parameters", columns.parameters, file, header, taken, report)
    taken |= dict.fromkeys(columns.parameters, "among the parameters")
    _check_asked("--ignore", columns.ignore, file, header, taken, report)
    if set(header) <= {columns.objective, *columns.ignore}:
        report.put(Problem(file, 1, "", "no column but the objective", "at least one parameter is needed"))


def _check_asked(
    option: str, names: Sequence[str], file: str, header: Sequence[str], taken: Mapping[str, str], report: Report
) -> None:
    """Columns that an option names: they are there, once, and nothing else."""
    for place, name in enumerate(names):
        if name not in header:
            report.put(Problem(option, None, "", repr(name), f"no such column in {file}; {one_of(name, header)}"))
        elif name in taken:
            report.put(Problem(option, None, "", repr(name), f"that is {taken[name]}: another column is needed"))
        elif name in names[:place]:
            report.put(Problem(option, None, "", f"{name!r} twice", "each column once"))


@dataclass(frozen=True, slots=True)
class _Table:
    file: str
    header: Sequence[str]
    lines: Sequence[_Line]
    report: Report

    def parameter(self, name: str) -> Sequence[Value]:
        """The values of a parameter: words where no cell is a number."""
        cells = self._cells(name)
        if cells and all(cell and _number(cell) is None for _, cell in cells):
            return [cell for _, cell in cells]
        return self.numbers(name)

    def numbers(self, name: str) -> Sequence[float]:
        """The numbers of a column. Cells that hold none, or one that is not finite, go to the report."""
        found: list[float] = []
        wrong: list[tuple[int, str]] = []
        for line, cell in self._cells(name):
            number = _number(cell)
            if number is None or not math.isfinite(number):
                wrong.append((line, cell))
            else:
                found.append(number + 0.0)  # no -0.0: equal parameters are the same point
        for line, cell in wrong[:MOST_NAMED]:
            what = shown(cell) if _number(cell) is None else cell
            self._problem(line, name, what if cell else "an empty cell", "a finite number is needed")
        if len(wrong) > MOST_NAMED:
            rest = f"{len(wrong) - MOST_NAMED} more cells that are no finite number"
            self._problem(wrong[MOST_NAMED][0], name, rest, f"from this line on; {len(found)} cells are")
        return found

    def _cells(self, name: str) -> list[tuple[int, str]]:
        place = self.header.index(name)
        return [(line, cells[place].strip()) for line, cells in self.lines]

    def _problem(self, line: int, name: str, found: str, allowed: str) -> None:
        self.report.put(Problem(self.file, line, name, found, allowed))


def _number(cell: str) -> float | None:
    """The number in a cell; `nan` and `inf` are numbers that are not finite."""
    try:
        return float(cell.replace("_", "?"))
    except ValueError:
        return None


def _check_points(file: str, points: Collection[object], rows: int, report: Report) -> None:
    """Raises FileProblems unless there is something to choose."""
    if len(points) < LEAST:
        what = f"a table of {rows} row{'' if rows == 1 else 's'}"
        same = " with the same parameters" if rows > 1 else ""
        needed = f"at least {LEAST} rows with different parameters are needed"
        report.put(Problem(file, None, "", what + same, needed))
    report.raise_if_any()
