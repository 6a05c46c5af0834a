"""Lab time on an event loop, and the time that bytes take on a wire."""

import asyncio
from collections.abc import Callable
from typing import Any

from motet.contracts.simulation import Timer


class LoopClock:
    """A `motet.contracts.simulation.Clock` on an event loop: `scale` lab seconds pass in one second of the
    loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, scale: float = 1.0) -> None:
        if not scale > 0:
            raise ValueError(f"time scale {scale}: it must be above 0")
        self.scale = scale
        self._loop = loop
        self._start = loop.time()

    def now(self) -> float:
        """Lab seconds since the clock was made."""
        return (self._loop.time() - self._start) * self.scale

    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """Call `function(*args)` after so many lab seconds."""
        return self._loop.call_later(seconds / self.scale, function, *args)


class Wire:
    """Carries bytes to `deliver`, in order and never from inside the call that sends them.

    With a baud rate, a chunk arrives when its last byte has: 10 bits a byte (8N1), in seconds of the loop.
    Without one it arrives at the loop's next turn.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, deliver: Callable[[bytes], object], baudrate: int | None = None
    ) -> None:
        self._loop = loop
        self._deliver = deliver
        self._byte_seconds = 10 / baudrate if baudrate else 0.0
        self._free_at = 0.0

    def send(self, data: bytes) -> None:
        """Bytes in at this end."""
        if self._byte_seconds:
            self._free_at = max(self._free_at, self._loop.time()) + len(data) * self._byte_seconds
            self._loop.call_at(self._free_at, self._arrive, data)
        else:
            self._loop.call_soon(self._arrive, data)

    def cut(self) -> None:
        """Nothing arrives any more."""
        self._deliver = _nowhere

    def _arrive(self, data: bytes) -> None:
        self._deliver(data)


def _nowhere(data: bytes) -> None:
    """Where bytes go that arrive after the end."""
