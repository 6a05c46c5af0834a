"""The guide to benchmarks does what it says."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from motet.api.learners import learner_named

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "benchmark-a-learner.md"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_learners_of_the_table_can_be_named() -> None:
    cells = re.findall(r"^\| (`.*?) \|", GUIDE.read_text(), re.MULTILINE)
    names = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell) if not name.startswith(("--", "mine"))]
    assert len(names) == 6
    for name in names:
        assert learner_named(name).model_fields_set


@pytest.mark.timeout(200)
@pytest.mark.slow
def test_the_commands_of_the_guide_run(tmp_path: Path) -> None:
    (script,) = _blocks("python")
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=30)
    commands = [line for block in _blocks("sh") for line in block.splitlines()]
    assert len(commands) == 2
    for command in commands:
        short = command.replace("--seeds 20", "--seeds 1 --budget 20")
        assert short != command
        arguments = [sys.executable, "-m", *shlex.split(short), "--processes", "1", "--json"]
        done = subprocess.run(
            arguments, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["points"] == 144
    assert (tmp_path / "motet-benchmark" / "report.html").exists()
    assert (tmp_path / "motet-workers" / "runs.csv").exists()
