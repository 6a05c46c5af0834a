"""Points as rows of numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import LearnerError
from motet.learning.encoding import Encoder
from motet.model.constraints import Sum
from motet.model.space import Categorical, Continuous, Fixed, Integer, Space, Stepped
from motet.model.values import Point


@pytest.fixture
def mixed() -> Space:
    return Space(
        {
            "temperature": Continuous(low=-20, high=80, unit="degC"),
            "x": Stepped(low=1, high=2, step=0.1),
            "solvent": Categorical(choices=("water", "ethanol", "dmso")),
            "cycles": Integer(low=1, high=5),
            "cell": Fixed(value="A"),
        }
    )


def test_numbers_are_scaled_categories_one_hot_and_fixed_left_out(mixed: Space) -> None:
    point: Point = {"temperature": 30.0, "x": 1.3, "solvent": "ethanol", "cycles": 2, "cell": "A"}

    row = Encoder(mixed).encode([point])[0]

    assert row.tolist() == pytest.approx([0.5, 0.3, 0, 1, 0, 0.25])
    assert row.dtype == np.float64


def test_a_candidate_table_is_scaled_by_its_own_range() -> None:
    table: list[Point] = [{"x": 10.0}, {"x": 30.0}, {"x": 50.0}]

    rows = Encoder(Space({"x": Continuous(low=0, high=100)}, table)).encode(table)

    assert rows.ravel().tolist() == [0.0, 0.5, 1.0]


def test_a_constant_column_of_a_table_is_zero() -> None:
    table: list[Point] = [{"x": 3.0, "y": 1.0}, {"x": 3.0, "y": 2.0}]
    space = Space({"x": Continuous(low=0, high=9), "y": Continuous(low=0, high=9)}, table)

    assert Encoder(space).encode(table).tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_rounding_on_the_way_does_not_make_another_point(mixed: Space) -> None:
    encoder = Encoder(mixed)
    point: Point = {"temperature": 30.0, "x": 1.3, "solvent": "dmso", "cycles": 2, "cell": "A"}

    assert encoder.key(point) == encoder.key({**point, "x": 1 + 0.1 * 3, "cycles": 2.0})
    assert encoder.key({**point, "x": 1.0}) == encoder.key({**point, "x": 1 + 1e-9})
    assert encoder.key(point) != encoder.key({**point, "x": 1.4})


def test_the_key_of_a_point_outside_the_space_is_an_error_that_says_why(mixed: Space) -> None:
    point: Point = {"temperature": 90.0, "x": 1.3, "solvent": "acetone", "cycles": 2}

    with pytest.raises(LearnerError, match=r"temperature = 90\.0 must be a number in \[-20, 80\]") as error:
        Encoder(mixed).key(point)

    assert "'acetone' must be one of water, ethanol, dmso" in str(error.value)
    assert "cell is missing" in str(error.value)


def test_a_log_scale_is_scaled_by_its_logarithms() -> None:
    space = Space({"c": Continuous(low=1e-6, high=1e-2, scale="log"), "x": Continuous(low=0, high=1)})

    rows = Encoder(space).encode([{"c": 1e-6, "x": 0.0}, {"c": 1e-4, "x": 0.5}, {"c": 1e-3, "x": 1.0}])

    assert rows[:, 0].tolist() == pytest.approx([0, 0.5, 0.75])


def test_a_log_scale_of_a_table_reaches_from_its_lowest_to_its_highest_value() -> None:
    table: list[Point] = [{"c": 1e-5}, {"c": 1e-4}, {"c": 1e-3}]

    rows = Encoder(Space({"c": Continuous(low=1e-9, high=1, scale="log")}, table)).encode(table)

    assert rows.ravel().tolist() == pytest.approx([0, 0.5, 1])


@given(values=st.lists(st.floats(1e-7, 1e3), min_size=1, max_size=70))
def test_a_point_has_the_same_row_alone_as_among_many(values: list[float]) -> None:
    space = Space({"c": Continuous(low=1e-7, high=1e3, scale="log"), "x": Continuous(low=-1, high=1e3)})
    encoder = Encoder(space)
    points: list[Point] = [{"c": value, "x": value} for value in values]

    assert [encoder.key(point) for point in points] == [row.tobytes() for row in encoder.encode(points)]


def test_choices_with_descriptors_are_encoded_by_them_scaled_over_the_choices() -> None:
    space = Space(
        {
            "solvent": Categorical(
                choices=("water", "ethanol", "hexane"),
                descriptors={
                    "water": {"polarity": 10, "boiling": 100, "phase": 1},
                    "ethanol": {"boiling": 78, "phase": 1, "polarity": 4},
                    "hexane": {"polarity": 0, "boiling": 68, "phase": 1},
                },
            ),
            "x": Continuous(low=0, high=1),
        }
    )
    encoder = Encoder(space)

    rows = encoder.encode([{"solvent": name, "x": 0.5} for name in ("water", "ethanol", "hexane")])

    assert encoder.width == 4
    assert rows.tolist() == [[1, 1, 0, 0.5], [0.4, 10 / 32, 0, 0.5], [0, 0, 0, 0.5]]


def test_a_point_that_breaks_a_constraint_has_no_key() -> None:
    unit = Continuous(low=0, high=1)
    space = Space({"x": unit, "y": unit}, None, [Sum(sum=("x", "y"), equals=1)])

    Encoder(space).key({"x": 0.25, "y": 0.75})
    with pytest.raises(LearnerError, match="it breaks the constraint `x \\+ y equal to 1`"):
        Encoder(space).key({"x": 0.25, "y": 0.5})


def test_a_number_below_zero_by_its_sign_alone_is_zero() -> None:
    encoder = Encoder(Space({"x": Continuous(low=0, high=1), "n": Stepped(low=-1, high=1, step=0.5)}))

    assert encoder.key({"x": 0.0, "n": 0.0}) == encoder.key({"x": -0.0, "n": -0.0})


def test_no_points_give_no_rows(mixed: Space) -> None:
    assert Encoder(mixed).encode([]).shape == (0, 6)
