"""The guide to several campaigns: the two of its example share a lab as it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from motet.files.campaign import load_campaign
from motet.plugins import installed

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "run-several-campaigns.md").read_text()


def _block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found


def _follow(folder: Path) -> Path:
    shutil.copytree(ROOT / "examples" / "offline", folder / "examples" / "offline")
    path = folder / _block("yaml").split()[1]
    path.write_text(_block("yaml"))
    return path


def test_its_second_campaign_is_valid_and_goes_first(tmp_path: Path) -> None:
    urgent = load_campaign(_follow(tmp_path), installed())
    other = load_campaign(urgent.path.with_name("campaign.yaml"), installed())
    assert urgent.lab == other.lab
    assert urgent.campaign.priority > other.campaign.priority == 0
    assert other.campaign.share == 1


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_both_run_at_once(tmp_path: Path) -> None:
    _follow(tmp_path)
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-euc", _block("sh")]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    for line in _block("console").splitlines()[:2]:
        assert line.split(maxsplit=1)[1] in done.stdout
    for name, most in (("branin", 100), ("urgent", 16)):
        assert re.search(rf"  {name}: \d+/{most} s\d+ ", done.stdout)
        assert f"  {name}: campaign {name}-1 finished: " in done.stdout
    assert {path.parent.name for path in tmp_path.glob("motet-data/*/report.html")} == {"branin-1", "urgent-1"}
