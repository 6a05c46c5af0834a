"""A wall clock that is stepped by an hour, forth and back, while experiments run."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from motet_torture.audit import exactly_once
from motet_torture.clock import VARIABLE, Hands
from motet_torture.labs import CAMPAIGN, Bench, bench, campaign_of, lab_of
from motet_torture.processes import running
from motet_torture.proofs import Measured, Proof, Trial, at_most, count, holds, told

STATIONS = 3
SECONDS = 0.15
"""How long an experiment dispenses."""
HOUR = 3600.0


async def prove(trial: Trial) -> Sequence[Measured]:
    """A campaign on whose clock an hour is added and taken away at random moments."""
    steps = trial.of(40, 4)
    rng = trial.random("steps")
    async with running(trial.folder) as programs, bench(programs, STATIONS, seconds=SECONDS) as lab:
        experiments = 12 + 12 * steps
        lab.write(lab_of(lab.urls), campaign_of(experiments, seed=trial.seed))
        hands = Hands(trial.folder / "clock")
        clock = {VARIABLE: str(trial.folder / "clock")}
        arguments = ("run", str(lab.campaign), "--data", str(lab.data))
        run = await programs.motet("run", *arguments, environment=clock)
        began = asyncio.get_running_loop().time()
        stepped = set[float]()
        for number in range(steps):
            await lab.goes_on(run, rng.randint(4, 9))
            await asyncio.sleep(rng.uniform(0.0, SECONDS))
            offset = (HOUR, 0.0, -HOUR, 0.0)[number % 4]
            stepped.add(offset)
            hands.step(offset)
        code = await run.ended(120)
        took = asyncio.get_running_loop().time() - began
        return [
            told("stepped", f"{steps} times, by {', '.join(f'{offset:+.0f} s' for offset in sorted(stepped))}"),
            holds("the campaign finishes", code == 0, f"exit code {code}"),
            *await asyncio.to_thread(_measured, lab, experiments, took, trial.slack),
        ]


def _measured(lab: Bench, experiments: int, took: float, slack: float) -> Sequence[Measured]:
    rows, story = lab.experiments(), lab.story()
    elapsed = [change.at.elapsed for change in story]
    walls = [change.at.wall for change in story]
    longest = max((row.ended_s or 0.0) - (row.started_s or 0.0) for row in rows)
    return [
        holds("the store shows that its clock was stepped", walls != sorted(walls)),
        count("experiments", len(rows), experiments),
        count("not done", sum(row.state != "done" for row in rows)),
        *exactly_once(lab),
        count("changes stored out of order", sum(b < a for a, b in pairwise(elapsed))),
        at_most("longest experiment", longest, SECONDS + 2.0 * slack, "s"),
        at_most(f"elapsed time of {CAMPAIGN} beyond the real one", max(0.0, elapsed[-1] - took), 0.1, "s"),
    ]


PROOF = Proof("clock", "the wall clock stepped by an hour either way", prove)
