"""Measured tables: which rows are a point, which points are the top, and what a message says of a mistake."""

import math
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import FileProblems
from motet.model.objective import Objective
from motet.model.space import Categorical, Continuous, Fixed
from motet.study.replay.choices import Repeats
from motet.study.replay.measured import Measured, gathered
from motet.study.replay.reading import Columns, read_measured
from motet.study.replay.top import Amount, needed, top

HIGH, LOW = Objective(goal="maximize"), Objective(goal="minimize")
SHARED = Path(__file__).parents[4] / "shared" / "data"


def read(folder: Path, text: str, columns: Columns, objective: Objective = HIGH, how: Repeats = "unique") -> Measured:
    path = folder / "table.csv"
    path.write_text(text)
    return read_measured(path, columns, objective, how)


def mistakes(folder: Path, text: str, columns: Columns) -> list[str]:
    with pytest.raises(FileProblems) as caught:
        read(folder, text, columns)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("how", "objective", "value"),
    [("unique", HIGH, 2.5), ("mean", HIGH, 2.0), ("median", HIGH, 1.0), ("best", HIGH, 4.0), ("best", LOW, 1.0)],
)
def test_rows_of_equal_parameters_are_one_point(
    tmp_path: Path, how: Repeats, objective: Objective, value: float
) -> None:
    """Of 1, 1 and 4 the distinct values are 1 and 4."""
    text = "b,y,a\n2,7,1\n0.0,1,5\n-0,4,5.00\n0,1.0,5\n"
    table = read(tmp_path, text, Columns("y"), objective, how)
    assert table.parameters == ("b", "a")
    assert table.rows == ((0.0, 5.0), (2.0, 1.0))
    assert table.values == (value, 7.0)


def test_every_grouping_of_a_small_table_is_that_of_its_definition() -> None:
    """All orders of all tables of three rows over two points and three values."""
    rows = [(x, y) for x in (0.0, 1.0) for y in (1.0, 2.0, 4.0)]
    for some in ((a, b, c) for a in rows for b in rows for c in rows):
        wanted = {x: sorted({y for at, y in some if at == x}) for x, _ in some}
        results = {
            gathered([(x,) for x, _ in order], [y for _, y in order], HIGH, "unique") for order in permutations(some)
        }
        ((points, values),) = results
        assert points == tuple((x,) for x in sorted(wanted))
        assert values == pytest.approx([sum(wanted[x]) / len(wanted[x]) for x in sorted(wanted)])


def test_a_column_of_words_is_a_category_and_one_of_a_single_value_is_fixed(tmp_path: Path) -> None:
    table = read(tmp_path, "solvent,x,t,y\nwater,1,20,3\nethanol,2,20,1\n\nwater,3,20,2\n", Columns("y"))
    assert table.space.parameters == {
        "solvent": Categorical(choices=("ethanol", "water")),
        "x": Continuous(low=1, high=3),
        "t": Fixed(value=20.0),
    }
    assert table.points[0] == {"solvent": "ethanol", "x": 2.0, "t": 20.0}


def test_columns_are_chosen_or_left_out(tmp_path: Path) -> None:
    text = "n,a,b,y\n7,1,2,3\n8,2,2,4\n"
    assert read(tmp_path, text, Columns("y", ignore=("n",))).parameters == ("a", "b")
    assert read(tmp_path, text, Columns("y", ("b", "a"))).parameters == ("b", "a")


def test_the_order_of_rows_does_not_matter_to_the_digest_and_the_values_do(tmp_path: Path) -> None:
    first, other, different = "a,y\n1,2\n3,4\n", "a,y\n3,4\n1,2\n", "a,y\n3,4\n1,2.5\n"
    digests = [read(tmp_path, text, Columns("y")).digest for text in (first, other, different)]
    assert digests[0] == digests[1] != digests[2]


TEXT = "a,b,y\n1,2,3\n2,x,4\n3,4,nan\n4,5,inf\n5,,1\n6,7,8\n"


