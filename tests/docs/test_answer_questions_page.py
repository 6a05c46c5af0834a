"""The how-to guide to questions says what Motet does."""

import re
import shlex
import threading
from pathlib import Path
from typing import Literal

import pytest
import typer.main

from motet.api.run import Options, Run
from motet.cli.app import app
from motet.files.lab import load_lab
from motet.model.events import Event, QuestionAsked
from motet.plugins import installed

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "answer-questions.md"
CAMPAIGN = """\
campaign: weighing
lab: lab.yaml
parameters: {amount: {type: fixed, value: 5, unit: mL}}
objectives: {mass: {goal: maximize, unit: mg}}
procedure: weigh
analysis: {plateau: {signal: weight.answer, output: mass}}
budget: {experiments: 1}
"""


def _blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


@pytest.mark.parametrize("command", [line for block in _blocks("sh") for line in block.splitlines()])
def test_the_commands_take_these_options(command: str) -> None:
    _, name, *arguments = shlex.split(command)
    made = typer.main.get_group(app).commands[name].make_context(name, list(arguments))
    assert made.params["campaign"] == "weighing"


@pytest.mark.parametrize("hardware", ["real", "simulated"])
def test_the_lab_is_valid(tmp_path: Path, hardware: Literal["real", "simulated"]) -> None:
    (tmp_path / "lab.yaml").write_text(_blocks("yaml")[0])
    assert load_lab(tmp_path / "lab.yaml", installed(), hardware).lab.lab == "bench"


def test_the_program_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lab.yaml").write_text(_blocks("yaml")[0].replace("broker: embedded", "broker: none"))
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    monkeypatch.chdir(tmp_path)
    runs: list[Run] = []
    second = threading.Event()

    def keep(run: Run, file: object, options: Options) -> None:
        runs.append(run)
        run_init(run, file, options, [hear])  # pyright: ignore[reportArgumentType]

    def hear(event: Event) -> None:
        if isinstance(event, QuestionAsked) and event.asked.number == 2:
            second.set()

    run_init = Run.__init__
    monkeypatch.setattr(Run, "__init__", keep)
    try:
        exec(compile(_blocks("python")[0], str(PAGE), "exec"), {})  # noqa: S102 - the page's own example
        assert "1 cell-hands Put a clean dish on the scales true (for done)" in capsys.readouterr().out
        assert second.wait(20)
        assert runs[0].answer(250) == 250.0
        assert runs[0].wait(20).experiments == 1
    finally:
        for run in runs:
            run.close()
