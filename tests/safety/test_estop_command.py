"""`motet estop` and `motet clear`, and a run that is refused meanwhile."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from motet.api import estop as api
from motet.api.run import Options, run_campaign
from motet.cli.app import app
from motet.errors import EmergencyStop
from motet.station.latch_state import latch_file, read, update
from motet_testing.mosquitto import StartMosquitto

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
    data = [] if "--data" in words else ["--data", str(folder / "data")]
    done = CliRunner().invoke(app, [*words, "--lab", str(folder / "lab.yaml"), *data])
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
    for _ in range(2):  # again and again, until the broker knows
        code, output = command(folder, "clear", "--yes")
        assert (code, f"not told: mqtt://127.0.0.1:{free_port}" in output) == (4, True)


def test_a_broker_that_was_away_when_it_was_cleared_is_told_when_it_is_back(
    folder: Path, start_mosquitto: StartMosquitto
) -> None:
    broker = start_mosquitto()
    (folder / "lab.yaml").write_text(LAB.replace("broker: none", f"broker: {broker.url}"))
    assert command(folder, "estop", "smoke")[0] == 0
    path = latch_file(folder / "data", "bench")
    update(path, read(path).released("ann"))  # as `motet clear` does while the broker is away
    elsewhere = ["--data", str(folder / "elsewhere")]
    assert "smoke" in command(folder, "clear", *elsewhere)[1], "the broker still has it pressed"
    code, output = command(folder, "clear", "--yes")
    assert (code, broker.url in output) == (0, True)
    for data in ([], elsewhere):
        code, output = command(folder, "clear", "--yes", *data)
        assert (code, "there is nothing to clear" in output) == (2, True)


def test_what_is_pressed_while_a_person_makes_up_his_mind_stays(folder: Path) -> None:
    assert command(folder, "estop", "smoke")[0] == 0
    found = asyncio.run(api.pressed(folder / "lab.yaml", folder / "data"))
    assert command(folder, "estop", "fire")[0] == 0
    told = asyncio.run(api.clear(folder / "lab.yaml", folder / "data", "ann", {one.id for one in found}))
    assert told.latched is not None
    assert told.latched.reason == "fire"


@pytest.mark.slow
def test_a_simulated_campaign_ends_with_an_emergency_stop_that_nobody_could_clear(folder: Path) -> None:
    text = LAB + 'safety: {estop_when: ["cell.pump.dispensed > 1 mL"]}\nsimulation: {lines: memory}\n'
    (folder / "lab.yaml").write_text(text)
    done = CliRunner().invoke(app, ["simulate", str(folder / "campaign.yaml"), "--data", str(folder / "data")])
    assert done.exit_code == 130
    assert "aborted: emergency stop, which nobody clears in virtual time: interlock cell.estop_when_1" in done.output
