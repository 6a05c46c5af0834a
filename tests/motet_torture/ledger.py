"""A ledger on the disk: what simulated instruments did, whatever became of who told them to.

One line of JSON an entry. It outlives the process that wrote it; that something was dispensed is on the disk before the
instrument answers.
"""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
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


class Reading:
    """What a ledger says, for those who look again and again: each time only what was added is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: list[Entry] = []
        self._counted: Counter[int] = Counter()
        self._offset = 0
        self._reading = threading.Lock()

    def entries(self) -> Sequence[Entry]:
        """Everything in it, in the order written, without a line that is just being written; nothing when there is
        none."""
        with self._reading:
            if self.path.exists():
                with self.path.open("rb") as file:
                    file.seek(self._offset)
                    written = file.read()
                whole = written[: written.rfind(b"\n") + 1]
                self._offset += len(whole)
                for line in whole.splitlines():
                    entry = Entry(**json.loads(line))
                    self._entries.append(entry)
                    self._counted[entry.x] += entry.what == DISPENSED
            return self._entries[:]

    def dispensed(self) -> Counter[int]:
        """How often each point was dispensed."""
        self.entries()
        return +self._counted


def read(path: Path) -> Sequence[Entry]:
    """Everything in it, once."""
    return Reading(path).entries()


def counted(path: Path) -> Counter[int]:
    """How often each point was dispensed."""
    return Reading(path).dispensed()
