"""A clock that is moved by hand: simulators run in zero time, step by step, without an event loop."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(order=True)
class _Call:
    at: float
    number: int
    function: Callable[..., object] = field(compare=False)
    args: tuple[Any, ...] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Do not make the call."""
        self.cancelled = True


class ManualClock:
    """A `motet.contracts.simulation.Clock` for tests of simulators: time passes in `advance` only."""

    def __init__(self) -> None:
        self.scale = 1.0
        self._now = 0.0
        self._calls: list[_Call] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        """Lab seconds since the clock was made."""
        return self._now

    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> _Call:
        """Call `function(*args)` when so many seconds have been advanced."""
        call = _Call(self._now + seconds, next(self._numbers), function, args)
        heapq.heappush(self._calls, call)
        return call

    def advance(self, seconds: float) -> None:
        """Let time pass, and make every call that falls due, each at its own time."""
        end = self._now + seconds
        while self._calls and self._calls[0].at <= end:
            call = heapq.heappop(self._calls)
            if not call.cancelled:
                self._now = call.at
                call.function(*call.args)
        self._now = end

    @property
    def waiting(self) -> int:
        """How many calls are still to come."""
        return sum(not call.cancelled for call in self._calls)
