"""Valid campaigns with everything they name, and mistakes that only show across files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from motet.files.campaign import CampaignFile, load_campaign
from motet.model.procedure import Procedure, VerbStep
from motet.model.values import PluginRef
from motet.plugins import Registry

Write = Callable[..., Path]
Problems = Callable[[Path], list[str]]

TWO_STATIONS = """\
lab: bench
stations:
  a:
    devices:
      stage: {driver: soft}
      balance: {driver: balance, topic: a/balance}
  b:
    devices:
      stage: {driver: soft, limits: {x: [0, 2 cm]}}
      balance: {driver: balance, topic: b/balance}
  c:
    devices:
      stage: {driver: soft}
procedures:
  weigh_at:
    parameters: {x: mm}
    steps:
      - stage.move: {x: $x}
      - balance.weigh: {time: 2 s}
  move:
    parameters: [x]
    steps: [stage.move: {x: $x}]
"""


def changed(write: Write, old: str, new: str, **texts: str) -> Path:
    """The valid campaign with one piece replaced."""
    path = write(**texts)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_a_valid_campaign_holds_all_it_names(write: Write, registry: Registry) -> None:
    path = write()
    file = load_campaign(path, registry)
    assert (file.campaign.campaign, file.lab.lab, file.stations) == ("test", "bench", ("a",))
    assert file.space.size == 11
    (stage,) = file.stages
    assert isinstance(stage.procedure, Procedure)
    assert (stage.name, stage.stations) == ("", ("a",))
    assert file.files == {
        "campaign.yaml": path.read_text(),
        "lab.yaml": (path.parent / "lab.yaml").read_text(),
    }


def test_a_parameter_without_a_unit_has_the_procedures(write: Write, registry: Registry) -> None:
    file = load_campaign(write(), registry)
    assert file.space.parameters["x"].model_dump()["unit"] == "mm"


def test_stations_are_all_that_have_the_devices(write: Write, registry: Registry) -> None:
    # x goes to 50 mm, further than b allows
    path = changed(write, "high: 50", "high: 20", lab=TWO_STATIONS)
    assert load_campaign(path, registry).stations == ("a", "b")
    path.write_text(path.read_text() + "stations: [b]\n")
    assert load_campaign(path, registry).stations == ("b",)


def test_one_stop_rule_needs_no_list(write: Write, registry: Registry) -> None:
    path = write()
    path.write_text(path.read_text() + "stop: {experiments: {n: 3}}\n")
    assert [rule.name for rule in load_campaign(path, registry).campaign.stop] == ["experiments"]


@pytest.mark.parametrize(
    "stated",
    [
        "procedure: {parameters: [x], steps: [stage.move: {x: $x}, balance.weigh: {time: 1}]}",
        "procedure: {steps: [stage.move: {x: $x}, balance.weigh: {time: 1}]}",
        "procedure: steps.yaml",
    ],
)
def test_a_procedure_may_be_written_in_place_or_in_a_file(write: Write, registry: Registry, stated: str) -> None:
    steps = "steps:\n  - stage.move: {x: $x}\n  - balance.weigh: {time: 1}\n"
    file = load_campaign(changed(write, "procedure: weigh_at", stated, steps=steps), registry)
    procedure = file.stages[0].procedure
    assert isinstance(procedure, Procedure)
    assert [step.label for step in procedure.steps if isinstance(step, VerbStep)] == [
        "stage.move",
        "balance.weigh",
    ]
    assert ("steps.yaml" in file.files) == ("steps.yaml" in stated)


def test_a_procedure_may_be_a_plugin(write: Write, registry: Registry, problems: Problems) -> None:
    file = load_campaign(changed(write, "procedure: weigh_at", "procedure: {scan: {n: 3}}"), registry)
    assert file.stages[0].procedure == PluginRef(name="scan", options={"n": 3})
    assert problems(changed(write, "procedure: weigh_at", "procedure: {scan: {n: 0}}")) == [
        "campaign.yaml:7: procedure.scan.n: found 0; a number of at least 1 is needed"
    ]


def test_a_copy_with_changes_leaves_the_file_as_it_is(write: Write, registry: Registry) -> None:
    file = load_campaign(write(), registry)
    other = file.replace(lab=file.lab.model_copy(update={"lab": "z"}))
    assert isinstance(other, CampaignFile)
    assert (other.lab.lab, file.lab.lab) == ("z", "bench")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "procedure: weigh_at",
            "procedure: weigh_in",
            "7: procedure: found the procedure 'weigh_in'; did you mean 'weigh_at'? allowed: weigh_at, scan, "
            "or a YAML file, or `steps:`",
        ),
        (
            "procedure: weigh_at",
            "procedure: step.yaml",
            "7: procedure: found no such file 'step.yaml'; did you mean 'steps.yaml'? a path relative to the "
            "folder of this file is needed",
        ),
        (
            "procedure: weigh_at",
            "procedure: {steps: [stage.move: {x: 5}, balance.weigh: {time: 1}]}",
            "4: parameters.x: found the parameter 'x'; no step of the procedure uses $x",
        ),
        (
            "high: 50",
            "high: 500",
            "4: parameters.x: found x in [0, 500] mm; stage.move takes x in [-100, 100] mm, "
            "the limit of the instrument",
        ),
        (
            "{type: stepped, low: 0, high: 50, step: 5}",
            "{type: stepped, low: 0, high: 50, step: 5, unit: cm}",
            "4: parameters.x: found x in [0, 50] cm; stage.move takes x in [-100, 100] mm, the limit of the instrument",
        ),
        (
            "{type: stepped, low: 0, high: 50, step: 5}",
            "{type: fixed, value: 500}",
            "4: parameters.x: found x in 500 mm; stage.move takes x in [-100, 100] mm, the limit of the instrument",
        ),
        (
            "{type: stepped, low: 0, high: 50, step: 5}",
            "{type: categorical, choices: [a, b]}",
            "lab.yaml:11: procedures.weigh_at.steps.0.stage.move.x: found $x, which is text; a number is needed",
        ),
        (
            "mass: {goal",
            "weight: {goal",
            "6: objectives.weight: found the objective 'weight'; allowed: mass (what the analysis yields)",
        ),
        (
            "analysis: reading",
            "analysis: {reading: {reads: weigh.time}}",
            "8: analysis: found the output 'weigh.time'; did you mean 'weigh.trace'? allowed: weigh.mass, "
            "weigh.trace (outputs of the procedure's steps)",
        ),
        (
            "analysis: reading",
            "analysis: {reading: {reads: mass}}",
            "8: analysis: found {reading: {reads: 'mass'}}; analysis 'reading' refuses its options: "
            "reads must be step.output, not 'mass'",
        ),
        (
            "analysis: reading",
            "analysis: reading\nlearner: {start: {sobol: {n: 12}}}",
            "9: learner.start: found a start design of 12 points; at most 11 are needed: the space has no more points",
        ),
        (
            "mass: {goal: minimize, unit: g}",
            "mass: {goal: minimize, unit: gg}",
            "6: objectives.mass.unit: found the unit 'gg'; did you mean 'g'? 'gg' is not a known unit",
        ),
    ],
)
def test_mistakes_across_files(write: Write, problems: Problems, old: str, new: str, message: str) -> None:
    path = changed(write, old, new, steps="steps: [stage.move: {x: $x}]")
    assert problems(path) == [message if message.startswith("lab") else f"campaign.yaml:{message}"]


def test_a_limit_of_one_station_is_found_among_many(write: Write, problems: Problems) -> None:
    assert problems(write(lab=TWO_STATIONS)) == [
        "campaign.yaml:4: parameters.x: found x in [0, 50] mm; stage.move takes x in [0, 20] mm, the limit of the lab"
    ]


def test_no_station_with_all_devices(write: Write, problems: Problems) -> None:
    lab = """\
