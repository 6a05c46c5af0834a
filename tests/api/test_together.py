"""Several campaigns in one lab at once: each station is one campaign's at a time, by priority and in fair parts."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from motet.api.run import Options, load
from motet.api.together import Together
from motet.errors import FileProblems
from motet.model.events import CampaignState, Event, ExperimentEnded, ExperimentStarted
from motet.orchestration.recorder import Sink

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

CAMPAIGN = """
campaign: NAME
lab: lab.yaml
parameters:
  x1: { type: continuous, low: -5, high: 10 }
  x2: { type: continuous, low: 0, high: 15 }
procedure: measure
analysis: { value: { outputs: { y: measure.value } } }
objectives: { y: { goal: minimize } }
learner: { surrogate: random_forest, start: { random: { n: 100 } } }
budget: { experiments: 8 }
"""


def run(folder: Path, **more: str) -> tuple[list[Any], list[tuple[str, str, Event]]]:
    """Run campaigns of these names with what each states besides; summaries, and what was begun and ended where."""
    (folder / "lab.yaml").write_text(LAB)
    seen: list[tuple[str, str, Event]] = []
    files: list[Any] = []
    for name, text in more.items():
        path = folder / f"{name}.yaml"
        path.write_text(CAMPAIGN.replace("NAME", name) + text)
        files.append(load(path, Options()))

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


def test_they_take_turns_and_the_higher_priority_goes_first(tmp_path: Path) -> None:
    _, seen = run(tmp_path, low="", high="priority: 5\n")
    ends = [name for name, _, event in seen if isinstance(event, ExperimentEnded)]
    assert ends.index("high") < 3
    assert len([name for name in ends[:9] if name == "high"]) >= 7
    _, fair = run(tmp_path / "fair", one="", other="") if (tmp_path / "fair").mkdir() is None else ([], [])
    ends = [name for name, _, event in fair if isinstance(event, ExperimentEnded)]
    assert 3 <= len([name for name in ends[:8] if name == "one"]) <= 5


def test_campaigns_of_different_labs_or_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "other.yaml").write_text(LAB.replace("lab: shared", "lab: other"))
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(CAMPAIGN.replace("NAME", "same"))
    second.write_text(CAMPAIGN.replace("NAME", "same").replace("lab.yaml", "other.yaml"))
    files = [load(path, Options()) for path in (first, second)]
    with pytest.raises(FileProblems) as caught:
        Together(files, Options(tmp_path / "data"), [[], []])
    assert "campaigns that run together share one lab" in str(caught.value)
    assert "names of their own" in str(caught.value)
