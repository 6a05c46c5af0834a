"""Trajectories: continuous, at rest at the target, stopped at the ends of the travel."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet_simulators.motion import braking, rest, trapezoid

places = st.floats(-1e6, 1e6, allow_nan=False)


def test_a_long_way_takes_distance_over_speed_and_one_ramp() -> None:
    path = trapezoid(start=2.0, origin=0.0, target=100.0, speed=10.0, acceleration=20.0)
    assert path.end == pytest.approx(2.0 + 100 / 10 + 10 / 20)
    assert path.position(2.0) == 0.0
    assert path.velocity(5.0) == pytest.approx(10.0)
    assert path.position(path.end) == 100.0


def test_a_short_way_never_reaches_full_speed() -> None:
    path = trapezoid(start=0.0, origin=5.0, target=4.0, speed=100.0, acceleration=1.0)
    assert path.end == pytest.approx(2.0)
    assert path.velocity(1.0 - 1e-9) == pytest.approx(-1.0, abs=1e-6)
    assert path.position(1.0) == pytest.approx(4.5)


@given(places, places, st.floats(0.1, 1e4), st.floats(0.1, 1e4))
def test_a_motion_stays_between_its_ends(origin: float, target: float, speed: float, acceleration: float) -> None:
    path = trapezoid(0.0, origin, target, speed, acceleration)
    slack = 1e-6 * (1 + abs(origin) + abs(target))
    for part in range(11):
        position = path.position(path.end * part / 10)
        assert min(origin, target) - slack <= position <= max(origin, target) + slack
    assert path.position(path.end + 1) == target


def test_braking_comes_to_rest_half_way_of_a_stop_at_full_speed() -> None:
    path = braking(start=1.0, origin=0.0, velocity=-10.0, deceleration=20.0)
    assert path.end == pytest.approx(1.5)
    assert path.final == pytest.approx(-2.5)


def test_a_motion_is_cut_where_it_leaves_the_travel() -> None:
    path = trapezoid(0.0, 0.0, 100.0, 10.0, 1e9).within(-5.0, 30.0)
    assert path.final == 30.0
    assert path.end == pytest.approx(3.0, abs=1e-3)
    assert path.position(1e9) == 30.0


def test_a_motion_from_the_end_of_the_travel_inwards_is_not_cut() -> None:
    path = trapezoid(0.0, 30.0, 10.0, 10.0, 100.0).within(-5.0, 30.0)
    assert path.final == 10.0


def test_rest_has_ended_already() -> None:
    assert rest(3.0).position(0.0) == 3.0
    assert rest(3.0).end == 0.0
