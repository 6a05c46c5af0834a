"""A store that cannot be written: the disk full, another program's lock, a file system that is read-only."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, nullcontext
from typing import Any

from motet_torture import disks
from motet_torture.audit import exactly_once
from motet_torture.labs import ENDLESS, Bench, bench, campaign_of, lab_of
from motet_torture.processes import Program, running
from motet_torture.proofs import Beside, Measured, Proof, Trial, at_most, count, holds, median, told

STATIONS = 2
STILL_S = 1.0
"""Nothing may be dispensed for so long after the lab said that it cannot go on."""
GOES_ON_S = 15.0
"""It goes on within so long after the fault is over; the store looks again every 5 s at the latest."""


async def prove(trial: Trial) -> Sequence[Measured]:
    """Each fault several times in one campaign that goes on meanwhile; then a start on a disk that is read-only."""
    times = trial.of(10, 1)
    async with AsyncExitStack() as stack:
        mounted = stack.enter_context(disks.small_disk(trial.folder / "data"))
        programs = await stack.enter_async_context(running(trial.folder))
        lab = await stack.enter_async_context(bench(programs, STATIONS, seconds=0.05))
        lab.write(lab_of(lab.urls), campaign_of(ENDLESS, points=20_000, seed=trial.seed))
        found = (
            [*await _refused(lab)]
            if mounted
            else [told("read-only, full disk", "not injected: that needs the right to mount a file system")]
        )
        run = await lab.run("run")
        faults: dict[str, tuple[str, Callable[[], Any]]] = {
            "file size limit": ("does not take it", lambda: disks.cramped(run.pid)),
            "locked by another program": ("locked", lambda: disks.locked(lab.store)),
        }
        if mounted:
            faults["disk full"] = ("the disk is full", lambda: disks.full(lab.data))
            faults["read-only"] = (
                "read-only",
                lambda: disks.turned_read_only(lab.data, run.pid, run.says("does not take it", 30)),
            )
        if mounted and trial.short:
            del faults["file size limit"]
        for name, (says, fault) in faults.items():
            found += await _gone_through(lab, run, name, says, fault, times)
        run.signal(signal.SIGINT)
        code = await run.ended(60)
        rows = await asyncio.to_thread(lab.experiments)
        check = await programs.motet("check", "store", "check", "--data", str(lab.data))
        return [
            *found,
            holds("the campaign stops in order when it is asked to", code == 0, f"exit code {code}"),
            told("experiments", f"{len(rows)}"),
            count("not done", sum(row.state != "done" for row in rows)),
            *exactly_once(lab),
            holds("`motet store check`", await check.ended(60) == 0, " ".join(check.lines)[-200:]),
        ]


async def _gone_through(
    lab: Bench, run: Program, name: str, says: str, fault: Callable[[], Any], times: int
) -> Sequence[Measured]:
    moved, recovered = 0, list[float]()
    loop = asyncio.get_running_loop()
    for _ in range(times):
        await lab.goes_on(run, 4)
        run.lines.clear()
        made = fault()
        async with made if hasattr(made, "__aenter__") else nullcontext():
            with made if hasattr(made, "__enter__") else nullcontext():
                await run.says(says, 30)
                before = sum(lab.dispensed().values())
                await asyncio.sleep(STILL_S)
                moved += max(0, sum(lab.dispensed().values()) - before - STATIONS)
        mended = loop.time()
        await lab.goes_on(run, 1, 2 * GOES_ON_S)
        recovered.append(loop.time() - mended)
    return [
        holds(f"{name}, {times} times: the lab says {says!r} each time", True),
        count(f"{name}: begun while it could not be stored", moved),
        at_most(f"{name}: goes on after (longest; median {median(recovered):.1f} s)", max(recovered), GOES_ON_S, "s"),
    ]


async def _refused(lab: Bench) -> Sequence[Measured]:
    with disks.read_only(lab.data):
        run = await lab.run("refused")
        code = await run.ended(60)
    said = " ".join(run.lines)
    return [
        holds("read-only at the start: refused", code not in (0, 1) and "ead-only" in said, f"{code}: {said[-200:]}"),
        count("read-only at the start: dispensed", sum(lab.dispensed().values())),
        told("read-only at the start: the message", said[-160:]),
    ]


PROOF = Proof("disk", "disk full, store locked, store read-only", prove, beside=Beside.CALM)
