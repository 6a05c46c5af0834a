"""A wall clock that can be stepped, for one process: `time.time` and `time.time_ns` plus what a file says.

The kernel's clock is everybody's; so it is the process's own that is stepped. What the event loop and its timers go by,
the monotonic clock, cannot be set on any system, and is left alone.
"""

import mmap
import struct
import time
from collections.abc import Callable
from pathlib import Path

VARIABLE = "MOTET_TORTURE_CLOCK"
"""The environment variable that names the file."""
_NUMBER = struct.Struct("=d")


class Hands:
    """Sets the clocks of the processes that were started with the file."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(_NUMBER.pack(0.0))
        self._path = path

    def step(self, seconds: float) -> None:
        """From now on it is so many seconds later than it really is."""
        with self._path.open("r+b", buffering=0) as file:
            file.write(_NUMBER.pack(seconds))


def obey(path: Path) -> None:
    """This process's wall clock is what the file makes of it. To be called before others take `time.time` by name."""
    with path.open("rb") as file:
        seen = mmap.mmap(file.fileno(), _NUMBER.size, access=mmap.ACCESS_READ)
    really: Callable[[], float] = time.time

    def stepped() -> float:
        return really() + _NUMBER.unpack_from(seen)[0]

    time.time = stepped
    time.time_ns = lambda: int(stepped() * 1e9)
