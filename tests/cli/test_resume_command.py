"""A campaign whose process was killed goes on when it is started again."""

import json
import subprocess
from typing import Any

import pytest

from motet.model.events import CampaignState
from motet.model.experiment import State
from motet.store import Reader

pytestmark = pytest.mark.slow


def _killed(twin: Any, after: str) -> None:
    """Run the campaign until it has printed that, then kill -9."""
    process: subprocess.Popen[str] = twin.start("run", "campaign.yaml")
    assert process.stdout is not None
    for line in process.stdout:
        if after in line:
            break
    else:
        raise AssertionError(f"{after!r} was never printed")
    process.kill()
    process.communicate(timeout=30)


def test_a_killed_campaign_goes_on_and_every_experiment_is_there_once(twin: Any) -> None:
    _killed(twin, "3/8")
    done = twin.motet("run", "campaign.yaml")
    assert done.returncode == 0, done.stderr
    assert "campaign twin_sdc-1 goes on: " in done.stdout
    reader = Reader(twin.data / "motet.db")
    rows = reader.experiments("twin_sdc-1")
    assert [(row.number, row.state) for row in rows] == [(number, State.DONE) for number in range(1, 9)]
    assert [one.summary.state for one in map(reader.campaign, ["twin_sdc-1"])] == [CampaignState.FINISHED]
    assert twin.here("store", "check").returncode == 0
    again = twin.here("run", "campaign.yaml", "--resume")
    assert again.returncode == 2
    assert "twin_sdc-1 has finished" in again.stderr


def test_it_is_begun_anew_where_a_person_wants_that_and_refused_when_its_files_have_changed(twin: Any) -> None:
    _killed(twin, "1/8")
    twin.change("campaign.yaml", "goal: maximize", "goal: minimize")
    refused = twin.here("run", "campaign.yaml")
    assert refused.returncode == 2
    assert "campaign.yaml: objectives: found a change" in refused.stderr
    assert "--new" in refused.stderr
    done = twin.motet("run", "campaign.yaml", "--new", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["campaign"] == "twin_sdc-2"
    reader = Reader(twin.data / "motet.db")
    assert reader.campaign("twin_sdc-1").summary.state is CampaignState.ABORTED
    given_up = [row for row in reader.experiments("twin_sdc-1") if "begun anew" in row.reason]
    assert given_up
    assert not [row for row in reader.experiments("twin_sdc-1") if row.state in (State.PLANNED, State.RUNNING)]
    assert twin.here("store", "check").returncode == 0


def test_a_second_process_is_refused_while_one_runs(twin: Any) -> None:
    process: subprocess.Popen[str] = twin.start("run", "campaign.yaml", "--time-scale", "2")
    assert process.stdout is not None
    next(line for line in process.stdout if "twin_sdc-1 running" in line)
    second = twin.motet("run", "campaign.yaml")
    assert second.returncode != 0
    assert f"process {process.pid} is writing to this store" in second.stderr
    process.kill()
    process.communicate(timeout=30)
