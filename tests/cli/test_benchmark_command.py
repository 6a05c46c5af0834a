"""`motet benchmark` as a user calls it: a small table, gone on with, refused, interrupted, and a learner that fails."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from motet.cli.app import app

TIMEOUT_S = 90
COMMAND = ("hill.csv", "--objective", "y", "--maximize", "--out", "out", "--processes", "1", "--top", "4")

PLUGIN = '''
"""A surrogate that is broken, or slow, as long as there is a file of that name beside it."""

import time
from pathlib import Path

import numpy as np

from motet.contracts.belief import Prediction
from motet.contracts.declarations import Declaration
from motet.hookspecs import hookimpl

HERE = Path(__file__).parent


class Moody:
    """Works, but for the moods of its author."""

    def __init__(self, options):
        pass

    def fit(self, data, seed):
        if (HERE / "broken").exists():
            raise ArithmeticError("no fit today")
        if (HERE / "slow").exists():
            time.sleep(0.02)
        return lambda pool: Prediction(pool[:, 0].copy(), np.ones(len(pool)))


@hookimpl
def motet_surrogates():
    return [Declaration("moody", Moody)]
'''


class Folder:
    """A folder with a table of a smooth hill, and the command in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        points = [(a, b) for a in range(8) for b in range(6)]
        rows = [f"{a},{b},{-((a - 5.1) ** 2) - 0.5 * (b - 2.2) ** 2},{number}" for number, (a, b) in enumerate(points)]
        (path / "hill.csv").write_text("\n".join(["a,b,y,number", *rows]) + "\n")
        self.site = path / "site"

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        paths = [str(self.site), os.environ.get("PYTHONPATH", "")]
        return subprocess.Popen(
            [sys.executable, "-m", "motet", "benchmark", *arguments],
            cwd=self.path,
            env=os.environ | {"COLUMNS": "120", "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        out, err = process.communicate(timeout=TIMEOUT_S)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def kept(self) -> list[tuple[str, int, int, str]]:
        """Learner, workers, seed and error of every run that is kept."""
        with closing(sqlite3.connect(self.path / "out" / "benchmark.db")) as store:
            return store.execute("SELECT learner, workers, seed, error FROM runs ORDER BY id").fetchall()

    def install(self, *moods: str) -> None:
        information = self.site / "moody-1.0.dist-info"
        information.mkdir(parents=True)
        (self.site / "moody_surrogate.py").write_text(PLUGIN)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text("[motet]\nmoody = moody_surrogate\n")
        for mood in moods:
            (self.site / mood).write_text("")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.slow
def test_everything_is_written_and_the_same_command_does_nothing_more(folder: Folder) -> None:
    arguments = (*COMMAND, "--ignore", "number", "--learner", "gp+ucb(kappa=1),gp+random", "--seeds", "2")
    done = folder.run(*arguments)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 runs" in done.stderr
    assert [(learner, seed) for learner, _, seed, _ in folder.kept()] == [
        ("gp+ucb(kappa=1)", 0),
        ("gp+random", 0),
        ("gp+ucb(kappa=1)", 1),
        ("gp+random", 1),
    ]
    for text in ("N80", "EF(30)", "AF at 80 %", "random choice (closed form)", "report   out/report.html"):
        assert text in done.stdout
    assert "needs" in done.stdout
    with (folder.path / "out" / "runs.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 4
    assert {line["learner"] for line in lines} == {"gp+ucb(kappa=1)", "gp+random"}
    results = json.loads((folder.path / "out" / "results.json").read_text())
    assert results["random"]["n80"] == 39
    assert results["top_set"]["points"] == 4
    assert "hill.csv" in (folder.path / "out" / "report.html").read_text()

    again = folder.run(*arguments, "--json")
    assert (again.returncode, again.stderr) == (0, "")
    found = json.loads(again.stdout)
    assert found["report"] == "out/report.html"
    assert found["runs"] == {"asked": 4, "run": 4, "failed": 0}
    assert found["learners"][0]["learner"] == "gp+ucb(kappa=1)"
    assert found["parameters"] == ["a", "b"]


@pytest.mark.slow
def test_another_question_in_the_same_folder_is_refused(folder: Folder) -> None:
    arguments = (*COMMAND, "--parameters", "a, b", "--learner", "gp", "--seeds", "1", "--budget", "4")
    assert folder.run(*arguments).returncode == 0
    done = folder.run(*arguments, "--initial", "3")
    assert (done.returncode, done.stdout) == (4, "")
    assert "the number of first points was 2, it is 3" in done.stderr
    assert len(folder.kept()) == 1


@pytest.mark.slow
def test_workers_are_compared_with_one(folder: Folder) -> None:
    asynchronous = ("--workers", "3", "--durations", "lognormal", "--sigma", "0.3", "--until", "80%")
    done = folder.run(*COMMAND, "--ignore", "number", "--learner", "gp+ucb", "--seeds", "2", *asynchronous, "--json")
    assert done.returncode == 0, done.stderr
    three = next(one for one in json.loads(done.stdout)["learners"] if one["workers"] == 3)
    assert three["parallel"]["seeds"] == 2
    assert three["parallel"]["speed_up"]["mean"] > 1


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(folder: Folder) -> None:
    folder.install("slow")
    arguments = (*COMMAND, "--learner", "moody+ucb", "--ignore", "number", "--seeds", "8", "--budget", "30")
    process = folder.start(*arguments)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.startswith("2 of 8"):
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
        process.wait(TIMEOUT_S)
    assert process.returncode == 130, err
    assert "what is done is kept in out, the same command goes on" in err
    assert out == ""
    before = folder.kept()
    assert 2 <= len(before) < 8
    (folder.site / "slow").unlink()
    done = folder.run(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"{len(before)} of 8 runs\n")
    assert folder.kept()[: len(before)] == before
    assert [seed for _, _, seed, _ in folder.kept()] == list(range(8))


@pytest.mark.slow
def test_a_learner_that_fails_is_told_and_may_be_tried_again(folder: Folder) -> None:
    folder.install("broken")
    arguments = (*COMMAND, "--ignore", "number", "--seeds", "1", "--budget", "5")
    done = folder.run(*arguments, "--learner", "moody+ucb+failed_fits=0", "--learner", "gp+ucb")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 runs, 1 failed" in done.stderr
    assert "- moody+ucb+failed_fits=0: 1 run could not be done; " in done.stdout
    assert "no fit today" in done.stdout
    alone = folder.run(*arguments, "--learner", "moody+ucb+failed_fits=0", "--json")
    assert alone.returncode == 4
    assert json.loads(alone.stdout)["runs"] == {"asked": 1, "run": 0, "failed": 1}
    (folder.site / "broken").unlink()
    mended = folder.run(*arguments, "--learner", "moody+ucb+failed_fits=0", "--retry-failed", "--json")
    assert mended.returncode == 0, mended.stderr
    assert [error for *_, error in folder.kept()] == ["", ""]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--objective", "yy", "--maximize", "--learner", "gp"), "--objective: found 'yy'; no such column in hill.csv"),
        (("--objective", "y", "--maximize", "--learner", "gpp+lcb"), "no surrogate named 'gpp'; did you mean gp?"),
        (("--objective", "y", "--maximize"), "--learner: found none; at least one learner is needed"),
        (("--objective", "y", "--learner", "gp"), "--maximize"),
        (("--objective", "y", "--minimize", "--learner", "gp", "--top", "0"), "--top: found '0'; a share above 0 %"),
        (("--objective", "y", "--minimize", "--learner", "gp", "--repeats", "sum"), "--repeats"),
    ],
)
def test_a_benchmark_that_cannot_be_is_refused_before_anything_runs(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(folder.path)
    done = CliRunner().invoke(app, ["benchmark", "hill.csv", "--out", "out", *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert not (folder.path / "out").exists()


def test_a_table_that_cannot_be_is_refused_with_its_rows(folder: Folder) -> None:
    (folder.path / "hill.csv").write_text("a,y\n1,2\n2,NaN\n3,high\n")
    done = folder.run(*COMMAND, "--learner", "gp")
    assert done.returncode == 2
    assert "hill.csv:3: y: found NaN; a finite number is needed" in done.stderr
    assert "hill.csv:4: y: found 'high'; a finite number is needed" in done.stderr
