"""What a station's state follows from."""

from dataclasses import dataclass

from motet.model.events import StationState
from motet.station.gate import Gate


@dataclass
class Situation:
    """Facts about a station, each known to whoever brings it about; the state follows from all of them together.

    `busy`: it has an experiment; `finishing`: none may follow; `aborting`: it is being ended; `aborted`: it was, and
    nothing has been asked for since; `fault`: a device cannot be relied on.
    """

    gate: Gate
    connecting: bool = False
    connected: bool = False
    busy: bool = False
    finishing: bool = False
    aborting: bool = False
    aborted: bool = False
    fault: bool = False
    stopped: bool = False
    clearing: bool = False

    def state(self, now: StationState) -> StationState:
        """The state; `now` is the last one."""
        if self.stopped:
            return StationState.CLEARING if self.clearing else StationState.ESTOPPED
        if self.connecting:
            return StationState.CONNECTING
        if self.fault:
            return StationState.FAULT
        if not self.connected:
            return StationState.OFFLINE
        return self._at_work(now) if self.busy else self._at_rest()

    def cleared(self, *, fault: bool) -> None:
        """The emergency stop is over, and every device was connected anew."""
        self.stopped = self.clearing = self.aborted = False
        self.connected, self.fault = True, fault
        self.gate.pass_through(False)

    def forget(self) -> None:
        """The lines are given back: nothing of it holds any more."""
        self.connecting = self.connected = self.fault = self.stopped = self.clearing = False

    def _at_work(self, now: StationState) -> StationState:
        if self.aborting:
            return StationState.ABORTING
        if not self.gate.is_closed:
            return StationState.STOPPING if self.finishing else StationState.RUNNING
        at_a_step = now in (StationState.RUNNING, StationState.STOPPING, StationState.PAUSING)
        return StationState.PAUSING if at_a_step and not self.gate.waiting else StationState.PAUSED

    def _at_rest(self) -> StationState:
        if self.aborted:
            return StationState.ABORTED
        return StationState.PAUSED if self.gate.is_closed else StationState.IDLE
