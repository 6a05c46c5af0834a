"""What a simulation promises: the lab's own experiments, the same every time, and the fast run's timeline."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TIE_S = 3.0
"""Lab seconds within which the machine may change the order in which two stations finish, at 100 of them a second."""


def test_one_station_gives_the_same_experiments_simulated_and_on_ptys(
    twin: Any, simulated: Any, in_real_time: Any
) -> None:
    file = twin(8, stations="1")
    _, virtual = simulated(file)
    _, real = in_real_time(file, 300.0)
    assert [end.facts for end in virtual] == [end.facts for end in real]
    assert len(real) == 8


@pytest.mark.slow
def test_two_stations_agree_as_long_as_they_finish_in_the_same_order(
    twin: Any, simulated: Any, in_real_time: Any
) -> None:
    file = twin(12)
    _, virtual = simulated(file)
    _, real = in_real_time(file, 100.0)
    stations = [[end.event.station for end in ends] for ends in (virtual, real)]
    same = next((n for n, (one, other) in enumerate(zip(*stations, strict=True)) if one != other), len(real))
    assert [end.facts for end in virtual[:same]] == [end.facts for end in real[:same]]
    if same < len(real):
        assert virtual[same + 1].at - virtual[same].at < TIE_S, "the first difference is a tie"


def test_the_fast_run_has_the_same_experiments_at_the_same_times(twin: Any, simulated: Any) -> None:
    file = twin(8)
    full_summary, full = simulated(file)
    fast_summary, fast = simulated(file, fast=True)
    assert [(end.facts, end.event.station) for end in fast] == [(end.facts, end.event.station) for end in full]
    assert [end.at for end in fast] == pytest.approx([end.at for end in full], abs=1e-6)
    assert fast_summary.wall_s == pytest.approx(full_summary.wall_s, abs=1e-6)


@pytest.mark.parametrize("fast", [False, True])
def test_the_same_seed_gives_the_same_store(
    twin: Any, simulated: Any, tmp_path: Path, normalised: Callable[[Path], list[str]], fast: bool
) -> None:
    file = twin(5)
    for name in ("one", "two"):
        simulated(file, tmp_path / name, fast=fast)
    one, two = (normalised(tmp_path / name / "motet.db") for name in ("one", "two"))
    assert one == two
    assert len(one) > 30


def test_another_seed_gives_another_campaign(twin: Any, simulated: Any) -> None:
    _, one = simulated(twin(5), fast=True)
    _, other = simulated(twin(5, seed=1), fast=True)
    assert [end.facts for end in one] != [end.facts for end in other]


@pytest.fixture
def normalised() -> Callable[[Path], list[str]]:
    """A store as SQL text, with times of day counted from the campaign's start."""

    def dump(path: Path) -> list[str]:
        with sqlite3.connect(path) as store:
            (began,) = store.execute("SELECT MIN(wall) FROM campaigns").fetchone()
            lines: list[str] = []
            for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
                rows = store.execute(f'SELECT * FROM "{table}" ORDER BY rowid')  # noqa: S608 - our own tables
                lines += [f"{table} {[_from(value, began) for value in row]}" for row in rows]
        store.close()
        return lines

    return dump


def _from(value: object, began: float) -> object:
    """A time of day as seconds since `began`, alone or as `"time"` and timestamps of a document."""
    if isinstance(value, float) and value > 1e9:
        return round(value - began, 3)
    if isinstance(value, str) and value.startswith("{"):
        return _walk(json.loads(value), began)
    return value


def _walk(value: Any, began: float) -> Any:
    if isinstance(value, dict):
        return {key: _walk(item, began) for key, item in value.items()}  # pyright: ignore
    if isinstance(value, list):
        return [_walk(item, began) for item in value]  # pyright: ignore
    return round(value - began, 3) if isinstance(value, float) and value > 1e9 else value
