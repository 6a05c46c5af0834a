"""A cheap study, the `motet` command as a user calls it, and a Dask cluster started as a user starts one."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "offline"
TIMEOUT_S = 60
DASK = Path(sys.executable).parent / "dask"


class Printing:
    """A process in a session of its own, and what it prints to standard error."""

    def __init__(self, *command: str, cwd: Path, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def until(self, pattern: str, timeout_s: float = TIMEOUT_S) -> str:
        """The first line that a pattern is found in, the group of the pattern if it has one."""

        def found() -> re.Match[str] | None:
            return next((match for line in self._lines if (match := re.search(pattern, line))), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() or self._ended, timeout_s), f"no {pattern!r}: {self.printed}"
            match = found()
        assert match is not None, f"it ended without {pattern!r}: {self.printed}"
        return match[match.lastindex or 0]

    @property
    def printed(self) -> str:
        """All that it has printed to standard error so far."""
        return "".join(self._lines)

    def finish(self, timeout_s: float = TIMEOUT_S) -> "subprocess.CompletedProcess[str]":
        """Wait for its end."""
        assert self.process.stdout is not None
        code = self.process.wait(timeout_s)
        self._reader.join(TIMEOUT_S)
        return subprocess.CompletedProcess(self.process.args, code, self.process.stdout.read(), self.printed)

    @property
    def family(self) -> list[psutil.Process]:
        """It, and the processes that it has started."""
        with suppress(psutil.NoSuchProcess):
            itself = psutil.Process(self.process.pid)
            return [itself, *itself.children(recursive=True)]
        return []

    def end(self) -> None:
        """End it and all that it has started, if it has not ended; let go of what it printed into."""
        family = self.family
        if self.process.poll() is None:
            self.process.terminate()
        _, alive = psutil.wait_procs(family, timeout=15)
        for process in alive:
            process.kill()
        self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        assert not alive, f"had to be killed: {alive}"


@dataclass
class Cheap:
    """A folder with a campaign that costs almost nothing, and the `motet` command in it."""

    folder: Path
    started: list[Printing] = field(default_factory=list[Printing])

    def change(self, file: str, before: str, after: str) -> None:
        """Replace a text that must be there."""
        path = self.folder / file
        text = path.read_text()
        assert before in text, f"{before!r} is not in {file}"
        path.write_text(text.replace(before, after))

    def start(self, *arguments: str) -> Printing:
        """Start `motet compare` for the campaign."""
        command = (sys.executable, "-m", "motet", "compare", "campaign.yaml", "--out", "study", *arguments)
        self.started.append(Printing(*command, cwd=self.folder))
        return self.started[-1]

    def compare(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `motet compare` for the campaign to its end."""
        return self.start(*arguments).finish()

    def rows(self, study: str = "study") -> list[tuple[Any, ...]]:
        """Combination, seed, times, values and error of every trial that is kept."""
        with closing(sqlite3.connect(self.folder / study / "study.db")) as store:
            query = "SELECT combination, seed, ended_s, measured, error FROM trials ORDER BY combination, seed"
            return store.execute(query).fetchall()


@pytest.fixture
def cheap(tmp_path: Path) -> Iterator[Cheap]:
    for file in EXAMPLE.glob("*.yaml"):
        shutil.copy(file, tmp_path)
    made = Cheap(tmp_path)
    made.change("campaign.yaml", "step: 0.25", "step: 1")
    made.change("campaign.yaml", "n: 8", "n: 40")
    made.change("campaign.yaml", "experiments: 100", "experiments: 40")
    made.change("campaign.yaml", "value: 0.6", "value: -100")
    yield made
    for process in made.started:
        process.end()


@dataclass
class Cluster:
    """A scheduler on a loopback port of its own, and workers."""

    folder: Path
    env: dict[str, str] | None = None
    """Of the scheduler, beside what there is."""
    scheduler: Printing = field(init=False)
    address: str = field(init=False)
    workers: list[Printing] = field(default_factory=list[Printing])
    clients: list[Printing] = field(default_factory=list[Printing])

    def __post_init__(self) -> None:
        command = (str(DASK), "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.scheduler = Printing(*command, cwd=self.folder, env=self.env)
        self.address = self.scheduler.until(r"Scheduler at: +(tcp://\S+)")

    def worker(self, *options: str, env: dict[str, str] | None = None) -> Printing:
        """A worker with one thread that has joined; with the option `--no-nanny` it is one process."""
        command = (str(DASK), "worker", self.address, "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard")
        place = ("--local-directory", str(self.folder), *options)
        self.workers.append(Printing(*command, *place, cwd=self.folder, env=env))
        self.workers[-1].until("Registered to")
        return self.workers[-1]

    def client(self, script: str) -> Printing:
        """A Python program whose argument is the address."""
        self.clients.append(Printing(sys.executable, "-c", script, self.address, cwd=self.folder))
        return self.clients[-1]


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cluster]]:
    """Starts a scheduler, in an environment of its own if one is given."""
    started: list[Cluster] = []

    def start(env: dict[str, str] | None = None) -> Cluster:
        started.append(Cluster(tmp_path_factory.mktemp("dask"), env))
        return started[-1]

    yield start
    for one in started:
        for process in (*one.clients, *one.workers, one.scheduler):
            process.end()
