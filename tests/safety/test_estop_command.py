"""`motet estop` and `motet clear`, and a run that is refused meanwhile."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from motet.api.run import Options, run_campaign
from motet.cli.app import app
from motet.errors import EmergencyStop

LAB = """\
lab: bench
hardware: simulated
broker: none
stations:
  cell: {devices: {pump: {driver: ne1000, line: /dev/ttyUSB0, options: {diameter: 26.59, capacity: 60}}}}
"""
CAMPAIGN = """\
campaign: dose
lab: lab.yaml
parameters: {volume: {type: continuous, low: 2, high: 4, unit: mL}}
objectives: {dosed: {goal: maximize, unit: mL}}
procedure: {parameters: {volume: mL}, steps: [{pump.dispense: {volume: $volume, rate: 20}}]}
analysis: {value: {outputs: {dosed: dispense.dispensed}}}
learner: {start: {random: {n: 1}}}
budget: {experiments: 1}
"""


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    return tmp_path


def command(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and output."""
    places = ["--lab", str(folder / "lab.yaml"), "--data", str(folder / "data")]
    done = CliRunner().invoke(app, [*words, *places])
    return done.exit_code, done.output


def test_nothing_runs_until_a_person_has_cleared_it(folder: Path) -> None:
    code, output = command(folder, "estop", "smoke in the hood")
    assert (code, "smoke in the hood" in output, f"motet clear --lab {folder}" in output) == (0, True, True)
    options = Options(data=folder / "data", lines="memory")
    with pytest.raises(EmergencyStop, match=r"lab bench is e-stopped by .*: smoke in the hood; .*`motet clear`"):
        run_campaign(folder / "campaign.yaml", options)
    code, output = command(folder, "clear")
    assert code == 2, "nobody is there to confirm it"
    code, output = command(folder, "clear", "--yes")
    assert (code, "smoke in the hood" in output) == (0, True)
    code, output = command(folder, "clear", "--yes")
    assert (code, "nothing to clear" in output) == (2, True)


def test_it_presses_whatever_else_is_wrong_with_the_lab_file(folder: Path) -> None:
    (folder / "lab.yaml").write_text("stations: [\nlab: bench\nbroker: none\ninterlocks: *nowhere\n")
    assert command(folder, "estop")[0] == 0
    (folder / "lab.yaml").write_text("stations: {}\n")
    code, output = command(folder, "estop")
    assert (code, "the key 'lab' is needed" in output) == (2, True)


def test_a_broker_that_is_not_there_is_said_and_the_file_holds_all_the_same(folder: Path, free_port: int) -> None:
    text = LAB.replace("broker: none", f"broker: mqtt://127.0.0.1:{free_port}")
    (folder / "lab.yaml").write_text(text)
    code, output = command(folder, "estop")
    assert (code, f"not told: mqtt://127.0.0.1:{free_port}" in output) == (4, True)
    assert command(folder, "clear", "--yes")[0] == 4
    assert "there is nothing to clear" in command(folder, "clear", "--yes")[1]
