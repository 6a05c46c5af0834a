"""A ledger on the disk: what simulated instruments did, whatever became of who told them to.

One line of JSON an entry. It outlives the process that wrote it; that something was dispensed is on the disk before the
instrument answers.
"""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

DISPENSED, MOVING, STOPPED, ENDED, IDENTIFIED = "dispensed", "moving", "stopped", "ended", "identified"
FAULT = "fault "
"""What faults of the line begin with: `fault garble`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An instrument did something, for the point `x` where there is one. `at` is CLOCK_MONOTONIC, which all processes
    share; `wall` is seconds since 1970."""

    instrument: str
    what: str
    x: int
    at: float
    wall: float


class Ledger:
    """Several instruments of one process may write to it, several processes too. A thread writes, since a disk may be
    busy for longer than an instrument needs to stop."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._entries: SimpleQueue[tuple[bytes, threading.Event | None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"ledger {path}", daemon=True)
        self._thread.start()

    def write(self, instrument: str, what: str, x: int) -> None:
        """Note it, with the time of now; when this returns, what was dispensed is on the disk."""
        entry = {"instrument": instrument, "what": what, "x": x, "at": time.monotonic(), "wall": time.time()}
        kept = threading.Event() if what == DISPENSED else None
        self._entries.put((json.dumps(entry).encode() + b"\n", kept))
        if kept is not None:
            kept.wait()

    def close(self) -> None:
        """Nothing more will be written; all that was is there when this returns."""
        self._entries.put(None)
        self._thread.join()
        os.close(self._file)

    def _run(self) -> None:
        while (found := self._entries.get()) is not None:
            line, kept = found
            os.write(self._file, line)
            if kept is not None:
                os.fdatasync(self._file)
                kept.set()


def read(path: Path) -> Iterator[Entry]:
    """Everything in it, in the order written, without a line that is just being written; nothing when there is none."""
    if path.exists():
        written = path.read_bytes()
        for line in written[: written.rfind(b"\n") + 1].splitlines():
            yield Entry(**json.loads(line))


def counted(path: Path, what: str = DISPENSED) -> Counter[int]:
    """How often each point had that done to it."""
    return Counter(entry.x for entry in read(path) if entry.what == what)
