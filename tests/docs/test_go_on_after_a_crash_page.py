"""The guide to going on after a crash: its campaign is killed and goes on, its services start what there is."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from motet.cli.app import app
from motet.cli.exits import Exit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "go-on-after-a-crash.md").read_text()
ENV = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "160"}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def _like(line: str) -> str:
    """A line without what differs from run to run."""
    return re.sub(r"-?\d+(\.\d+)?", "#", line)


def _made(arguments: Sequence[str]) -> str:
    """The command of Motet that takes these arguments."""
    name, *rest = arguments
    command = typer.main.get_group(app).commands[name]
    if isinstance(command, TyperGroup):
        name, *rest = rest
        command = command.commands[name]
    command.make_context(name, rest)
    return name


def _services() -> dict[str, configparser.ConfigParser]:
    found: dict[str, configparser.ConfigParser] = {}
    for block in _blocks("ini"):
        parser = configparser.ConfigParser(interpolation=None)
        parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
        parser.read_string(block)
        found[Path(block.split()[1]).name] = parser
    return found


@pytest.mark.parametrize("name", ["branin.service", "branin-backup.service"])
def test_the_services_start_commands_of_motet(name: str) -> None:
    program, *arguments = shlex.split(_services()[name]["Service"]["ExecStart"])
    assert Path(program).name == "motet"
    assert _made(arguments) in ("run", "backup")


def test_a_service_is_started_again_where_that_helps() -> None:
    service = _services()["branin.service"]["Service"]
    assert service["Restart"] == "on-failure"
    never = {int(code) for code in service["RestartPreventExitStatus"].split()}
    assert never == {Exit.INTERNAL, Exit.MISTAKE, Exit.FAILED}
    assert int(service["SuccessExitStatus"]) == Exit.ABORTED
    assert Exit.NO_CONNECTION not in never
    assert _services()["branin-backup.timer"]["Timer"]["OnCalendar"]


def test_the_commands_of_the_table_exist() -> None:
    commands = re.findall(r"^\| `motet ([^`]+)` \|", PAGE, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        assert _made(shlex.split(command)) == "run"


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_killed_campaign_goes_on_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "offline", tmp_path / "examples" / "offline")
    begin, kill, again, look = _blocks("sh")
    assert begin == again

    def shell(script: str) -> str:
        command = ["bash", "-euc", script]
        done = subprocess.run(command, cwd=tmp_path, env=ENV, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    with subprocess.Popen(
        shlex.split(begin), cwd=tmp_path, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            next(line for line in process.stdout if "s5 " in line)
            assert "running" in shell("motet list")
            shell(kill)
        finally:
            process.kill()
    printed = {_like(line) for line in shell(again).splitlines()}
    for line in _blocks("console")[0].splitlines():
        assert _like(line) in printed
    shown = shell(look)
    assert "branin-1: finished" in shown
    assert "sound" in shown
