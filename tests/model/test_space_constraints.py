"""What the points of a space must meet besides the ranges of its parameters."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from motet.model.axes import Axes
from motet.model.constraints import Between, Constraint, Forbidden, Linear, Nonzero, Sum
from motet.model.feasible import witness
from motet.model.listing import LISTED_AT_MOST
from motet.model.rows import Rows
from motet.model.space import Categorical, Continuous, Fixed, Integer, Parameter, Space, Stepped
from motet.model.values import Point

CONSTRAINT: TypeAdapter[Constraint] = TypeAdapter(Constraint)

PARAMETERS: dict[str, Parameter] = {
    "a": Stepped(low=0, high=1, step=0.25),
    "b": Stepped(low=-0.5, high=0.5, step=0.5),
    "n": Integer(low=0, high=3),
    "f": Fixed(value=0.5),
    "s": Categorical(choices=("water", "ethanol", "dmso")),
}
NUMBERS = ("a", "b", "n", "f")
quarters = st.integers(-8, 8).map(lambda n: n / 4)
ends = st.sampled_from(["at_least", "at_most", "equals"]).flatmap(lambda end: quarters.map(lambda value: {end: value}))
subsets = st.lists(st.sampled_from(NUMBERS), min_size=2, unique=True)
weights = st.dictionaries(st.sampled_from(NUMBERS), quarters.filter(bool), min_size=1)
linears = st.tuples(weights, ends).map(lambda found: Linear.model_validate({"linear": found[0], **found[1]}))
sums = st.tuples(subsets, ends).map(lambda found: Sum.model_validate({"sum": found[0], **found[1]}))
nonzeros = st.tuples(subsets, st.integers(1, 2)).map(lambda found: Nonzero(nonzero=tuple(found[0]), at_most=found[1]))
betweens = st.dictionaries(st.sampled_from(["above", "below", "at_least", "at_most"]), quarters, min_size=1).map(
    Between.model_validate
)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "a": betweens | st.sampled_from([0.0, 0.5, (0.25, 1.0)]),
        "n": betweens | st.sampled_from([1, (0, 3)]),
        "f": betweens | st.just(0.5),
        "s": st.sampled_from(["water", ("water", "dmso")]),
    },
).filter(bool)
forbiddens = conditions.map(lambda found: Forbidden.model_validate({"forbidden": found}))
constraints: st.SearchStrategy[Constraint] = st.one_of(linears, sums, nonzeros, forbiddens)


def product() -> list[Point]:
    columns = [parameter.values() or () for parameter in PARAMETERS.values()]
    return [dict(zip(PARAMETERS, row, strict=True)) for row in itertools.product(*columns)]


@given(constraint=constraints)
def test_one_point_is_judged_as_in_columns(constraint: Constraint) -> None:
    points = product()
    columns = Rows.of(points, tuple(PARAMETERS)).columns

    assert np.broadcast_to(constraint.holds(columns), len(points)).tolist() == [
        bool(constraint.holds(point)) for point in points
    ]


@given(found=st.lists(constraints, min_size=1, max_size=3))
def test_the_points_of_a_space_are_those_of_the_product_that_meet_every_constraint(found: list[Constraint]) -> None:
    space = Space(PARAMETERS, None, found)

    expected = [point for point in product() if all(constraint.holds(point) for constraint in found)]

    assert list(space.points()) == expected
    assert space.size == len(expected)
    assert [point for point in product() if not space.problems(point)] == expected


@settings(max_examples=60, deadline=None)  # the first one imports the solver
@given(found=st.lists(constraints, min_size=1, max_size=3))
def test_the_solver_finds_a_point_exactly_when_there_is_one(found: list[Constraint]) -> None:
    axes = Axes(PARAMETERS, found)

    point = witness(axes)

    assert (point is not None) == (Space(PARAMETERS, None, found).size > 0)
    assert point is None or axes.met(point[None, :]).all()


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ([{"sum": ["x", "y", "z"], "equals": 1}], True),
        ([{"sum": ["x", "y", "z"], "equals": 3.01}], False),
        ([{"sum": ["x", "y"], "at_least": 1.5}, {"linear": {"x": 1, "y": -1}, "at_least": 0.6}], False),
        ([{"sum": ["x", "y", "z"], "equals": 2.5}, {"nonzero": ["x", "y", "z"], "at_most": 2}], False),
        ([{"forbidden": {"x": {"at_least": 0.0}}}], False),
        ([{"forbidden": {"x": {"above": 0.0}}}], True),
        ([{"forbidden": {"s": ["u", "v"]}}], False),
        ([{"forbidden": {"s": "u"}}, {"forbidden": {"s": "v", "x": {"below": 0.5}}}, _max := {"sum": ["x", "y"],
          "at_most": 0.4}], False),
        ([{"forbidden": {"s": "u"}}, {"forbidden": {"s": "v", "x": {"below": 0.4}}}, _max], True),
        ([{"forbidden": {"x": [0.25, 0.5]}}, {"linear": {"x": 1}, "equals": 0.5}], False),
    ],
)  # fmt: skip
def test_the_solver_decides_about_spaces_that_cannot_be_listed(written: list[Any], left: bool) -> None:
    unit = Continuous(low=0, high=1)
    parameters: dict[str, Parameter] = {"x": unit, "y": unit, "z": unit, "s": Categorical(choices=("u", "v"))}
    found = [CONSTRAINT.validate_python(one) for one in written]

    assert (witness(Axes(parameters, found)) is not None) is left


def test_a_composition_is_listed_without_going_through_its_product() -> None:
    names = tuple("abcdef")
    axis = Stepped(low=0, high=1, step=0.05)
    space = Space(dict.fromkeys(names, axis), None, [Sum(sum=names, equals=1)])

    assert math.prod([21] * 6) > 100 * LISTED_AT_MOST
    assert space.size == math.comb(25, 5)
    assert all(sum(map(float, point.values())) == pytest.approx(1, abs=1e-12) for point in space.points())


def test_a_space_with_too_many_points_to_list_has_at_most_those_of_the_product() -> None:
    names = tuple("abcdef")
    space = Space(dict.fromkeys(names, Stepped(low=0, high=1, step=0.01)), None, [Sum(sum=names, equals=1)])

    assert space.listed() is None
    assert space.size == 101**6


def test_steps_that_are_rounded_add_up_to_one_all_the_same() -> None:
    third = Stepped(low=0, high=0.999999, step=0.333333)
    space = Space({"a": third, "b": third, "c": third}, None, [Sum(sum=("a", "b", "c"), equals=1)])

    assert space.size == 10
    assert space.problems({"a": 0.333333, "b": 0.333333, "c": 0.333333}) == []
    assert witness(Axes({**space.parameters, "x": Continuous(low=0, high=1)}, space.constraints)) is not None


def test_a_point_that_breaks_a_constraint_is_told_which() -> None:
    hot = Forbidden.model_validate({"forbidden": {"s": ["water", "dmso"], "n": {"above": 1, "at_most": 3}}})
    found: list[Constraint] = [
        Linear(linear={"a": 1, "b": -2}, at_most=0.5, at_least=-1),
        Sum(sum=("a", "n"), equals=2),
        Nonzero(nonzero=("a", "b", "n"), at_most=1),
        hot,
    ]

    problems = Space(PARAMETERS, None, found).problems({"a": 1, "b": 0.0, "n": 2, "f": 0.5, "s": "water"})

    assert problems == [
        "it breaks the constraint `a - 2 b at least -1 and at most 0.5`",
        "it breaks the constraint `a + n equal to 2`",
        "it breaks the constraint `at most 1 of a, b, n non-zero`",
        "it breaks the constraint `not s = water or dmso with n above 1 and at most 3`",
    ]


def test_rounding_breaks_no_constraint() -> None:
    tenths = Stepped(low=0, high=1, step=0.1)
    space = Space({"x": tenths, "y": tenths}, None, [Sum(sum=("x", "y"), at_most=0.3)])

    assert space.problems({"x": 0.1, "y": 0.2}) == []
    assert space.problems({"x": 0.2, "y": 0.2}) != []


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (
            Linear(linear={"a": 1, "z": 1}, at_most=1),
            r"`a \+ z at most 1` names the parameter 'z'; the parameters are a,",
        ),
        (Sum(sum=("a", "s"), equals=1), "names the parameter 's', whose values are no numbers; `forbidden` is about"),
        (Nonzero(nonzero=("a", "s"), at_most=1), "the parameter 's', whose values are no numbers"),
        (Forbidden(forbidden={"s": "acetone"}), "names s = 'acetone'; one of water, ethanol, dmso is needed"),
        (Forbidden(forbidden={"s": Between(above=3)}), "bounds of s, whose values are no numbers; a choice or a list"),
        (Forbidden(forbidden={"n": (1, 7)}), r"names n = 7; a whole number in \[0, 3\] is needed"),
        (Forbidden(forbidden={"q": 5}), "names the parameter 'q'"),
    ],
    ids=str,
)
def test_a_constraint_that_does_not_fit_the_parameters_is_refused(constraint: Constraint, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Space(PARAMETERS, None, [constraint])


def test_numbers_of_several_units_are_not_added_up() -> None:
    parameters: dict[str, Parameter] = {
        "x": Continuous(low=0, high=1, unit="mL"),
        "y": Continuous(low=0, high=1),
        "z": Continuous(low=0, high=1, unit="uL"),
    }

    with pytest.raises(ValueError, match="names x in mL and z in uL; one unit is needed"):
        Space(parameters, None, [Sum(sum=("x", "y", "z"), equals=1)])
    Space(parameters, None, [Linear(linear={"x": 1000, "z": 1}, equals=1)])


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({"total": ["a"], "equals": 1}, "one of the keys `linear`, `sum`, `nonzero`, `forbidden`"),
        ({"sum": ["a", "b"], "nonzero": ["a", "b"], "at_most": 1}, "one of the keys"),
        (5, "one of the keys"),
        ({"sum": ["a", "b"]}, "`at_least`, `at_most` or both are needed, or `equals` alone"),
        ({"sum": ["a", "b"], "equals": 1, "at_most": 2}, "`at_least`, `at_most` or both are needed, or `equals` alone"),
        ({"linear": {"a": 1}, "at_least": 2, "at_most": 1}, "at_most must not be below at_least, which is 2"),
        ({"sum": ["a", "b", "a"], "equals": 1}, "there more than once: a"),
        ({"nonzero": ["a", "a"], "at_most": 1}, "there more than once: a"),
        ({"nonzero": ["a", "b"], "at_most": 0}, "greater than or equal to 1"),
        ({"forbidden": {"a": {}}}, "one of `above`, `at_least`, `below`, `at_most` at least is needed"),
        ({"forbidden": {}}, "at least 1"),
        ({"linear": {"a": "1"}, "equals": 1}, "valid number"),
    ],
    ids=str,
)
def test_constraints_that_are_none(written: Any, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        CONSTRAINT.validate_python(written)


@given(constraint=constraints)
def test_constraints_survive_json(constraint: Constraint) -> None:
    plain: Mapping[str, Any] = constraint.model_dump(mode="json", exclude_none=True)

    assert CONSTRAINT.validate_python(plain) == constraint


def test_a_table_keeps_the_rows_that_meet_the_constraints() -> None:
    table: list[Point] = [{"x": 0.25, "y": 0.75}, {"x": 0.5, "y": 0.75}, {"x": 1.0, "y": 0.0}]
    unit = Continuous(low=0, high=1)
    space = Space({"x": unit, "y": unit}, table, [Sum(sum=("x", "y"), equals=1)])

    assert space.size == 2
    assert list(space.points()) == [table[0], table[2]]
