"""The how-to guide to the queue says what Motet does."""

import re
import shlex
import threading
from pathlib import Path
from typing import Any

import pytest
import typer.main

from motet.api.queue import read_csv
from motet.api.run import Options, Run
from motet.cli.app import app
from motet.model.events import Event, QuestionAsked

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "queue-experiments.md"
LAB = """\
lab: bench
broker: none
stations:
  cell:
    devices:
      scales: {driver: manual, options: {answer: number, unit: mg}, simulator: {answer: 5}}
procedures:
  weigh:
    parameters: {amount: mL}
    steps:
      - scales.ask: {question: What do the scales show?}
"""
CAMPAIGN = """\
campaign: weighing
lab: lab.yaml
parameters: {amount: {type: continuous, low: 0, high: 5, unit: mL}}
objectives: {mass: {goal: maximize, unit: mg}}
procedure: weigh
analysis: {plateau: {signal: ask.answer, output: mass}}
learner: {surrogate: gp}
"""


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("command", [line for block in _blocks("sh") for line in block.splitlines()])
def test_the_commands_take_these_options(command: str) -> None:
    _, name, *arguments = shlex.split(command)
    found: Any = typer.main.get_group(app).commands[name]
    if name == "queue":
        found, arguments = found.commands[arguments[0]], arguments[1:]
    assert found.make_context(name, list(arguments)).params["campaign"] == "weighing"


def test_the_tables_can_be_read(tmp_path: Path) -> None:
    points, measured = _blocks("csv")
    (tmp_path / "points.csv").write_text(points)
    (tmp_path / "measured.csv").write_text(measured)
    assert read_csv(tmp_path / "points.csv") == [{"amount": "1"}, {"amount": "2.5"}, {"amount": "4 mL"}]
    assert read_csv(tmp_path / "measured.csv")[1] == {"amount": "2", "mass": "0.21 g"}


@pytest.mark.slow
def test_the_program_queues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    monkeypatch.chdir(tmp_path)
    runs: list[Run] = []
    asked = threading.Event()

    def keep(run: Run, file: Any, options: Options) -> None:
        """The learner's first experiment is under way before the page's program goes on."""
        runs.append(run)
        run_init(run, file, options, [hear])
        assert asked.wait(30)

    def hear(event: Event) -> None:
        if isinstance(event, QuestionAsked):
            asked.set()

    run_init = Run.__init__
    monkeypatch.setattr(Run, "__init__", keep)
    found: dict[str, Any] = {}
    try:
        exec(compile(_blocks("python")[0], str(PAGE), "exec"), found)  # noqa: S102 - the page's own example
        assert capsys.readouterr().out == "1 {'amount': 3.0} looks odd\n"
        assert found["number"] == 2
        runs[0].command("abort", "the page ends here")
        assert runs[0].wait(30).experiments == 2
    finally:
        for run in runs:
            run.close()
