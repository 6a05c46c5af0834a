"""The state of an instrument simulated from its description: variables, and what changes them while it lasts."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from motet.contracts.worlds import World
from motet.files.arithmetic import evaluate
from motet.files.described import Activity, Described
from motet.files.described.variables import at_power_on
from motet.files.templates import Value

STALL_AT = 0.5
"""The part of an activity after which it stalls."""


@dataclass
class Running:
    """An activity under way: since when, how long it lasts, and by how much its variables and quantities grow in all.

    `ends_at` is the part of it that is done at its end: less than 1 for one that stalls. Times in lab seconds.
    """

    activity: Activity
    started: float
    lasts: float
    changes: Mapping[str, float]
    adds: Mapping[str, float]
    ends_at: float = 1.0
    added: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def ends(self) -> float:
        """When it ends by itself."""
        return self.started + self.lasts * self.ends_at

    def part(self, now: float) -> float:
        """How much of it is done."""
        if math.isinf(self.lasts):
            return 0.0
        return self.ends_at if now >= self.ends else (now - self.started) / self.lasts


class State:
    """The variables of one instrument, with the world that some of them are read from and others add to."""

    def __init__(self, described: Described, world: object, quantities: Mapping[str, str]) -> None:
        simulation = described.simulation
        self._activities = simulation.activities
        self._values = at_power_on(described)
        self._healthy = dict(self._values)
        self._world = world if isinstance(world, World) else None
        self._running: dict[str, Running] = {}
        self._reads = {
            name: quantities.get(quantity, quantity)
            for name, quantity in simulation.reads.items()
            if self._world is not None and quantities.get(quantity, quantity) in self._world.reads
        }
        self._quantities = quantities
        self._changed: list[Callable[[], None]] = []

    def drive(self, quantity: str, name: str, clock: Callable[[], float]) -> None:
        """Let a quantity of the world follow a variable."""
        quantity = self._quantities.get(quantity, quantity)
        if self._world is not None and quantity in self._world.takes:
            self._changed.append(self._world.drive(quantity, lambda: self.number(name, clock())))

    def changed(self) -> None:
        """Tell the world that something begins or ends."""
        for tell in self._changed:
            tell()

    def value(self, name: str, now: float) -> Value:
        """A variable's value."""
        if name in self._reads and self._world is not None:
            return self._world.read(self._reads[name])
        value = self._values.get(name, "")
        for running in self._running.values():
            value = running.activity.shows.get(name, value)
            if name in running.changes and not isinstance(value, str):
                value = float(value) + running.part(now) * running.changes[name]
        return value

    def number(self, name: str, now: float) -> float:
        """A variable's value as a number; 0 for text."""
        value = self.value(name, now)
        return 0.0 if isinstance(value, str) else float(value)

    def set(self, name: str, value: Value) -> None:
        """Set a variable."""
        self._values[name] = value

    def running(self, name: str) -> bool:
        """Whether an activity is under way."""
        return name in self._running

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way."""
        return not self._running

    @property
    def next_end(self) -> float:
        """When the next activity ends by itself; never, without any."""
        return min((running.ends for running in self._running.values()), default=math.inf)

    def begin(self, name: str, now: float, *, stuck: bool = False, stalls: bool = False) -> None:
        """Begin an activity. Raises ValueError when the state does not tell how long it lasts."""
        activity = self._activities[name]
        numbers = {key: float(v) for key in self._values if not isinstance(v := self.value(key, now), str)}
        lasts = max(0.0, evaluate(activity.lasts, numbers))
        changes = {key: evaluate(amount, numbers) for key, amount in activity.changes.items()}
        adds = {self._quantities.get(key, key): evaluate(amount, numbers) for key, amount in activity.adds.items()}
        self._values |= {key: self._healthy[key] for key in activity.stalls if key in self._healthy}
        self._running[name] = Running(
            activity, now, math.inf if stuck else lasts, changes, adds, STALL_AT if stalls else 1.0
        )

    def end(self, name: str, now: float) -> None:
        """End an activity, at its own end or early; what it has done stays done."""
        self.deliver(now)
        running = self._running[name]
        for key, amount in running.changes.items():
            base = self._values.get(key, 0.0)
            self._values[key] = (0.0 if isinstance(base, str) else float(base)) + running.part(now) * amount
        if running.ends_at < 1 and now >= running.ends:
            self._values |= running.activity.stalls
        del self._running[name]

    def catch_up(self, now: float) -> None:
        """End what has ended by now, and deliver what was delivered."""
        for name, running in list(self._running.items()):
            if running.ends <= now + 1e-9:
                self.end(name, now)
        self.deliver(now)

    def deliver(self, now: float) -> None:
        """Add to the world what activities have delivered by now."""
        for running in self._running.values():
            for quantity, amount in running.adds.items():
                due = amount * running.part(now) - running.added.get(quantity, 0.0)
                if due and self._world is not None and quantity in self._world.takes:
                    self._world.add(quantity, due)
                running.added[quantity] = running.added.get(quantity, 0.0) + due
