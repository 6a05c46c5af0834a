"""`motet supplies` as a person calls it: beside campaigns that wait for a refill, and when nothing runs."""

import json
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from typer.testing import CliRunner

from motet.api.run import Options, load
from motet.api.together import Together
from motet.cli.app import app
from motet.model.events import Event, ExperimentStarted, QuestionAsked
from motet.model.questions import QuestionState
from motet.store import Reader
from motet.store.check import check_store
from motet_testing.campaigns import BRANIN

LAB = """
lab: bench
broker: BROKER
hardware: simulated
simulation: { time_scale: 400, lines: memory, seed: 1 }
x-function: &function
  driver: benchmark_function
  line: /dev/null
  limits: { x1: [-5, 10], x2: [0, 15] }
  simulator: { function: branin, duration: 20 }
stations:
  s1: { devices: { function: *function } }
  s2: { devices: { function: *function } }
consumables:
  solvent: { unit: mL, stock: 5 mL, refill_at: 2 }
  vial: {}
procedures:
  measure:
    parameters: { x1: null, x2: null }
    uses: { solvent: 1 mL }
    steps:
      - function.measure: { x1: $x1, x2: $x2 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lab.yaml").write_text(LAB.replace("BROKER", "embedded"))
    for name in ("first", "second"):
        (tmp_path / f"{name}.yaml").write_text(BRANIN.replace("NAME", name))
    return tmp_path


def motet(folder: Path, *arguments: str, code: int = 0) -> str:
    options = ["--lab", str(folder / "lab.yaml"), "--data", str(folder / "data")]
    result = CliRunner().invoke(app, ["supplies", *arguments, *options], env={"MOTET_WHO": "Ada"})
    assert result.exit_code == code, result.output
    return result.output


def shown(folder: Path) -> dict[str, Any]:
    return {row["name"]: row for row in json.loads(motet(folder, "show", "--json"))}


def test_levels_are_shown_filled_up_and_counted_when_nothing_runs(folder: Path) -> None:
    assert shown(folder)["solvent"] | {"left": 5.0, "by": None, "low": False} == shown(folder)["solvent"]
    assert motet(folder, "set", "solvent", "0.001 L") == "solvent: 1 mL now\n"
    assert shown(folder)["solvent"] | {"left": 1.0, "by": "Ada", "low": True} == shown(folder)["solvent"]
    assert "1 mL, low" in motet(folder, "show")
    assert motet(folder, "refill", "solvent", "2") == "solvent: 3 mL now\n"
    assert motet(folder, "refill", "solvent") == "solvent: 5 mL now\n"
    assert "not counted" in motet(folder, "show")
    assert "a number (mL) of at least 0, or `full`, is needed" in motet(folder, "refill", "solvent", "4 mm", code=2)
    assert "did you mean 'solvent'?" in motet(folder, "set", "solvents", "1", code=2)
    assert "the consumable 'vial'; " in motet(folder, "set", "vial", "1", code=2)
    assert check_store(folder / "data" / "motet.db") == []


@pytest.mark.slow
def test_one_bottle_serves_two_campaigns_and_one_refill_reaches_both(folder: Path) -> None:
    asked: SimpleQueue[QuestionAsked] = SimpleQueue()

    def see(event: Event) -> None:
        if isinstance(event, QuestionAsked):
            asked.put(event)

    files = [load(folder / f"{name}.yaml", Options()) for name in ("first", "second")]
    together = Together(files, Options(folder / "data"), [[see], [see]])
    try:
        asked.get(timeout=30)
        assert motet(folder, "refill", "solvent", "100 mL").startswith("solvent: 10")
        summaries = together.wait(60)
    finally:
        together.close()
    assert asked.empty()
    assert [summary.experiments for summary in summaries] == [8, 8]
    assert shown(folder)["solvent"]["left"] == 5 + 100 - 16
    reader = Reader(folder / "data" / "motet.db")
    closed = [row.closed for name in ("first", "second") for row in reader.questions(name)]
    assert [(one.state, one.reason[:19]) for one in closed] == [(QuestionState.WITHDRAWN, "100 mL added by Ada")]
    assert all(any("added by Ada" in event.text for event in reader.events(name)) for name in ("first", "second"))
    assert check_store(reader.path) == []


@pytest.mark.slow
def test_what_a_campaign_without_a_broker_uses_cannot_be_changed_meanwhile(folder: Path) -> None:
    (folder / "lab.yaml").write_text(LAB.replace("BROKER", "none").replace("time_scale: 400", "time_scale: 1"))
    begun: SimpleQueue[Event] = SimpleQueue()
    together = Together([load(folder / "first.yaml", Options())], Options(folder / "data"), [[begun.put]])
    try:
        while not isinstance(begun.get(timeout=30), ExperimentStarted):
            pass
        said = motet(folder, "refill", "solvent", code=4)
        together.command("abort", "enough")
        together.wait(60)
    finally:
        together.close()
    assert "no campaign of the lab 'bench' can be told, which needs a broker: " in said
    assert shown(folder)["solvent"]["left"] in (3.0, 4.0)


def test_a_campaign_whose_lab_counts_otherwise_now_does_not_begin(folder: Path) -> None:
    motet(folder, "set", "solvent", "4")
    lab = folder / "lab.yaml"
    lab.write_text(lab.read_text().replace("unit: mL, stock: 5 mL", "stock: 5").replace("solvent: 1 mL", "solvent: 1"))
    result = CliRunner().invoke(app, ["run", str(folder / "first.yaml"), "--data", str(folder / "data")])
    assert result.exit_code != 0
    assert "motet supplies set solvent AMOUNT" in result.output
    assert Reader(folder / "data" / "motet.db").campaigns() == []


@pytest.mark.slow
def test_a_plan_reckons_with_what_is_left_now(folder: Path) -> None:
    motet(folder, "set", "solvent", "7")
    options = ["--seeds", "1", "--processes", "1", "--data", str(folder / "data")]
    result = CliRunner().invoke(app, ["plan", str(folder / "first.yaml"), *options])
    assert result.exit_code == 0, result.output
    uses = "uses     solvent 8 mL; 7 mL left now, enough for 7 experiments only: short in 1 of 1"
    assert uses in result.output.splitlines()