@pytest.mark.parametrize(
    ("text", "columns", "found"),
    [
        ("toughness,x\n1,2\n", Columns("toughnes"), ["--objective: found 'toughnes'; no such column in"]),
        ("a,y\n1,2\n", Columns("y", ("a", "c")), ["--parameters: found 'c'; no such column in"]),
        ("a,y\n1,2\n", Columns("y", ignore=("y",)), ["--ignore: found 'y'; that is the objective"]),
        ("a,y\n1,2\n", Columns("y", ("a", "a")), ["--parameters: found 'a' twice; each column once"]),
        ("a,b,y\n1,2,2\n", Columns("y", ("a",), ("a",)), ["--ignore: found 'a'; that is among the parameters"]),
        (
            TEXT,
            Columns("y"),
            [
                "table.csv:3: b: found 'x'; a finite number is needed",
                "table.csv:4: y: found nan; a finite number is needed",
                "table.csv:5: y: found inf; a finite number is needed",
                "table.csv:6: b: found an empty cell; a finite number is needed",
            ],
        ),
        ("a,y\n1,2,3\n", Columns("y"), ["table.csv:2: found 3 cells; 2 are needed, one a column"]),
        ("a,a,y\n1,2,3\n", Columns("y"), ["table.csv:1: found the column 'a' twice; each name once"]),
        ("a,,y\n1,2,3\n", Columns("y"), ["table.csv:1: found no name for column 2; a name is needed"]),
        ("y\n1\n2\n", Columns("y"), ["table.csv:1: found no column but the objective"]),
        ("", Columns("y"), ["table.csv: found an empty file; a line of column names"]),
        ("a,y\n", Columns("y"), ["table.csv: found a table of 0 rows; at least 2 rows"]),
        ("a,y\n1,2\n", Columns("y"), ["table.csv: found a table of 1 row; at least 2 rows with different"]),
        ("a,y\n1,2\n1,3\n", Columns("y"), ["table.csv: found a table of 2 rows with the same parameters"]),
        ('a,y\n"1,2\n', Columns("y"), ["table.csv:2: found broken CSV:"]),
    ],
)
def test_mistakes_are_told_with_their_row_and_column(
    tmp_path: Path, text: str, columns: Columns, found: list[str]
) -> None:
    told = mistakes(tmp_path, text, columns)
    assert len(told) == len(found)
    for one, beginning in zip(told, found, strict=True):
        assert one.startswith(beginning)


def test_the_nearest_name_of_a_column_is_offered(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, "toughness,x\n1,2\n", Columns("toughnes"))
    assert "did you mean 'toughness'?" in told


def test_many_wrong_cells_of_a_column_are_counted(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{row},none\n" for row in range(20))
    told = mistakes(tmp_path, text, Columns("y"))
    assert len(told) == 6
    assert told[-1].startswith("table.csv:7: y: found 15 more cells that are no finite number")


@pytest.mark.parametrize(
    ("text", "whole", "count"),
    [("5%", 600, 30), ("5 %", 100, 5), ("5%", 178, 9), ("1%", 2121, 22), ("30", 600, 30), ("0.1%", 10, 1)],
)
def test_a_share_is_rounded_up_as_the_data_sets_say(text: str, whole: int, count: int) -> None:
    assert Amount.of(text).count(whole) == count


@pytest.mark.parametrize("text", ["0", "0%", "101%", "0.05", "-3", "five", "", "5 percent", "nan", "1e1"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as `5%`, or a whole number from 1"):
        Amount.of(text)


@pytest.mark.parametrize(("share", "whole", "count"), [(0.8, 30, 24), (0.8, 5, 4), (0.8, 9, 8), (0.8, 22, 18)])
def test_80_percent_of_a_top_set_is_at_least_that(share: float, whole: int, count: int) -> None:
    assert needed(share, whole) == count


def test_points_equal_to_the_last_top_point_belong_to_the_top() -> None:
    merits = np.array([3.0, 1.0, 2.0, 2.0, 5.0])
    assert top(merits, 2).tolist() == [True, False, False, False, True]
    assert top(merits, 3).tolist() == [True, False, True, True, True]
    assert top(merits, 99).all()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(1, 12))
def test_no_point_outside_the_top_is_as_good_as_one_inside(values: list[int], count: int) -> None:
    merits = np.array(values, dtype=float)
    inside = top(merits, count)
    assert inside.sum() >= min(count, len(values))
    assert (merits[~inside].max(initial=-math.inf)) < merits[inside].min()
    assert np.count_nonzero(merits > merits[inside].min()) < count


@pytest.mark.parametrize(
    ("name", "columns", "objective", "points", "share", "size"),
    [
        ("crossed_barrel", Columns("toughness"), HIGH, 600, "5%", 30),
        ("autoam", Columns("Score"), HIGH, 100, "5%", 5),
        ("p3ht_cnt", Columns("Conductivity (measured) (S/cm)"), HIGH, 178, "5%", 9),
        ("oer_3496", Columns("overpotential_V", ignore=("sample_no",)), LOW, 2121, "1%", 22),
    ],
)
def test_the_shared_data_sets_have_the_points_and_top_sets_that_they_are_said_to(
    name: str, columns: Columns, objective: Objective, points: int, share: str, size: int
) -> None:
    path = SHARED / f"{name}.csv"
    if not path.is_file():
        pytest.skip("the shared data sets are not there")
    table = read_measured(path, columns, objective)
    assert len(table) == points
    assert top(table.merits, Amount.of(share).count(points)).sum() == size


def test_merits_are_turned_so_that_higher_is_better(table_of: Callable[..., Measured]) -> None:
    values: Sequence[float] = [3.0, -1.0]
    assert table_of(values, LOW).merits.tolist() == [-3.0, 1.0]
