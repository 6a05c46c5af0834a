"""The commands and files of the how-to guides for studies are what Motet takes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from motet.cli.app import app

ROOT = Path(__file__).parents[2]
COMPARE, CLUSTER = "compare-learners.md", "study-on-a-cluster.md"
BIN = Path(sys.executable).parent


def _blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / "how-to" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _commands(page: str, program: str = "motet") -> list[str]:
    lines = [line for block in _blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith(f"{program} ")]


@pytest.mark.parametrize("command", [*_commands(COMPARE), *_commands(CLUSTER)])
def test_the_commands_take_these_options(command: str) -> None:
    _, name, *arguments = shlex.split(command)
    group = typer.main.get_group(app)
    made = group.commands[name].make_context(name, list(arguments))
    assert str(made.params["file" if name == "check" else "campaign"]) == "campaign.yaml"


@pytest.mark.slow
def test_the_failures_of_the_guide_are_valid_and_survived(tmp_path: Path) -> None:
    from motet.api.simulate import Simulation, load_simulated, simulate

    shutil.copytree(ROOT / "examples" / "offline", tmp_path, dirs_exist_ok=True)
    simulation, failures = _blocks(COMPARE, "yaml")
    lab, campaign = tmp_path / "lab.yaml", tmp_path / "campaign.yaml"
    lab.write_text(lab.read_text().replace("simulation:\n", simulation, 1))
    campaign.write_text(campaign.read_text() + failures)
    file = load_simulated(campaign)
    assert len(file.lab.simulation.failures) == 2
    done = simulate(file, Simulation(None, fast=True))
    assert (done.summary.state, done.summary.failed) == ("finished", 0)


def test_the_script_and_the_manifest_are_well_formed() -> None:
    from ruamel.yaml import YAML

    (script,) = _blocks(CLUSTER, "python")
    compile(script, "slurm_study.py", "exec")
    (manifest,) = _blocks(CLUSTER, "yaml")
    found = YAML(typ="safe").load(manifest)  # pyright: ignore[reportUnknownVariableType]
    assert found["kind"] == "DaskCluster"


def _run(script: str, folder: Path) -> None:
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "160"}
    command = ["bash", "-euc", script]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.long
def test_the_guide_to_comparing_runs(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    script = "\n".join(_blocks(COMPARE, "sh"))
    _run(script.replace("--seeds 20", "--seeds 2").replace("stations=1,4,16", "stations=1,4"), tmp_path)
    assert (tmp_path / "my-study" / "motet-study" / "report.html").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.long
def test_the_cluster_by_hand_runs(tmp_path: Path, free_port: int) -> None:
    shutil.copytree(ROOT / "examples" / "offline", tmp_path, dirs_exist_ok=True)
    block = next(block for block in _blocks(CLUSTER, "sh") if block.startswith("dask scheduler"))
    scheduler, worker, compare = block.replace("8786", str(free_port)).splitlines()
    compare = compare.replace("--seeds 100", "--seeds 2").replace("stations=1,4,16", "stations=1,4")
    background = "trap 'kill $(jobs -p); wait' EXIT\n" + "".join(
        f"{line} --no-dashboard >>dask.log 2>&1 &\n" for line in (scheduler, worker)
    )
    joined = "timeout 60 tail -n +1 -F --pid=$$ dask.log | grep -q -m 1 'Registered to'"
    _run(f"touch dask.log\n{background}{joined}\n{compare}", tmp_path)
    assert (tmp_path / "motet-study" / "report.html").exists()
