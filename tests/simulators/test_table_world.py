"""The world of a table: sensors read what was measured where the instruments are now."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from motet.contracts.worlds import World
from motet.simulation.manual import ManualClock
from motet_simulators import table

ROWS = "x,dose,force,colour\n0,0,1,10\n10,0,2,20\n10,0,4,20\n0,5,3,30\n10,5,8,40\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "measured.csv"
    path.write_text(ROWS)
    return path


def made(file: Path, seed: int = 1, **options: object) -> table.Table:
    given = {"file": file, "inputs": ("x", "dose"), "outputs": ("force", "colour"), **options}
    return table.Table(table.Options.model_validate(given), ManualClock(), seed)


def test_it_is_a_world(file: Path) -> None:
    assert isinstance(made(file), World)


def test_a_sensor_reads_the_nearest_row_to_where_the_instruments_are(file: Path) -> None:
    world, x = made(file), [0.0]
    world.drive("x", lambda: x[0])
    assert (world.read("force"), world.read("colour")) == (1.0, 10.0)
    x[0] = 9.0
    world.add("dose", 4.0)
    assert (world.read("force"), world.read("colour")) == (8.0, 40.0)
    assert world.point() == {"x": 9.0, "dose": 4.0}


def test_what_was_measured_several_times_is_its_mean(file: Path) -> None:
    assert made(file, start={"x": 10.0}).read("force") == 3.0


def test_doses_add_up_until_the_vessel_is_emptied(file: Path) -> None:
    world = made(file)
    world.add("dose", 2.0)
    world.add("dose", 3.0)
    assert world.read("force") == 3.0
    world.add("reset", 1.0)
    assert world.read("force") == 1.0


def test_interpolation_goes_through_the_rows_and_lies_between_them(file: Path) -> None:
    world, x = made(file, between="interpolated"), [0.0]
    world.drive("x", lambda: x[0])
    assert world.read("colour") == pytest.approx(10.0)
    x[0] = 5.0
    assert 11.0 < world.read("colour") < 20.0


def test_noise_is_the_same_for_a_seed(file: Path) -> None:
    def readings(seed: int) -> list[float]:
        world = made(file, seed, noise={"force": 0.5})
        return [world.read("force") for _ in range(200)]

    assert readings(1) == readings(1) != readings(2)
    assert sum(readings(1)) / 200 == pytest.approx(1.0, abs=0.15)
    assert made(file, noise={"force": 0.5}).read("colour") == 10.0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("x,dose,force\n0,0,1\n", "no column colour; its columns: x, dose, force"),
        ("x,dose,force,colour\n0,0,one,1\n", "measured.csv:2: force is 'one'; a number is needed"),
        ("x,dose,force,colour\n", "it has no rows"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_line_and_column(tmp_path: Path, rows: str, message: str) -> None:
    path = tmp_path / "measured.csv"
    path.write_text(rows)
    with pytest.raises(ValueError, match=message):
        made(path)


def test_columns_that_do_not_go_together_are_refused(file: Path) -> None:
    with pytest.raises(ValidationError, match="x: both an input and an output"):
        made(file, outputs=("x",))
    with pytest.raises(ValidationError, match="noise: x: not one of force, colour"):
        made(file, noise={"x": 1.0})
    with pytest.raises(KeyError, match="'y' is no input; allowed: x, dose, reset"):
        made(file).add("y", 1.0)
