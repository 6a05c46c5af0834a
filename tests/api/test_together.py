"""Several campaigns in one lab at once: each station is one campaign's at a time, by priority and in fair parts."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from motet.api.run import Options, load
from motet.api.session import Session
from motet.api.setting import Setting
from motet.api.together import Together, run_together
from motet.errors import FileProblems, PluginProblem, StoreError
from motet.files.campaign import CampaignFile
from motet.learning import build_learner
from motet.model.events import (
    CampaignChanged,
    CampaignState,
    Event,
    ExperimentEnded,
    ExperimentStarted,
    StationState,
    StepStarted,
)
from motet.model.experiment import RunRecord
from motet.model.job import Job
from motet.orchestration import Control
from motet.orchestration.recorder import Sink
from motet.plugins import installed
from motet.station import LocalStation
from motet.station.engine import LabLoop
from motet.store import Reader, committing
from motet_testing.campaigns import BRANIN

ENDS = (CampaignState.FINISHED, CampaignState.STOPPED, CampaignState.ABORTED, CampaignState.FAILED)

LAB = """
lab: shared
broker: none
hardware: simulated
simulation: { time_scale: 400, lines: memory, seed: 1 }
x-function: &function
  driver: benchmark_function
  line: /dev/null
  limits: { x1: [-5, 10], x2: [0, 15] }
  simulator: { function: branin, prepare: 5, duration: 20, clean: 5 }
stations:
  s1: { devices: { function: *function } }
  s2: { devices: { function: *function } }
procedures:
  measure:
    parameters: { x1: null, x2: null }
    steps:
      - function.prepare
      - function.measure: { x1: $x1, x2: $x2 }
