"""Devices that fail: times at which a simulated device does not answer, scheduled or drawn.

Bytes and messages are lost in both directions meanwhile, as if its plug were pulled; what the instrument was doing goes
on, and after the repair it answers again.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from motet.contracts.simulation import Clock, MqttSimulator, Pluggable, SerialSimulator


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One failure: from `at`, for `repair`; lab seconds."""

    at: float
    repair: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """Failures at random: exponentially distributed times of work with the mean `mean_between`, each followed by
    `repair`; lab seconds (Barlow, Proschan, Mathematical Theory of Reliability, Wiley 1965, chapter 2). Processes with
    different seeds are independent."""

    mean_between: float
    repair: float
    seed: int | str


@dataclass
class Outages:
    """Whether a device is down, at the time of a clock. Looked at with rising time."""

    clock: Clock
    scheduled: tuple[Scheduled, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    _next: "list[tuple[Drawn, random.Random, Scheduled]]" = field(init=False)

    def __post_init__(self) -> None:
        self._next = []
        for process in self.drawn:
            rng = random.Random(process.seed)  # noqa: S311 - no secret
            self._next.append((process, rng, _following(process, rng, 0.0)))

    def down(self) -> bool:
        """Whether the device does not answer now."""
        now = self.clock.now()
        for index, (process, rng, failure) in enumerate(self._next):
            current = failure
            while now >= current.at + current.repair:
                current = _following(process, rng, current.at + current.repair)
            self._next[index] = (process, rng, current)
        failures = (*self.scheduled, *(failure for _, _, failure in self._next))
        return any(failure.at <= now < failure.at + failure.repair for failure in failures)


def _following(process: Drawn, rng: random.Random, after: float) -> Scheduled:
    return Scheduled(after + rng.expovariate(1 / process.mean_between), process.repair)


class _Failing:
    """What both have in common: faults of the simulator's own disconnect it all the same."""

    def __init__(self, simulator: object, outages: Outages) -> None:
        self.clock = outages.clock
        self._inner = simulator
        self._hang_up: Callable[[float], None] = lambda seconds: None

    @property
    def hang_up(self) -> Callable[[float], None]:
        """What disconnects the simulator for so many lab seconds."""
        return self._hang_up

    @hang_up.setter
    def hang_up(self, hang_up: Callable[[float], None]) -> None:
        self._hang_up = hang_up
        if isinstance(self._inner, Pluggable):
            self._inner.hang_up = hang_up


class FailingSerial(_Failing):
    """A serial simulator that its outages cut off."""

    def __init__(self, simulator: SerialSimulator, outages: Outages) -> None:
        super().__init__(simulator, outages)
        self._simulator = simulator
        self._outages = outages

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""

        def sent(data: bytes) -> None:
            if not self._outages.down():
                send(data)

        self._simulator.attach(sent)

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        if not self._outages.down():
            self._simulator.receive(data)

    def detach(self) -> None:
        """The line is closed."""
        self._simulator.detach()


class FailingNode(_Failing):
    """A node on MQTT that its outages cut off."""

    def __init__(self, simulator: MqttSimulator, outages: Outages) -> None:
        super().__init__(simulator, outages)
        self._simulator = simulator
        self._outages = outages

    def filters(self, topic: str) -> tuple[str, ...]:
        """What the node listens to."""
        return self._simulator.filters(topic)

    def will(self, topic: str) -> tuple[str, bytes, bool] | None:
        """The node's last will."""
        return self._simulator.will(topic)

    def attach(self, topic: str, publish: Callable[[str, bytes, bool], None]) -> None:
        """The node is on line."""

        def published(to: str, payload: bytes, retain: bool) -> None:
            if not self._outages.down():
                publish(to, payload, retain)

        self._simulator.attach(topic, published)

    def receive(self, topic: str, payload: bytes) -> None:
        """A message for the node."""
        if not self._outages.down():
            self._simulator.receive(topic, payload)

    def detach(self) -> None:
        """The node goes off line."""
        self._simulator.detach()


def failing(simulator: Any, transport: str, outages: Outages) -> Any:
    """The simulator, cut off by its outages."""
    return FailingSerial(simulator, outages) if transport == "serial" else FailingNode(simulator, outages)
