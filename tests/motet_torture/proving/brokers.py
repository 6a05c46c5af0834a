"""A broker that is killed, frozen and restarted while remote stations work."""

import asyncio
import signal
from collections.abc import Mapping, Sequence

from motet.model.experiment import State
from motet_testing.mosquitto import Mosquitto
from motet_torture.audit import exactly_once
from motet_torture.labs import ENDLESS, Bench, bench, campaign_of, remote_lab_of
from motet_torture.ledger import DISPENSED
from motet_torture.processes import running, until
from motet_torture.proofs import Beside, Measured, Proof, Trial, at_most, count, holds, median, told

STATIONS = 4
SECONDS = 0.3
KEEPALIVE_S = 4
"""Of every client; 10 s where a lab file says nothing. Half of it in the short form."""


async def prove(trial: Trial) -> Sequence[Measured]:
    """Each of the three so many times, in random order."""
    times = trial.of(20, 1)
    keepalive = KEEPALIVE_S / trial.of(1, 2)
    rng = trial.random("outages")
    kinds = ["killed", "frozen", "restarted"] * times
    rng.shuffle(kinds)
    recovered: dict[str, list[float]] = {kind: [] for kind in kinds}
    async with running(trial.folder) as programs, bench(programs, STATIONS, seconds=SECONDS) as lab:
        with Mosquitto(trial.folder) as broker:
            names = [f"s{number}" for number in range(1, STATIONS + 1)]
            lab.write(
                remote_lab_of(lab.urls, broker.url, keepalive=f"{keepalive} s"),
                campaign_of(ENDLESS, points=20_000, seed=trial.seed),
            )
            shares = [names] if trial.short else [names[:2], names[2:]]
            await asyncio.gather(*(lab.host(f"host{number}", *share) for number, share in enumerate(shares, 1)))
            run = await lab.run("run")
            for kind in kinds:
                await lab.goes_on(run, trial.of(3, 1) * STATIONS)
                await asyncio.sleep(rng.uniform(0.0, SECONDS))
                recovered[kind].append(await _outage(lab, broker, kind, rng.uniform(0.5, 2.5) * keepalive))
            run.signal(signal.SIGINT)
            code = await run.ended(60)
        return [
            holds("the campaign stops in order when it is asked to", code == 0, f"exit code {code}"),
            *(_recovery(kind, figures, trial.slack) for kind, figures in sorted(recovered.items())),
            *await asyncio.to_thread(_measured, lab),
        ]


async def _outage(lab: Bench, broker: Mosquitto, kind: str, seconds: float) -> float:
    """One of them; how long after it every station had begun something new."""
    match kind:
        case "killed":
            broker.kill()
            await asyncio.sleep(seconds)
            broker.start()
        case "frozen":
            broker.freeze()
            await asyncio.sleep(seconds)
            broker.thaw()
        case _:
            broker.restart()
    back = asyncio.get_running_loop().time()
    first = await until(lambda: _all_since(lab, back), "every station begins something new", 20 * KEEPALIVE_S)
    return max(first.values()) - back


def _all_since(lab: Bench, moment: float) -> Mapping[str, float]:
    """When each instrument first dispensed after a moment; empty until all of them have."""
    first: dict[str, float] = {}
    for entry in lab.happened.entries():
        if entry.what == DISPENSED and entry.at > moment:
            first.setdefault(entry.instrument, entry.at)
    return first if len(first) == STATIONS else {}


def _recovery(kind: str, figures: Sequence[float], slack: float) -> Measured:
    what = f"{kind} {len(figures)} times: every station has begun something new after (median {median(figures):.1f} s)"
    return at_most(what, max(figures), 2.0 * KEEPALIVE_S * slack, "s")


def _measured(lab: Bench) -> Sequence[Measured]:
    rows = lab.experiments()
    reasons = sorted({row.reason[:80] for row in rows if row.reason})
    return [
        told("experiments", f"{len(rows)}"),
        count(f"lost {'; '.join(reasons)}".rstrip(), sum(row.state is not State.DONE for row in rows)),
        *exactly_once(lab),
    ]


PROOF = Proof("broker", "broker killed, frozen (SIGSTOP) and restarted", prove, beside=Beside.CALM)
