"""Labs that are tortured: a doser at each station, points that are counted, and the files that say so."""

import json
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from motet.store import ExperimentRow, Reader, Transition
from motet_torture.ledger import Ledger, Reading
from motet_torture.processes import Program, Programs, TooLate, until
from motet_torture.simulated_doser import NAME

CAMPAIGN = "torture"
POINTS = 5000
"""The space: so many points, none of which is measured twice without a reason."""
ENDLESS = 1_000_000
"""More experiments than there is time for: such a campaign is stopped."""
STEPS = ({"doser.dispense": {"x": "$x"}}, {"doser.read_value": {"x": "$x"}, "as": "read"})


@dataclass(frozen=True)
class Bench:
    """A lab in a folder of its own, with its instruments, its ledger and its store."""

    folder: Path
    programs: Programs
    urls: Sequence[str]
    instruments: Sequence[Program]

    @property
    def ledger(self) -> Path:
        """What the instruments did."""
        return self.folder / "ledger.jsonl"

    @cached_property
    def happened(self) -> Reading:
        """The same, read."""
        return Reading(self.ledger)

    @property
    def data(self) -> Path:
        """The folder of the store."""
        return self.folder / "data"

    @property
    def store(self) -> Path:
        """The store."""
        return self.data / "motet.db"

    @property
    def lab(self) -> Path:
        """The lab file."""
        return self.folder / "lab.yaml"

    @property
    def campaign(self) -> Path:
        """The campaign file."""
        return self.folder / "campaign.yaml"

    def dispensed(self) -> Mapping[int, int]:
        """How often each point was dispensed."""
        return self.happened.dispensed()

    def experiments(self, campaign: str = CAMPAIGN) -> list[ExperimentRow]:
        """All experiments stored so far; none while there is no store."""
        return Reader(self.store).experiments(campaign) if self.store.exists() else []

    def campaigns(self) -> int:
        """How many campaigns are stored."""
        return len(Reader(self.store).campaigns())

    def story(self, campaign: str = CAMPAIGN) -> list[Transition]:
        """Everything that happened to the experiments, in the order stored."""
        return Reader(self.store).transitions(campaign)

    def write(self, lab: Mapping[str, Any], campaign: Mapping[str, Any]) -> None:
        """The files. JSON is YAML."""
        self.lab.write_text(json.dumps(lab, indent=1))
        self.campaign.write_text(json.dumps(campaign, indent=1))

    async def host(self, name: str, *stations: str, environment: Mapping[str, str] | None = None) -> Program:
        """Host stations in a process with a data folder of its own; they are there when this returns."""
        arguments = ("--lab", str(self.lab), "--data", str(self.folder / f"data-{name}"))
        program = await self.programs.motet(name, "station", *stations, *arguments, environment=environment)
        for station in stations:
            await program.says(f"station {station} of ", 90)
        return program

    async def goes_on(self, run: Program, more: int, within: float = 90.0) -> None:
        """Wait for so many further dispenses. Raises TooLate, also when the campaign has ended."""
        wanted = sum(self.dispensed().values()) + more

        def enough() -> bool:
            if not run.alive:
                raise TooLate(f"{run.name} has ended, and {more} more dispenses were waited for{run.last}")
            return sum(self.dispensed().values()) >= wanted

        await until(enough, f"{more} more dispenses", within)

    async def run(self, name: str, environment: Mapping[str, str] | None = None) -> Program:
        """Start `motet run`."""
        arguments = (str(self.campaign), "--data", str(self.data))
        return await self.programs.motet(name, "run", *arguments, environment=environment)


@asynccontextmanager
async def bench(
    programs: Programs,
    stations: int,
    *,
    seconds: float = 0.0,
    simulator: Mapping[str, Any] | None = None,
    processes: int = 1,
    seed: int = 0,
) -> AsyncGenerator[Bench]:
    """Instruments for so many stations, called `d1` and so on, in so many processes."""
    ledger = programs.folder / "ledger.jsonl"
    Ledger(ledger).close()
    names = [f"d{number}" for number in range(1, stations + 1)]
    shares = [names[process::processes] for process in range(processes)]
    started: list[Program] = []
    for number, share in enumerate(shares, 1):
        stated = [
            {
                "name": NAME,
                "tcp": 0,
                "seed": seed + names.index(name),
                "options": {"called": name, "ledger": str(ledger), "seconds": seconds, **(simulator or {})},
            }
            for name in share
        ]
        command = (sys.executable, "-m", "motet_torture.instruments", json.dumps(stated))
        started.append(await programs.start(f"instruments{number}", *command))
    urls: dict[str, str] = {}
    for share, program in zip(shares, started, strict=True):
        urls |= dict(zip(share, json.loads(await program.says('"urls"', 60))["urls"], strict=True))
    yield Bench(programs.folder, programs, [urls[name] for name in names], started)


def remote_lab_of(
    urls: Sequence[str], broker: str, *, keepalive: str = "10 s", remote: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """The same with every station in another process, behind a broker."""
    lab = lab_of(urls, **more)
    stations = {name: {**station, "remote": True} for name, station in lab["stations"].items()}
    return {
        **lab,
        "broker": {"url": broker, "keepalive": keepalive},
        "remote": dict(remote or {}),
        "stations": stations,
    }


def lab_of(urls: Sequence[str], *, timeout: float = 1.0, **more: Any) -> dict[str, Any]:
    """A lab with a station `s1` and so on for each instrument. `more` goes into it as it is."""
    stations = {f"s{number}": station_of(number, url, timeout=timeout) for number, url in enumerate(urls, 1)}
    return {"lab": "bench", "broker": "none", "stations": stations, **more}


def station_of(number: int, url: str, *, timeout: float = 1.0) -> dict[str, Any]:
    """A station with the doser of that number."""
    device = {"driver": NAME, "line": {"url": url, "timeout": timeout}, "options": {"expects": f"d{number}"}}
    return {"devices": {"doser": device}}


def campaign_of(
    experiments: int, learner: Mapping[str, Any] | None = None, *, points: int = POINTS, **more: Any
) -> dict[str, Any]:
    """A campaign of so many experiments, each of which dispenses and reads, at random points by default.

    `more` goes into it as it is.
    """
    return {
        "campaign": CAMPAIGN,
        "lab": "lab.yaml",
        "parameters": {"x": {"type": "integer", "low": 1, "high": points}},
        "objectives": {"y": {"goal": "maximize"}},
        "procedure": {"parameters": ["x"], "steps": list(STEPS)},
        "analysis": {"value": {"outputs": {"y": "read.y"}}},
        "learner": dict(learner or {"start": {"random": {"n": points}}}),
        "budget": {"experiments": experiments},
        **more,
    }
