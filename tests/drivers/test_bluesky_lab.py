"""A lab with objects of the Bluesky protocols: its files are checked without them, and it is simulated."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from motet.api.simulate import Simulation, load_simulated, simulate
from motet.errors import FileProblems
from motet.files.lab import load_lab
from motet.files.schema import schema
from motet.files.source import read
from motet.plugins import installed
from motet.store import Reader

LAB = """\
lab: beamline
broker: none
hardware: HARDWARE
stations:
  end:
    world: {schwefel_plate: {}}
    devices:
      stage:
        driver: bluesky
        options: {object: STAGE, sets: {unit: mm}, signals: {x: {key: stage, unit: mm}}}
        limits: {value: [0 mm, 5 cm]}
        simulator: SIMULATED_STAGE
      det:
        driver: bluesky
        options: {object: no.hardware.here:detector, outputs: {current: {key: det, unit: mA}}}
        simulator: {gives: {det: {value: 5, noise: 0.1}}, takes: 60}
procedures:
  look:
    parameters: {x: mm}
    steps:
      - stage.set: {value: VALUE}
      - stage.read: {}
      - det.measure
"""
CAMPAIGN = """\
campaign: look
lab: lab.yaml
parameters: {x: {type: stepped, low: 0, high: 20, step: 1, unit: mm}}
objectives: {current: {goal: maximize, unit: mA}}
procedure: look
analysis: {plateau: {signal: measure.current, output: current}}
budget: {experiments: 3}
"""


def lab(
    folder: Path,
    stage: str = "no.hardware.here:stage",
    simulated: str = "{position: stage, speed: 0.1}",
    *,
    hardware: str = "simulated",
    value: str = "$x",
) -> Path:
    text = LAB.replace("HARDWARE", hardware).replace("SIMULATED_STAGE", simulated).replace("STAGE", stage)
    path = folder / "lab.yaml"
    path.write_text(text.replace("VALUE", value))
    (folder / "campaign.yaml").write_text(CAMPAIGN)
    return path


def mistakes(path: Path) -> list[str]:
    with pytest.raises(FileProblems) as caught:
        load_lab(path, installed())
    return [line.replace(f"{path.parent}/", "") for line in str(caught.value).splitlines()]


def test_files_are_checked_without_the_objects(tmp_path: Path) -> None:
    path = lab(tmp_path, hardware="real")
    load_lab(path, installed())
    jsonschema.validate(read(path).data, schema("lab"))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("60", "found 60; stage.set takes value in [0, 50] mm, the limit of the lab"),
        ("6 cm", "stage.set takes value in [0, 50] mm, the limit of the lab"),
        ("5 V", "cannot be converted to mm"),
        ("true", "a number of mm is needed"),
    ],
)
def test_values_are_checked_in_its_unit_and_limits(tmp_path: Path, value: str, reason: str) -> None:
    (line,) = mistakes(lab(tmp_path, value=value))
    assert "lab.yaml:21: procedures.look.steps.0.stage.set.value: found" in line
    assert reason in line


def test_verbs_that_the_options_do_not_give_are_not_there(tmp_path: Path) -> None:
    path = lab(tmp_path)
    path.write_text(path.read_text().replace("- det.measure", "- det.set: {value: 1}"))
    (line,) = mistakes(path)
    assert "procedures.look.steps.2" in line
    assert "measure" in line


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("{sets: {unit: mm}}", "object"),
        ("{object: ophyd.sim, sets: {unit: mm}}", "object: found 'ophyd.sim'"),
        ("{object: 'a:b', sets: {unit: mmm}}", "did you mean 'mm'"),
        ("{object: 'a:b'}", "what it does is needed: `sets`, `outputs` or `signals`"),
    ],
)
def test_mistakes_in_the_options_are_named_where_they_stand(tmp_path: Path, options: str, reason: str) -> None:
    path = lab(tmp_path)
    before = "{object: no.hardware.here:stage, sets: {unit: mm}, signals: {x: {key: stage, unit: mm}}}"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, options))
    found = mistakes(path)
    assert any("stations.end.devices.stage.options" in line and reason in line for line in found), found


def test_what_stands_in_must_give_what_the_driver_reads(tmp_path: Path) -> None:
    assert mistakes(lab(tmp_path, simulated="{}")) == [
        "lab.yaml:12: stations.end.devices.stage.simulator: found an empty mapping; the simulated object gives no "
        "stage: state it in `gives` (or as the `position`), or name another `object`, or say that the driver's own is "
        "harmless (`itself: true`)"
    ]


def test_an_object_has_neither_line_nor_topic(tmp_path: Path) -> None:
    path = lab(tmp_path)
    path.write_text(path.read_text().replace("driver: bluesky", "driver: bluesky\n        line: /dev/ttyS0", 1))
    (line,) = mistakes(path)
    assert "it uses neither line nor topic: leave the line out" in line


@pytest.mark.parametrize("fast", [False, True], ids=["full", "fast"])
def test_a_campaign_runs_in_virtual_time_on_the_simulated_object(tmp_path: Path, fast: bool) -> None:
    lab(tmp_path)
    done = simulate(load_simulated(tmp_path / "campaign.yaml"), Simulation(tmp_path / "data", fast=fast)).summary
    assert (done.experiments, done.failed) == (3, 0), done
    rows = Reader(tmp_path / "data" / "motet.db").experiments("look")
    assert all(abs(row.values["current"] - 5) < 1 for row in rows)
    here = 0.0
    for row in rows:  # the stage moves at 0.1 mm/s from where it was, then a minute is measured
        there = float(row.parameters["x"])
        assert row.attempts[0].seconds == pytest.approx(abs(there - here) / 0.1 + 60, abs=0.1)
        here = there


@pytest.mark.parametrize(
    ("stage", "simulated"),
    [
        ("no.hardware.here:stage", "{object: 'ophyd.sim:SynAxis'}"),
        ("ophyd.sim:SynAxis", "{itself: true}"),
    ],
    ids=["another", "itself"],
)
def test_a_classic_object_stands_in_in_virtual_time(tmp_path: Path, stage: str, simulated: str) -> None:
    pytest.importorskip("ophyd", reason="ophyd not installed: pip install ophyd")
    lab(tmp_path, stage, simulated)
    done = simulate(load_simulated(tmp_path / "campaign.yaml"), Simulation(tmp_path / "data")).summary
    assert (done.experiments, done.failed) == (3, 0), done
    reader = Reader(tmp_path / "data" / "motet.db")
    documents: Any = reader.documents("look-1/1")
    (x,) = [d["data"]["end-stage-x"] for kind, d in documents if kind == "event" and "end-stage-x" in d["data"]]
    assert x == reader.experiments("look")[0].parameters["x"]


def test_what_stands_in_may_not_really_sleep_in_virtual_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sleepy_stage_of_a_test.py").write_text(
        "import time\n"
        "class Stage:\n"
        "    name = 'stage'\n"
        "    def describe(self): return {'stage': {'source': '', 'dtype': 'number', 'shape': []}}\n"
        "    def read(self): return {'stage': {'value': 0.0, 'timestamp': 0.0}}\n"
        "    def set(self, value): time.sleep(5)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    lab(tmp_path, simulated="{object: 'sleepy_stage_of_a_test:Stage'}")
    done = simulate(load_simulated(tmp_path / "campaign.yaml"), Simulation(None)).summary
    assert done.state == "failed"
    assert "end-stage: set of what stands in for it" in done.reason
    assert "really sleeps (time.sleep(5))" in done.reason
