"""A table of candidates (CSV, one column a parameter): the only points that a campaign may choose from."""

import csv
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from motet.errors import Problem
from motet.files.node import shown
from motet.files.report import Report, one_of
from motet.files.source import read_text
from motet.model.space import Categorical, Continuous, Fixed, Integer, Parameter
from motet.model.values import NAME_PATTERN, Point, Value


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a table as points, the parameters they span, and the exact text of the file."""

    rows: Sequence[Point]
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
    if len(report.problems) > before:
        return None
    return Table(reader.rows, parameters or _spanned(reader.rows), text)


@dataclass
class _Reader:
    file: str
    parameters: Mapping[str, Parameter]
    report: Report
    wrong: frozenset[str]
    rows: list[Point] = field(default_factory=list[Point])
    _seen: dict[tuple[Value, ...], int] = field(default_factory=dict[tuple[Value, ...], int])

    def read(self, text: str) -> None:
        """Read all rows, reporting every mistake."""
        lines = csv.reader(text.splitlines(keepends=True), strict=True)
        header: list[str] | None = None
        empty = True
        for cells in filter(None, lines):
            if header is None:
                header = [cell.strip() for cell in cells]
                self._header(header, lines.line_num)
                continue
            empty = False
            if len(cells) == len(header):
                self._row(header, cells, lines.line_num)
            else:
                found, needed = f"{len(cells)} cells", f"{len(header)} are needed, one a column"
                self._problem(lines.line_num, "", found, needed)
        if header is None:
            self._problem(None, "", "an empty file", "a line of parameter names, then a line for each candidate")
        elif empty:
            self._problem(1, "", "no candidates", "at least one line below the names is needed")

    def _header(self, header: list[str], line: int) -> None:
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

    def _row(self, header: list[str], cells: list[str], line: int) -> None:
        point: dict[str, Value] = {n: p.value for n, p in self.parameters.items() if isinstance(p, Fixed)}
        before = len(self.report.problems)
        for name, cell in zip(header, cells, strict=True):
            parameter = self.parameters.get(name)
            if name not in self.wrong and (parameter is not None or not self.parameters):
                value = self._cell(name, cell.strip(), parameter, line)
                if value is not None:
                    point[name] = value
        if len(self.report.problems) > before or not self.parameters.keys() <= point.keys():
            return
        key = tuple(point[name] for name in sorted(point))
        first = self._seen.setdefault(key, line)
        if first != line:
            self._problem(line, "", "the same candidate twice", f"line {first} has it already")
        self.rows.append({name: point[name] for name in self.parameters} if self.parameters else point)

    def _cell(self, name: str, cell: str, parameter: Parameter | None, line: int) -> Value | None:
        """The value of a cell.

        None, with the reason in the report, when it has none in the parameter's domain.
        """
        if not cell:
            self._problem(line, name, "an empty cell", "a value is needed")
            return None
        value = _value(cell, parameter)
        if value is None:
            self._problem(line, name, shown(cell), "a number is needed")
        elif isinstance(value, float) and not math.isfinite(value):
            self._problem(line, name, cell, "a finite number is needed")
        elif parameter is not None and (allowed := parameter.problem(value)) is not None:
            self._problem(line, name, cell, f"{allowed} is needed")
        else:
            return value
        return None

    def _problem(self, line: int | None, key: str, found: str, allowed: str) -> None:
        self.report.put(Problem(self.file, line, key, found, allowed))


def _value(cell: str, parameter: Parameter | None) -> Value | None:
    """A cell as a value of the parameter's type, None when a number is needed and it is none."""
    if isinstance(parameter, Categorical) or (isinstance(parameter, Fixed) and isinstance(parameter.value, str)):
        return cell
    if isinstance(parameter, Fixed) and isinstance(parameter.value, bool):
        return {"true": True, "false": False}.get(cell.lower(), cell)
    try:
        number = float(cell.replace("_", "?"))
    except ValueError:
        return None
    whole = isinstance(parameter, Integer) and number.is_integer()
    return int(number) if whole else number


def _spanned(rows: Sequence[Point]) -> dict[str, Parameter]:
    """A parameter for each column of numbers, from its lowest to its highest."""
    found: dict[str, Parameter] = {}
    for name in rows[0]:
        column = [float(row[name]) for row in rows]
        low, high = min(column), max(column)
        found[name] = Continuous(low=low, high=high) if low < high else Fixed(value=low)
    return found