"""


def loaded(folder: Path, more: dict[str, str]) -> list[CampaignFile]:
    """Campaigns of these names, with what each states besides."""
    (folder / "lab.yaml").write_text(LAB)
    for name, text in more.items():
        (folder / f"{name}.yaml").write_text(BRANIN.replace("NAME", name) + text)
    return [load(folder / f"{name}.yaml", Options()) for name in more]


def controlled(folder: Path, see: Callable[[str, Event, dict[str, Control]], object], **more: str) -> list[Any]:
    """Run such campaigns while `see(name, event, controls)` commands each of them; what each came to."""
    lab_loop = LabLoop()
    setting = Setting(folder / "data", lab_loop.engine)
    controls: dict[str, Control] = {}

    def tell(name: str, event: Event) -> None:
        found = {key: session.control for key, session in sessions.items()}
        controls.update({key: control for key, control in found.items() if control is not None})
        see(name, event, controls)

    files = loaded(folder, more)
    sessions = {
        name: Session(file, installed(), setting, [partial(tell, name)], False, False)
        for name, file in zip(more, files, strict=True)
    }
    try:
        return list(lab_loop.submit(run_together(list(sessions.values()))).result(60))
    finally:
        lab_loop.close()


def run(folder: Path, **more: str) -> tuple[list[Any], list[tuple[str, str, Event]]]:
    """Run campaigns of these names with what each states besides; summaries, and what was begun and ended where."""
    seen: list[tuple[str, str, Event]] = []
    files = loaded(folder, more)

    def see(name: str, event: Event) -> None:
        if isinstance(event, ExperimentStarted | ExperimentEnded):
            seen.append((name, event.station, event))

    sinks: list[list[Sink]] = [[partial(see, name)] for name in more]
    together = Together(files, Options(folder / "data"), sinks)
    try:
        return list(together.wait(60)), seen
    finally:
        together.close()


def test_they_share_the_stations_and_no_station_is_used_by_two_at_once(tmp_path: Path) -> None:
    summaries, seen = run(tmp_path, first="", second="")
    assert [(one.state, one.experiments, one.failed) for one in summaries] == [(CampaignState.FINISHED, 8, 0)] * 2
    busy: dict[str, str] = {}
    for name, station, event in seen:
        if isinstance(event, ExperimentStarted):
            assert station not in busy
            busy[station] = name
        else:
            assert busy.pop(station) == name
    used = [{station for who, station, _ in seen if who == name} for name in ("first", "second")]
    assert all(used)
    changes = Reader(tmp_path / "data" / "motet.db").station_changes("first-1")
    for station in ("s1", "s2"):
        states = [change.state for change in changes if change.station == station]
        assert states[:2] == [StationState.CONNECTING, StationState.IDLE]
        assert states[-1] is StationState.OFFLINE


def test_they_take_turns_and_the_higher_priority_goes_first(tmp_path: Path) -> None:
    _, seen = run(tmp_path, low="", high="priority: 5\n")
    ends = [name for name, _, event in seen if isinstance(event, ExperimentEnded)]
    assert ends.index("high") < 3
    assert len([name for name in ends[:9] if name == "high"]) >= 7
    beside = tmp_path / "fair"
    beside.mkdir()
    _, fair = run(beside, one="", other="")
    ends = [name for name, _, event in fair if isinstance(event, ExperimentEnded)]
    assert 3 <= len([name for name in ends[:8] if name == "one"]) <= 5


def test_one_that_is_paused_in_the_middle_of_its_last_step_does_not_keep_the_others(tmp_path: Path) -> None:
    def see(name: str, event: Event, controls: dict[str, Control]) -> None:
        match event:
            case StepStarted(_, step) if name == "first" and "measure" in step:
                if not paused:
                    paused.append(step)
                    controls["first"].pause("lunch")
            case CampaignChanged(_, CampaignState.FINISHED, _) if name == "second":
                controls["first"].resume()
            case _:
                pass

    paused: list[str] = []
    ends = controlled(tmp_path, see, first="", second="")
    assert [(one.state, one.experiments, one.failed) for one in ends] == [(CampaignState.FINISHED, 8, 0)] * 2
    assert paused


def test_one_that_is_aborted_does_not_wait_for_stations_that_others_have(tmp_path: Path) -> None:
    def see(name: str, event: Event, controls: dict[str, Control]) -> None:
        if isinstance(event, CampaignChanged) and event.state in ENDS:
            ended.append(name)
        if isinstance(event, ExperimentEnded) and name == "high" and event.outcome.experiment.number == 3:
            controls["low"].abort("not needed")

    ended: list[str] = []
    low, high = controlled(tmp_path, see, low="", high="priority: 5\n")
    assert (low.state, high.state, high.failed) == (CampaignState.ABORTED, CampaignState.FINISHED, 0)
    assert ended == ["low", "high"]


def test_the_last_one_leaves_the_stations_safe_also_when_another_could_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_safe: list[str] = []
    built: list[Any] = []
    safe, build = LocalStation.safe, build_learner

    async def counted(self: LocalStation) -> None:
        made_safe.append(self.name)
        await safe(self)

    def broken(*args: Any, **more: Any) -> Any:
        if built:
            raise PluginProblem("this surrogate is broken")
        built.append(build(*args, **more))
        return built[0]

    monkeypatch.setattr(LocalStation, "safe", counted)
    monkeypatch.setattr("motet.api.choosing.build_learner", broken)
    with pytest.raises(PluginProblem, match="broken"):
        controlled(tmp_path, lambda name, event, controls: None, good="", bad="")
    assert sorted(made_safe) == ["s1", "s2"]
    (good,) = [one for one in Reader(tmp_path / "data" / "motet.db").campaigns() if one.id == "good-1"]
    assert good.state is CampaignState.FINISHED


def test_stations_know_the_priority_of_the_campaign_for_devices_that_they_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[tuple[str, int]] = set()
    run_there = LocalStation.run

    async def seeing(self: LocalStation, job: Job, cleared: Any = None) -> RunRecord:
        seen.add((job.experiment.campaign, job.priority))
        return await run_there(self, job, cleared)

    monkeypatch.setattr(LocalStation, "run", seeing)
    run(tmp_path, low="", high="priority: 2\n")
    assert seen == {("low-1", 0), ("high-1", 2)}


def test_who_aborts_again_does_not_wait_for_a_store_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def see(name: str, event: Event, controls: dict[str, Control]) -> None:
        match event:
            case ExperimentEnded() if not other.in_transaction:
                other.execute("BEGIN EXCLUSIVE")
            case CampaignChanged(_, CampaignState.PAUSED, reason):
                reasons.append(reason)
                controls[name].abort("enough")
                controls[name].abort("enough, now")
            case _:
                pass

    monkeypatch.setattr(committing, "LOCKED_S", 0.05)
    reasons: list[str] = []
    store = tmp_path / "data" / "motet.db"
    store.parent.mkdir()
    with closing(sqlite3.connect(store, isolation_level=None, check_same_thread=False)) as other:
        with pytest.raises(StoreError):
            controlled(tmp_path, see, first="", second="")
        other.execute("ROLLBACK")
    assert ["the store cannot be written" in reason for reason in reasons] == [True, True]
    states = [one.state for one in Reader(store).campaigns()]
    assert states == [CampaignState.RUNNING, CampaignState.RUNNING], "they go on when they are started again"


def test_campaigns_of_different_labs_or_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "other.yaml").write_text(LAB.replace("lab: shared", "lab: other"))
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(BRANIN.replace("NAME", "same"))
    second.write_text(BRANIN.replace("NAME", "same").replace("lab.yaml", "other.yaml"))
    files = [load(path, Options()) for path in (first, second)]
    with pytest.raises(FileProblems) as caught:
        Together(files, Options(tmp_path / "data"), [[], []])
    assert "campaigns that run together share one lab" in str(caught.value)
    assert "names of their own" in str(caught.value)