lab: bench
stations:
  a: {devices: {stage: {driver: soft}}}
  b: {devices: {balance: {driver: balance, topic: b}}}
procedures:
  weigh_at: {parameters: {x: mm}, steps: [stage.move: {x: $x}, balance.weigh: {time: 1}]}
"""
    assert problems(write(lab=lab)) == [
        "campaign.yaml:7: procedure: found 'weigh_at'; no station has all of its devices: stage, balance"
    ]


def test_mistakes_of_the_lab_come_with_those_of_the_campaign(write: Write, problems: Problems) -> None:
    lab = "lab: bench\nstations: {a: {devices: {stage: {driver: sof}}}}\nprocedure: {}\n"
    path = changed(write, "goal: minimize", "goal: min", lab=lab)
    assert [line.partition(":")[0] for line in problems(path)] == ["campaign.yaml"] * 2 + ["lab.yaml"] * 2
    assert [line.split(": ")[1] for line in problems(path)] == [
        "objectives.mass.goal",
        "procedure",
        "stations.a.devices.stage.driver",
        "procedure",
    ]


def test_a_mistake_is_not_followed_by_its_consequences(write: Write, problems: Problems) -> None:
    """x is wrong, so nothing is said of steps that use it; the device is wrong, so nothing of its verbs."""
    lab = TWO_STATIONS.replace("{driver: balance, topic: a/balance}", "{driver: balance, topic: 5}")
    path = changed(write, "step: 5}", "step: 7}", lab=lab)
    assert [line.split(": ")[1] for line in problems(path)] == [
        "parameters.x.step",
        "stations.a.devices.balance.topic",
    ]


def test_neither_parameters_nor_candidates(write: Write, problems: Problems) -> None:
    path = write()
    lines = [line for line in path.read_text().splitlines() if not line.startswith(("parameters", "  x:"))]
    path.write_text("\n".join(lines))
    assert problems(path)[0] == ("campaign.yaml:1: found a mapping; `parameters` or a table of `candidates` is needed")


def test_an_unknown_plugin_is_followed_by_those_that_could_not_be_loaded(
    write: Write, registry: Registry, problems: Problems
) -> None:
    registry.problems.append("broken-plugin 1.0: could not import broken")
    try:
        (line,) = problems(changed(write, "analysis: reading", "analysis: spectrum"))
    finally:
        registry.problems.clear()
    assert line == (
        "campaign.yaml:8: analysis: found the analysis 'spectrum'; allowed: reading "
        "(not loaded: broken-plugin 1.0: could not import broken)"
    )
