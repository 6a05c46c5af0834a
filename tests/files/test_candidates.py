"""Tables of candidates: what is read from them, and every wrong cell."""

from collections.abc import Callable
from pathlib import Path

import pytest

from motet.files.campaign import load_campaign
from motet.files.candidates import read_table
from motet.files.report import Report
from motet.model.space import Categorical, Continuous, Fixed, Integer, Parameter, Stepped
from motet.plugins import Registry

Write = Callable[..., Path]
Problems = Callable[[Path], list[str]]

PARAMETERS: dict[str, Parameter] = {
    "x": Stepped(low=0, high=10, step=2.5),
    "n": Integer(low=1, high=3),
    "mode": Categorical(choices=("dry", "wet")),
    "gain": Fixed(value=2.0),
}


def mistakes(folder: Path, text: str, parameters: dict[str, Parameter]) -> list[str]:
    path = folder / "points.csv"
    path.write_text(text)
    report = Report()
    assert read_table(path, parameters, report) is None
    return [str(problem).replace(f"{folder}/", "") for problem in report.problems]


def test_rows_become_points_in_the_order_of_the_parameters(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text('\ufeffmode, n ,x\ndry,1, 2.5\n\n"wet",2,1e1\n', encoding="utf-8")
    table = read_table(path, PARAMETERS, Report())
    assert table is not None
    assert [dict(row) for row in table.rows] == [
        {"x": 2.5, "n": 1, "mode": "dry", "gain": 2.0},
        {"x": 10.0, "n": 2, "mode": "wet", "gain": 2.0},
    ]
    assert list(table.rows[0]) == ["x", "n", "mode", "gain"]
    assert type(table.rows[0]["n"]) is int


def test_without_parameters_columns_span_theirs(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("a,b\n1,5\n-2,5\n")
    table = read_table(path, {}, Report())
    assert table is not None
    assert table.parameters == {"a": Continuous(low=-2, high=1), "b": Fixed(value=5.0)}


def test_every_wrong_cell_is_reported_with_its_line_and_column(tmp_path: Path) -> None:
    text = 'x,n,mode\n2.5,1,dry\n,4,damp\nnan,1.5,wet\n1_0,inf,wet\n3,2,wet\n5,2\n5,2,wet,7\n"7,5",x,dry\n2.50,1,dry\n'
    assert mistakes(tmp_path, text, PARAMETERS) == [
        "points.csv:3: x: found an empty cell; a value is needed",
        "points.csv:3: n: found 4; a whole number in [1, 3] is needed",
        "points.csv:3: mode: found damp; one of dry, wet is needed",
        "points.csv:4: x: found nan; a finite number is needed",
        "points.csv:4: n: found 1.5; a whole number in [1, 3] is needed",
        "points.csv:5: x: found '1_0'; a number is needed",
        "points.csv:5: n: found inf; a finite number is needed",
        "points.csv:6: x: found 3; a number from 0 to 10 in steps of 2.5 is needed",
        "points.csv:7: found 2 cells; 3 are needed, one a column",
        "points.csv:8: found 4 cells; 3 are needed, one a column",
        "points.csv:9: x: found '7,5'; a number is needed",
        "points.csv:9: n: found 'x'; a number is needed",
        "points.csv:10: found the same candidate twice; line 2 has it already",
    ]


def test_columns_are_those_of_the_parameters(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "x,modd,x,\n2.5,dry,5,1\n", PARAMETERS) == [
        "points.csv:1: modd: found the column 'modd'; did you mean 'mode'? allowed: x, n, mode, gain "
        "(the campaign's parameters)",
        "points.csv:1: x: found the column 'x' twice; one column a parameter",
        "points.csv:1: found no name for column 4; the name of a parameter is needed",
        "points.csv:1: n: found no such column; a column for the parameter 'n' is needed",
        "points.csv:1: mode: found no such column; a column for the parameter 'mode' is needed",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "points.csv: found an empty file; a line of parameter names, then a line for each candidate"),
        ("x\n", "points.csv:1: found no candidates; at least one line below the names is needed"),
        ("x\n\n\n", "points.csv:1: found no candidates; at least one line below the names is needed"),
        ("2x\n1\n", "points.csv:1: 2x: found the column '2x'; a letter followed by letters, digits or "
         "underscores is needed"),
        ('x\n"1\n', "points.csv: found broken CSV: unexpected end of data; columns separated by commas are "
         "needed"),
    ],
)  # fmt: skip
def test_tables_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    assert mistakes(tmp_path, text, {}) == [message]


def test_a_table_that_is_no_text_says_where(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(b"x\n1\n\xff\n")
    report = Report()
    assert read_table(path, {}, report) is None
    assert (report.problems[0].line, report.problems[0].found) == (3, "the byte 0xff")


def test_a_campaign_may_have_candidates_alone(write: Write, registry: Registry) -> None:
    campaign = write(**{"points.csv": "x\n1\n2\n4\n"}).read_text()
    kept = [line for line in campaign.splitlines() if not line.startswith(("parameters", "  x:"))]
    file = load_campaign(write(campaign="\n".join([*kept, "candidates: points.csv"])), registry)
    assert [dict(point) for point in file.space.points()] == [{"x": 1.0}, {"x": 2.0}, {"x": 4.0}]
    assert file.files["points.csv"] == "x\n1\n2\n4\n"
    assert file.space.parameters["x"].model_dump()["unit"] == "mm"


def test_a_campaigns_candidates_are_checked_with_everything_else(write: Write, problems: Problems) -> None:
    path = write(**{"points.csv": "x\n5\nfast\n"})
    text = path.read_text().replace("seed", "seeds")
    path.write_text(f"{text}candidates: points.csv\nseeds: 5\n")
    assert [line.partition(" found")[0] for line in problems(path)] == [
        "campaign.yaml:10: seeds:",
        "points.csv:3: x:",
    ]


def test_the_range_of_the_table_is_held_against_the_limits(write: Write, problems: Problems) -> None:
    campaign = write(**{"points.csv": "x\n1\n500\n"}).read_text()
    kept = [line for line in campaign.splitlines() if not line.startswith(("parameters", "  x:"))]
    path = write(campaign="\n".join([*kept, "candidates: points.csv"]))
    assert problems(path) == [
        "campaign.yaml:7: candidates: found x in [1, 500] mm; stage.move takes x in [-100, 100] mm, "
        "the limit of the instrument"
    ]
