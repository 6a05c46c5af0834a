"""A watchdog: when nothing was heard of the lab for too long, the emergency stop is pressed."""

import asyncio
from collections.abc import Callable
from types import TracebackType

PARTS = 4
"""How often it looks within the longest time."""


class Heartbeat:
    """`async with Heartbeat(5.0, latch.trip_soon)`: presses when nothing was heard for `longest` s of the loop's clock.

    With `own` what is to be heard is the loop itself: it presses, as soon as it is able to, when the loop stood still
    for so long. Otherwise `beat` is called at everything that is heard of the lab; silence presses once, and again
    after something was heard meanwhile.
    """

    def __init__(self, longest: float, trip: Callable[[str], object], *, own: bool = True) -> None:
        self._longest = longest
        self._trip = trip
        self._own = own
        self._heard = 0.0
        self._silent = False
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "Heartbeat":
        self.beat()
        self._wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def beat(self) -> None:
        """Something was heard."""
        self._heard = asyncio.get_running_loop().time()
        self._silent = False

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._longest / PARTS, self._look)

    def _look(self) -> None:
        self._wait()
        since = asyncio.get_running_loop().time() - self._heard
        if since > self._longest and not self._silent:
            what = "the lab's event loop stood still" if self._own else "nothing was heard of the lab"
            self._silent = True
            self._trip(f"heartbeat: {what} for {since:.1f} s, {self._longest:g} s at most are allowed")
        if self._own:
            self.beat()
