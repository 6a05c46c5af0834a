"""What the orchestrator costs: experiments a second and overhead per experiment, beside bare RunEngines in one run.

    python benchmarks/overhead.py            the whole table, about two minutes
    python benchmarks/overhead.py --quick    a short form
    python benchmarks/overhead.py --json     for programs

An experiment is one run with one verb that takes the stated time and one event. `bare` is the same plan called in a
loop on the same kind of RunEngine, one thread a station, with no store, learner or orchestrator. Overhead is the time
from one experiment's end to the next one's at a station, less the instrument's own time; medians. All is stored.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bluesky import RunEngine

from motet.contracts.declarations import NoOptions
from motet.devices import Context, Device, Limits, Output, verb
from motet.learning import Suggester, build_learner
from motet.model.campaign import Budget, LearnerConfig
from motet.model.events import Event, ExperimentEnded
from motet.model.experiment import RunRecord
from motet.model.objective import Objective
from motet.model.procedure import Procedure
from motet.model.space import Integer, Space
from motet.model.values import PluginRef
from motet.orchestration import CampaignLoop, Control, Recorder, Summary
from motet.orchestration.goal import Goal
from motet.orchestration.work import Course, Stage
from motet.plugins import installed
from motet.station import LocalStation
from motet.station.engine import LabLoop
from motet.station.gate import Gate
from motet.station.plan import ProcedurePlan
from motet.store import CampaignRecord, Stamp, Store

SPACE = Space({"x": Integer(low=0, high=9_999)})
OBJECTIVES = {"y": Objective(goal="maximize")}
PROCEDURE = Procedure.model_validate({"parameters": ["x"], "steps": [{"timer.measure": {"x": "$x"}, "as": "m"}]})
RANDOM = LearnerConfig(start=PluginRef(name="random", options={"n": 100_000}))


class TimerDevice(Device):
    """An instrument that takes a stated time and gives x back."""

    def __init__(self, context: Context, seconds: float) -> None:
        self._seconds = seconds
        super().__init__(context)

    @verb(outputs={"y": Output()})
    async def measure(self, x: float) -> Mapping[str, float]:
        """Take the time."""
        if self._seconds:
            await asyncio.sleep(self._seconds)
        return {"y": x}


class Reads:
    """The analysis: y as measured."""

    def outputs(self) -> tuple[str, ...]:
        return ("y",)

    def needs(self) -> tuple[str, ...]:
        return ("m.y",)

    def values(self, run: RunRecord) -> Mapping[str, float]:
        return {"y": run.output("m", "y")[0]}


@dataclass(frozen=True)
class Result:
    """One row. Times in milliseconds an experiment; `efficiency` is the sum of the instruments' own times over
    stations times wall time."""

    stations: int
    experiment_ms: float
    rate: float
    overhead_ms: float
    bare_rate: float
    bare_overhead_ms: float
    efficiency: float

    @property
    def ratio(self) -> float:
        """Overhead beside the bare RunEngine's."""
        return self.overhead_ms / self.bare_overhead_ms


def _device(station: str, seconds: float) -> TimerDevice:
    return TimerDevice(Context(f"{station}-timer", NoOptions(), Limits(station, {})), seconds)


async def _campaign(
    lab_loop: LabLoop, folder: Path, stations: int, seconds: float, experiments: int
) -> tuple[Summary, list[float]]:
    """A campaign with everything on, and the gaps between ends at each station in seconds."""
    store = await Store.open(folder / "motet.db")
    names = tuple(f"s{i}" for i in range(stations))
    record = CampaignRecord("overhead", "soft", {}, {}, 0, names, {"y": {"goal": "maximize"}}, {"x": {}}, Stamp(0, 0))
    ends: dict[str, list[float]] = {name: [] for name in names}

    def see(event: Event) -> None:
        if isinstance(event, ExperimentEnded):
            ends[event.station].append(time.perf_counter())

    recorder = Recorder(store, await store.new_campaign(record), [see])
    members: list[LocalStation] = []
    for name in names:
        engine = await lab_loop.engine()
        members.append(LocalStation(name, {"timer": _device(name, seconds)}, engine, emit=recorder.emit))
        await members[-1].connect()
    learner = build_learner(RANDOM, installed(), SPACE, OBJECTIVES, seed=0, stations=stations)
    suggester = Suggester(learner, ahead=stations, wait_when_alone=False)
    goal = Goal(OBJECTIVES, budget=Budget(experiments=experiments))
    course = Course((Stage("", PROCEDURE, names),))
    summary = await CampaignLoop(members, course, suggester, Reads(), goal, recorder, Control()).run()
    await suggester.close()
    for member in members:
        await member.close()
    await store.close()
    return summary, [b - a for times in ends.values() for a, b in itertools.pairwise(times)]


