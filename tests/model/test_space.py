"""Search spaces: which points they hold, how many, and which parameters are none."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from motet.model.space import Categorical, Continuous, Fixed, Integer, Parameter, Space, Stepped
from motet.model.values import Value

PARAMETER: TypeAdapter[Parameter] = TypeAdapter(Parameter)

names = st.sampled_from(["x", "y", "potential", "electrolyte"])


def _stepped(low: float, step: float, count: int) -> Stepped:
    return Stepped(low=low, high=low + step * count, step=step)


def _integer(low: int, count: int) -> Integer:
    return Integer(low=low, high=low + count)


eighths = st.integers(-1000, 1000).map(lambda n: n / 8)
step_sizes = st.sampled_from([0.001, 0.05, 0.1, 0.3, 1, 2.5, 7])
thirds = st.integers(-1000, 1000).map(lambda n: n / 3)
steppeds = st.builds(_stepped, eighths | thirds, step_sizes, st.integers(1, 40))
integers = st.builds(_integer, st.integers(-50, 50), st.integers(1, 40))
categoricals = st.lists(st.text(min_size=1, max_size=5), min_size=2, max_size=5, unique=True).map(
    lambda choices: Categorical(choices=tuple(choices))
)
fixeds = st.one_of(st.integers(), st.booleans(), st.text(max_size=5)).map(lambda value: Fixed(value=value))
finite: st.SearchStrategy[Parameter] = st.one_of(steppeds, integers, categoricals, fixeds)
spaces = st.dictionaries(names, finite, min_size=1, max_size=2).map(Space)


@given(finite)
def test_a_finite_parameter_holds_its_values_and_no_others(parameter: Parameter) -> None:
    values = parameter.values()
    assert values is not None
    assert len(values) == parameter.size == len(set(values))
    assert [value for value in values if parameter.problem(value) is not None] == []


@given(steppeds)
def test_a_stepped_parameter_goes_from_low_to_high_evenly(parameter: Stepped) -> None:
    values = parameter.values()
    assert values[0] == pytest.approx(parameter.low)
    assert values[-1] == pytest.approx(parameter.high)
    assert [b - a for a, b in pairwise(values)] == pytest.approx([parameter.step] * (parameter.size - 1), rel=1e-6)
    for value in values:
        assert parameter.problem(value + parameter.step / 3) is not None


def test_stepped_values_have_no_noise_in_their_last_digits() -> None:
    assert Stepped(low=0, high=0.9, step=0.1).values() == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert Stepped(low=0, high=3e-14, step=1e-14).values() == (0, 1e-14, 2e-14, 3e-14)


@given(spaces)
def test_a_finite_space_has_as_many_points_as_it_says_all_of_them_inside(space: Space) -> None:
    points = list(space.points())
    assert len(points) == space.size
    assert len({tuple(point.items()) for point in points}) == len(points)
    for point in points[:: max(1, len(points) // 50)]:
        assert space.problems(point) == []


@given(spaces, names, st.one_of(st.none(), st.floats(allow_nan=True), st.text(max_size=3)))
def test_a_point_is_inside_exactly_when_every_value_is(space: Space, name: str, value: Any) -> None:
    point: dict[str, Value] = dict(next(space.points()))
    point[name] = value
    inside = name in space.parameters and space.parameters[name].problem(value) is None
    assert (space.problems(point) == []) is inside


def test_the_last_parameter_varies_fastest() -> None:
    space = Space({"a": Integer(low=1, high=2), "b": Categorical(choices=("u", "v"))})
    assert [tuple(point.values()) for point in space.points()] == [(1, "u"), (1, "v"), (2, "u"), (2, "v")]


def test_a_continuous_space_is_infinite_and_cannot_be_listed() -> None:
    space = Space({"x": Continuous(low=0, high=1), "n": Integer(low=0, high=3)})
    assert space.size == math.inf
    with pytest.raises(ValueError, match="parameter x is continuous"):
        list(space.points())


def test_a_table_of_candidates_is_the_whole_space() -> None:
    rows = ({"x": 0.5}, {"x": 0.25})
    space = Space({"x": Continuous(low=0, high=1)}, rows)
    assert space.size == 2
    assert tuple(space.points()) == rows


def test_what_is_wrong_with_a_point_is_said_of_every_value() -> None:
    space = Space(
        {
            "x": Stepped(low=0, high=10, step=2.5),
            "n": Integer(low=1, high=3),
            "m": Categorical(choices=("dry", "wet")),
            "c": Continuous(low=0, high=1),
            "f": Fixed(value=5),
        }
    )
    assert space.problems({"x": 1, "n": 1.5, "m": "damp", "c": math.nan, "z": 0}) == [
        "f is missing",
        "z is not a parameter",
        "x = 1 must be a number from 0 to 10 in steps of 2.5",
        "n = 1.5 must be a whole number in [1, 3]",
        "m = 'damp' must be one of dry, wet",
        "c = nan must be a number in [0, 1]",
    ]


@pytest.mark.parametrize("value", [True, "1", math.inf, -0.1, 1.1])
def test_numbers_are_numbers(value: Value) -> None:
    assert Continuous(low=0, high=1).problem(value) == "a number in [0, 1]"
    assert Integer(low=0, high=1).problem(value) is not None


def test_the_size_of_a_huge_grid_is_known_without_listing_it() -> None:
    grid = Stepped(low=0, high=1e9, step=1)
    assert Space({"a": grid, "b": grid, "c": grid}).size == (10**9 + 1) ** 3


@pytest.mark.parametrize(
    ("entry", "where", "reason"),
    [
        ({"type": "continuous", "low": 1, "high": 1}, "high", "high must be above low, which is 1"),
        ({"type": "integer", "low": 3, "high": 1}, "high", "high must be above low, which is 3"),
        (
            {"type": "stepped", "low": 0, "high": 1, "step": 0.3},
            "step",
            "must divide the range from low 0 to",
        ),
        ({"type": "stepped", "low": 0, "high": 1, "step": -1}, "step", "greater than 0"),
        ({"type": "continuous", "low": 0, "high": math.inf}, "high", "finite"),
        ({"type": "continuous", "low": "0", "high": 1}, "low", "number"),
        ({"type": "continuous", "low": True, "high": 2}, "low", "number"),
        ({"type": "integer", "low": 0.5, "high": 2}, "low", "integer"),
        ({"type": "continuous", "low": 0, "high": 1, "scale": "log"}, "scale", "needs low above 0; it is 0"),
        ({"type": "continuous", "low": 1, "high": 2, "scale": "ln"}, "scale", "'linear' or 'log'"),
        ({"type": "stepped", "low": 1, "high": 2, "step": 1, "scale": "log"}, "scale", "not permitted"),
        ({"type": "categorical", "choices": ["a"]}, "choices", "at least 2"),
        ({"type": "categorical", "choices": ["a", "b", "a"]}, "choices", "more than once: a"),
        ({"type": "fixed", "value": math.nan}, "value", "finite"),
        ({"type": "fixed", "value": 1, "values": 2}, "values", "not permitted"),
    ],
)
def test_parameters_that_are_none(entry: Mapping[str, Any], where: str, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PARAMETER.validate_python(entry)
    error = caught.value.errors()[0]
    assert where in error["loc"]
    assert reason in error["msg"]


DESCRIBED: dict[str, Any] = {
    "type": "categorical",
    "choices": ["water", "ethanol"],
    "descriptors": {"water": {"polarity": 10.2, "boiling": 100}, "ethanol": {"polarity": 4.3, "boiling": 78}},
}


@pytest.mark.parametrize(
    ("descriptors", "reason"),
    [
        ({"water": {"polarity": 10.2}}, "every choice needs its descriptors; there are none of ethanol"),
        (
            {"water": {"polarity": 1}, "ethanol": {"polarity": 2}, "dmso": {"polarity": 3}},
            "descriptors of choices only; dmso is none of water, ethanol",
        ),
        (
            {"water": {"polarity": 1, "boiling": 1}, "ethanol": {"polarity": 2}},
            "the same descriptors of every choice: polarity, boiling; ethanol has polarity",
        ),
        (
            {"water": {"polarity": 1}, "ethanol": {"polarity": 1.0}},
            "descriptors that tell the choices apart; water and ethanol have equal ones",
        ),
        ({"water": {}, "ethanol": {}}, "at least one descriptor is needed; water has none"),
        ({"water": {"polarity": "high"}, "ethanol": {"polarity": 1}}, "valid number"),
    ],
)
def test_descriptors_that_are_none(descriptors: Any, reason: str) -> None:
    PARAMETER.validate_python(DESCRIBED)
    with pytest.raises(ValidationError, match=reason):
        PARAMETER.validate_python({**DESCRIBED, "descriptors": descriptors})


@given(finite)
def test_parameters_survive_json(parameter: Parameter) -> None:
    assert PARAMETER.validate_json(PARAMETER.dump_json(parameter)) == parameter
