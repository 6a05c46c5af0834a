"""Real processes: `motet station` and a campaign that meet at a real broker."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from motet.api.run import Options, Run, load
from motet.model.events import Event, ExperimentEnded, ExperimentStarted
from motet.model.experiment import State
from motet_testing.certificates import Authority
from motet_testing.mosquitto import StartMosquitto

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

LAB = """\
lab: pair
broker: BROKER
hardware: simulated
simulation: {time_scale: 100, lines: memory}
remote: {alone_after: 6 s, lost_after: 6 s}
x-cell: &cell
  remote: true
  devices:
    function:
      driver: benchmark_function
      line: /dev/null
      limits: { x1: [-5, 10], x2: [0, 15] }
      simulator: {function: branin, prepare: 1, duration: DURATION, clean: 1}
stations:
  a: *cell
  b: *cell
procedures:
  measure_point:
    parameters: { x1: null, x2: null }
    steps:
      - function.prepare
      - function.measure: { x1: $x1, x2: $x2 }
        as: point
      - function.clean
"""
CAMPAIGN = """\
campaign: pair
lab: lab.yaml
parameters:
  x1: { type: stepped, low: -5, high: 10, step: 0.25 }
  x2: { type: stepped, low: 0, high: 15, step: 0.25 }
procedure: measure_point
analysis: {value: {outputs: {value: point.value}}}
objectives: {value: {goal: minimize}}
learner: {start: {random: {n: 50}}, surrogate: {random_forest: {trees: 3}}}
failures: {retry: 3, wait: 1 s}
budget: {experiments: 12}
"""
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def lab(tmp_path: Path) -> Callable[..., Path]:
    """Writes the lab and its campaign; gives the campaign's path."""

    def write(broker: str | dict[str, object], duration: float = 20) -> Path:
        stated = {"url": broker, "keepalive": "3 s"} if isinstance(broker, str) else broker
        text = LAB.replace("BROKER", json.dumps(stated)).replace("DURATION", str(duration))
        (tmp_path / "lab.yaml").write_text(text)
        (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
        return tmp_path / "campaign.yaml"

    return write


@pytest.fixture
def station(tmp_path: Path) -> Generator[Start]:
    """Starts `motet station`; waits until it has told so much, or has ended."""
    with ExitStack() as stack:

        def start(*names: str, lines: int | None = None, data: str = "stations", **env: str) -> "subprocess.Popen[str]":
            command = [sys.executable, "-m", "motet", "station", *names, "--json"]
            command += ["--lab", str(tmp_path / "lab.yaml"), "--data", str(tmp_path / data)]
            process = stack.enter_context(
                subprocess.Popen(
                    command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | env
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            for _ in range(len(names) if lines is None else lines):
                assert process.stdout.readline(), process.communicate()[1]
            return process

        yield start


class Watched:
    """A campaign, and what is to be done when so many experiments have begun."""

    def __init__(self, path: Path, at: int = 0, do: Callable[[], object] = lambda: None) -> None:
        self.begun: list[str] = []
        self.ended: list[Any] = []
        self._at, self._do = at, do
        options = Options(path.parent / "data")
        self._run = Run(load(path, options), options, [self._see], answered_here=False)

    def _see(self, event: Event) -> None:
        if isinstance(event, ExperimentStarted):
            self.begun.append(event.experiment.id)
            if len(self.begun) == self._at:
                self._do()
        if isinstance(event, ExperimentEnded):
            self.ended.append(event.outcome)

    def finished(self) -> None:
        """It ends well, with every experiment measured once."""
        try:
            summary = self._run.wait(60)
        finally:
            self._run.close()
        assert summary.experiments == 12, summary
        assert [outcome.state for outcome in self.ended] == [State.DONE] * 12, self.ended
        assert len({outcome.experiment.id for outcome in self.ended}) == 12


def _journal(path: Path, name: str) -> dict[str, str]:
    """The fates of the jobs that a station remembers."""
    with sqlite3.connect(path / f"station-{name}.db") as connection:
        return dict(connection.execute("SELECT job, fate FROM jobs").fetchall())


def test_a_campaign_over_tls_with_users_and_rules_and_wrong_passwords_refused(
    start_mosquitto: StartMosquitto, authority: Authority, lab: Any, station: Start, tmp_path: Path
) -> None:
    acl = "user cells\ntopic readwrite motet/pair/station/#\ntopic readwrite motet/pair/estop/#\n"
    acl += "user boss\ntopic readwrite motet/#\n"
    users = {"cells": "left", "boss": "right"}
    broker = start_mosquitto(users=users, acl=acl, tls=authority.issue())
    where = {
        "url": broker.url,
        "keepalive": "3 s",
        "user": "cells",
        "password": {"env": "CELLS"},
        "ca": str(authority.ca),
    }
    path = lab(where)
    refused = station("a", lines=0, CELLS="wrong")
    assert refused.wait(30) == 3
    assert refused.stderr is not None
    assert "refuses the user 'cells' with this password" in refused.stderr.read()
    cells = station("a", "b", CELLS="left")
    os.environ["BOSS"] = "right"
    try:
        lab(where | {"user": "boss", "password": {"env": "BOSS"}})
        Watched(path).finished()
    finally:
        del os.environ["BOSS"]
    cells.send_signal(signal.SIGINT)
    assert cells.wait(20) == 0
    fates = _journal(tmp_path / "stations", "a") | _journal(tmp_path / "stations", "b")
    assert len(fates) == 12
    assert set(fates.values()) == {"settled"}


def test_a_station_that_is_killed_and_started_again_loses_no_experiment(
    mosquitto: str, lab: Any, station: Start, tmp_path: Path
) -> None:
    path = lab(mosquitto, duration=40)
    processes = [station("a", data="a"), station("b", data="b")]
    campaign = Watched(
        path, at=5, do=lambda: (processes[0].kill(), processes[0].wait(), station("a", data="a", lines=0))
    )
    campaign.finished()
    assert "settled" in _journal(tmp_path / "a", "a").values()


@pytest.mark.parametrize("how", ["restart", "freeze"])
def test_a_broker_that_goes_away_costs_no_experiment(
    start_mosquitto: StartMosquitto, lab: Any, station: Start, tmp_path: Path, how: str
) -> None:
    broker = start_mosquitto()
    path = lab({"url": broker.url, "keepalive": "2 s"}, duration=40)
    station("a", "b")

    def away() -> None:
        if how == "restart":
            broker.restart()
        else:
            broker.freeze()
            thaw.start()

    thaw = threading.Timer(4.0, broker.thaw)
    campaign = Watched(path, at=4, do=away)
    campaign.finished()
    assert len(campaign.begun) == 12
    if how == "freeze":
        thaw.join()
    fates = _journal(tmp_path / "stations", "a") | _journal(tmp_path / "stations", "b")
    assert len(fates) == 12


def test_stations_find_the_broker_that_a_campaign_brings_along(lab: Any, station: Start, free_port: int) -> None:
    path = lab({"url": "embedded", "port": free_port})
    waiting = station("a", "b", lines=0)
    Watched(path).finished()
    waiting.send_signal(signal.SIGTERM)
    assert waiting.wait(20) == 0


def test_the_name_of_another_is_refused(mosquitto: str, lab: Any, station: Start) -> None:
    lab(mosquitto)
    station("a")
    second = station("a", lines=0, data="elsewhere")
    assert second.wait(30) == 3
    assert second.stderr is not None
    assert "hosts it already; each station is hosted once" in second.stderr.read()
    local = station("nobody", lines=0, data="nowhere")
    assert local.wait(30) == 2
    assert local.stderr is not None
    assert "no station 'nobody'; stations with `remote: true` are: a, b" in local.stderr.read()
