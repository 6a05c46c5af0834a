"""Goals and stop rules that cannot work with the objectives of a campaign are refused when its file is read."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from motet.errors import FileProblems
from motet.files.campaign import load_campaign
from motet.plugins import installed

EXAMPLE = Path(__file__).parents[2] / "examples" / "offline"
TWO = {"value": {"goal": "minimize"}, "other": {"goal": "maximize"}}
OUTPUTS = {"value": {"outputs": {"value": "point.value", "other": "point.value"}}}


def problems(folder: Path, **changes: Any) -> list[str]:
    """What is wrong with the example's campaign with some entries changed."""
    shutil.copytree(EXAMPLE, folder / "campaign")
    path = folder / "campaign" / "campaign.yaml"
    yaml: Any = YAML(typ="safe")
    entries: dict[str, Any] = yaml.load(path)
    with path.open("w") as file:
        yaml.dump(entries | {"learner": {}, "stop": []} | changes, file)
    try:
        load_campaign(path, installed())
    except FileProblems as error:
        return [f"{problem.key}: {problem.found}; {problem.allowed}" for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"objectives": TWO, "analysis": OUTPUTS}, []),
        (
            {"learner": {"goal": "pareto"}},
            ["learner.goal: the goal 'pareto'; it needs several objectives; there is value"],
        ),
        (
            {"learner": {"goal": "best"}, "objectives": TWO, "analysis": OUTPUTS},
            ["the goal 'best'; it needs one objective; several have the goal pareto; there are other, value"],
        ),
        (
            {"stop": [{"target_reached": {"value": 1.0, "objective": "valeu"}}]},
            ["no objective 'valeu'"],
        ),
        (
            {"stop": [{"any": {"of": [{"no_improvement": {"k": 3, "objective": "rate"}}]}}]},
            ["no objective 'rate'"],
        ),
    ],
)
def test_what_cannot_work_with_the_objectives_is_refused(
    changes: dict[str, Any], expected: list[str], tmp_path: Path
) -> None:
    found = problems(tmp_path, **changes)

    assert len(found) == len(expected)
    assert all(part in whole for part, whole in zip(expected, found, strict=True)), found
