"""`motet compare` as a user calls it: small studies, gone on with, refused, and with trials that fail."""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "offline"
VARY = ("--vary", "stations=1,2", "--seeds", "2", "--processes", "1")

PLUGIN = '''
"""A surrogate that can be broken and mended by a file."""

from pathlib import Path

import numpy as np

from motet.contracts.declarations import Declaration
from motet.contracts.belief import Prediction
from motet.hookspecs import hookimpl


class Moody:
    """Works unless there is a file named `broken` beside it."""

    def __init__(self, options):
        pass

    def fit(self, data, seed):
        if (Path(__file__).parent / "broken").exists():
            raise ImportError("no module named torch")
        return lambda pool: Prediction(np.zeros(len(pool)), np.ones(len(pool)))


@hookimpl
def motet_surrogates():
    return [Declaration("moody", Moody)]
'''


@pytest.fixture
def study(twin: Any, tmp_path: Path) -> Any:
    """A folder with the offline example, short and cheap, and the command in it."""
    made = type(twin)(tmp_path / "offline", twin.running)
    shutil.copytree(EXAMPLE, made.folder)
    made.change("campaign.yaml", "step: 0.25", "step: 1")
    made.change("campaign.yaml", "experiments: 100", "experiments: 10")
    made.change("campaign.yaml", "value: 0.6", "value: -100")
    return made


def compare(study: Any, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return study.motet("compare", "campaign.yaml", "--out", "out", *arguments)


def kept(study: Any) -> Sequence[tuple[str, int, str]]:
    """Combination, seed and error of every trial that is kept."""
    with closing(sqlite3.connect(study.folder / "out" / "study.db")) as store:
        return store.execute("SELECT combination, seed, error FROM trials ORDER BY combination, seed").fetchall()


@pytest.mark.slow
def test_every_combination_is_run_with_every_seed_and_reported(study: Any) -> None:
    done = compare(study, *VARY)
    assert done.returncode == 0, done.stderr
    assert [(combination, seed) for combination, seed, _ in kept(study)] == [
        (f'{{"stations":"{stations}"}}', seed) for stations in (1, 2) for seed in (0, 1)
    ]
    assert "4 of 4 campaigns" in done.stderr
    for text in ("stations=1", "stations=2", "report   out/report.html"):
        assert text in done.stdout
    assert "failed" not in done.stdout.splitlines()[-2]
    page = (study.folder / "out" / "report.html").read_text()
    assert "stations=1" in page
    assert "branin" in page


@pytest.mark.slow
@pytest.mark.long
def test_json_has_every_combination_for_programs_and_the_same_command_does_nothing_more(study: Any) -> None:
    first = compare(study, *VARY, "--json")
    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout)
    assert found["report"] == "out/report.html"
    assert sorted(one["combination"]["stations"] for one in found["combinations"]) == ["1", "2"]
    assert [one["trials"] for one in found["combinations"]] == [2, 2]

    again = compare(study, *VARY)
    assert again.returncode == 0
    assert again.stderr == "4 of 4 campaigns\n"

    more = compare(study, "--vary", "stations=1,2", "--seeds", "3", "--processes", "1", "--json")
    assert json.loads(more.stdout)["combinations"][0]["trials"] == 3
    assert len(kept(study)) == 6


@pytest.mark.slow
@pytest.mark.long
def test_a_changed_file_is_refused_with_the_difference(study: Any) -> None:
    assert compare(study, *VARY).returncode == 0
    before = kept(study)
    study.change("lab.yaml", "noise: 0.05", "noise: 0.25")
    done = compare(study, *VARY)
    assert done.returncode == 4
    assert "holds the results of another question: lab.yaml:" in done.stderr
    assert "noise: 0.05" in done.stderr
    assert "noise: 0.25" in done.stderr
    fewer = compare(study, "--vary", "stations=1", "--seeds", "2")
    assert fewer.returncode == 4
    assert "stations = 2 was asked for, and is not any more" in fewer.stderr
    assert kept(study) == before
    assert done.stdout == fewer.stdout == ""


@pytest.fixture
def moody(study: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Installs a distribution with a surrogate that is broken, or mended, for the command and its processes."""
    folder = study.folder / "site"
    information = folder / "moody-1.0.dist-info"
    information.mkdir(parents=True)
    (folder / "moody_surrogate.py").write_text(PLUGIN)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[motet]\nmoody = moody_surrogate\n")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    )

    def set_broken(broken: bool) -> None:
        marker = folder / "broken"
        if broken:
            marker.write_text("")
        else:
            marker.unlink()

    return set_broken


@pytest.mark.slow
@pytest.mark.long
def test_a_combination_that_fails_at_run_time_is_recorded_and_may_be_retried(
    study: Any, moody: Callable[[bool], None]
) -> None:
    arguments = ("--vary", "surrogate=moody,gp", "--seeds", "2", "--processes", "1")
    moody(True)
    done = compare(study, *arguments)
    assert done.returncode == 0, done.stderr
    reason = "LearnerError: surrogate moody, fitting 2 values raised ImportError: no module named torch"
    assert f"failed   surrogate=moody, seed 1: {reason}" in done.stdout
    assert "4 of 4 campaigns, 2 failed" in done.stderr
    assert [error for _, _, error in kept(study)] == ["", "", reason, reason]

    moody(False)
    again = compare(study, *arguments)
    assert again.stderr == "4 of 4 campaigns, 2 failed\n"
    assert len([error for _, _, error in kept(study) if error]) == 2

    retried = compare(study, *arguments, "--retry-failed", "--json")
    assert retried.returncode == 0, retried.stderr
    assert [error for _, _, error in kept(study)] == [""] * 4
    assert [one["trials"] for one in json.loads(retried.stdout)["combinations"]] == [2, 2]


@pytest.mark.slow
def test_a_study_in_which_no_trial_could_be_run_has_failed(study: Any, moody: Callable[[bool], None]) -> None:
    moody(True)
    done = compare(study, "--vary", "surrogate=moody", "--seeds", "1", "--processes", "1", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["trials"] == {"asked": 1, "run": 0, "failed": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vary", "larner=rf"], "--vary larner: found 'larner'; did you mean learner?"),
        (["--vary", "learner=rff+lcb"], "--vary learner: found 'rff'; no surrogate named 'rff'; did you mean"),
        (["--vary", "stations=1,two"], "--vary stations: found 'two'; a whole number from 1 is needed"),
        (["--vary", "stations"], "--vary: found 'stations'; NAME=VALUE,VALUE is needed"),
        (["--vary", "stations=1,,2"], "--vary: found 'stations=1,,2'; NAME=VALUE,VALUE is needed"),
        (["--vary", "stations=1,1"], "each name and each value once"),
        (["--vary", "stations=1", "--vary", "stations=2"], "each name and each value once"),
        (["--vary", "learner=rf", "--vary", "surrogate=gp"], "--vary: found learner and surrogate; "),
        (["--seeds", "0"], "--seeds"),
        (["--percentile", "0"], "--percentile"),
    ],
)
def test_a_study_that_cannot_be_is_refused_before_anything_runs(study: Any, arguments: list[str], message: str) -> None:
    done = study.here("compare", "campaign.yaml", "--out", "out", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (study.folder / "out").exists()
