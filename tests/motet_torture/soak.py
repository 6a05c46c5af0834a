"""`python -m motet_torture.soak FOLDER HOURS STATIONS`: a lab in virtual time, and what it holds on to every lab hour.

A process of its own, so that memory is that of the lab alone. One line of JSON for each sample.
"""

import asyncio
import json
import sys
from pathlib import Path

import psutil

from motet.api.simulate import Simulation, load_simulated, simulate
from motet.model.events import Event
from motet_torture.labs import campaign_of
from motet_torture.plugins import registry
from motet_torture.simulated_doser import NAME

HOUR = 3600.0
MINUTES = 10.0
"""How long an experiment takes, lab time."""


def main(folder: Path, hours: float, stations: int) -> None:
    """Simulate it, and print the samples."""
    _write(folder, hours, stations)
    process = psutil.Process()
    sampled = 0.0

    def see(event: Event, at: float) -> None:
        nonlocal sampled
        if at >= sampled:
            sampled += HOUR
            memory, tasks = process.memory_info().rss, len(asyncio.all_tasks())
            sample = {"hour": at / HOUR, "rss": memory, "threads": process.num_threads(), "files": process.num_fds()}
            print(json.dumps({**sample, "tasks": tasks}), flush=True)

    file = load_simulated(folder / "campaign.yaml", registry=registry())
    done = simulate(file, Simulation(folder / "data"), see, registry())
    print(json.dumps({"state": str(done.summary.state), "experiments": done.summary.experiments}), flush=True)


def _write(folder: Path, hours: float, stations: int) -> None:
    device = {"driver": NAME, "line": "/dev/ttyUSB0", "simulator": {"seconds": MINUTES * 60}}
    names = [f"s{number}" for number in range(1, stations + 1)]
    lab = {
        "lab": "soak",
        "broker": "none",
        "hardware": "simulated",
        "stations": {name: {"devices": {"doser": {**device, "line": f"/dev/tty{name}"}}} for name in names},
    }
    campaign = campaign_of(20_000, {"start": {"random": {"n": 20_000}}}, budget={"hours": hours})
    campaign["parameters"] = {"x": {"type": "integer", "low": 1, "high": 20_000}}
    (folder / "lab.yaml").write_text(json.dumps(lab))
    (folder / "campaign.yaml").write_text(json.dumps(campaign))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
