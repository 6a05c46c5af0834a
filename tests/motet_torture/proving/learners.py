"""A learner that raises, never comes back, or chooses what there is not."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from motet_torture.audit import missing, repeated
from motet_torture.labs import bench, campaign_of, lab_of
from motet_torture.processes import Programs, TooLate, running, until
from motet_torture.proofs import Measured, Proof, Trial, at_most, count, holds

AFTER = 6
"""It fails when so many points were chosen."""
STILL_S = 3.0
ENDS_S = 45.0
"""A campaign whose learner hangs ends within so long after Ctrl-C: a fit gets 30 s to come to its end."""


def _start(does: str) -> Mapping[str, Any]:
    return {"start": {"torture_start": {"does": does, "after": AFTER}}}


def _acquisition(does: str) -> Mapping[str, Any]:
    options = {"does": does, "after": AFTER}
    return {
        "start": {"random": {"n": 2}},
        "surrogate": "gaussian_process",
        "acquisition": {"torture_acquisition": options},
    }


REFUSED: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "the start design raises": (_start("crash"), "raised ZeroDivisionError"),
    "it chooses a point outside the space": (_start("outside"), "of 49"),
    "the acquisition raises": (_acquisition("crash"), "raised ZeroDivisionError"),
    "the acquisition gives no numbers": (_acquisition("nan"), "are not finite numbers"),
}


PAUSES: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "`on_error: pause`, it raises": ({**_acquisition("crash"), "on_error": "pause"}, "raised ZeroDivisionError"),
    "`on_error: pause`, it never comes back": (
        {**_acquisition("hang"), "on_error": "pause", "longest": "2 s"},
        "has not come back for 2 s",
    ),
}
FALLS_BACK: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "`on_error: fall_back`, it raises": (
        {**_acquisition("crash"), "on_error": "fall_back"},
        "raised ZeroDivisionError",
    ),
    "`on_error: fall_back`, it never comes back": (
        {**_acquisition("hang"), "on_error": "fall_back", "longest": "2 s"},
        "has not come back for 2 s",
    ),
}


async def prove(trial: Trial) -> Sequence[Measured]:
    """Each failure in a campaign of its own; the short form leaves some out."""
    if trial.short:
        return await _cases(trial)
    cases, hangs = await asyncio.gather(_cases(trial), _hangs(trial))
    return [*cases, *hangs]


async def _cases(trial: Trial) -> Sequence[Measured]:
    """One after the other."""
    found: list[Measured] = []
    number = 0
    for cases, measure in ((REFUSED, _refused), (PAUSES, _pauses), (FALLS_BACK, _falls_back)):
        for name in list(cases)[1:2] if trial.short else cases:
            learner, says = cases[name]
            number += 1
            async with running(trial.folder / f"case{number}") as programs:
                found += await measure(programs, trial, name, learner, says)
    return found


async def _refused(
    programs: Programs, trial: Trial, name: str, learner: Mapping[str, Any], says: str
) -> Sequence[Measured]:
    async with bench(programs, 1) as lab:
        lab.write(lab_of(lab.urls), campaign_of(30, learner, seed=trial.seed))
        run = await lab.run("run")
        code = await run.ended(90)
        said = "\n".join(run.lines)
        rows, dispensed = await asyncio.to_thread(lab.experiments), lab.dispensed()
        return [
            holds(
                f"{name}: the campaign ends with exit code 4 and the reason", code == 4 and says in said, said[-200:]
            ),
            count(f"{name}: experiments", len(rows), AFTER),
            count(f"{name}: not done, repeated or unknown", _wrong(rows, dispensed)),
        ]


async def _pauses(
    programs: Programs, trial: Trial, name: str, learner: Mapping[str, Any], says: str
) -> Sequence[Measured]:
    async with bench(programs, 1) as lab:
        lab.write(lab_of(lab.urls), campaign_of(30, learner, seed=trial.seed))
        run = await lab.run("run")
        said = await run.says(" paused", 90)
        await asyncio.sleep(STILL_S)
        dispensed = lab.dispensed()
        run.signal(signal.SIGINT)
        code = await run.ended(2 * ENDS_S)
        rows = await asyncio.to_thread(lab.experiments)
        return [
            holds(f"{name}: the campaign pauses with the reason", says in said, said[-200:]),
            count(f"{name}: experiments", len(rows), AFTER),
            count(f"{name}: not done, repeated or unknown", _wrong(rows, dispensed)),
            holds(f"{name}: it stops in order when it is asked to", code == 0, f"exit code {code}"),
        ]


async def _falls_back(
    programs: Programs, trial: Trial, name: str, learner: Mapping[str, Any], says: str
) -> Sequence[Measured]:
    more = 4
    async with bench(programs, 1) as lab:
        lab.write(lab_of(lab.urls), campaign_of(AFTER + more, learner, seed=trial.seed))
        run = await lab.run("run")
        code = await run.ended(120)
        rows, dispensed = await asyncio.to_thread(lab.experiments), lab.dispensed()
        return [
            holds(f"{name}: the campaign finishes", code == 0, f"exit code {code}{run.last}"),
            count(
                f"{name}: experiments whose suggestion says why",
                sum(says in row.suggestion.problem for row in rows),
                more,
            ),
            count(f"{name}: not done, repeated or unknown", _wrong(rows, dispensed)),
        ]


async def _hangs(trial: Trial) -> Sequence[Measured]:
    """Meanwhile: it takes half a minute."""
    name = "it never comes back"
    async with running(trial.folder / "hangs") as programs, bench(programs, 2) as lab:
        lab.write(lab_of(lab.urls), campaign_of(30, _start("hang"), seed=trial.seed))
        run = await lab.run("run")
        await until(lambda: sum(lab.dispensed().values()) == AFTER, "six dispenses", 60)
        await asyncio.sleep(STILL_S)
        still = sum(lab.dispensed().values()) - AFTER
        loop = asyncio.get_running_loop()
        asked = loop.time()
        run.signal(signal.SIGINT)
        try:
            await run.ended(2 * ENDS_S)
        except TooLate:
            run.signal(signal.SIGKILL)
        took = loop.time() - asked
        rows, dispensed = await asyncio.to_thread(lab.experiments), lab.dispensed()
        return [
            count(f"{name}: dispensed meanwhile", still),
            at_most(f"{name}: ends after Ctrl-C within", took, ENDS_S, "s"),
            count(f"{name}: not done, repeated or unknown", _wrong(rows, dispensed)),
        ]


def _wrong(rows: Sequence[Any], dispensed: Mapping[int, int]) -> int:
    return sum(row.state != "done" for row in rows) + repeated(rows, dispensed) + missing(rows, dispensed)


PROOF = Proof("learner", "learner crashes, hangs, returns a point outside the space", prove)
