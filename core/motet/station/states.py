"""The states of a station: which may follow which, and when. The only place that says so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from motet.errors import MotetError
from motet.model.events import Event, StationChanged, StationState


@dataclass(frozen=True, slots=True)
class Transition:
    """Arrows of the model: from any of `before` to `after`, when something happens."""

    before: tuple[StationState, ...]
    after: StationState
    when: str


_S = StationState
_AT_WORK = (_S.RUNNING, _S.PAUSING, _S.PAUSED, _S.STOPPING)
_CONNECTED = (_S.IDLE, *_AT_WORK, _S.ABORTING, _S.ABORTED)

TRANSITIONS = (
    Transition((_S.OFFLINE, _S.IDLE, _S.PAUSED, _S.ABORTED, _S.FAULT), _S.CONNECTING, "it is told to connect"),
    Transition((_S.CONNECTING,), _S.IDLE, "every device has answered"),
    Transition((_S.CONNECTING,), _S.PAUSED, "every device has answered; it is paused, or an interlock is tripped"),
    Transition((_S.CONNECTING,), _S.FAULT, "a device did not answer"),
    Transition((_S.IDLE,), _S.RUNNING, "an experiment begins"),
    Transition((_S.IDLE,), _S.PAUSED, "it is paused, or an interlock trips"),
    Transition((_S.RUNNING, _S.STOPPING), _S.PAUSING, "it is paused, or an interlock trips"),
    Transition((_S.PAUSING,), _S.PAUSED, "the experiment has come to its next step, or to its end"),
    Transition((_S.PAUSING, _S.PAUSED), _S.RUNNING, "it is resumed, and no interlock is tripped"),
    Transition((_S.PAUSED,), _S.IDLE, "it is resumed without an experiment, and no interlock is tripped"),
    Transition(
        (_S.RUNNING, _S.PAUSING, _S.PAUSED),
        _S.STOPPING,
        "it is to stop after this experiment, and no interlock is tripped",
    ),
    Transition((_S.RUNNING, _S.STOPPING), _S.IDLE, "the experiment has ended"),
    Transition(_AT_WORK, _S.ABORTING, "its experiment is aborted"),
    Transition((_S.ABORTING,), _S.ABORTED, "the aborted experiment has ended"),
    Transition((_S.ABORTED,), _S.IDLE, "the next experiment is there"),
    Transition((_S.ABORTED,), _S.PAUSED, "the next experiment is there; it is paused, or an interlock is tripped"),
    Transition((_S.OFFLINE, *_CONNECTED), _S.FAULT, "a device did not reach its safe state"),
    Transition((_S.FAULT,), _S.IDLE, "every device has reached its safe state"),
    Transition((_S.FAULT,), _S.PAUSED, "the same; it is paused, or an interlock is tripped"),
    Transition((_S.FAULT,), _S.ABORTED, "the same; its experiment was aborted"),
    Transition((_S.FAULT,), _S.RUNNING, "an experiment begins; devices in doubt show first who they are"),
    Transition(tuple(s for s in _S if s is not _S.ESTOPPED), _S.ESTOPPED, "emergency stop"),
    Transition((_S.ESTOPPED,), _S.CLEARING, "a person clears the emergency stop"),
    Transition((_S.CLEARING,), _S.IDLE, "every device was connected anew and has shown who it is"),
    Transition((_S.CLEARING,), _S.PAUSED, "the same; it is paused, or an interlock is tripped"),
    Transition((_S.CLEARING,), _S.FAULT, "a device did not answer"),
    Transition(tuple(s for s in _S if s is not _S.OFFLINE), _S.OFFLINE, "its lines are given back"),
)
"""Every transition that there is."""


def followers(state: StationState) -> tuple[StationState, ...]:
    """What a state may be followed by."""
    return tuple(dict.fromkeys(one.after for one in TRANSITIONS if state in one.before))


class StateMachine:
    """The state of one station. Every change is told with its cause; one that the model does not have is refused."""

    def __init__(self, station: str, emit: Callable[[Event], object]) -> None:
        self.state = StationState.OFFLINE
        self._station = station
        self._emit = emit

    def go(self, state: StationState, cause: str = "") -> None:
        """Change the state; in the same state only a cause is news. Raises MotetError for a change that is none."""
        if state is self.state and not cause:
            return
        if state is not self.state and state not in followers(self.state):
            allowed = ", ".join(followers(self.state))
            raise MotetError(
                f"station {self._station} is {self.state} and cannot become {state}; it may become: {allowed}"
            )
        self.state = state
        self._emit(StationChanged(self._station, state, cause))

    def tell(self, news: str) -> None:
        """Something to be known of the station that does not change its state."""
        self.go(self.state, news)


def diagram() -> str:
    """The model as a Mermaid state diagram; what leads there from (nearly) every state is drawn once."""
    lines = ["stateDiagram-v2", "    [*] --> offline"]
    for one in TRANSITIONS:
        lines += [f"    {_name(before)} --> {_name(one.after)}: {one.when}" for before in _drawn(one)]
    return "\n".join(lines)


def table() -> str:
    """The model as a table in Markdown."""
    rows = [f"| {_listed(one.before)} | {one.after} | {one.when} |" for one in TRANSITIONS]
    return "\n".join(["| from | to | when |", "|---|---|---|", *rows])


def _drawn(one: Transition) -> Iterator[StationState | str]:
    return iter(["any state"] if len(one.before) == len(StationState) - 1 else one.before)


def _listed(states: tuple[StationState, ...]) -> str:
    return "every other state" if len(states) == len(StationState) - 1 else ", ".join(states)


def _name(state: StationState | str) -> str:
    """A name that Mermaid takes."""
    return str(state).replace("-", "_").replace(" ", "_")


if __name__ == "__main__":
    print(f"```mermaid\n{diagram()}\n```\n\n{table()}")