def _bare_engine(loop: asyncio.AbstractEventLoop) -> RunEngine:
    """A RunEngine as Bluesky has it. Its constructor waits for the loop."""
    engine = RunEngine({}, loop=loop, context_managers=[])
    engine.verbose = False
    return engine


async def _bare(lab_loop: LabLoop, stations: int, seconds: float, experiments: int) -> tuple[float, list[float]]:
    """The same plans on bare RunEngines, one thread a station: wall time and gaps in seconds."""
    gate = Gate()
    gaps: list[float] = []
    engines = [await asyncio.to_thread(_bare_engine, lab_loop.loop) for _ in range(stations)]
    devices = [_device(f"b{i}", seconds) for i in range(stations)]
    for device in devices:
        await device.connect()

    def work(index: int) -> None:
        last: float | None = None
        for _ in range(experiments // stations):
            plan = ProcedurePlan(PROCEDURE, {"timer": devices[index]}, {"x": 0.5}, {}, gate)
            engines[index](plan.plan({"experiment": "bare"}))
            now = time.perf_counter()
            if last is not None:
                gaps.append(now - last)
            last = now

    with ThreadPoolExecutor(stations) as pool:
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(pool, work, index) for index in range(stations)))
        return time.perf_counter() - started, gaps


def measure(stations: int, seconds: float, experiments: int) -> Result:
    """One row of the table."""
    lab_loop = LabLoop()
    try:
        with tempfile.TemporaryDirectory() as folder:
            work = _campaign(lab_loop, Path(folder), stations, seconds, experiments)
            summary, gaps = lab_loop.submit(work).result()
        bare_wall, bare_gaps = lab_loop.submit(_bare(lab_loop, stations, seconds, experiments)).result()
    finally:
        lab_loop.close()
    assert summary.experiments == experiments, summary
    assert summary.failed == 0, summary
    return Result(
        stations,
        seconds * 1000,
        experiments / summary.wall_s,
        (statistics.median(gaps) - seconds) * 1000,
        experiments // stations * stations / bare_wall,
        (statistics.median(bare_gaps) - seconds) * 1000,
        experiments * seconds / (stations * summary.wall_s),
    )


def cases(quick: bool) -> Sequence[tuple[int, float, int]]:
    """Stations, seconds an experiment, experiments."""
    zero = [(n, 0.0, 200 if quick else 1000) for n in (1, 4, 16, 64)]
    short = [(n, 0.05, n * (5 if quick else 20)) for n in (1, 4, 16, 64)]
    return [*zero, *short, (16, 1.0, 16 * (3 if quick else 10))]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    results: list[dict[str, Any]] = []
    if not wanted.json:
        print("stations  experiment    motet/s  overhead    bare/s  bare overhead  ratio  efficiency")
    for case in cases(wanted.quick):
        row = measure(*case)
        results.append(asdict(row) | {"ratio": row.ratio})
        if not wanted.json:
            efficiency = f"{row.efficiency:10.3f}" if row.experiment_ms else "         -"
            print(
                f"{row.stations:8}  {row.experiment_ms:7.0f} ms  {row.rate:9.1f}  {row.overhead_ms:5.2f} ms"
                f"  {row.bare_rate:8.1f}  {row.bare_overhead_ms:10.2f} ms  {row.ratio:5.2f}  {efficiency}",
                flush=True,
            )
    if wanted.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
