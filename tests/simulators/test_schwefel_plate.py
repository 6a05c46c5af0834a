"""The world of the scanning droplet cell: where the maximum is, contact, droplet and basin."""

import itertools

import numpy as np
import pytest
from pydantic import ValidationError

from motet.contracts.worlds import World
from motet.simulation.manual import ManualClock
from motet_simulators.schwefel_plate import Options, SchwefelPlate, schwefel

QUIET = Options(force_noise=0.0, current_noise=0.0, charging=0.0)


class Head:
    """A stage that is put somewhere at once."""

    def __init__(self, plate: SchwefelPlate) -> None:
        self.place = (25.0, 25.0, 5.0)
        moved = [plate.drive(axis, lambda index=index: self.place[index]) for index, axis in enumerate("xyz")]
        self._moved = moved[0]

    def put(self, x: float, y: float, z: float) -> None:
        self._moved()
        self.place = (x, y, z)
        self._moved()


def plate_with_head(options: Options = QUIET) -> tuple[SchwefelPlate, Head, ManualClock]:
    clock = ManualClock()
    plate = SchwefelPlate(options, clock, seed=1)
    return plate, Head(plate), clock


def test_the_five_highest_points_of_the_grid_are_those_of_the_reference_experiment() -> None:
    grid = [2.5 * n for n in range(21)]
    ranked = sorted(itertools.product(grid, grid), key=lambda point: -schwefel(*point))
    assert set(ranked[:5]) == {(45, 45), (45, 10), (10, 45), (47.5, 45), (45, 47.5)}
    assert ranked[0] == (45, 45)
    assert schwefel(45, 45) == pytest.approx(0.7304, abs=5e-5)


def test_the_force_rises_with_every_step_after_contact() -> None:
    plate, head, _ = plate_with_head()
    head.put(10.0, 10.0, 0.3)
    assert plate.contact_force() == 0.0
    surface = plate.surface(10.0, 10.0)
    forces: list[float] = []
    for step in range(1, 6):
        head.put(10.0, 10.0, surface - 0.02 * step)
        forces.append(plate.contact_force())
    assert np.diff(forces) == pytest.approx([20.0] * 4)


def test_beside_the_plate_there_is_nothing_to_touch() -> None:
    plate, head, _ = plate_with_head()
    head.put(57.0, 25.0, -3.0)
    assert plate.indentation() == 0.0


def test_a_trace_decays_to_the_value_of_the_place() -> None:
    plate, head, _ = plate_with_head(Options(current_noise=0.0, charging=0.5, decay=1.0))
    head.put(45.0, 45.0, -0.1)
    first, last = plate.measure([0.0, 20.0])
    assert last == pytest.approx(schwefel(45, 45))
    assert first == pytest.approx(1.5 * schwefel(45, 45))


def test_the_value_is_that_of_where_the_head_really_is() -> None:
    plate, head, _ = plate_with_head()
    head.put(45.003, 44.998, -0.1)
    assert plate.measure([1.0]) == pytest.approx([schwefel(45.003, 44.998)])


def test_a_droplet_that_was_not_removed_carries_the_last_value_over() -> None:
    plate, head, _ = plate_with_head()
    head.put(45.0, 45.0, -0.1)
    plate.measure([1.0])
    head.put(10.0, 10.0, -0.1)
    assert plate.measure([1.0]) == pytest.approx([0.8 * schwefel(10, 10) + 0.2 * schwefel(45, 45)])


@pytest.mark.parametrize(
    ("x", "z", "seconds", "removed"),
    [(57.0, 0.5, 2.0, True), (57.0, 0.5, 1.9, False), (57.0, 1.5, 5.0, False), (52.0, 0.5, 5.0, False)],
)
def test_the_basin_takes_the_droplet_of_a_head_that_stays_in_it(
    x: float, z: float, seconds: float, removed: bool
) -> None:
    plate, head, clock = plate_with_head()
    head.put(45.0, 45.0, -0.1)
    plate.measure([1.0])
    head.put(x, 25.0, z)
    clock.advance(seconds)
    head.put(10.0, 10.0, -0.1)
    clean = plate.measure([1.0]) == pytest.approx([schwefel(10, 10)])
    assert clean is removed


def test_noise_is_the_same_for_the_same_seed() -> None:
    traces: list[list[float]] = []
    for seed in (1, 1, 2):
        plate = SchwefelPlate(Options(), ManualClock(), seed)
        Head(plate).put(45.0, 45.0, -0.1)
        traces.append(plate.measure([1.0, 2.0]))
    assert traces[0] == traces[1] != traces[2]


def test_a_world_without_a_stage_says_so() -> None:
    plate = SchwefelPlate(QUIET, ManualClock(), 0)
    plate.drive("y", lambda: 0.0)
    with pytest.raises(RuntimeError, match="nothing drives x, z of this plate"):
        plate.contact_force()


def test_it_is_a_world_of_named_quantities() -> None:
    plate, head, _ = plate_with_head()
    assert isinstance(plate, World)
    head.put(45.0, 45.0, -0.1)
    assert [plate.read(axis) for axis in "xyz"] == [45.0, 45.0, -0.1]
    assert plate.read("force") == pytest.approx(1000 * plate.indentation())
    assert plate.read("current") == pytest.approx(schwefel(45, 45))
    head.put(45.0, 45.0, 5.0)
    assert plate.read("force") == plate.read("current") == 0.0


def test_what_it_does_not_know_is_refused() -> None:
    plate, _, _ = plate_with_head()
    with pytest.raises(KeyError, match="mass"):
        plate.read("mass")
    with pytest.raises(KeyError, match="temperature"):
        plate.drive("temperature", lambda: 0.0)
    with pytest.raises(KeyError, match="liquid"):
        plate.add("liquid", 1.0)
    with pytest.raises(ValueError, match="x of this plate is driven"):
        plate.drive("x", lambda: 0.0)


def test_a_basin_upside_down_is_refused() -> None:
    with pytest.raises(ValidationError, match="waste_x = \\[60, 55\\] is upside down"):
        Options(waste_x=(60, 55))
