"""Files that options in a lab file name are relative to its folder, and kept with it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from motet.api.simulate import Simulation, simulate
from motet.errors import FileProblems
from motet.files.beside import paths_in
from motet.files.campaign import load_campaign
from motet.files.lab import load_lab
from motet.plugins import installed
from motet_drivers import ascii as driver

EXAMPLES = Path(__file__).parents[2] / "examples" / "instruments"
LAB = """\
lab: bench
broker: none
hardware: simulated
stations:
  cell:
    world: { electrolyte_bench: {} }
    devices:
      pump:
        driver: ascii
        line: /dev/ttyUSB0
        options: { file: instruments/pump.yaml, serial_number: "4711" }
        simulator: { quantities: { liquid: salt_ec } }
        limits: { volume: [0 mL, 20 mL] }
      meter: { driver: ascii, line: /dev/ttyUSB1, options: { file: instruments/meter.yaml } }
procedures:
  measure:
    parameters: { volume: mL }
    steps:
      - pump.dispense: { volume: $volume, rate: 30 mL/min }
      - meter.measure:
        as: point
"""
CAMPAIGN = """\
campaign: salt
lab: lab/lab.yaml
parameters: { volume: { type: continuous, low: 1, high: 10, unit: mL } }
procedure: measure
analysis: { value: { outputs: { conductivity: point.conductivity } } }
objectives: { conductivity: { goal: maximize } }
learner: { start: { random: { n: 3 } }, surrogate: rf, acquisition: lcb }
budget: { experiments: 3 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A campaign whose lab and instruments are in folders of their own; the program runs somewhere else."""
    (tmp_path / "lab" / "instruments").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for name, example in (("pump", "peristaltic_pump"), ("meter", "conductivity_meter")):
        (tmp_path / "lab" / "instruments" / f"{name}.yaml").write_text((EXAMPLES / f"{example}.yaml").read_text())
    (tmp_path / "lab" / "lab.yaml").write_text(LAB)
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    before = Path.cwd()
    os.chdir(tmp_path / "elsewhere")
    yield tmp_path
    os.chdir(before)


def test_options_that_are_paths_are_found() -> None:
    assert paths_in(driver.Options) == ("file",)


@pytest.mark.slow
def test_a_campaign_runs_on_described_instruments_and_keeps_their_descriptions(folder: Path) -> None:
    file = load_campaign(folder / "campaign.yaml", installed())
    pump = folder / "lab" / "instruments" / "pump.yaml"
    assert file.files["lab/instruments/pump.yaml"] == pump.read_text()
    assert file.files["lab/lab.yaml"] == LAB
    summary = simulate(file, Simulation(data=None)).summary
    assert (summary.experiments, summary.failed) == (3, 0), summary.reason
    assert summary.best is not None


def test_the_simulator_is_told_what_the_driver_is(folder: Path) -> None:
    lab = load_lab(folder / "lab" / "lab.yaml", installed()).lab
    pump = lab.stations["cell"].devices["pump"]
    assert pump.simulator == {"quantities": {"liquid": "salt_ec"}, "file": pump.options["file"]}
    assert Path(pump.options["file"]).is_absolute()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("pump.yaml", "pumm.yaml", r"lab\.yaml:11: stations\.cell\.devices\.pump\.options.*no such file 'pumm\.yaml'"),
        ("dispense:", "dispence:", r"did you mean 'dispense'"),
        ("30 mL/min", "61 mL/min", r"pump\.dispense takes rate in \[0\.1, 60\] mL/min, the limit of the instrument"),
        ("30 mL/min", "3 mL", r"cannot be converted to mL/min"),
        ("limits: { volume", "limits: { volumes", r"a limit of 'volumes'; did you mean 'volume'"),
    ],
)
def test_what_a_description_says_is_checked_with_the_lab(folder: Path, old: str, new: str, problem: str) -> None:
    path = folder / "lab" / "lab.yaml"
    path.write_text(LAB.replace(old, new))
    with pytest.raises(FileProblems, match=problem):
        load_lab(path, installed())


def test_mistakes_in_a_description_are_told_with_its_file_and_line(folder: Path) -> None:
    pump = folder / "lab" / "instruments" / "pump.yaml"
    pump.write_text(pump.read_text().replace("{volume:.0f}", "{volum:.0f}"))
    with pytest.raises(FileProblems) as caught:
        load_lab(folder / "lab" / "lab.yaml", installed())
    assert "pump.yaml:" in str(caught.value)
    assert "verbs.dispense.send.2: found the place {volum}; did you mean 'volume'?" in str(caught.value)
