"""`python -m motet_torture`: every proof as a row of a table; the exit code is 1 when a bar is missed.

python -m motet_torture                   everything, as docs/reference/reliability.md has it: a quarter of an hour
python -m motet_torture --short           a few faults of each kind
python -m motet_torture --only estop ...  some of the proofs; --list names them
python -m motet_torture --json FILE       the figures for programs too
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from motet_torture.proofs import Beside, Measured, Proof, Row, Trial
from motet_torture.proving import PROOFS
from motet_torture.table import in_lanes, in_process


async def proved(proof: Proof, folder: Path, short: bool, seed: int) -> Row:
    """Run one proof. What keeps it from being measured is a bar that was missed."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(proof.longest_s):
            measured = await proof.prove(Trial(folder / proof.name, short, seed))
    except Exception as error:  # noqa: BLE001 - the other proofs are run all the same
        measured = [Measured("measured", f"{type(error).__name__}: {error}", "yes", False)]
    return Row(proof.name, proof.fault, time.monotonic() - began, measured)


def show(row: Row) -> None:
    """A row, in Markdown."""
    print(f"\n### {row.proof}: {row.fault} ({row.seconds:.0f} s)\n")
    print("| | measured | bar | |\n|---|---|---|---|")
    for one in row.measured:
        told = one.figure.replace("\n", " ").replace("|", "/")
        print(f"| {one.what} | {told} | {one.bar} | {'' if one.met else 'MISSED'} |", flush=True)


async def shown(names: Sequence[str], folder: Path, short: bool, seed: int) -> Sequence[Row]:
    """In full, each of several in a process of its own. A termination signal cancels it: what was started is ended."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    proofs = [PROOFS[name] for name in names]
    if short or len(proofs) == 1:  # bars of the short form are wide, and a process for each takes time
        proofs = [replace(proof, beside=Beside.ANYTHING) for proof in proofs]
        return await in_lanes(proofs, lambda proof: proved(proof, folder, short, seed), show)
    return await in_lanes(proofs, lambda proof: in_process(proof, folder, seed), show)


def main(names: Sequence[str], short: bool, seed: int, keep: Path | None, file: Path | None) -> int:
    """Run them; the exit code."""
    logging.getLogger("motet").addHandler(logging.NullHandler())  # what it would say is measured
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="motet-torture-") as temporary:
        folder = keep or Path(temporary)
        there = [name for name in names if (folder / name).exists()]
        if there:
            print(f"{folder} holds {', '.join(there)} already: files of two runs would mix", file=sys.stderr)
            return 2
        try:
            rows = asyncio.run(shown(names, folder, short, seed))
        except (asyncio.CancelledError, KeyboardInterrupt):
            print("ended by a signal", file=sys.stderr)
            return 130
    missed = [row.proof for row in rows if not row.met]
    verdict = f"MISSED: {', '.join(missed)}" if missed else "all bars met"
    print(f"\n{len(rows)} proof{'s' if len(rows) > 1 else ''}, {verdict}; seed {seed}; {_minutes(began)}")
    if file is not None:
        file.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 1 if missed else 0


def _minutes(began: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    return f"{minutes} min {seconds} s"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="motet_torture", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="a few faults of each kind")
    parser.add_argument("--only", nargs="+", choices=sorted(PROOFS), default=list(PROOFS), metavar="PROOF")
    parser.add_argument("--list", action="store_true", help="name the proofs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the files and logs there")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    if given.list:
        print("\n".join(f"{name:24} {proof.fault}" for name, proof in PROOFS.items()))
        sys.exit(0)
    sys.exit(main(given.only, given.short, given.seed, given.keep, given.json))
