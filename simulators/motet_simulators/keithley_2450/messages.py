"""How the simulated Model 2450 takes messages: one after the other, each command once the one before has ended."""

from collections import deque

from motet.contracts.simulation import Clock
from motet.simulation.faults import Faults
from motet.simulation.instrument import SimulatedInstrument
from motet_simulators.keithley_2450 import scpi
from motet_simulators.keithley_2450.handlers import Wait
from motet_simulators.keithley_2450.scpi import ScpiError, Unit
from motet_simulators.keithley_2450.status import Status

MOST_WAITING = 200
"""Messages that wait for one that takes its time; beyond it, -363."""
LONGEST_MESSAGE = 4096


class MessageExchange(SimulatedInstrument):
    """Program messages end with LF; the answers to one message come on one line, separated by `;` (IEEE 488.2)."""

    terminator = b"\n"

    def __init__(self, options: Faults, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self.status = Status()
        self._buffer = b""
        self._waiting: deque[bytes] = deque()
        self._units: deque[Unit | ScpiError] = deque()
        self._replies: list[str] = []
        self._request = b""
        self._busy = False

    def execute(self, unit: Unit) -> str | Wait | None:
        """Carry out one command or query. Raises ScpiError."""
        raise NotImplementedError

    def catch_up(self) -> None:
        """Let happen what has happened by now."""

    def detach(self) -> None:
        """The line is closed: what was not answered is forgotten."""
        super().detach()
        self._buffer = b""
        self._waiting.clear()
        self._units.clear()
        self._replies.clear()
        self._busy = False

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        *messages, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > LONGEST_MESSAGE:
            self._buffer = b""
            self._refuse(ScpiError(-363))
        for message in messages:
            if len(self._waiting) >= MOST_WAITING or len(message) > LONGEST_MESSAGE:
                self._refuse(ScpiError(-363))
            else:
                self._waiting.append(message)
        self._go_on()

    def _go_on(self) -> None:
        """Carry out what was received, up to what takes its time."""
        while not self._busy:
            if self._units:
                self._carry_out(self._units.popleft())
            elif self._replies:
                reply = ";".join(self._replies).encode("ascii") + self.terminator
                self._replies.clear()
                self.answer(reply, self._request)
            elif self._waiting:
                message = self._waiting.popleft()
                self._request = message + b"\n"
                self._units.extend(scpi.units(message.decode("ascii", "replace").strip()))
            else:
                return

    def _carry_out(self, unit: Unit | ScpiError) -> None:
        self.catch_up()
        try:
            if isinstance(unit, ScpiError):
                raise unit
            found = self.execute(unit)
        except ScpiError as error:
            self._refuse(error)
            return
        if isinstance(found, Wait):
            self._busy = True
            self.later(max(0.0, found.until - self.clock.now()), self._waited, found)
        elif found is not None:
            self._replies.append(found)

    def _waited(self, wait: Wait) -> None:
        self._busy = False
        self.catch_up()
        try:
            reply = wait.answer()
        except ScpiError as error:
            self._refuse(error)
        else:
            if reply is not None:
                self._replies.append(reply)
        self._go_on()

    def _refuse(self, error: ScpiError) -> None:
        self.status.error(error.code, self.clock.now())
