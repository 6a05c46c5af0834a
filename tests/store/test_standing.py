"""Which experiments count, which is the best, and which make the Pareto front."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.model.objective import Objective, OutcomeConstraint
from motet.model.standing import Wanted, count_by_class, non_dominated
from motet.store.words import bound, class_name, goal, unit, wishes

UP, DOWN = Objective(goal="maximize", unit="mA"), Objective(goal="minimize")
NEAR = Objective(goal="target", target=3.0, unit="V")
PHASE = Objective(goal="classify", classes=("FCC", "BCC"))
PRESSURE = {"pressure": OutcomeConstraint(at_most=5.0, unit="bar")}

Values = dict[str, float]


def values(row: Values) -> Values:
    return row


def test_the_best_is_the_first_of_equals_among_those_that_count() -> None:
    wanted = Wanted({"a": UP}, PRESSURE)
    rows = [{"a": 1.0, "pressure": 1.0}, {"a": 9.0, "pressure": 6.0}, {"a": 2.0, "pressure": 5.0}, {"pressure": 1.0}]
    assert wanted.best([*rows, {"a": 2.0, "pressure": 0.0}], values) is rows[2]
    assert wanted.best(rows[1:2], values) is None
    assert wanted.best([], values) is None


def test_a_number_that_is_missing_does_not_meet_its_constraint() -> None:
    wanted = Wanted({"a": UP}, PRESSURE)
    assert wanted.broken({"a": 1.0}) == ("pressure",)
    assert wanted.broken({"a": 1.0, "pressure": 5.0}) == ()


def test_of_classes_none_is_the_best() -> None:
    wanted = Wanted({"phase": PHASE})
    assert wanted.best([{"phase": 1.0}], values) is None
    assert count_by_class(wanted.classes, [1.0, 0.0, 1.0]) == {"FCC": 1, "BCC": 2}


def test_the_front_takes_experiments_with_all_objectives_that_count() -> None:
    wanted = Wanted({"a": UP, "b": DOWN, "c": NEAR}, PRESSURE)
    rows: list[Values] = [
        {"a": 1.0, "b": 1.0, "c": 3.0, "pressure": 1.0},
        {"a": 2.0, "b": 2.0, "c": 2.0, "pressure": 1.0},
        {"a": 2.0, "b": 2.0, "c": 1.0, "pressure": 1.0},  # further from the target
        {"a": 9.0, "b": 0.0, "c": 3.0, "pressure": 9.0},  # breaks the constraint
        {"a": 9.0, "b": 0.0, "pressure": 1.0},  # lacks an objective
        {"a": 2.0, "b": 2.0, "c": 4.0, "pressure": 1.0},  # as good as the second
    ]
    assert wanted.front(rows, values) == [rows[0], rows[1], rows[5]]


@given(st.lists(st.tuples(*[st.integers(0, 4).map(float)] * 3), max_size=30))
def test_non_dominated_rows_are_those_that_nothing_dominates(rows: list[tuple[float, ...]]) -> None:
    def dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        return one != other and all(a >= b for a, b in zip(one, other, strict=True))

    expected = [i for i, row in enumerate(rows) if not any(dominates(other, row) for other in rows)]
    assert non_dominated(rows) == expected


def test_what_is_wanted_is_told_in_words() -> None:
    assert [goal("y", objective) for objective in (UP, DOWN, NEAR, PHASE)] == [
        "maximize y",
        "minimize y",
        "y near 3 V",
        "classify y (FCC, BCC)",
    ]
    assert bound("p", OutcomeConstraint(at_least=1, at_most=5, unit="bar")) == "p at least 1 bar and at most 5 bar"
    assert wishes(Wanted({"a": UP}, PRESSURE)) == ["maximize a", "pressure at most 5 bar"]


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, "FCC"), (1.0, "BCC"), (2.0, None), (0.5, None), (math.nan, None)]
)
def test_a_value_is_the_number_of_a_class(value: float, expected: str | None) -> None:
    wanted = Wanted({"phase": PHASE, "a": UP}, PRESSURE)
    assert class_name("phase", value, wanted) == expected
    assert class_name("a", value, wanted) is None
    assert [unit(name, wanted) for name in ("a", "pressure", "other")] == ["mA", "bar", None]
