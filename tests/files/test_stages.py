"""Campaigns whose experiments pass through several stations, and labs whose stations share devices."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from motet.files.campaign import load_campaign
from motet.files.schema import schema
from motet.files.source import read
from motet.model.procedure import Procedure
from motet.model.values import PluginRef
from motet.plugins import Registry

Write = Callable[..., Path]
Problems = Callable[[Path], list[str]]

LAB = """\
lab: bench
stations:
  a1: &make
    kind: make
    devices: {stage: {driver: soft}}
  a2: *make
  b:
    devices: {balance: {driver: balance, topic: b/balance}}
shared:
  robot: {driver: soft, lease: stage, longest: 5 min}
  lamp: {driver: soft, used_by: [b]}
consumables:
  tip: {stock: 20, refill_at: 4}
  acid: {unit: mL}
procedures:
  prepare:
    parameters: {x: mm}
    uses: {tip: 1}
    steps:
      - robot.move: {x: $x}
      - stage.move: {x: $x}
      - stage.read
  weigh:
    uses: {tip: 2, acid: 1 mL}
    steps:
      - lamp.move: {x: $make.read.x}
      - if: $make.read.y > 1
        then: [robot.move: {x: 0}]
      - balance.weigh: {time: 1}
"""
CAMPAIGN = """\
campaign: test
lab: lab.yaml
parameters:
  x: {type: stepped, low: 0, high: 50, step: 5}
objectives:
  mass: {goal: minimize, unit: g}
stages:
  - {station: make, procedure: prepare}
  - {station: b, procedure: weigh}
