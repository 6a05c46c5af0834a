"""Serial lines that are closed, garbled and stalled while commands are under way."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from motet.store import Change, Transition
from motet_torture.audit import exactly_once
from motet_torture.labs import Bench, bench, campaign_of, lab_of
from motet_torture.ledger import DISPENSED, FAULT, IDENTIFIED, Entry
from motet_torture.processes import running
from motet_torture.proofs import Measured, Proof, Trial, count, holds, told

STATIONS = 4
KINDS = ("disconnect", "garble", "drop", "truncate", "delay")
"""Closed; garbled; and stalled: nothing comes, half of an answer, or all of it when nobody waits any more."""
CHANCE = {"full": 0.02, "short": 0.08}
"""Of each of them, at each answer."""
TIMEOUT_S = 0.4
LOST = ("NoReply", "GarbledReply", "LineLost")
"""What an attempt is called that failed since its line did."""


async def prove(trial: Trial) -> Sequence[Measured]:
    """A campaign over lines that fail at random."""
    experiments = trial.of(1000, 40)
    faults = [
        {"kind": kind, "chance": CHANCE["short" if trial.short else "full"], "times": None, "seconds": 2 * TIMEOUT_S}
        for kind in KINDS
    ]
    async with (
        running(trial.folder) as programs,
        bench(programs, STATIONS, seconds=0.02, simulator={"faults": faults}, seed=trial.seed) as lab,
    ):
        policy = {"retry": 3, "wait": 2 * TIMEOUT_S, "in_a_row": 50}
        lab.write(lab_of(lab.urls, timeout=TIMEOUT_S), campaign_of(experiments, seed=trial.seed, failures=policy))
        run = await lab.run("run")
        code = await run.ended(trial.of(1200, 120))
        return await asyncio.to_thread(_measured, lab, experiments, code)


def _measured(lab: Bench, experiments: int, code: int) -> Sequence[Measured]:
    rows, story, entries = lab.experiments(), lab.story(), lab.happened.entries()
    faults = Counter(entry.what.removeprefix(FAULT) for entry in entries if entry.what.startswith(FAULT))
    failed = [change for change in story if _lost(change)]
    unknown = [change for change in failed if not _identified_after(change, entries)]
    reasons = Counter(row.reason.partition(":")[0] for row in rows if row.reason)
    return [
        told("faults", ", ".join(f"{number} x {kind}" for kind, number in sorted(faults.items()))),
        holds("the campaign finishes", code == 0, f"exit code {code}"),
        holds("every kind of fault has happened", set(faults) == set(KINDS), f"{sorted(faults)}"),
        count("experiments", len(rows), experiments),
        *exactly_once(lab),
        count(f"of {len(failed)} attempts that a line ended, the next dispense was not preceded by ID", len(unknown)),
        told("tried again", f"{sum(change.change is Change.RETRIED for change in story)}"),
        told("failed", ", ".join(f"{number} x {reason}" for reason, number in reasons.most_common()) or "none"),
    ]


def _lost(change: Transition) -> bool:
    return change.change in (Change.RETRIED, Change.FAILED) and change.reason.startswith(LOST)


def _identified_after(change: Transition, entries: Sequence[Entry]) -> bool:
    """Whether the instrument said who it is between a failure and its next dispense, if there is any."""
    instrument = f"d{(change.station or '').removeprefix('s')}"
    for entry in entries:
        if entry.instrument == instrument and entry.wall > change.at.wall:
            if entry.what == IDENTIFIED:
                return True
            if entry.what == DISPENSED:
                return False
    return True


PROOF = Proof("lines", "serial line closed, garbled, stalled in mid-command", prove)
