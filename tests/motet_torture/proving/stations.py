"""`kill -9` of remote stations, one after the other, while a campaign goes on at all of them."""

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from motet.model.experiment import State
from motet_testing.mosquitto import Mosquitto
from motet_torture.audit import exactly_once, point_of
from motet_torture.labs import ENDLESS, Bench, bench, campaign_of, remote_lab_of
from motet_torture.ledger import DISPENSED, ENDED
from motet_torture.processes import Program, running
from motet_torture.proofs import Beside, Measured, Proof, Trial, at_most, count, holds, median, told

SECONDS = 0.6
"""How long a dispense takes."""
LOST_S = 4.0
"""`lost_after` of the lab file."""
POINTS = 20_000
IN_ORDER = {"start": {"torture_start": {"does": "nothing", "n": POINTS}}}
"""A learner that asks for the first point that is free, and so at once for one that was lost."""
OTHERS_WAIT_S = 1.0
"""Between two dispenses at a station that is left alone. Without faults it is some hundredths of a second."""


async def prove(trial: Trial) -> Sequence[Measured]:
    """Kill a station in the middle of what it does, leave it dead for a while, start it again."""
    kills, stations = trial.of(50, 1), trial.of(4, 2)
    rng = trial.random("kills")
    down: list[tuple[str, float, float]] = []
    loop = asyncio.get_running_loop()
    async with running(trial.folder) as programs, bench(programs, stations, seconds=SECONDS) as lab:
        with Mosquitto(trial.folder) as broker:
            remote = {"lost_after": f"{LOST_S} s", "alone_after": f"{LOST_S} s"}
            lab.write(
                remote_lab_of(lab.urls, broker.url, keepalive="2 s", remote=remote),
                campaign_of(ENDLESS, IN_ORDER, points=POINTS, seed=trial.seed, failures={"in_a_row": 1000}),
            )
            names = [f"s{number}" for number in range(1, stations + 1)]
            hosts = dict(zip(names, await asyncio.gather(*(lab.host(name, name) for name in names)), strict=True))
            run = await lab.run("run")
            await lab.goes_on(run, 2 * stations)
            for number in range(kills):
                name = names[rng.randrange(stations)]
                await asyncio.sleep(rng.uniform(0.0, 2 * SECONDS))
                await hosts[name].kill()
                killed = loop.time()
                await asyncio.sleep(rng.choice((0.0, rng.uniform(0.0, 2 * LOST_S))))
                hosts[name] = await _again(lab, name, number)
                down.append((f"d{name[1:]}", killed, loop.time()))
                await lab.goes_on(run, trial.of(3, 2) * stations)
            run.signal(signal.SIGINT)
            code = await run.ended(60)
        return [
            told("killed", f"{kills} times; down for {median([b - a for _, a, b in down]):.1f} s in the median"),
            holds("the campaign stops in order when it is asked to", code == 0, f"exit code {code}"),
            *await asyncio.to_thread(_measured, lab, down, trial.slack),
        ]


async def _again(lab: Bench, name: str, number: int) -> Program:
    """The same station in a new process: with the data folder of the one before."""
    arguments = ("--lab", str(lab.lab), "--data", str(lab.folder / f"data-{name}"))
    program = await lab.programs.motet(f"{name}-{number + 1}", "station", name, *arguments)
    await program.says(f"station {name} of ", 90)
    return program


def _measured(lab: Bench, down: Sequence[tuple[str, float, float]], slack: float) -> Sequence[Measured]:
    rows = lab.experiments()
    last = {point_of(row): row for row in rows}
    lost = Counter(point_of(row) for row in rows if row.lost)
    forgotten = [x for x, times in lost.items() if times == 1 and last[x].lost]
    waits = _waits(lab, down)
    return [
        told("experiments", f"{len(rows)}, {sum(row.state is State.DONE for row in rows)} of them done"),
        *exactly_once(lab),
        count(f"of {len(lost)} points whose station was lost, not asked for again", len(forgotten)),
        at_most(
            f"others wait at most (median {median(waits):.2f} s)", max(waits, default=0.0), OTHERS_WAIT_S * slack, "s"
        ),
    ]


def _waits(lab: Bench, down: Sequence[tuple[str, float, float]]) -> list[float]:
    """How long the others were idle between two dispenses while a station was down."""
    waits: list[float] = []
    entries = lab.happened.entries()
    for instrument in {entry.instrument for entry in entries}:
        mine = [entry for entry in entries if entry.instrument == instrument and entry.what in (DISPENSED, ENDED)]
        for before, after in pairwise(mine):
            if before.what != ENDED or after.what != DISPENSED:
                continue
            of_others = any(a < after.at and before.at < b for name, a, b in down if name != instrument)
            own = any(a - 1 < after.at and before.at < b + 2 * LOST_S for name, a, b in down if name == instrument)
            if of_others and not own:
                waits.append(after.at - before.at)
    return waits


PROOF = Proof("station-killed", "kill -9 of a remote station", prove, beside=Beside.CALM)
