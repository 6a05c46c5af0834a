"""A table of candidates (CSV, one column a parameter): the only points that a campaign may choose from."""

import csv
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from motet.errors import Problem
from motet.files.cells import InDomain, read_column
from motet.files.report import Report, one_of
from motet.files.source import read_text
from motet.model.parameters import Continuous, Fixed, Parameter
from motet.model.values import NAME_PATTERN

if TYPE_CHECKING:
    from motet.model.rows import Rows


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a table as points, the line of each, the parameters they span, and the exact text of the file."""

    path: Path
    rows: "Rows"
    lines: Sequence[int]
    parameters: Mapping[str, Parameter]
    text: str


def read_table(
    path: Path, parameters: Mapping[str, Parameter], report: Report, wrong: Collection[str] = ()
) -> Table | None:
    """The candidates in a CSV file; None, with every mistake and its line and column in the report, if any.

    Every parameter but fixed ones needs its column, and every cell must be in the parameter's domain. Without
    parameters, every column is a number between the lowest and the highest of its cells. `wrong` are the
    names of parameters that have mistakes of their own.
    """
    text = read_text(path, report)
    if text is None:
        return None
    before = len(report.problems)
    reader = _Reader(str(path), parameters, report, frozenset(wrong))
    try:
        reader.read(text)
    except csv.Error as error:
        report.put(Problem(str(path), None, "", f"broken CSV: {error}", "columns separated by commas are needed"))
    rows = reader.rows()
    if len(report.problems) > before:
        return None
    return Table(path, rows, reader.lines, parameters or _spanned(rows), text)


@dataclass
class _Reader:
    file: str
    parameters: Mapping[str, Parameter]
    report: Report
    wrong: frozenset[str]
    lines: list[int] = field(default_factory=list[int])
    _cells: list[list[str]] = field(default_factory=list[list[str]])
    _header: list[str] | None = None
    _found: list[tuple[int, int, Problem]] = field(default_factory=list[tuple[int, int, Problem]])
    """What is wrong below the header, with line and column."""

    def read(self, text: str) -> None:
        """Read all cells, reporting mistakes in the header and in the shape."""
        lines = csv.reader(text.splitlines(keepends=True), strict=True)
        empty = True
        for cells in filter(None, lines):
            if self._header is None:
                self._header = [cell.strip() for cell in cells]
                self._check_header(self._header, lines.line_num)
                continue
            empty = False
            if len(cells) == len(self._header):
                self._cells.append(cells)
                self.lines.append(lines.line_num)
            else:
                found, needed = f"{len(cells)} cells", f"{len(self._header)} are needed, one a column"
                self._later(lines.line_num, -1, "", found, needed)
        if self._header is None:
            self._problem(None, "", "an empty file", "a line of parameter names, then a line for each candidate")
        elif empty:
            self._problem(1, "", "no candidates", "at least one line below the names is needed")

    def rows(self) -> "Rows":
        """What was read as points, reporting mistakes in cells, and candidates that are there twice."""
        from motet.model.rows import Rows, constant

        header, n = self._header or [], len(self._cells)
        columns: dict[str, InDomain] = {}
        for index, (name, cells) in enumerate(zip(header, zip(*self._cells, strict=True), strict=False)):
            parameter = self.parameters.get(name)
            if name in self.wrong or (self.parameters and parameter is None):
                continue
            columns[name] = read_column(cells, parameter)
            for row, (found, allowed) in columns[name].wrong.items():
                self._later(self.lines[row], index, name, found, allowed)
        fixed = {name: p.value for name, p in self.parameters.items() if isinstance(p, Fixed) and name not in columns}
        whole = {name: found.values for name, found in columns.items()}
        whole |= {name: constant(value, n) for name, value in fixed.items()}
        if whole.keys() >= self.parameters.keys() and whole:
            self._twice(columns)
        for *_, problem in sorted(self._found, key=lambda found: found[:2]):
            self.report.put(problem)
        return Rows({name: whole[name] for name in self.parameters or whole if name in whole}, n)

    def _check_header(self, header: list[str], line: int) -> None:
        for index, name in enumerate(header):
            if not name:
                self._problem(line, "", f"no name for column {index + 1}", "the name of a parameter is needed")
            elif name in header[:index]:
                self._problem(line, name, f"the column {name!r} twice", "one column a parameter")
            elif self.parameters and name not in self.parameters and name not in self.wrong:
                allowed = one_of(name, [*self.parameters, *self.wrong])
                self._problem(line, name, f"the column {name!r}", f"{allowed} (the campaign's parameters)")
            elif not re.fullmatch(NAME_PATTERN, name):
                needed = "a letter followed by letters, digits or underscores is needed"
                self._problem(line, name, f"the column {name!r}", needed)
        for name, parameter in self.parameters.items():
            if name not in header and not isinstance(parameter, Fixed):
                self._problem(line, name, "no such column", f"a column for the parameter {name!r} is needed")

    def _twice(self, columns: Mapping[str, InDomain]) -> None:
        """Report rows that are equal to one before them, those with mistakes aside."""
        import numpy as np

        wrong = [row for found in columns.values() for row in found.wrong]
        right = np.setdiff1d(np.arange(len(self._cells)), wrong)
        if not len(right) or not columns:
            return
        keys = np.column_stack([found.order()[right] for found in columns.values()])
        order = np.lexsort(keys.T[::-1])  # keeps the order of equal rows
        same = np.concatenate([[False], np.all(keys[order][1:] == keys[order][:-1], axis=1)])
        rows = right[order]
        first = rows[np.maximum.accumulate(np.where(same, 0, np.arange(len(rows))))]
        for at in np.flatnonzero(same).tolist():
            before = f"line {self.lines[int(first[at])]} has it already"
            self._later(self.lines[int(rows[at])], len(columns), "", "the same candidate twice", before)

    def _problem(self, line: int | None, key: str, found: str, allowed: str) -> None:
        self.report.put(Problem(self.file, line, key, found, allowed))

    def _later(self, line: int, column: int, key: str, found: str, allowed: str) -> None:
        self._found.append((line, column, Problem(self.file, line, key, found, allowed)))


def _spanned(rows: "Rows") -> dict[str, Parameter]:
    """A parameter for each column of numbers, from its lowest to its highest."""
    found: dict[str, Parameter] = {}
    for name, values in rows.columns.items():
        low, high = float(values.min()), float(values.max())
        found[name] = Continuous(low=low, high=high) if low < high else Fixed(value=low)
    return found
