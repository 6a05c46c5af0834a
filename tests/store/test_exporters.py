"""CSV and JSON lines, read back by the standard library's readers."""

import csv
import io
import json
import math
from typing import Any

from motet.contracts.declarations import NoOptions
from motet_plugins.exporters.csv_table import CsvTable
from motet_plugins.exporters.json_lines import JsonLines

ROWS: list[dict[str, Any]] = [
    {"number": 1, "state": "done", "x": 2.5, "flag": True, "why": 'a, "b"\nc <ä>'},
    {"number": 2, "state": "failed", "x": None, "flag": False, "why": ""},
]


def test_csv_has_a_header_and_survives_commas_quotes_and_line_breaks() -> None:
    out = io.StringIO(newline="")
    CsvTable(NoOptions()).write(ROWS, out)
    assert out.getvalue().startswith("number,state,x,flag,why\r\n1,done,2.5,true,")
    first, second = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert first == {"number": "1", "state": "done", "x": "2.5", "flag": "true", "why": 'a, "b"\nc <ä>'}
    assert (second["x"], second["why"]) == ("", "")


def test_csv_of_nothing_is_empty() -> None:
    out = io.StringIO(newline="")
    CsvTable(NoOptions()).write([], out)
    assert out.getvalue() == ""


def test_json_lines_are_one_object_a_line() -> None:
    out = io.StringIO()
    JsonLines(NoOptions()).write(ROWS, out)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == ROWS


def test_json_lines_write_null_for_what_is_not_finite() -> None:
    out = io.StringIO()
    JsonLines(NoOptions()).write([{"x": math.nan, "y": -math.inf, "z": 1.5}], out)
    assert json.loads(out.getvalue()) == {"x": None, "y": None, "z": 1.5}
