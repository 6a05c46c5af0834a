"""Every message between an orchestrator and its stations repeated, delayed or overtaken, in both directions; now and
then the connection is cut with a message on it."""

import asyncio
from collections.abc import Sequence

from motet.model.experiment import State
from motet_testing.mosquitto import Mosquitto
from motet_torture.audit import exactly_once
from motet_torture.labs import Bench, bench, campaign_of, remote_lab_of
from motet_torture.processes import running
from motet_torture.proofs import Measured, Proof, Trial, count, holds, told
from motet_torture.proxy import Mischief, Proxy

STATIONS = 8
MISCHIEF = Mischief(duplicate=0.4, delay=0.4, reorder=0.4, cut=0.001, longest_s=0.2, always=True)


async def prove(trial: Trial) -> Sequence[Measured]:
    """A campaign over a proxy that leaves no message alone."""
    experiments = trial.of(1000, 24)
    async with running(trial.folder) as programs, bench(programs, STATIONS) as lab:
        with Mosquitto(trial.folder) as broker:
            async with Proxy(broker.port, MISCHIEF, seed=trial.seed).running() as proxy:
                names = [f"s{number}" for number in range(1, STATIONS + 1)]
                lab.write(remote_lab_of(lab.urls, proxy.url), campaign_of(experiments, seed=trial.seed))
                shares = [names] if trial.short else [names[:4], names[4:]]
                await asyncio.gather(*(lab.host(f"host{number}", *share) for number, share in enumerate(shares, 1)))
                run = await lab.run("run")
                code = await run.ended(trial.of(1200, 120))
                done = proxy.done
        return [
            told(
                "messages",
                f"{done.published}: {done.duplicated} twice, {done.delayed} delayed, {done.overtaken} overtaken,"
                f" {done.untouched} left alone; {done.swallowed} acknowledgements of repetitions;"
                f" {done.cuts} connections cut",
            ),
            holds("the campaign finishes", code == 0, f"exit code {code}"),
            *await asyncio.to_thread(_measured, lab, experiments),
        ]


def _measured(lab: Bench, experiments: int) -> Sequence[Measured]:
    rows, dispensed = lab.experiments(), lab.dispensed()
    return [
        count("experiments", len(rows), experiments),
        count("not done", sum(row.state is not State.DONE for row in rows)),
        count("dispenses", sum(dispensed.values()), experiments),
        *exactly_once(lab),
    ]


PROOF = Proof("proxy", "every request and reply duplicated, delayed or reordered by a proxy", prove)
