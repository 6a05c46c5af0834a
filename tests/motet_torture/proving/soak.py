"""A day of a large lab, in virtual time: does it hold on to what it should have let go?"""

import json
from collections.abc import Mapping, Sequence

from motet_torture.processes import running
from motet_torture.proofs import Measured, Proof, Trial, at_least, at_most, count, told
from motet_torture.soak import MINUTES

SETTLED_H = 2.0
"""Growth counts from here on: libraries are imported and caches filled then."""
MOST_GROWTH = 5.0


async def prove(trial: Trial) -> Sequence[Measured]:
    """Run it, and compare its first hours with its last."""
    hours, stations = trial.of(24, 4), trial.of(64, 8)
    async with running(trial.folder) as programs:
        program = await programs.python("soak", "motet_torture.soak", str(trial.folder), str(hours), str(stations))
        code = await program.ended(trial.of(1500, 120))
        if code:
            raise RuntimeError("\n".join(list(program.lines)[-20:]))
        samples = [json.loads(line) for line in program.lines if line.startswith("{")]
    *samples, ended = samples
    first = next(sample for sample in samples if sample["hour"] >= SETTLED_H)
    last = samples[-1]
    wanted = 60 / MINUTES * hours * stations
    later = ended["experiments"] * (last["hour"] - first["hour"]) / last["hour"]
    return [
        told("lab", f"{stations} stations, {last['hour']:.1f} h, {ended['experiments']} experiments"),
        at_least("experiments", ended["experiments"], 0.9 * wanted),
        told("memory", f"{first['rss'] / 1e6:.0f} MB at {first['hour']:.0f} h, {last['rss'] / 1e6:.0f} MB at the end"),
        at_most("memory growth", 100 * (last["rss"] / first["rss"] - 1), MOST_GROWTH, "%"),
        told("which is, for each experiment", f"{(last['rss'] - first['rss']) / 1e3 / later:.1f} kB"),
        *(_more(samples, what) for what in ("threads", "files", "tasks")),
    ]


def _more(samples: Sequence[Mapping[str, int]], what: str) -> Measured:
    """How many more there are at most in the second half than in the first. A sample may see a few that come and go."""
    settled = [sample[what] for sample in samples if sample["hour"] >= SETTLED_H] or [0]
    half = max(1, len(settled) // 2)
    before, after = max(settled[:half]), max(settled[half:], default=0)
    return count(f"{what} more than {before} in the second half", max(0, after - before))


PROOF = Proof("soak", "24 h of lab time with 64 stations, in virtual time", prove)
