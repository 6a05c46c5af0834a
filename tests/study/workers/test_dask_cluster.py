"""`motet compare --dask` on a real scheduler and workers, and what is said when they are not as they must be."""

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

VARIED = ("--vary", "stations=1,2", "--seeds", "15")
TRIALS = 30


@pytest.mark.slow
def test_a_study_on_dask_has_the_results_of_one_on_processes(cheap: Any, cluster: Any) -> None:
    dask = cluster()
    dask.worker()
    done = cheap.compare(*VARIED, "--dask", dask.address, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["campaign"] == "branin"
    (cheap.folder / "study").rename(cheap.folder / "on_dask")
    assert cheap.compare(*VARIED, "--processes", "1").returncode == 0
    assert cheap.rows("on_dask") == cheap.rows("study")
    assert len(cheap.rows()) == TRIALS


@pytest.mark.slow
@pytest.mark.long
def test_what_a_killed_worker_had_is_done_by_another_one(cheap: Any, cluster: Any) -> None:
    dask = cluster()
    one, _ = dask.worker("--no-nanny"), dask.worker("--no-nanny")
    study = cheap.start(*VARIED, "--dask", dask.address)
    study.until("^[1-9]\\d* of 30")
    one.process.kill()
    done = study.finish()
    assert done.returncode == 0, done.stderr
    rows = cheap.rows()
    assert len(rows) == TRIALS
    assert {row[-1] for row in rows} == {""}


@pytest.mark.slow
@pytest.mark.long
def test_a_scheduler_that_is_not_there_is_one_message(cheap: Any, free_port: int) -> None:
    began = time.monotonic()
    done = cheap.compare(*VARIED, "--dask", f"tcp://127.0.0.1:{free_port}")
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert f"tcp://127.0.0.1:{free_port}: does not answer" in line
    assert time.monotonic() - began < 20
    assert not (cheap.folder / "study").exists()


def test_a_cluster_without_workers_says_how_to_start_one(cheap: Any, cluster: Any) -> None:
    dask = cluster()
    done = cheap.compare(*VARIED, "--dask", dask.address)
    assert done.returncode == 3
    assert f"has no worker; start one with `dask worker {dask.address}`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_a_cluster_that_loses_its_workers_is_given_up_and_one_that_gains_some_uses_them(cluster: Any) -> None:
    dask = cluster()
    first = dask.worker("--no-nanny")
    script = """
import sys, time
from motet.api import cluster
cluster.WORKERLESS_S, cluster.LOOK_S = 2.0, 0.2
with cluster.dask(sys.argv[1]) as dask:
    for piece, pid in dask.done(eval, ["__import__('time').sleep(0.1) or __import__('os').getpid()"] * 10_000):
        print(pid, file=sys.stderr, flush=True)
"""
    client = dask.client(script)
    client.until(f"^{first.process.pid}$")
    second = dask.worker("--no-nanny")
    client.until(f"^{second.process.pid}$")
    for worker in (first, second):
        worker.process.kill()
    done = client.finish()
    assert done.stderr.endswith(f"ConnectionProblem: Dask scheduler {dask.address}: has had no worker for 2 s\n")


@pytest.mark.slow
@pytest.mark.long
def test_a_lost_scheduler_ends_the_study_which_goes_on_elsewhere(cheap: Any, cluster: Any) -> None:
    dask = cluster()
    dask.worker("--no-nanny", "--death-timeout", "5")
    study = cheap.start(*VARIED, "--dask", dask.address)
    study.until("^[1-9]\\d* of 30")
    dask.scheduler.process.kill()
    began = time.monotonic()
    done = study.finish()
    assert time.monotonic() - began < 20
    assert done.returncode == 3
    assert f"error: Dask scheduler {dask.address}: the connection was lost" in done.stderr
    assert "Traceback" not in done.stderr
    kept = cheap.rows()
    assert 0 < len(kept) < TRIALS
    assert cheap.compare(*VARIED).returncode == 0
    rows = cheap.rows()
    assert len(rows) == TRIALS
    assert set(kept) <= set(rows)


@pytest.mark.slow
@pytest.mark.long
def test_ctrl_c_ends_a_study_on_dask_and_keeps_what_is_done(cheap: Any, cluster: Any) -> None:
    dask = cluster()
    dask.worker()
    study = cheap.start(*VARIED, "--dask", dask.address)
    study.until("^[1-9]\\d* of 30")
    os.killpg(study.process.pid, signal.SIGINT)
    done = study.finish()
    assert done.returncode == 130, done.stderr
    assert "what is done is kept in study" in done.stderr
    assert "Traceback" not in done.stderr
    assert 0 < len(cheap.rows()) < TRIALS
    again = cheap.compare(*VARIED, "--dask", dask.address)  # the worker is free again
    assert again.returncode == 0, again.stderr
    assert len(cheap.rows()) == TRIALS


@pytest.mark.parametrize("who", ["scheduler", "worker"])
def test_who_has_other_plugins_is_refused_by_name(cheap: Any, cluster: Any, tmp_path: Path, who: str) -> None:
    (tmp_path / "there" / "more-2.0.dist-info").mkdir(parents=True)
    (tmp_path / "there" / "more.py").touch()
    info = tmp_path / "there" / "more-2.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[motet]\nmore = more\n")
    env = {"PYTHONPATH": str(tmp_path / "there")}
    dask = cluster(env if who == "scheduler" else None)
    dask.worker("--no-nanny", env=env if who == "worker" else None)
    done = cheap.compare(*VARIED, "--dask", dask.address)
    assert done.returncode == 3
    assert re.search(rf"Dask {who} tcp://\S+: must have the Motet and the plugins of here: more no is", done.stderr)
    assert "Traceback" not in done.stderr


def test_what_is_no_address_is_a_mistake(cheap: Any) -> None:
    done = cheap.compare(*VARIED, "--dask", "head-node")
    assert done.returncode == 2
    assert "--dask: found 'head-node'; tcp://HOST:PORT or tls://HOST:PORT is needed" in done.stderr
