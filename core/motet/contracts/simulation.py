"""Simulator plugins: the other end of the wire, and the worlds that the instruments of one station share.

A simulator is a state machine on a clock plus a codec of bytes. It never waits by itself: whatever takes time goes
through `Clock.call_later`, so that it runs alike on real and on virtual time.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable


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
    """A node on MQTT. Its constructor takes (options, world, clock, seed). Topics are whole ones."""

    def filters(self, topic: str) -> tuple[str, ...]:
        """What the node listens to, given the device's topic in the lab file."""
        ...

    def will(self, topic: str) -> tuple[str, bytes, bool] | None:
        """What the broker publishes for it when it is gone without a word: topic, payload, retain. None: nothing."""
        ...

    def attach(self, topic: str, publish: Callable[[str, bytes, bool], None]) -> None:
        """The node is on line: `publish(topic, payload, retain)` sends a message."""
        ...

    def receive(self, topic: str, payload: bytes) -> None:
        """A message on a topic that it listens to."""
        ...

    def detach(self) -> None:
        """The node goes off line: cancel every timer."""
        ...


@runtime_checkable
class Pluggable(Protocol):
    """A simulator that can be cut off by a fault of its own; every host sets `hang_up` before it attaches it."""

    clock: Clock
    hang_up: Callable[[float], None]
    """Disconnect for so many lab seconds."""
