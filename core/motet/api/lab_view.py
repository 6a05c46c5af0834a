"""What a person who looks at a lab is told of it: its emergency stop and its stations."""

from motet.model.events import StationState
from motet.model.values import Frozen
from motet.station.latch_state import Latched


class StationView(Frozen):
    """A station as far as it is known."""

    name: str
    remote: bool
    """Whether it is in a process of its own."""
    state: StationState | None
    """None when nobody can know: the broker is away, or nothing was heard of it."""
    cause: str = ""
    """Why it is in that state, or why nobody knows."""
    campaign: str = ""
    """The campaign that has it."""
    since: float | None = None
    """When this was heard first, seconds since 1970."""
    devices: tuple[str, ...] = ()


class LabView(Frozen):
    """A lab at one moment."""

    lab: str
    simulated: bool
    """Whether the lab file says that it runs on simulators."""
    at: float
    """Seconds since 1970."""
    presses: tuple[Latched, ...]
    """Every press of the emergency stop that nobody has cleared, the first one first; empty while the lab may move."""
    untold: tuple[str, ...] = ()
    """Where the presses are not known yet, while there are any: the file, the broker. They are told when it can be."""
    unstopped: tuple[str, ...] = ()
    """The stations that still do not say that they have stopped, though it is pressed: somebody has to go there."""
    stations: tuple[StationView, ...]
    problems: tuple[str, ...] = ()
    """What cannot be seen at the moment, and why."""
