"""Ctrl-C ends `motet compare` soon, whatever its processes are at, and the same command goes on."""

import os
import signal
import time
from typing import Any

import psutil
import pytest

VARIED = ("--vary", "stations=1,2", "--seeds", "30", "--processes", "2")
TRIALS = 60


def _ctrl_c(study: Any) -> "list[psutil.Process]":
    """As at a terminal: for the whole group of processes. Gives them."""
    family = study.family
    os.killpg(study.process.pid, signal.SIGINT)
    return family


@pytest.mark.slow
@pytest.mark.long
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(cheap: Any) -> None:
    study = cheap.start(*VARIED)
    study.until("^[1-9]\\d* of 60")
    family = _ctrl_c(study)
    done = study.finish()
    assert done.returncode == 130, done.stderr
    assert done.stderr.endswith("stopped; what is done is kept in study, the same command goes on\n")
    assert "Traceback" not in done.stderr
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    kept = cheap.rows()
    assert 0 < len(kept) < TRIALS
    again = cheap.compare(*VARIED)
    assert again.returncode == 0, again.stderr
    assert again.stderr.startswith(f"{len(kept)} of {TRIALS} campaigns\n")
    rows = cheap.rows()
    assert set(kept) <= set(rows)
    assert (len(rows), {row[-1] for row in rows}) == (TRIALS, {""})


@pytest.mark.slow
@pytest.mark.long
def test_ctrl_c_does_not_wait_for_campaigns_that_take_minutes(cheap: Any) -> None:
    cheap.change("campaign.yaml", "step: 1", "step: 0.25")
    cheap.change("campaign.yaml", "n: 40", "n: 8")
    cheap.change("campaign.yaml", "experiments: 40", "experiments: 3700")
    study = cheap.start(*VARIED)
    study.until("^0 of 60")
    deadline = time.monotonic() + 60
    while sum(process.cpu_times().user for process in study.family[1:]) < 5:
        assert time.monotonic() < deadline, "the processes do not work"
        time.sleep(0.05)
    began = time.monotonic()
    family = _ctrl_c(study)
    done = study.finish()
    assert done.returncode == 130, done.stderr
    assert time.monotonic() - began < 10
    assert "Traceback" not in done.stderr
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    assert cheap.rows() == []


@pytest.mark.slow
def test_a_study_whose_process_was_killed_goes_on(cheap: Any) -> None:
    study = cheap.start(*VARIED)
    study.until("^[1-9]\\d* of 60")
    family = study.family
    study.process.kill()
    study.finish()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    kept = cheap.rows()
    assert 0 < len(kept) < TRIALS
    assert cheap.compare(*VARIED).returncode == 0
    assert set(kept) < set(cheap.rows())
    assert len(cheap.rows()) == TRIALS
