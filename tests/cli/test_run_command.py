"""`motet run` on the real demo path: pseudo-terminals, an MQTT broker, RunEngines, store, report."""

import csv
import io
import json
import math
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from motet.model.experiment import State
from motet.store import Reader


def _lines(process: "subprocess.Popen[str]", needle: str) -> list[str]:
    """The lines that a process prints up to one that holds `needle`."""
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        seen.append(line)
        if needle in line:
            return seen
    raise AssertionError(f"{needle!r} was never printed; printed: {''.join(seen)}")


def _wait_for_running(store: Path, at_least: int) -> None:
    """Wait until an experiment whose number is `at_least` that is running, and thus has all its time before it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        rows = Reader(store).experiments("twin_sdc")
        if any(row.state is State.RUNNING and row.number >= at_least for row in rows):
            return
    raise AssertionError(f"no experiment from {at_least} on is running after 30 s")


def test_json_is_one_object_with_what_a_program_needs(twin: Any) -> None:
    done = twin.motet("run", "campaign.yaml", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["campaign"] == "twin_sdc-1"
    assert (found["experiments"], found["failed"], found["stations"]) == (8, 0, 2)
    assert set(found["best"]) == {"experiment", "parameters", "values"}
    assert found["speed_up"] == pytest.approx(found["busy_s"] / found["wall_s"])
    assert found["speed_up"] > 1.3


def test_the_last_line_is_the_speed_up_and_everything_is_where_it_says(twin: Any) -> None:
    done = twin.motet("run", "campaign.yaml")
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"speed-up \d\.\d\d \(2 stations, 8 experiments, \d+\.\d s\)", last)
    places = dict(re.findall(r"^(store|report|data) +(\S+)", done.stdout, re.MULTILINE))
    assert set(places) == {"store", "report", "data"}
    folder = twin.data.parent
    assert "twin_sdc-1" in (folder / places["report"]).read_text()
    rows = list(csv.DictReader(io.StringIO((folder / places["data"]).read_text())))
    assert len(rows) == 8
    assert {row["station"] for row in rows} == {"sdc1", "sdc2"}
    reader = Reader(folder / places["store"])
    assert set(reader.files("twin_sdc-1")) == {"campaign.yaml", "lab.yaml"}
    assert "motet" in reader.campaign("twin_sdc-1").versions


@pytest.mark.slow
def test_what_is_measured_is_what_the_world_holds_where_the_stage_went(twin: Any) -> None:
    twin.motet("run", "campaign.yaml", "--json")
    reader = Reader(twin.data / "motet.db")
    for row in reader.experiments("twin_sdc-1"):
        e = [20 * float(row.parameters[name]) - 500 for name in ("x", "y")]
        expected = sum(v * math.sin(math.sqrt(abs(v))) for v in e) / 1000
        assert row.values["activity"] == pytest.approx(expected, abs=2e-3)
    documents = reader.documents("twin_sdc-1/1")
    streams = {d["name"] for kind, d in documents if kind == "descriptor"}
    assert streams == {"touch", "position", "measure"}


@pytest.mark.slow
def test_an_existing_broker_serves_as_well(twin: Any, mosquitto: str) -> None:
    twin.change("lab.yaml", "broker: embedded", f"broker: {mosquitto}")
    done = twin.motet("run", "campaign.yaml", "--json")
    assert json.loads(done.stdout)["experiments"] == 8, done.stderr


@pytest.mark.slow
def test_lines_in_memory_serve_as_well_and_capture_keeps_all_bytes(twin: Any) -> None:
    done = twin.motet("run", "campaign.yaml", "--json", "--lines", "memory", "--capture")
    assert json.loads(done.stdout)["failed"] == 0, done.stderr
    (capture,) = twin.data.glob("traffic-*.jsonl")
    records = [json.loads(line) for line in capture.read_text().splitlines()]
    assert {record["line"] for record in records} >= {"sdc1-stage", "sdc2-force"}
    assert {record["dir"] for record in records} == {">", "<"}


def test_ctrl_c_once_stops_after_the_current_experiments(twin: Any) -> None:
    twin.change("campaign.yaml", "experiments: 8", "experiments: 132")
    process = twin.start("run", "campaign.yaml")
    _lines(process, "3/132")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "stopped: Ctrl-C" in out
    summary = Reader(twin.data / "motet.db").campaign("twin_sdc").summary
    assert 3 <= summary.experiments <= 8
    assert (summary.state, summary.failed) == ("stopped", 0)


@pytest.mark.slow
def test_ctrl_c_twice_aborts_and_keeps_what_was_measured(twin: Any) -> None:
    twin.change("lab.yaml", "time_scale: 400", "time_scale: 60")
    process = twin.start("run", "campaign.yaml")
    _lines(process, "1/8")
    _wait_for_running(twin.data / "motet.db", at_least=3)
    process.send_signal(signal.SIGINT)
    _lines(process, "stopping")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "aborted: Ctrl-C twice" in out
    rows = Reader(twin.data / "motet.db").experiments("twin_sdc")
    assert "done" in {row.state for row in rows}
    assert "Aborted: Ctrl-C twice" in {row.reason for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["terminated", "terminal closed"])
def test_a_termination_signal_ends_the_experiments_and_the_campaign_goes_on_later(
    twin: Any, number: signal.Signals
) -> None:
    process = twin.start("run", "campaign.yaml")
    _lines(process, "1/8")
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: termination signal" in out
    states = {row.state for row in Reader(twin.data / "motet.db").experiments("twin_sdc")}
    assert states <= {State.DONE, State.FAILED}
    again = twin.motet("run", "campaign.yaml", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["campaign"] == "twin_sdc-1"


@pytest.mark.slow
def test_another_terminal_pauses_resumes_and_stops(twin: Any) -> None:
    twin.change("campaign.yaml", "experiments: 8", "experiments: 132")
    process = twin.start("run", "campaign.yaml")
    _lines(process, "2/132")
    assert twin.here("pause", "twin_sdc").stdout.strip() == "paused"
    assert twin.here("resume", "twin_sdc-1").stdout.strip() == "running"
    assert twin.here("stop", "twin_sdc").stdout.strip() == "stopping"
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "stopped: asked to stop" in out
    late = twin.here("stop", "twin_sdc")
    assert late.returncode == 2
    assert "not running" in late.stderr


def test_another_terminal_aborts(twin: Any) -> None:
    twin.change("lab.yaml", "time_scale: 400", "time_scale: 60")
    process = twin.start("run", "campaign.yaml")
    _lines(process, "1/8")
    assert twin.here("abort", "twin_sdc").stdout.strip() == "aborting"
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "aborted: asked to abort" in out


def test_a_port_that_is_not_there_is_named_and_nothing_is_stored(twin: Any) -> None:
    twin.change("lab.yaml", "/dev/ttyUSB", "/dev/motet-no-such-port")
    done = twin.here("run", "campaign.yaml", "--real")
    assert done.returncode == 3
    for place in ("sdc1-stage", "/dev/motet-no-such-port0", "sdc2-force", "/dev/motet-no-such-port3"):
        assert place in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(twin.here("list", "--json").stdout) == []


def test_a_broker_that_is_not_there_is_named(twin: Any, free_port: int) -> None:
    twin.change("lab.yaml", "broker: embedded", f"broker: mqtt://127.0.0.1:{free_port}")
    done = twin.here("run", "campaign.yaml")
    assert done.returncode == 3
    assert f"127.0.0.1:{free_port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_silent_instrument_stops_the_start_with_its_name(twin: Any) -> None:
    twin.change(
        "lab.yaml",
        "force: { <<: *force, line: /dev/ttyUSB3 }",
        "force: { <<: *force, line: { url: /dev/ttyUSB3, timeout: 0.2 }, "
        "simulator: { faults: [{ kind: drop, times: null }] } }",
    )
    done = twin.here("run", "campaign.yaml")
    assert done.returncode == 3
    assert "sdc2-force" in done.stderr


@pytest.mark.slow
def test_garbage_from_an_instrument_fails_experiments_not_the_record(twin: Any) -> None:
    twin.change(
        "lab.yaml",
        "force: { <<: *force, line: /dev/ttyUSB3 }",
        "force: { <<: *force, line: { url: /dev/ttyUSB3, timeout: 0.2 }, "
        "simulator: { faults: [{ kind: garble, after: 30, times: null }] } }",
    )
    done = twin.motet("run", "campaign.yaml", "--json")
    found = json.loads(done.stdout)
    assert found["failed"] > 0
    rows = Reader(twin.data / "motet.db").experiments("twin_sdc")
    failed = [row for row in rows if row.state == "failed"]
    assert {row.station for row in failed} == {"sdc2"}
    assert all(re.match(r"(GarbledReply|NoReply|LineLost): .*sdc2-force", row.reason) for row in failed)
    assert any(row.state == "done" for row in rows)


@pytest.mark.slow
def test_a_second_run_in_the_same_data_folder_is_another_campaign(twin: Any) -> None:
    assert twin.motet("run", "campaign.yaml", "--json").returncode == 0
    second = json.loads(twin.motet("run", "campaign.yaml", "--json", "--seed", "5").stdout)
    assert second["campaign"] == "twin_sdc-2"
