"""The guide to consumables: its commands do what it says, in the lab of the example."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from motet.cli.app import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "count-consumables.md").read_text()


def _block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found


def test_the_lab_is_the_one_of_the_example() -> None:
    assert _block("yaml") in (ROOT / "examples" / "pipeline" / "lab.yaml").read_text()


@pytest.mark.slow
def test_the_commands_print_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples" / "pipeline", tmp_path / "examples" / "pipeline")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOTET_DATA", raising=False)
    show, *changes = _block("sh").splitlines()
    printed = ""
    for command in changes:
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
        printed += result.output
    assert printed == _block("console")
    assert "Ada" in CliRunner().invoke(app, shlex.split(show)[1:]).output
