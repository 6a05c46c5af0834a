"""The twin-cell example, shortened, and the `motet` command as a user calls it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from motet.cli.app import app

EXAMPLE = Path(__file__).parents[2] / "examples" / "twin_sdc"
TIMEOUT_S = 90


@dataclass
class Twin:
    """A copy of the example in a folder of its own."""

    folder: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list["subprocess.Popen[str]"])

    @property
    def campaign(self) -> Path:
        return self.folder / "campaign.yaml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def change(self, file: str, before: str, after: str) -> None:
        """Replace a text that must be there."""
        path = self.folder / file
        text = path.read_text()
        assert before in text, f"{before!r} is not in {file}"
        path.write_text(text.replace(before, after))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `motet` with its output in pipes."""
        process = subprocess.Popen(
            [sys.executable, "-m", "motet", *arguments],
            cwd=self.folder,
            env=os.environ | {"MOTET_DATA": str(self.data), "COLUMNS": "120"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process

    def motet(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `motet` to its end."""
        return finish(self.start(*arguments))

    def here(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a `motet` to its end in this process, without what it takes to start another one: where that proves
        the same, which is everywhere but where processes, signals or pseudo-terminals are the point."""
        with chdir(self.folder):
            done = CliRunner().invoke(app, arguments, env={"MOTET_DATA": str(self.data), "COLUMNS": "120"})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def finish(process: "subprocess.Popen[str]") -> "subprocess.CompletedProcess[str]":
    """What a process printed and its exit code, within bounds."""
    out, err = process.communicate(timeout=TIMEOUT_S)
    arguments: Sequence[str] = [str(part) for part in process.args] if isinstance(process.args, list) else []
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


@contextmanager
def shortened(folder: Path) -> Generator[Twin]:
    """The example in a folder that is empty, eight experiments long."""
    for file in EXAMPLE.glob("*.yaml"):
        shutil.copy(file, folder)
    made = Twin(folder)
    made.change("campaign.yaml", "experiments: 132", "experiments: 8")
    made.change("lab.yaml", "time_scale: 80", "time_scale: 400")
    yield made
    for process in made.running:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Twin]:
    with shortened(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """Four experiments, over, to look at: one campaign for all tests of a module."""
    with shortened(tmp_path_factory.mktemp("ran")) as made:
        made.change("campaign.yaml", "experiments: 8", "experiments: 4")
        done = made.motet("run", "campaign.yaml", "--json")
        assert done.returncode == 0, done.stderr
        yield made
