"""The columns that a learner keeps its values in."""

import random

from motet.learning.series import Numbers, Series
from motet.model.objective import Objective


def test_values_are_sorted_by_point_then_merit_then_the_order_told() -> None:
    drawn, series = random.Random(5), Series(Objective(goal="maximize"))
    told = [(bytes([drawn.randrange(6)]), float(drawn.randrange(4)), place, float(place)) for place in range(200)]
    for key, merit, _, error in told:
        series.add(key, merit, error)
    assert list(zip(series.keys, series.merits, series.places, series.errors, strict=True)) == sorted(told)


def test_numbers_are_a_set_however_they_come() -> None:
    drawn, numbers = random.Random(5), Numbers()
    wanted = drawn.sample(range(1, 300), 250)
    for count, number in enumerate(wanted, 1):
        assert number not in numbers
        numbers.add(number)
        numbers.add(number)
        assert len(numbers) == count
    assert {number for number in range(-2, 305) if number in numbers} == set(wanted)
