"""A wall clock that is stepped by an hour, forth and back, while experiments run."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from motet.model.experiment import State
from motet.store import Transition
from motet_testing.mosquitto import Mosquitto
from motet_torture.audit import exactly_once
from motet_torture.clock import VARIABLE, Hands
from motet_torture.labs import CAMPAIGN, Bench, bench, campaign_of, remote_lab_of
from motet_torture.processes import running
from motet_torture.proofs import Beside, Measured, Proof, Trial, at_most, count, holds, told

STATIONS = 3
SECONDS = 0.15
"""How long an experiment dispenses."""
LEASE_S = 5.0
"""`lost_after` and `alone_after` of the lab file."""
HOUR = 3600.0


async def prove(trial: Trial) -> Sequence[Measured]:
    """A campaign at a station of its own and two remote ones. At random moments the clock of one of the three processes
    is an hour late, an hour early, or right again."""
    steps = trial.of(40, 4)
    experiments = 12 + 12 * steps
    rng = trial.random("steps")
    async with running(trial.folder) as programs, bench(programs, STATIONS, seconds=SECONDS) as lab:
        with Mosquitto(trial.folder) as broker:
            remote = {"lost_after": f"{LEASE_S} s", "alone_after": f"{LEASE_S} s"}
            described = remote_lab_of(lab.urls, broker.url, keepalive="2 s", remote=remote)
            described["stations"]["s1"]["remote"] = False
            lab.write(described, campaign_of(experiments, seed=trial.seed))
            hands = {name: Hands(trial.folder / f"clock-{name}") for name in ("run", "s2", "s3")}
            clocks = {name: {VARIABLE: str(trial.folder / f"clock-{name}")} for name in hands}
            for name in ("s2", "s3"):
                await lab.host(name, name, environment=clocks[name])
            began = asyncio.get_running_loop().time()
            run = await lab.run("run", environment=clocks["run"])
            for number in range(steps):
                await lab.goes_on(run, rng.randint(4, 9))
                await asyncio.sleep(rng.uniform(0.0, SECONDS))
                whose = rng.choice(tuple(hands)) if number else "run"
                hands[whose].step(rng.choice((-HOUR, 0.0, HOUR)) if number else HOUR)
            code = await run.ended(120)
            took = asyncio.get_running_loop().time() - began
        return [
            told("stepped", f"{steps} times, the clock of the orchestrator or of one of two remote stations"),
            holds("the campaign finishes", code == 0, f"exit code {code}"),
            *await asyncio.to_thread(_measured, lab, experiments, took, trial.slack),
        ]


def _measured(lab: Bench, experiments: int, took: float, slack: float) -> Sequence[Measured]:
    rows, story = lab.experiments(), lab.story()
    elapsed = [change.at.elapsed for change in story]
    longest = max((row.ended_s or 0.0) - (row.started_s or 0.0) for row in rows)
    return [
        holds("the store shows that its clock was stepped", _jumped(story)),
        count("experiments", len(rows), experiments),
        count(
            "not done, tried again or lost",
            sum(row.state is not State.DONE or row.lost or len(row.attempts) > 1 for row in rows),
        ),
        *exactly_once(lab),
        count("changes stored out of order", sum(b < a for a, b in pairwise(elapsed))),
        at_most("longest experiment", longest, SECONDS + 2.0 * slack, "s"),
        at_most(f"elapsed time of {CAMPAIGN} beyond the real one", max(0.0, elapsed[-1] - took), 0.1, "s"),
    ]


def _jumped(story: Sequence[Transition]) -> bool:
    """Whether the times of day went on otherwise than the elapsed time."""
    walls = [change.at.wall - change.at.elapsed for change in story]
    return max(walls) - min(walls) > HOUR / 2


PROOF = Proof("clock", "the wall clock stepped by an hour either way", prove, beside=Beside.CALM)
