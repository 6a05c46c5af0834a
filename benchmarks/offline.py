"""What simulation costs and what it says: virtual time, the fast run, parallel efficiency, studies over many processes.

    python benchmarks/offline.py                 every section, a quarter of an hour on two cores
    python benchmarks/offline.py twin week       only these: twin, week, efficiency, cells, scaling
    python benchmarks/offline.py --quick         a short form
    python benchmarks/offline.py --json          for programs

Each run that is timed has a process of its own, so that its memory is its own too; times are without the start of the
interpreter and the imports. The learner's own time is given apart.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from motet.api.compare import Study, compare
from motet.api.processes import Processes
from motet.api.simulate import Simulation, load_simulated, simulate
from motet.api.variation import varied
from motet.api.workers import Workers
from motet.files.campaign import CampaignFile
from motet.model.campaign import Budget
from motet.model.events import Event, ExperimentEnded
from motet.model.space import Space
from motet.plugins import installed

EXAMPLES = Path(__file__).parents[1] / "examples"
TWIN = EXAMPLES / "twin_sdc" / "campaign.yaml"
OFFLINE = EXAMPLES / "offline" / "campaign.yaml"
BEST = {"learner": "rf+ucb(kappa=1.0)", "pending": "exclude"}
"""The learner with which cells are compared; one start point a cell, as the file has it."""
HOUR_S = 3600.0


@dataclass(frozen=True)
class Row:
    """One line of the result: what was measured, beside its goal."""

    section: str
    what: str
    measured: float
    unit: str
    goal: str
    more: Mapping[str, float]


def _file(path: Path, changes: Mapping[str, str], experiments: int | None = None) -> CampaignFile:
    file = varied(load_simulated(path), changes, installed())
    return file if experiments is None else _short(file, experiments)


def _short(file: CampaignFile, experiments: int) -> CampaignFile:
    """The campaign with so many experiments and no stop rule."""
    update = {"budget": Budget(experiments=experiments), "stop": ()}
    return file.replace(campaign=file.campaign.model_copy(update=update))


def _with_times(file: CampaignFile, prepare: float, duration: float, clean: float, spread: float) -> CampaignFile:
    """The offline example with other medians of the three steps, s, and another spread."""
    times = {"prepare": prepare, "duration": duration, "clean": clean, "spread": spread}
    stations = {
        name: station.model_copy(
            update={
                "devices": {
                    key: device.model_copy(update={"simulator": {**device.simulator, **times}})
                    for key, device in station.devices.items()
                }
            }
        )
        for name, station in file.lab.stations.items()
    }
    return file.replace(lab=file.lab.model_copy(update={"stations": stations}))


def _timed(file: CampaignFile, fast: bool, store: bool = True) -> dict[str, float]:
    """Simulate once; real time without the learner's, lab time, memory at the most."""
    simulate(_short(file, 2), Simulation(None, fast))  # imports
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = simulate(file, Simulation(Path(folder) if store else None, fast))
        real = time.perf_counter() - began
    summary = done.summary
    assert summary.failed == 0, summary
    return {
        "net_s": real - done.learner_s,
        "learner_s": done.learner_s,
        "experiments": summary.experiments,
        "lab_h": summary.wall_s / HOUR_S,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _child_twin(fast: bool, quick: bool) -> dict[str, float]:
    return _timed(_file(TWIN, {}, 20 if quick else 132), fast)


def _finer(file: CampaignFile) -> CampaignFile:
    """The offline example on a grid of 22 801 points, which no campaign here uses up."""
    space = {name: parameter.model_copy(update={"step": 0.1}) for name, parameter in file.campaign.parameters.items()}
    return file.replace(campaign=file.campaign.model_copy(update={"parameters": space}), space=Space(space))


def _child_week(fast: bool, quick: bool) -> dict[str, float]:
    experiments = 500 if quick else 10_000
    file = _finer(_file(OFFLINE, {"start": "random(n=100000)", "stations": "16"}, experiments))
    return _timed(_with_times(file, 100, 750, 100, 0.1), fast)


CHILDREN: Mapping[str, Callable[[bool, bool], dict[str, float]]] = {"twin": _child_twin, "week": _child_week}


def _in_a_process(name: str, fast: bool, quick: bool) -> dict[str, float]:
    command = [
        sys.executable,
        __file__,
        "--child",
        name,
        *(["--fast"] if fast else []),
        *(["--quick"] if quick else []),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
    return json.loads(done.stdout.splitlines()[-1])


def twin(quick: bool) -> Iterator[Row]:
    """The twin-cell demo at the lab's own times."""
    for fast, goal in ((False, "<= 6"), (True, "<= 1")):
        found = _in_a_process("twin", fast, quick)
        name = "fast" if fast else "full"
        yield Row("twin", f"{name}, beyond the learner's time", found.pop("net_s"), "s", goal, found)


def week(quick: bool) -> Iterator[Row]:
    """A week of 16 stations, 10 000 experiments of three steps, a learner that draws at random."""
    for fast, goal in ((False, "<= 90"), (True, "<= 6")):
        found = _in_a_process("week", fast, quick)
        name = "fast" if fast else "full"
        yield Row("week", name, found["net_s"] + found["learner_s"], "s", goal, found)
        yield Row("week", f"{name}, memory", found["memory_mb"], "MB", "<= 500", {})


def efficiency(quick: bool) -> Iterator[Row]:
    """Wall time in the lab against the lower bound: the sum of times over the stations, or the longest experiment."""
    for stations in (1, 4, 16, 64):
        experiments = stations * (20 if quick else 200)
        file = _finer(_file(OFFLINE, {"start": "random(n=100000)", "stations": str(stations)}, experiments))
        seconds: list[float] = []

        def see(event: Event, now: float, seconds: list[float] = seconds) -> None:
            if isinstance(event, ExperimentEnded):
                seconds.append(event.seconds)

        done = simulate(_with_times(file, 10, 60, 20, 0.5), Simulation(None, fast=True), see)
        bound = max(sum(seconds) / stations, *seconds)
        more = {"experiments": experiments, "lab_h": done.summary.wall_s / HOUR_S}
        yield Row("efficiency", f"{stations} stations", bound / done.summary.wall_s, "", ">= 0.98", more)


def cells(quick: bool) -> Iterator[Row]:
    """Lab time to all five top points of the twin-cell demo: one cell against two and four."""
    seeds = 4 if quick else 20
    vary = {name: (value,) for name, value in BEST.items()} | {"stations": ("1", "2", "4")}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "twin_sdc" / "campaign.yaml"
        file.parent.mkdir()
        for name in ("campaign.yaml", "lab.yaml"):
            text = (TWIN.parent / name).read_text()
            (file.parent / name).write_text(text.replace("experiments: 132", "experiments: 441"))
        hours: dict[str, list[float]] = {}
        experiments: dict[str, list[float]] = {}
        reached = 0

        results = _results(Study(file, vary, seeds), Path(folder) / "out", Processes())
        for result in results:
            assert not result.error, result.error
            reached += result.reached
            stations = result.trial.combination["stations"]
            hours.setdefault(stations, []).append(result.ended_s[-1] / HOUR_S)
            experiments.setdefault(stations, []).append(len(result.ended_s))
    mean = {stations: sum(values) / len(values) for stations, values in hours.items()}
    for stations, goal in (("2", ">= 1.9"), ("4", ">= 3.6")):
        more = {
            "seeds": seeds,
            "reached": reached,
            "mean_h_one": mean["1"],
            f"mean_h_{stations}": mean[stations],
            "experiments_one": sum(experiments["1"]) / seeds,
            f"experiments_{stations}": sum(experiments[stations]) / seeds,
        }
        yield Row("cells", f"{stations} cells against one, mean lab time", mean["1"] / mean[stations], "x", goal, more)


def _results(study: Study, out: Path, workers: Workers) -> Sequence[Any]:
    from motet.api.compare import STUDY_FILE
    from motet.study.results import stored_results

    compare(study, out, workers)
    return list(stored_results(out / STUDY_FILE))


def scaling(quick: bool) -> Iterator[Row]:
    """Trials a second of a study over processes and over a local Dask cluster, against one process."""
    cores = os.cpu_count() or 1
    seeds = 16 if quick else 120
    study = Study(OFFLINE, {"learner": ("rf(trees=10)+lcb",), "start": ("random(n=20)",)}, seeds)
    machine = _machine(cores)
    yield Row("scaling", f"the machine: {cores} bare loops at once against one, a core", machine, "x", "-", {})
    with tempfile.TemporaryDirectory() as folder:
        alone = _rate(study, Path(folder) / "one", Processes(1))
        rate = _rate(study, Path(folder) / "all", Processes(cores))
        more = {"cores": cores, "trials": seeds, "trials_per_s_one": alone, "trials_per_s": rate}
        more["of_the_machine"] = rate / alone / cores / machine
        yield Row("scaling", f"{cores} processes against one, a core", rate / alone / cores, "x", ">= 0.9", more)
        from distributed import LocalCluster

        from motet.api.cluster import dask

        with (
            cast("Any", LocalCluster)(n_workers=cores, threads_per_worker=1, dashboard_address=None) as cluster,
            dask(cluster.scheduler_address) as workers,
        ):
            rate = _rate(study, Path(folder) / "dask", workers)
        share = rate / alone / cores
        more = {"cores": cores, "trials": seeds, "trials_per_s": rate, "of_the_machine": share / machine}
        yield Row("scaling", f"Dask, {cores} workers against one process, a core", share, "x", ">= 0.8", more)


def _machine(cores: int) -> float:
    """How much of a core each of several processes gets that only count: 1 where cores share nothing."""
    count = [sys.executable, "-c", "sum(range(200_000_000))"]
    times: list[float] = []
    for together in (1, cores):
        began = time.perf_counter()
        running = [subprocess.Popen(count) for _ in range(together)]
        for process in running:
            process.wait(600)
        times.append(time.perf_counter() - began)
    return times[0] / times[1]


def _rate(study: Study, out: Path, workers: Workers) -> float:
    """Trials a second from the first result to the last: without the start of processes."""
    times: list[float] = []
    compare(study, out, workers, see=lambda progress: times.append(time.perf_counter()))
    return (len(times) - 2) / (times[-1] - times[1])


SECTIONS: Mapping[str, Callable[[bool], Iterator[Row]]] = {
    "twin": twin,
    "week": week,
    "efficiency": efficiency,
    "cells": cells,
    "scaling": scaling,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], default=[])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=list(CHILDREN), help=argparse.SUPPRESS)
    parser.add_argument("--fast", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.child:
        print(json.dumps(CHILDREN[wanted.child](wanted.fast, wanted.quick)))
        return
    rows: list[Row] = []
    for name in wanted.sections or SECTIONS:
        for row in SECTIONS[name](wanted.quick):
            rows.append(row)
            if not wanted.json:
                more = ", ".join(f"{key} {value:.4g}" for key, value in row.more.items())
                print(
                    f"{row.section:10} {row.what:50} {row.measured:8.3f} {row.unit:3} {row.goal:8} {more}", flush=True
                )
    if wanted.json:
        print(json.dumps([vars(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
