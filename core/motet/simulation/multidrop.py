"""Several simulators on one line, as on an RS-485 bus: each hears everything, each answers for itself."""

from collections.abc import Callable, Sequence

from motet.contracts.simulation import Clock, Pluggable, SerialSimulator


class Multidrop:
    """A `SerialSimulator` made of several. Each passes over what is for another address."""

    def __init__(self, simulators: Sequence[SerialSimulator], clock: Clock) -> None:
        self.clock = clock
        self._simulators = simulators
        self._hang_up: Callable[[float], None] = lambda seconds: None

    @property
    def hang_up(self) -> Callable[[float], None]:
        """What disconnects the line for so many lab seconds."""
        return self._hang_up

    @hang_up.setter
    def hang_up(self, hang_up: Callable[[float], None]) -> None:
        self._hang_up = hang_up
        for simulator in self._simulators:
            if isinstance(simulator, Pluggable):
                simulator.hang_up = hang_up

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""
        for simulator in self._simulators:
            simulator.attach(send)

    def receive(self, data: bytes) -> None:
        """Bytes from the host, for all."""
        for simulator in self._simulators:
            simulator.receive(data)

    def detach(self) -> None:
        """The line is closed."""
        for simulator in self._simulators:
            simulator.detach()
