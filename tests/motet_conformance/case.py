"""What the suite has to know of an instrument: how to make it, and which calls show what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis.strategies import SearchStrategy

from motet.simulation.faults import OwnKind

READ = "read"
"""A call of this name reads the signals, as a step of a procedure does."""


def _no_options() -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Call:
    """A verb with its arguments, in the verb's units; `read` reads the signals.

    `fails` are the errors that it may end with in a random sequence, because of what came before.
    """

    verb: str
    arguments: Mapping[str, Any] = field(default_factory=_no_options)
    fails: tuple[type[Exception], ...] = ()

    def __str__(self) -> str:
        return f"{self.verb}({', '.join(f'{key}={value!r}' for key, value in self.arguments.items())})"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One instrument. Everything up to `topic` is as in a lab file."""

    driver: str
    """The driver's name; the simulator has the same."""
    options: Mapping[str, Any] = field(default_factory=_no_options)
    """The driver's."""
    simulator: Mapping[str, Any] = field(default_factory=_no_options)
    """The simulator's. Its noise and drift should be off, or within `tolerance`."""
    world: Mapping[str, Mapping[str, Any]] | None = None
    """The world that the simulator is in, with its options: `{"electrolyte_bench": {}}`."""
    limits: Mapping[str, tuple[float | str, float | str]] = field(default_factory=dict[str, Any])
    """The lab's limits."""
    line: Mapping[str, Any] = field(default_factory=_no_options)
    """Settings of a serial line other than the driver's own, such as its `timeout`."""
    topic: str = "lab/node"
    """Of an instrument on MQTT."""

    prepare: tuple[Call, ...] = ()
    """What brings it into working order after power-on."""
    harmless: Call
    """Quick, may be repeated, changes nothing. What it gives is compared with and without faults."""
    moving: Call | None = None
    """Takes long: for stopping in the middle. None when nothing of it takes any time."""
    foretold: bool = False
    """Whether the instrument itself says how long that will take, so that its driver need not ask meanwhile."""
    own_faults: tuple[OwnKind, ...] = ("error",)
    """What can happen to the instrument itself while it does that, as its simulator has it: `stuck` and `stall` where
    something moves."""
    at_rest: Callable[[Any], bool] | None = None
    """Whether nothing of the simulator moves, doses, records: whatever `stop` is to end. Needed with `moving`."""
    beyond: tuple[Call, ...] = ()
    """Calls beyond a limit, of the instrument or of the lab: to be refused with LimitError."""
    truth: Callable[[Any], Mapping[str, Any]] | None = None
    """What the signals must read, by the state of the simulator; some of them or all."""
    tolerance: Mapping[str, float] = field(default_factory=dict[str, float])
    """How far a signal or an output may be from what it should be; otherwise it must be the same."""
    random: Callable[[], SearchStrategy[Call]] | None = None
    """Any calls in any order, for a machine that looks whether driver and simulator go on agreeing."""
    neighbour: Mapping[str, Any] | None = None
    """Options of a second device on the same bus, for drivers with an address; only where that is no digit."""
