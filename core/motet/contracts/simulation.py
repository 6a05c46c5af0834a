"""Simulator plugins: the other end of the wire, and the worlds that the instruments of one station share.

A simulator is a state machine on a clock plus a codec of bytes. It never waits by itself: whatever takes time goes
through `Clock.call_later`, so that it runs alike on real and on virtual time.
"""

from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None:
        """Do not make the call."""
        ...


class Clock(Protocol):
    """Lab time in seconds; `scale` lab seconds pass in one second of the event loop."""

    scale: float

    def now(self) -> float:
        """Lab seconds since the clock was made."""
        ...

    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """Call `function(*args)` after so many lab seconds."""
        ...


class SerialSimulator(Protocol):
    """An instrument on a serial line. Its constructor takes (options, world, clock, seed)."""

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open: `send` carries bytes to the host."""
        ...

    def receive(self, data: bytes) -> None:
        """Bytes from the host, cut anywhere."""
        ...

    def detach(self) -> None:
        """The line is closed: cancel every timer."""
        ...


class MqttSimulator(Protocol):
    """A node on MQTT. Its constructor takes (options, world, clock, seed)."""

    def attach(self, publish: Callable[[str, bytes, bool], None]) -> None:
        """The node is on line: `publish(subtopic, payload, retain)` sends below the device's topic."""
        ...

    def receive(self, subtopic: str, payload: bytes) -> None:
        """A message on a topic below the device's."""
        ...

    def detach(self) -> None:
        """The node goes off line: cancel every timer."""
        ...
