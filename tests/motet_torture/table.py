"""Many proofs, each in a process of its own, side by side where none of them touches another's bars."""

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from motet_torture.proofs import Beside, Measured, Proof, Row

LANES: Mapping[Beside, int] = {Beside.NOTHING: 1, Beside.CALM: 3, Beside.ANYTHING: 3}
"""How many run at once of each kind; kinds come one after the other."""
ENDING_S = 60.0
"""How long a proof may take to end what it has started, seconds."""


async def in_lanes(
    proofs: Sequence[Proof],
    row: Callable[[Proof], Awaitable[Row]],
    show: Callable[[Row], object],
    lanes: Mapping[Beside, int] = LANES,
) -> Sequence[Row]:
    """What `row` gives for each of them; each is shown as soon as it is there."""
    rows: list[Row] = []

    async def lane(waiting: Iterator[Proof]) -> None:
        for proof in waiting:
            found = await row(proof)
            rows.append(found)
            show(found)

    for kind, number in lanes.items():
        waiting = iter([proof for proof in proofs if proof.beside is kind])
        async with asyncio.TaskGroup() as group:
            for _ in range(number):
                group.create_task(lane(waiting))
    return rows


async def in_process(proof: Proof, folder: Path, seed: int) -> Row:
    """Run one in a process of its own, with its files in `folder`."""
    with tempfile.TemporaryDirectory(prefix="motet-torture-row-") as temporary:
        found = Path(temporary) / "row.json"
        command = [sys.executable, "-m", "motet_torture", "--only", proof.name, "--keep", str(folder)]
        command += ["--seed", str(seed), "--json", str(found)]
        loop = asyncio.get_running_loop()
        began = loop.time()
        said = await ended(command, proof.longest_s + ENDING_S)
        if found.exists():
            return row_of(json.loads(found.read_text())[0])
        missed = Measured("measured", f"it gave no figures: {said[-500:]}", "yes", False)
        return Row(proof.name, proof.fault, loop.time() - began, [missed])


def row_of(found: Mapping[str, Any]) -> Row:
    """A row as `asdict` has made it."""
    measured = [Measured(**one) for one in found["measured"]]
    return Row(found["proof"], found["fault"], found["seconds"], measured)


async def ended(command: Sequence[str], within: float) -> str:
    """Run it; what it said. It is told to end after a time, or when this is cancelled, and is waited for then: it ends
    what it has started."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told = asyncio.ensure_future(process.communicate())
    try:
        await asyncio.wait([told], timeout=within)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait([told], timeout=ENDING_S)
        if process.returncode is None:
            process.kill()
        said, _ = await told
    return said.decode(errors="replace")
