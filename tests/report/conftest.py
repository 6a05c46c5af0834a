"""Synthetic campaigns in a store: two stations that search a 21 x 21 grid, and stranger ones."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from motet.model.events import CampaignState
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.store import CampaignRecord, Reader, Stamp, Store

START = 1_760_000_000.0
GRID = {"type": "stepped", "low": 0.0, "high": 50.0, "step": 2.5, "unit": "mm"}


def at(elapsed: float) -> Stamp:
    return Stamp(START + elapsed, elapsed)


def surface(x: float, y: float) -> float:
    """Schwefel's function over the grid, as a current in mA."""
    e = [20 * v - 500 for v in (x, y)]
    return sum(v * math.sin(math.sqrt(abs(v))) for v in e) / 1000


@dataclass
class Scenario:
    """A campaign to be written: by default 110 experiments on two stations, some of which fail or are
    retried."""

    count: int = 110
    stations: Sequence[str] = ("sdc1", "sdc2")
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"x": GRID, "y": GRID})
    objectives: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: {"current": {"goal": "maximize", "target": None, "unit": "mA"}}
    )
    fails: Callable[[int], bool] = lambda number: number % 27 == 26
    retries: Callable[[int], bool] = lambda number: number % 35 == 17
    state: CampaignState = CampaignState.FINISHED
    reason: str = "all five points are measured"
    fault: str = "ps90 of sdc1: axis 3 is in a limit switch (error 16)"
    why: str = "weighted mean and variance of 50 trees"
    under_way: bool = False
    constraints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    values: Callable[[int, Mapping[str, Any]], Mapping[str, float]] | None = None
    problem: Callable[[int], str] = lambda number: ""
    notes: Callable[[int], Mapping[str, float]] = lambda number: {}


async def write(path: Path, scenario: Scenario) -> Reader:
    """Put a scenario into a store as a campaign would."""
    rng = random.Random(3)
    store = await Store.open(path)
    campaign = await store.new_campaign(
        CampaignRecord(
            "twin_sdc",
            "twin",
            {"campaign.yaml": "campaign: twin_sdc\nlab: lab.yaml\n", "lab.yaml": "lab: twin\n"},
            {"motet": "0.1.0", "numpy": "2.4.6", "scikit-learn": "1.9.1"},
            7,
            tuple(scenario.stations),
            scenario.objectives,
            scenario.parameters,
            at(0.0),
            scenario.constraints,
        )
    )
    store.campaign_changed(campaign, CampaignState.RUNNING, "", at(0.1))
    free = dict.fromkeys(scenario.stations, 0.4)
    for number in range(1, scenario.count + 1):
        station = min(free, key=lambda name: free[name])
        last = scenario.under_way and number == scenario.count
        free[station] = _experiment(store, scenario, campaign, number, station, free[station], rng, last)
    store.campaign_changed(campaign, scenario.state, scenario.reason, at(max(free.values(), default=0.4)))
    await store.close()
    return Reader(path)


def _experiment(
    store: Store,
    scenario: Scenario,
    campaign: str,
    number: int,
    station: str,
    now: float,
    rng: random.Random,
    under_way: bool,
) -> float:
    point = {name: _value(parameter, rng) for name, parameter in scenario.parameters.items()}
    numbers = [value for value in point.values() if isinstance(value, int | float)]
    value = surface(*[*numbers, 25.0, 25.0][:2])
    known = number > len(scenario.stations)
    std = 0.25 / math.sqrt(number)
    suggestion = Suggestion(
        point,
        scenario.why if known else "random start",
        value + 0.1 if known else None,
        rng.gauss(value, std) if known else None,
        std if known else None,
        str(number),
        scenario.problem(number),
        scenario.notes(number),
    )
    experiment = Experiment(campaign, number, suggestion)
    start = now + rng.uniform(0.005, 0.06)
    store.planned(experiment, at(max(0.0, now - rng.uniform(0.05, 0.5))))
    store.running(experiment, station, 1, at(start))
    if under_way:
        return start
    if scenario.retries(number):
        store.retried(experiment, station, "no reply from the force sensor within 2 s", at(start + 0.3))
        start += 0.35
        store.running(experiment, station, 2, at(start))
    end = start + rng.uniform(0.8, 1.3)
    values = scenario.values(number, point) if scenario.values else dict.fromkeys(scenario.objectives, value)
    outcome = (
        Outcome(experiment, State.FAILED, reason=scenario.fault)
        if scenario.fails(number)
        else Outcome(experiment, State.DONE, values)
    )
    store.ended(outcome, station, at(end))
    return end


def _value(parameter: Mapping[str, Any], rng: random.Random) -> float | int | str:
    match parameter["type"]:
        case "stepped":
            steps = round((parameter["high"] - parameter["low"]) / parameter["step"])
            return parameter["low"] + rng.randint(0, steps) * parameter["step"]
        case "integer":
            return rng.randint(parameter["low"], parameter["high"])
        case "categorical":
            return rng.choice(parameter["choices"])
        case "fixed":
            return parameter["value"]
        case _:
            return rng.uniform(parameter["low"], parameter["high"])


class Write(Protocol):
    """Writes a scenario with these fields, gives a reader of its store."""

    async def __call__(self, **fields: Any) -> Reader: ...


@pytest.fixture
def campaign(tmp_path: Path) -> Write:
    async def written(**fields: Any) -> Reader:
        return await write(tmp_path / "motet.db", Scenario(**fields))

    return written
