"""`motet check`, `show`, `list` and `export` of campaigns with several objectives, constraints or classes."""

import csv
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from motet.cli.inspect import check
from motet.cli.results import export, list_campaigns, show
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.store import CampaignRecord, Stamp, Store

PARETO = Path(__file__).parents[2] / "examples" / "pareto"
NOW = Stamp(0.0, 0.0)
WHY = "ucb of committee(members=[gp, rf]): best of 5"
TWO = {"a": {"goal": "maximize", "unit": "mA"}, "b": {"goal": "minimize"}}


async def put(folder: Path, objectives: Mapping[str, Any], *measured: Mapping[str, float], **more: Any) -> Path:
    """A campaign `c-1` in the store of a data folder."""
    store = await Store.open(folder / "motet.db")
    record = CampaignRecord("c", "lab", {}, {}, 0, ("s1",), objectives, {"x": {"type": "continuous"}}, NOW, **more)
    campaign = await store.new_campaign(record)
    for number, values in enumerate(measured, 1):
        problem = "the fit failed" if number == 2 else ""
        notes = {"probability of the top": 0.25}
        suggestion = Suggestion({"x": float(number)}, WHY, 0.5, 1.0, 0.1, str(number), problem, notes)
        experiment = Experiment(campaign, number, suggestion)
        store.planned(experiment, NOW)
        store.running(experiment, "s1", 1, NOW)
        await store.ended(Outcome(experiment, State.DONE, values), "s1", Stamp(1.0, 1.0))
    await store.close()
    return folder


async def test_show_lists_the_front_and_what_broke_a_constraint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (
        {"b": 1.0, "p": 0.0},
        {"a": 1.0, "b": 1.0, "p": 0.0},
        {"a": 9.0, "b": 0.0, "p": 9.0},
        {"a": 2.0, "b": 2.0, "p": 1.0},
    )
    data = await put(tmp_path, TWO, *rows, constraints={"p": {"at_most": 5.0, "unit": "bar"}})
    show("c", data=data)
    text = capsys.readouterr().out
    assert "wants    maximize a, minimize b, p at most 5 bar" in text
    assert "4 experiments, 0 failed, 1 broke a constraint" in text
    assert "front    2 experiments that no other is better than" in text
    assert [line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│")] == ["4", "2"]
    assert text.count(WHY) == 2
    assert "no model 2 was chosen without: the fit failed" in text
    list_campaigns(data=data)
    assert "front of 2" in capsys.readouterr().out


async def test_show_of_one_experiment_tells_all_that_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ({"a": 1.0, "b": 1.0, "p": 0.0}, {"b": 3.0, "p": 9.0, "speed": 2.0})
    data = await put(tmp_path, TWO, *rows, constraints={"p": {"at_most": 5.0, "unit": "bar"}})
    show("c", 2, data=data)
    assert capsys.readouterr().out.splitlines() == [
        "c-1/2: done",
        "point    x = 2",
        "measured a not measured, b 3 (breaks p 9 bar), p 9 bar, speed 2",
        "attempt  1 at s1: 1.00 s",
        f"why      {WHY}",
        "expected a 1 ± 0.1",
        "score    0.5",
        "no model the fit failed",
        "note     probability of the top: 0.25",
    ]
    show("c", 2, data=data, as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["suggestion"]["notes"] == {"probability of the top": 0.25}
    assert facts["suggestion"]["problem"] == "the fit failed"


async def test_classes_are_shown_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phase = {"phase": {"goal": "classify", "classes": ["FCC", "BCC"]}}
    data = await put(tmp_path, phase, {"phase": 1.0}, {"phase": 0.0}, {"phase": 1.0})
    show("c", data=data)
    text = capsys.readouterr().out
    assert "found    FCC 1, BCC 2" in text
    assert [line.split("│")[3].strip() for line in text.splitlines() if line.startswith("│")] == ["BCC", "FCC", "BCC"]
    export("c", data=data)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["phase"], row["phase.class"], row["suggestion.problem"]) for row in rows] == [
        ("1.0", "BCC", ""),
        ("0.0", "FCC", "the fit failed"),
        ("1.0", "BCC", ""),
    ]


def test_check_shows_the_learner_as_it_will_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(PARETO, tmp_path / "pareto")
    file = tmp_path / "pareto" / "campaign.yaml"
    check(file)
    lines = {line[2:13].strip(): line[14:] for line in capsys.readouterr().out.splitlines()[1:]}
    assert lines["objective"] == "minimize branin, minimize schwefel"
    assert lines["outcomes"] == "schwefel at most 836"
    assert lines["goal"] == "pareto (not stated: follows from the objectives)"
    assert lines["start"] == "sobol(n=10)"
    assert lines["acquisition"] == "ehvi (not stated: follows from the goal)"
    assert "feasibility" not in lines

    learner = "learner: { goal: pareto, acquisition: parego, feasibility: gp_classifier, repeats: true }\n"
    text = file.read_text()
    start = text.index("learner:")
    file.write_text(text[:start] + learner + text[text.index("seed:") :])
    check(file)
    text = capsys.readouterr().out
    assert "  goal        pareto\n" in text
    assert "  acquisition parego\n" in text
    assert "  feasibility gp_classifier\n" in text
    assert "  repeats     a measured point may be measured again\n" in text
    check(file, as_json=True)
    facts = json.loads(capsys.readouterr().out)["learner"]
    assert facts["goal"] == "pareto"
    assert facts["surrogate"] == "gaussian_process"
    assert facts["feasibility"] == "gp_classifier"
