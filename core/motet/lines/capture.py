"""Capture: all traffic of all lines in one JSON-lines file, written by a thread of its own."""

import asyncio
import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from motet.errors import StoreError


@dataclass(frozen=True, slots=True)
class Record:
    """Some bytes that went over a line: `t` in seconds on the loop's clock, `dir` > to the instrument, <
    from it.

    `data` has one character a byte (Latin-1), so that JSON escapes control characters and bytes beyond ASCII.
    """

    t: float
    line: str
    dir: Literal[">", "<"]
    data: str

    @property
    def bytes(self) -> bytes:
        """The bytes themselves."""
        return self.data.encode("latin-1")


class Capture:
    """Writes what every line passes to it. Recording never waits; `check` and `close` raise a failure to
    write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._write, name=f"capture {path.name}", daemon=True)
        self._thread.start()

    def record(self, t: float, line: str, direction: Literal[">", "<"], data: bytes) -> None:
        """Put some bytes on record."""
        self._queue.put(Record(t, line, direction, data.decode("latin-1")))

    def check(self) -> None:
        """Raises StoreError when the file could not be written."""
        if self._failure is not None:
            raise StoreError(f"traffic could not be captured to {self.path}: {self._failure}") from self._failure

    async def close(self) -> None:
        """Write what is still queued and close the file. Raises StoreError when some could not be written."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self.check()

    def _write(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="ascii") as file:
                while (record := self._queue.get()) is not None:
                    file.write(json.dumps(asdict(record)) + "\n")
                    if self._queue.empty():
                        file.flush()
        except OSError as error:
            self._failure = error


def read_capture(path: Path) -> Iterator[Record]:
    """The records of a file in the order written. Raises OSError, or ValueError for what is not a capture."""
    with path.open(encoding="ascii") as file:
        for number, text in enumerate(file, 1):
            try:
                yield Record(**json.loads(text))
            except (ValueError, TypeError) as error:
                raise ValueError(f"{path}:{number}: not a record of a line's traffic: {error}") from error
