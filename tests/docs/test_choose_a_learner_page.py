"""What the guide to learners says is what Motet takes: every block is part of a valid campaign, every plugin exists."""

import re
import shutil
from pathlib import Path

import pytest

from motet.contracts.declarations import Kind
from motet.files.campaign import CampaignFile, load_campaign
from motet.model.campaign import LearnerConfig
from motet.model.goals import goal_of, parts_of
from motet.model.objective import Objective
from motet.model.parameters import Continuous, Stepped
from motet.model.space import Space
from motet.plugins import installed

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "choose-a-learner.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
NUMBERS = ("y", "y_error", "yield", "cost", "pressure", "phase")
REST = f"""
campaign: c
lab: lab.yaml
parameters:
  x1: {{ type: stepped, low: -5, high: 10, step: 0.25 }}
  x2: {{ type: stepped, low: 0, high: 15, step: 0.25 }}
procedure: measure_both
analysis: {{ value: {{ outputs: {{ {", ".join(f"{name}: one.value" for name in NUMBERS)} }} }} }}
"""
STEPS = Space({"x": Stepped(type="stepped", low=0, high=1, step=0.1)})
CONTINUUM = Space({"x": Continuous(type="continuous", low=0, high=1)})
TABLES = {
    "start": Kind.START,
    "surrogate": Kind.SURROGATE,
    "acquisition": Kind.ACQUISITION,
    "pending": Kind.PENDING,
    "stop": Kind.STOP_RULE,
}


def campaign_with(block: str, folder: Path) -> CampaignFile:
    shutil.copy(ROOT / "examples" / "pareto" / "lab.yaml", folder)
    objectives = "" if "objectives:" in block else "objectives: { y: { goal: maximize } }\n"
    (folder / "campaign.yaml").write_text(REST + objectives + block)
    return load_campaign(folder / "campaign.yaml", installed())


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_block_is_part_of_a_valid_campaign(number: int, tmp_path: Path) -> None:
    campaign_with(BLOCKS[number], tmp_path)


def test_there_is_a_block_for_every_topic() -> None:
    text = "".join(BLOCKS)
    assert len(BLOCKS) == 10
    for word in ("top_set", "committee", "epsilon_greedy", "feasibility", "outcome_constraints", "error", "repeats",
                 "classify", "all:"):  # fmt: skip
        assert word in text, word


def rows(head: str) -> list[str]:
    """The first cells of the table whose first head is this one."""
    table = PAGE.split(f"| `{head}` |")[1].split("\n\n")[0]
    return [line.split("|")[1] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("head", TABLES)
def test_the_tables_name_every_plugin_and_no_other(head: str) -> None:
    named = {name for cell in rows(head) for name in re.findall(r"`(\w+)`", cell)}
    ours = {name for name, found in installed().all(TABLES[head]).items() if found.distribution == "motet"}
    assert named == ours


def test_the_table_of_goals_is_what_is_used() -> None:
    one, two = {"y": Objective(goal="maximize")}, {n: Objective(goal="maximize") for n in ("y", "z")}
    assert (goal_of(LearnerConfig(), one), goal_of(LearnerConfig(), two)) == ("best", "pareto")
    for line in PAGE.split("| `goal` |")[1].split("\n\n")[0].splitlines()[2:]:
        goal, _, *used = (cell.strip() for cell in line.strip("|").split("|"))
        config = LearnerConfig.model_validate({"goal": goal.strip("`")})
        for space, cell in zip((STEPS, CONTINUUM), used, strict=True):
            parts = parts_of(config, one, space)
            assert re.findall(r"`(\w+)`", cell) == [parts.surrogate.name, parts.acquisition.name]
            assert (parts.start.name, parts.pending.name) == ("random", "believer")
            if parts.surrogate.name == "committee":
                assert parts.surrogate.options["members"] == ["gaussian_process", "extra_trees"]
    classes = {"phase": Objective(goal="classify", classes=("a", "b"))}
    parts = parts_of(LearnerConfig(), classes, STEPS)
    assert [parts.surrogate.name, parts.acquisition.name, parts.pending.name] == ["gp_classifier", "entropy", "exclude"]