analysis: reading
"""


def changed(write: Write, old: str, new: str, lab: tuple[str, str] = ("", "")) -> Path:
    """The valid campaign with one piece of it replaced, and one of its lab."""
    assert old in CAMPAIGN
    assert lab[0] in LAB
    return write(campaign=CAMPAIGN.replace(old, new), lab=LAB.replace(*lab) if lab[0] else LAB)


def test_a_campaign_with_stages_says_who_does_what(write: Write, registry: Registry) -> None:
    file = load_campaign(write(campaign=CAMPAIGN, lab=LAB), registry)
    assert [(stage.name, stage.stations) for stage in file.stages] == [("make", ("a1", "a2")), ("b", ("b",))]
    assert all(isinstance(stage.procedure, Procedure) for stage in file.stages)
    assert file.stations == ("a1", "a2", "b")
    assert [stage.supplies["tip"].each for stage in file.stages] == [1, 2]
    assert (file.supplies["tip"].each, file.supplies["tip"].refill_at, file.supplies["acid"].each) == (3, 4, 1)
    assert file.space.parameters["x"].model_dump()["unit"] == "mm"
    assert (file.lab.kind("a2"), file.lab.kind("b")) == ("make", "b")
    assert [list(file.lab.shared_by(name)) for name in ("a1", "b")] == [["robot"], ["robot", "lamp"]]


def test_a_stage_may_be_at_one_station_by_its_name_or_restricted_to_some(write: Write, registry: Registry) -> None:
    path = changed(write, "station: make,", "station: a2, stage: make,")
    assert load_campaign(path, registry).stages[0].stations == ("a2",)
    path = changed(write, "analysis:", "stations: [a1, b]\nanalysis:")
    assert load_campaign(path, registry).stages[0].stations == ("a1",)


def test_a_stage_may_run_a_plugin_of_which_nothing_is_known(write: Write, registry: Registry) -> None:
    file = load_campaign(changed(write, "procedure: prepare", "procedure: {scan: {n: 3}}"), registry)
    assert file.stages[0].procedure == PluginRef(name="scan", options={"n": 3})


def test_a_stage_may_have_its_steps_in_place(write: Write, registry: Registry) -> None:
    steps = "procedure: {steps: [stage.move: {x: $x}, stage.read]}"
    assert len(load_campaign(changed(write, "procedure: prepare", steps), registry).stages) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "stages:",
            "procedure: prepare\nstages:",
            "campaign.yaml:1: found a mapping; either a `procedure` or a list of `stages` is needed",
        ),
        (
            "station: make,",
            "station: mak, stage: make,",
            "campaign.yaml:8: stages.0.station: found the station 'mak'; did you mean 'make'? allowed: make, b, a1, a2 "
            "(kinds of station, and stations)",
        ),
        (
            "station: b,",
            "station: make, stage: c,",
            "campaign.yaml:9: stages.1.station: found the station 'a1' of the kind 'make', which has no device "
            "'balance'; the procedure uses it; the station has: robot, stage",
        ),
        (
            "procedure: weigh",
            "procedure: weight",
            "campaign.yaml:9: stages.1.procedure: found the procedure 'weight'; did you mean 'weigh'? allowed: "
            "prepare, weigh, scan, or a YAML file, or `steps:`",
        ),
        (
            "procedure: weigh",
            "procedre: weigh",
            "campaign.yaml:9: stages.1.procedre: found the unknown key 'procedre'; did you mean 'procedure'? "
            "allowed: station, procedure, stage",
        ),
        (
            "station: make,",
            "station: make, stage: synthesis,",
            "lab.yaml:26: procedures.weigh.steps.0.lamp.move.x: found the reference $make.read.x; "
            "did you mean '$synthesis.read.x'? there is at this step: $synthesis.read.x, $synthesis.read.y",
        ),
        (
            "station: b,",
            "station: b, stage: make,",
            "campaign.yaml:9: stages.1.stage: found the stage 'make' a second time; line 8 has it already; give one of "
            "them another name with `stage: NAME`",
        ),
        (
            "analysis:",
            "stations: [a1]\nanalysis:",
            "campaign.yaml:9: stages.1.station: found the station 'b', none of which `stations` names; one of these "
            "has to be among them: b",
        ),
        (
            "x: {type",
            "y: {type: fixed, value: 1}\n  x: {type",
            "campaign.yaml:4: parameters.y: found the parameter 'y'; no step of any stage uses $y",
        ),
        (
            "procedure: weigh",
            "procedure: {steps: [balance.weigh: {time: $make.read.x}]}",
            "campaign.yaml:9: stages.1.procedure.steps.0.balance.weigh.time: found $make.read.x, which is in mm; "
            "a value that can be converted to s is needed",
        ),
        (
            "procedure: weigh",
            "procedure: {steps: [robot.read, balance.weigh: {time: 1}]}",
            "campaign.yaml:9: stages.1.procedure.steps.0: found the name 'read' for a step of the stage 'b'; the stage "
            "'make' has it already; give one of them another name with `as: NAME`",
        ),
        (
            "analysis: reading",
            "analysis: {reading: {reads: read.z}}",
            "campaign.yaml:10: analysis: found the output 'read.z'; did you mean 'read.y'? allowed: read.x, read.y, "
            "weigh.mass, weigh.trace (outputs of the procedure's steps)",
        ),
        (
            "procedure: prepare",
            "procedure: {steps: [stage.move: {x: $x}, {if: $x > 5, then: [stage.read]}]}",
            "lab.yaml:26: procedures.weigh.steps.0.lamp.move.x: found $make.read.x; the step that gives it may not "
            "have run when this one does",
        ),
    ],
)
def test_mistakes_in_stages(write: Write, problems: Problems, old: str, new: str, message: str) -> None:
    assert message in problems(changed(write, old, new))


def test_a_mistake_in_a_stage_is_not_followed_by_its_consequences(write: Write, problems: Problems) -> None:
    found = problems(changed(write, "station: make,", "staton: make,"))
    assert [line.split(": ")[1] for line in found] == ["stages.0.station", "stages.0.staton"]


def test_an_output_of_a_stage_needs_a_stage_before(write: Write, problems: Problems) -> None:
    stages = CAMPAIGN[CAMPAIGN.index("stages") : CAMPAIGN.index("analysis")]
    found = problems(changed(write, stages, "procedure: weigh\nstations: [b]\n"))
    where = "lab.yaml:26: procedures.weigh.steps.0.lamp.move.x"
    assert f"{where}: found the reference $make.read.x; there is at this step: none" in found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "used_by: [b]",
            "used_by: [c]",
            "shared.lamp.used_by.0: found the station 'c'; allowed: a1, a2, b (stations of the lab)",
        ),
        (
            "  lamp:",
            "  stage:",
            "shared.stage: found the shared device 'stage'; another name is needed: a1, a2 has a device of that name",
        ),
        (
            "longest: 5 min",
            "longest: 5 mm",
            "shared.robot.longest: found '5 mm'; mm ([length]) cannot be converted to s",
        ),
        ("lease: stage", "lease: step, driver2: soft", "shared.robot.driver2: found the unknown key 'driver2'"),
        (
            "robot: {driver: soft",
            "robot: {driver: sof",
            "shared.robot.driver: found the driver 'sof'; did you mean 'soft'?",
        ),
        (
            "  b:\n",
            "  b:\n    kind: a1\n",
            "stations.b.kind: found the kind 'a1'; another name is needed: the station 'a1' is of the kind 'make'",
        ),
        ("refill_at: 4", "refill_at: 4 mL", "consumables.tip.refill_at: found '4 mL'; a plain number is needed"),
        (
            "{unit: mL}",
            "{unit: mL, refill_at: 1}",
            "consumables.acid.refill_at: found 1; a `stock` is needed too: what there is at the start",
        ),
    ],
)
def test_mistakes_in_what_stations_share(write: Write, problems: Problems, old: str, new: str, message: str) -> None:
    found = problems(changed(write, "campaign", "campaign", lab=(old, new)))
    assert any(message in line for line in found), found


def test_stations_that_share_a_device_are_hosted_by_one_process(write: Write, problems: Problems) -> None:
    lab = LAB.replace("  b:\n", "  b:\n    remote: true\n").replace("lab: bench", "lab: bench\nbroker: mqtt://host")
    assert problems(write(campaign=CAMPAIGN, lab=lab)) == [
        "lab.yaml:12: shared.robot: found a device that b (remote) and a1, a2 share; "
        "all of its stations in one process are needed (`used_by`)"
    ]


def test_the_schemas_know_stages_and_shared_devices(write: Write, registry: Registry) -> None:
    path = write(campaign=CAMPAIGN, lab=LAB)
    campaign: Any = jsonschema.Draft202012Validator(schema("campaign", registry))
    lab: Any = jsonschema.Draft202012Validator(schema("lab", registry))
    stated = read(path).data
    assert campaign.is_valid(stated)
    assert lab.is_valid(read(path.parent / "lab.yaml").data)
    assert not campaign.is_valid({**stated, "procedure": "weigh"})
    assert not campaign.is_valid({**stated, "stages": [{"station": "make"}]})
    assert not campaign.is_valid({key: value for key, value in stated.items() if key != "stages"})
    shared = {"robot": {"driver": "soft", "lease": "day"}}
    assert not lab.is_valid({**read(path.parent / "lab.yaml").data, "shared": shared})
