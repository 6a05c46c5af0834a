"""Bases of simulators: timers that end with the line, answers that pass through the faults."""

import random
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from motet.contracts.simulation import Clock, Timer
from motet.simulation.faults import Fault, FaultInjector, Faults

_ON_THE_WAY = ("delay", "drop", "garble", "truncate", "echo", "duplicate", "disconnect")
HOUR = 3600.0


class _Timer:
    """A call that is still to come, one of a set as long as it is."""

    def __init__(self, waiting: "set[_Timer]", function: Callable[..., object], args: tuple[Any, ...]) -> None:
        self._waiting = waiting
        self._function = function
        self._args = args
        self._inner: Timer | None = None

    def start(self, inner: Timer) -> None:
        """It waits on the clock."""
        self._inner = inner
        self._waiting.add(self)

    def call(self) -> None:
        """Its time has come."""
        self._waiting.discard(self)
        self._function(*self._args)

    def cancel(self) -> None:
        """Do not make the call."""
        self._waiting.discard(self)
        if self._inner is not None:
            self._inner.cancel()


class _Simulated:
    """What simulators have in common: clock, noise, faults, timers."""

    def __init__(self, options: Faults, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.random = random.Random(seed)  # noqa: S311 - noise, no secret
        self.attached = False
        self.hang_up: Callable[[float], None] = _stay
        """The host sets it: disconnect for so many lab seconds, as when somebody trips over the cable."""
        self._injector = FaultInjector(options.faults, seed)
        self._timers: set[_Timer] = set()
        self._made = clock.now()

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """Call after so many lab seconds, unless it is cancelled, or the simulator detached, before."""
        timer = _Timer(self._timers, function, args)
        timer.start(self.clock.call_later(seconds, timer.call))
        return timer

    def fault(self, *kinds: str) -> Fault | None:
        """The fault of one of these kinds that happens at this occasion, None without one. Ask once an occasion."""
        return self._injector.happens(*kinds)

    def drift(self) -> float:
        """How far readings have drifted by now, in the instrument's own unit."""
        return self._injector.drift((self.clock.now() - self._made) / HOUR)

    def _cancel_timers(self) -> None:
        for timer in tuple(self._timers):
            timer.cancel()

    def _on_its_way(
        self, data: bytes, echo: bytes, garbage: bytes, terminator: bytes, carry: Callable[[Sequence[bytes]], object]
    ) -> None:
        """Let what goes wrong with an answer go wrong, then carry what is left of it, in one piece or several."""
        injector, delay, pieces = self._injector, 0.0, 1
        for fault in injector.all(*_ON_THE_WAY):
            match fault.kind:
                case "delay":
                    delay += fault.seconds
                case "drop":
                    return
                case "disconnect":
                    self.hang_up(fault.seconds)
                    return
                case "garble":
                    data = injector.garbled(data, garbage, terminator)
                case "truncate":
                    data = injector.truncated(data)
                case "echo":
                    data = echo + data
                case _:
                    pieces = 2
        if delay:
            self.later(delay, carry, [data] * pieces)
        else:
            carry([data] * pieces)


class SimulatedInstrument(_Simulated):
    """The base of simulators on a serial line: `receive` is theirs, `answer` sends what they answer."""

    garbage: ClassVar[bytes] = bytes(range(0x80, 0x100))
    """What garbled answers are made of: bytes that no right answer has."""
    terminator: ClassVar[bytes] = b""
    """Kept at the end of a garbled answer, so that the line still sees one."""

    def __init__(self, options: Faults, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._send: Callable[[bytes], None] | None = None

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""
        self._send = send
        self.attached = True

    def detach(self) -> None:
        """The line is closed: nothing that was to be said is said any more."""
        self._send = None
        self.attached = False
        self._cancel_timers()

    def receive(self, data: bytes) -> None:
        """Bytes from the host, cut anywhere."""
        raise NotImplementedError

    def answer(self, data: bytes, request: bytes = b"") -> None:
        """Answer a request; what is to go wrong on the way does. `request` is what an echo would repeat."""
        self._on_its_way(data, request, self.garbage, self.terminator, self._say_all)

    def say(self, data: bytes) -> None:
        """Send bytes, whether asked or not, as they are. Nobody hears them when the line is closed."""
        if self._send is not None and data:
            self._send(data)

    def _say_all(self, pieces: Sequence[bytes]) -> None:
        self.say(b"".join(pieces))


class SimulatedNode(_Simulated):
    """The base of simulators on MQTT: `filters` and `receive` are theirs, `answer` publishes what they answer."""

    garbage: ClassVar[bytes] = bytes(range(0x80, 0x100))

    def __init__(self, options: Faults, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self.topic = ""
        self._publish: Callable[[str, bytes, bool], None] | None = None

    def filters(self, topic: str) -> tuple[str, ...]:
        """What the node listens to, given the device's topic."""
        raise NotImplementedError

    def will(self, topic: str) -> tuple[str, bytes, bool] | None:
        """What the broker publishes for it when it is gone without a word: topic, payload, retain. None: nothing."""
        return None

    def attach(self, topic: str, publish: Callable[[str, bytes, bool], None]) -> None:
        """The node is on line."""
        self.topic = topic
        self._publish = publish
        self.attached = True

    def detach(self) -> None:
        """The node goes off line."""
        self._publish = None
        self.attached = False
        self._cancel_timers()

    def receive(self, topic: str, payload: bytes) -> None:
        """A message on a topic that it listens to."""
        raise NotImplementedError

    def answer(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Publish an answer; what is to go wrong on the way does. There is no echo on MQTT."""

        def carry(pieces: Sequence[bytes]) -> None:
            for piece in pieces:
                self.say(topic, piece, retain)

        self._on_its_way(payload, b"", self.garbage, b"", carry)

    def say(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Publish a message as it is."""
        if self._publish is not None:
            self._publish(topic, payload, retain)


def _stay(seconds: float) -> None:
    """Without a host there is nothing to disconnect."""
