"""`kill -9` of the orchestrator at random moments of a campaign, which is started again each time."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

from motet.model.experiment import State
from motet_testing.mosquitto import Mosquitto
from motet_torture.audit import ended, exactly_once, replayed
from motet_torture.labs import CAMPAIGN, Bench, bench, campaign_of, lab_of, remote_lab_of
from motet_torture.plugins import registry
from motet_torture.processes import Program, running
from motet_torture.proofs import Measured, Proof, Trial, count, holds, told

LEARNER: Mapping[str, object] = {
    "start": {"sobol": {"n": 6}},
    "surrogate": "gaussian_process",
    "acquisition": {"ucb": {"kappa": 2.0}},
    "pending": "believer",
}
STATIONS = 3
SECONDS = 0.3
"""How long an experiment dispenses, and how long it moves."""
PREPARE = {"parameters": ["x"], "steps": [{"doser.dispense": {"x": "$x"}}]}
MEASURE = {"parameters": ["x"], "steps": [{"doser.move": {"x": "$x"}}, {"doser.read_value": {"x": "$x"}, "as": "read"}]}
STAGES = ({"station": "prepare", "procedure": "prepare"}, {"station": "measure", "procedure": "measure"})
LONGEST_S = 120.0
"""A run that does nothing for so long has failed."""


async def prove(trial: Trial) -> Sequence[Measured]:
    """Kill it so many times, then let it finish. Its stations die with it: an experiment that one of them had begun to
    dispense is failed; those that the two others were measuring are measured again."""
    kills, experiments = trial.of(50, 2), trial.of(200, 12)
    async with running(trial.folder) as programs, bench(programs, STATIONS, seconds=SECONDS) as lab:
        described = lab_of(lab.urls, procedures={"prepare": PREPARE, "measure": MEASURE})
        for name, station in described["stations"].items():
            station["kind"] = "prepare" if name == "s1" else "measure"
        campaign = _campaign(experiments, trial)
        del campaign["procedure"]
        lab.write(described, campaign | {"stages": list(STAGES)})
        return await _killed(trial, lab, kills, experiments, 1)


async def prove_remote(trial: Trial) -> Sequence[Measured]:
    """The same with stations in processes of their own, which go on meanwhile: nothing is interrupted at all."""
    kills, experiments = trial.of(50, 1), trial.of(200, 12)
    async with running(trial.folder) as programs, bench(programs, STATIONS, seconds=SECONDS) as lab:
        with Mosquitto(trial.folder) as broker:
            lab.write(remote_lab_of(lab.urls, broker.url), _campaign(experiments, trial))
            names = [f"s{number}" for number in range(1, STATIONS + 1)]
            shares = [names] if trial.short else [names[:1], names[1:]]
            await asyncio.gather(*(lab.host(f"host{number}", *share) for number, share in enumerate(shares, 1)))
            found = await _killed(trial, lab, kills, experiments, STATIONS)
        failed = sum(row.state is not State.DONE for row in await asyncio.to_thread(lab.experiments))
        return [*found, count("not done", failed)]


def _campaign(experiments: int, trial: Trial) -> dict[str, Any]:
    return campaign_of(experiments, LEARNER, seed=trial.seed, failures={"in_a_row": 50})


async def _killed(trial: Trial, lab: Bench, kills: int, experiments: int, each: int) -> Sequence[Measured]:
    """`each` is how many experiments a kill uses up by itself: they end, one way or the other, while nobody asks."""
    rng = trial.random("kills")
    seen: dict[int, tuple[str, Mapping[str, float]]] = {}
    changed = early = 0
    for number in range(kills):
        run = await lab.run(f"run{number + 1}")
        left = experiments - len(seen)
        early += await _some_moment(run, rng, left // (kills - number) - each)
        await run.kill()
        now = ended(await asyncio.to_thread(lab.experiments))
        changed += sum(now.get(key) != value for key, value in seen.items())
        seen |= now
    last = await lab.run("last")
    code = await last.ended(LONGEST_S)
    check = await lab.programs.motet("check", "store", "check", "--data", str(lab.data))
    checked = await check.ended(60)
    return [
        told("killed", f"{kills} times, {early} of them before it was running"),
        holds("the last run finishes", code == 0, f"exit code {code}"),
        *await asyncio.to_thread(_measured, lab, experiments, changed),
        holds("`motet store check`", checked == 0, " ".join(check.lines)[-200:]),
    ]


async def _some_moment(run: Program, rng: random.Random, share: int) -> int:
    """Wait for a moment to kill it: some way into its share of what is left, sometimes before it has begun at all."""
    if share < 0 or rng.random() < 0.15:
        await asyncio.sleep(rng.uniform(0.0, 2.0))
        return 1
    await run.says(" running", LONGEST_S)
    await run.counted(": y ", rng.randint(0, share), LONGEST_S)
    await asyncio.sleep(rng.uniform(0.0, SECONDS))
    return 0


def _measured(lab: Bench, experiments: int, changed: int) -> Sequence[Measured]:
    rows = lab.experiments()
    compared = replayed(lab.store, lab.campaign, registry(), CAMPAIGN)
    return [
        count("campaigns in the store", lab.campaigns(), 1),
        count("experiments", len(rows), experiments),
        count("ended before a kill, different or gone after it", changed),
        *exactly_once(lab),
        count(
            f"of {compared.compared} suggestions, different from those of a learner that was never disturbed",
            len(compared.differ),
        ),
        told("done", f"{sum(row.state is State.DONE for row in rows)}"),
        told("interrupted, failed with that reason", f"{sum(row.state is State.FAILED for row in rows)}"),
    ]


PROOF = Proof(
    "orchestrator-killed", "kill -9 of the orchestrator at random moments of a campaign, started again", prove
)
PROOF_REMOTE = Proof(
    "orchestrator-killed-remote",
    "kill -9 of the orchestrator while its stations are in other processes",
    prove_remote,
)
