"""A JSON node in a lab file: its simulator is the node that the driver's options describe, nothing said twice."""

from pathlib import Path

import pytest

from motet.api.simulate import Simulation, simulate
from motet.errors import FileProblems
from motet.files.campaign import load_campaign
from motet.files.lab import load_lab
from motet.plugins import installed
from motet_simulators import mqtt_json as simulator

LAB = """\
lab: bench
broker: embedded
hardware: simulated
stations:
  cell:
    devices:
      stirrer:
        driver: mqtt_json
        topic: lab/stirrer
        options:
          verbs:
            stir:
              arguments: { speed: { unit: rpm, limits: [0, 1200] }, duration: { unit: s, limits: [0, 600] } }
              publish: { payload: { do: stir, speed: "{speed}", seconds: "{duration}" } }
              reply: { path: status, done: done }
              outputs: { torque: { path: torque, unit: mN } }
              longest: 700
          signals: { speed: { unit: rpm, path: speed, max_age: 5 } }
          availability: {}
          stop: { payload: { do: stop } }
          request_id: id
        simulator:
          does: { stir: { per: { duration: 1 }, during: { speed: "{speed}" }, gives: { torque: "{speed}" } } }
procedures:
  measure:
    parameters: { speed: rpm }
    steps:
      - stirrer.stir: { speed: $speed, duration: 60 s }
        as: stirred
"""
CAMPAIGN = """\
campaign: stir
lab: lab.yaml
parameters: { speed: { type: continuous, low: 10, high: 1000, unit: rpm } }
procedure: measure
analysis: { value: { outputs: { torque: stirred.torque } } }
objectives: { torque: { goal: maximize } }
learner: { start: { random: { n: 3 } }, surrogate: rf, acquisition: lcb }
budget: { experiments: 3 }
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    (tmp_path / "lab.yaml").write_text(LAB)
    return tmp_path / "lab.yaml"


def test_the_simulator_is_told_everything_that_the_driver_is(lab: Path) -> None:
    stirrer = load_lab(lab, installed()).lab.stations["cell"].devices["stirrer"]
    assert stirrer.simulator["device"] == stirrer.options
    told = simulator.Options.model_validate(stirrer.simulator)
    assert told.device.verbs["stir"].arguments.keys() == {"speed", "duration"}
    assert told.device.stop is not None


def test_a_simulator_that_is_told_to_be_another_node_is_refused(lab: Path) -> None:
    lab.write_text(LAB.replace("          does:", "          device: { verbs: { stir: {} } }\n          does:"))
    with pytest.raises(FileProblems, match=r"`device` must be the driver's options, for the node to know speed"):
        load_lab(lab, installed())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("does: { stir", "does: { stirr", r"does names stirr; `device` has stir"),
        ("speed: { unit: rpm", "speed: { unit: 1/min", r"lab\.yaml:.*'1/min' is not a known unit"),
        ("duration: 60 s", "duration: 700 s", r"takes duration in \[0, 600\] s, the limit of the instrument"),
        ("duration: 60 s", "duration: 60 mm", r"cannot be converted to s"),
        ("stirrer.stir:", "stirrer.stirr:", r"did you mean 'stir'"),
        ("broker: embedded", "broker: none", r"needs a broker"),
    ],
)
def test_what_the_options_say_is_checked_with_the_lab(lab: Path, old: str, new: str, problem: str) -> None:
    lab.write_text(LAB.replace(old, new))
    with pytest.raises(FileProblems, match=problem):
        load_lab(lab, installed())


@pytest.mark.slow
def test_a_campaign_runs_on_a_node_that_only_the_lab_file_describes(lab: Path) -> None:
    file = load_campaign(lab.parent / "campaign.yaml", installed())
    summary = simulate(file, Simulation(data=None)).summary
    assert (summary.experiments, summary.failed) == (3, 0), summary.reason
    assert summary.best is not None
    assert summary.busy_s >= 180, "a minute each"
