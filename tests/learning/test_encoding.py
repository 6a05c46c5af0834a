"""Points as rows of numbers."""

import numpy as np
import pytest

from motet.errors import LearnerError
from motet.learning.encoding import Encoder
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


def test_no_points_give_no_rows(mixed: Space) -> None:
    assert Encoder(mixed).encode([]).shape == (0, 6)
