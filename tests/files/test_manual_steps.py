"""Labs and campaigns with a step that asks a person, with the plugins that come with Motet."""

from collections.abc import Callable
from pathlib import Path

import pytest

from motet.errors import FileProblems
from motet.files.campaign import load_campaign
from motet.files.lab import load_lab
from motet.plugins import installed

LAB = """\
lab: bench
broker: none
hardware: HARDWARE
stations:
  a:
    devices:
      scales:
        driver: manual
        options: OPTIONS
        simulator: SIMULATOR
procedures:
  weigh:
    parameters: {x: null}
    steps:
      - scales.ask: {question: What do the scales show?}
      - if: CONDITION
        then: [wait: 1]
"""
CAMPAIGN = """\
campaign: test
lab: lab.yaml
parameters: {x: {type: fixed, value: 5}}
objectives: {mass: {goal: maximize}}
procedure: weigh
analysis: {plateau: {signal: ask.answer, output: mass}}
"""
GRAMS = "{answer: number, unit: g, low: 0}"


def lab(
    folder: Path,
    options: str = GRAMS,
    simulator: str = "{answer: 5, delay: 2 min}",
    *,
    hardware: str = "simulated",
    condition: str = "$ask.answer > 3",
) -> Path:
    text = LAB.replace("HARDWARE", hardware).replace("OPTIONS", options)
    path = folder / "lab.yaml"
    path.write_text(text.replace("SIMULATOR", simulator).replace("CONDITION", condition))
    return path


def mistakes(path: Path) -> list[str]:
    with pytest.raises(FileProblems) as caught:
        load_lab(path, installed())
    return [line.replace(f"{path.parent}/", "") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("options", "simulator", "condition"),
    [
        (GRAMS, "{answer: 5}", "$ask.answer > 3"),
        (GRAMS, "{normal: [5, 0.1], delay: 1 min}", "$ask.answer > 3"),
        ("{answer: text}", "{answers: [red, blue]}", "$ask.answer == 'red'"),
        ("{answer: yes_no}", "{answer: true, delay: 5}", "$ask.answer"),
        ("{}", "{delay: 5 min}", "$ask.answer"),
    ],
)
def test_a_simulated_lab_with_a_stated_answer_or_delay_is_valid(
    tmp_path: Path, options: str, simulator: str, condition: str, follow_schema: Callable[[Path, str], None]
) -> None:
    path = lab(tmp_path, options, simulator, condition=condition)
    load_lab(path, installed())
    follow_schema(path, "lab")


def test_a_simulated_lab_must_state_an_answer_or_a_delay(tmp_path: Path) -> None:
    assert mistakes(lab(tmp_path, "{}", "{}", condition="$ask.answer")) == [
        "lab.yaml:10: stations.a.devices.scales.simulator: found an empty mapping; "
        "a campaign with a manual step needs a stated answer or delay: a `delay`, such as 5 min"
    ]
    assert mistakes(lab(tmp_path, simulator="{delay: 5 min}")) == [
        "lab.yaml:10: stations.a.devices.scales.simulator: found {delay: '5 min'}; "
        "a campaign with a manual step needs a stated answer or delay: "
        "`answer`, `answers` or `normal` (a number of at least 0 g), and a `delay` where it takes time"
    ]


def test_a_stated_answer_must_be_one(tmp_path: Path) -> None:
    assert mistakes(lab(tmp_path, simulator="{answer: -5}")) == [
        "lab.yaml:10: stations.a.devices.scales.simulator: found {answer: -5}; "
        "the answer -5.0 will not do: a number of at least 0 g is needed"
    ]


def test_real_hardware_needs_no_stated_answer_until_it_is_simulated(tmp_path: Path) -> None:
    path = lab(tmp_path, simulator="{}", hardware="real")
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    load_lab(path, installed())
    load_campaign(tmp_path / "campaign.yaml", installed())
    with pytest.raises(FileProblems, match="needs a stated answer or delay"):
        load_lab(path, installed(), "simulated")
    with pytest.raises(FileProblems, match="needs a stated answer or delay"):
        load_campaign(tmp_path / "campaign.yaml", installed(), "simulated")


def test_what_is_loaded_for_other_hardware_says_so(tmp_path: Path) -> None:
    path = lab(tmp_path)
    assert load_lab(path, installed(), "real").lab.hardware == "real"
    assert load_lab(path, installed()).lab.hardware == "simulated"


def test_conditions_know_what_the_answer_is(tmp_path: Path) -> None:
    assert mistakes(lab(tmp_path, "{answer: text}", "{answer: red}")) == [
        "lab.yaml:16: procedures.weigh.steps.1.if: found '$ask.answer > 3'; a number with text cannot be compared"
    ]


def test_mistakes_in_the_options_hide_what_the_answer_is_and_cause_no_others(tmp_path: Path) -> None:
    assert mistakes(lab(tmp_path, "{answer: txt}", "{answer: red}")) == [
        "lab.yaml:9: stations.a.devices.scales.options.answer: found 'txt'; "
        "did you mean 'text'? allowed: number, text, yes_no, done"
    ]
    assert mistakes(lab(tmp_path, "{answer: number, unit: gg}")) == [
        "lab.yaml:9: stations.a.devices.scales.options.unit: found 'gg'; did you mean 'g'? 'gg' is not a known unit"
    ]
    (line,) = mistakes(lab(tmp_path, "{answer: number, low: 5, high: 1}"))
    assert "low = 5 must be below high = 1" in line


def test_stations_that_ask_for_different_things_are_checked_apart(tmp_path: Path) -> None:
    path = lab(tmp_path)
    second = "  b: {devices: {scales: {driver: manual, options: {answer: text}, simulator: {answer: red}}}}\n"
    path.write_text(path.read_text().replace("procedures:", f"{second}procedures:"))
    assert mistakes(path) == [
        "lab.yaml:17: procedures.weigh.steps.1.if: found '$ask.answer > 3'; a number with text cannot be compared"
    ]


def test_a_person_has_no_line(tmp_path: Path) -> None:
    path = lab(tmp_path)
    path.write_text(path.read_text().replace("driver: manual", "driver: manual\n        line: /dev/ttyS0"))
    assert mistakes(path) == [
        "lab.yaml:9: stations.a.devices.scales.line: found a line for the driver 'manual'; "
        "it asks a person: leave the line out"
    ]
