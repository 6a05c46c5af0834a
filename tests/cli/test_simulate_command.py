"""`motet simulate` as a user calls it: virtual time, in a process of its own."""

import csv
import io
import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from motet.store import Reader

DATA = "motet-simulated"


def _until(process: "subprocess.Popen[str]", needle: str) -> None:
    """Read what a process prints up to a line that holds `needle`."""
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        seen.append(line)
        if needle in line:
            return
    raise AssertionError(f"{needle!r} was never printed; printed: {''.join(seen)}")


@pytest.fixture
def simulated(twin: Any) -> Any:
    """Runs `motet simulate campaign.yaml --json` to its end; what it printed."""

    def run(*arguments: str) -> dict[str, Any]:
        done = twin.here("simulate", "campaign.yaml", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def rows(twin: Any) -> list[dict[str, str]]:
    """The table of the newest campaign."""
    places = sorted((twin.folder / DATA).glob("*/experiments.csv"), key=lambda path: path.stat().st_mtime_ns)
    return list(csv.DictReader(io.StringIO(places[-1].read_text())))


@pytest.mark.slow
def test_json_is_one_object_with_what_a_program_needs(simulated: Any) -> None:
    found = simulated()
    assert (found["campaign"], found["state"]) == ("twin_sdc-1", "finished")
    assert (found["experiments"], found["failed"], found["stations"]) == (8, 0, 2)
    assert found["speed_up"] == pytest.approx(found["busy_s"] / found["wall_s"])
    assert found["wall_s"] > 240 > 60 > found["real_s"] > found["learner_s"] > 0
    assert set(found["best"]) == {"experiment", "parameters", "values"}


def test_the_lab_time_is_told_and_everything_is_where_it_says(twin: Any) -> None:
    done = twin.motet("simulate", "campaign.yaml")
    assert done.returncode == 0, done.stderr
    assert "8 experiments, 0 failed; finished" in done.stdout
    assert re.search(r"^lab time \d:\d\d \(\d{3}\.\d s\) with 2 stations", done.stdout, re.MULTILINE)
    assert re.search(r"^took +\d+\.\d s, \d+\.\d s of it the learner's: \d+ times as fast$", done.stdout, re.MULTILINE)
    assert re.fullmatch(r"speed-up \d\.\d\d \(2 stations, 8 experiments\)", done.stdout.splitlines()[-1])
    places = dict(re.findall(r"^(store|report|data) +(\S+)", done.stdout, re.MULTILINE))
    assert set(places) == {"store", "report", "data"}
    assert all(place.startswith(f"{DATA}/") for place in places.values())
    assert "twin_sdc-1" in (twin.folder / places["report"]).read_text()
    assert len(rows(twin)) == 8
    reader = Reader(twin.folder / places["store"])
    assert len(reader.documents("twin_sdc-1/1")) > 10
    ended = [row.ended_s or 0.0 for row in reader.experiments("twin_sdc-1")]
    assert 60.0 < min(ended) < 240.0 < max(ended), "times are the lab's"


@pytest.mark.slow
def test_simulated_campaigns_are_kept_apart_from_measured_ones(twin: Any) -> None:
    assert twin.motet("simulate", "campaign.yaml", "--json").returncode == 0
    assert not twin.data.exists()
    assert [row["id"] for row in json.loads(twin.here("list", "--data", DATA, "--json").stdout)] == ["twin_sdc-1"]


def test_real_hardware_in_the_lab_file_is_not_touched(twin: Any, simulated: Any) -> None:
    twin.change("lab.yaml", "hardware: simulated", "hardware: real")
    twin.change("lab.yaml", "broker: embedded", "broker: mqtt://no-such-host.invalid:1883")
    assert simulated("--fast", "--check", "0")["experiments"] == 8


@pytest.mark.slow
def test_another_seed_is_another_campaign(twin: Any, simulated: Any) -> None:
    found: list[Any] = []
    for seed in ("5", "6"):
        simulated("--fast", "--check", "0", "--seed", seed)
        found.append([(row["x"], row["y"], row["activity"], row["ended_s"]) for row in rows(twin)])
    one, other = found
    assert one != other


@pytest.mark.slow
def test_fast_is_checked_against_the_full_run(twin: Any, simulated: Any) -> None:
    full, fast = simulated(), simulated("--fast")
    assert fast["check"] == "the first 4 experiments are the same, at the same times, in the full run"
    for key in ("wall_s", "busy_s", "experiments", "stations"):
        assert fast[key] == pytest.approx(full[key])
    assert fast["best"]["parameters"] == full["best"]["parameters"]


def test_there_may_be_more_stations_than_the_lab_has(simulated: Any) -> None:
    found = simulated("--fast", "--check", "0", "--stations", "3")
    assert (found["stations"], found["experiments"], found["failed"]) == (3, 8, 0)
    assert found["speed_up"] > 2.2
    assert "check" not in found


@pytest.mark.slow
def test_a_learner_that_takes_its_time_makes_the_lab_time_longer(simulated: Any) -> None:
    common = ("--fast", "--check", "0", "--stations", "1")
    prompt, slow = simulated(*common), simulated(*common, "--learner-time", "2 s")
    assert slow["wall_s"] == pytest.approx(prompt["wall_s"] + 7 * 2.0, abs=0.5)
    assert slow["busy_s"] == pytest.approx(prompt["busy_s"], abs=0.5)


@pytest.mark.slow
def test_a_speed_is_kept(twin: Any) -> None:
    twin.change("campaign.yaml", "experiments: 8", "experiments: 1")
    began = time.perf_counter()
    done = twin.motet("simulate", "campaign.yaml", "--json", "--speed", "50")
    found = json.loads(done.stdout)
    assert found["real_s"] > found["wall_s"] / 50 > 1.5
    assert time.perf_counter() - began < 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--learner-time", "soon"], "--learner-time: found 'soon'; 0, a time such as `2 s`, or measured"),
        (["--learner-time", "-1 s"], "--learner-time: found '-1 s'; a time of 0 or more is needed"),
        (["--stations", "0"], "--stations"),
        (["--speed", "0"], "--speed"),
        (["--speed", "inf"], "--speed"),
    ],
)
def test_a_value_that_cannot_be_is_named(twin: Any, arguments: list[str], message: str) -> None:
    done = twin.here("simulate", "campaign.yaml", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (twin.folder / DATA).exists()


def test_a_mistake_in_a_file_is_named_with_its_line(twin: Any) -> None:
    failures = "failures: [{ device: sdc1.forse, at: 1 h, repair: 5 min }]"
    twin.change("lab.yaml", "  seed: 7", f"  {failures}\n  seed: 7")
    done = twin.here("simulate", "campaign.yaml")
    assert done.returncode == 2
    assert re.search(r"lab\.yaml:\d+: simulation\.failures\.0\.device: .*did you mean 'sdc1\.force'\?", done.stderr)


@pytest.mark.slow
def test_a_device_that_fails_is_seen_in_the_results(twin: Any, simulated: Any) -> None:
    twin.change("lab.yaml", "  seed: 7", "  failures: [{ device: sdc2.force, at: 2 min, repair: 300 h }]\n  seed: 7")
    twin.change("campaign.yaml", "in_a_row: 5", "in_a_row: 50")
    found = simulated("--fast", "--check", "0")
    assert 0 < found["failed"] < 8
    failed = [row for row in rows(twin) if row["state"] == "failed"]
    assert {row["station"] for row in failed} == {"sdc2"}
    assert all("sdc2-force" in row["reason"] for row in failed)


@pytest.mark.parametrize("fast", [pytest.param(False, marks=pytest.mark.slow), True])
def test_ctrl_c_once_stops_after_the_current_experiments(twin: Any, fast: bool) -> None:
    twin.change("campaign.yaml", "experiments: 8", "experiments: 132")
    arguments = ("--speed", "200", *(("--fast",) if fast else ()))
    process = twin.start("simulate", "campaign.yaml", *arguments)
    _until(process, "2/132")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "stopped: Ctrl-C" in out
    assert "Traceback" not in err
    summary = Reader(twin.folder / DATA / "motet.db").campaign("twin_sdc").summary
    assert 2 <= summary.experiments <= 6
    assert (summary.state, summary.failed) == ("stopped", 0)


@pytest.mark.slow
def test_ctrl_c_twice_aborts_and_keeps_what_was_measured(twin: Any) -> None:
    twin.change("campaign.yaml", "experiments: 8", "experiments: 132")
    process = twin.start("simulate", "campaign.yaml", "--speed", "30")
    _until(process, "2/132")
    for needle in ("stopping", "aborting"):
        process.send_signal(signal.SIGINT)
        _until(process, needle)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "aborted: Ctrl-C twice" in out
    states = [str(row.state) for row in Reader(twin.folder / DATA / "motet.db").experiments("twin_sdc")]
    assert states.count("done") >= 2


def test_a_campaign_file_that_is_not_there_is_named(tmp_path: Path, twin: Any) -> None:
    done = twin.here("simulate", str(tmp_path / "nope.yaml"))
    assert done.returncode == 2
    assert "no such file 'nope.yaml'" in done.stderr
