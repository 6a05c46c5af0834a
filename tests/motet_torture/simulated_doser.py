"""The other end of the doser's wire. It writes to a ledger what it does: `dispensed` when it begins, then `ended` or
`stopped`."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from motet.contracts.simulation import Clock, Timer
from motet.simulation import Fault, FaultInjector, Faults, SimulatedInstrument
from motet_torture.ledger import DISPENSED, ENDED, FAULT, IDENTIFIED, MOVING, STOPPED, Ledger

NAME = "torture_doser"


def value_of(x: float) -> float:
    """What is measured at a point: smooth, with several maxima, the same whenever."""
    return math.sin(x / 40) + 0.5 * math.cos(x / 7) - (x - 2500) ** 2 / 4e6


class Options(Faults):
    """What the simulated one is."""

    called: str = "doser"
    """Its name, in answers and in the ledger."""
    ledger: str = ""
    """The file to which it writes what it does; empty for none."""
    seconds: float = 0.0
    """How long it dispenses or moves."""


class _Noted(FaultInjector):
    """Faults of the line that are written down."""

    def __init__(self, faults: Sequence[Fault], seed: int, write: Callable[[str], object]) -> None:
        super().__init__(faults, seed)
        self._write = write

    def all(self, *kinds: str) -> Sequence[Fault]:
        """What happens at this occasion."""
        found = super().all(*kinds)
        for fault in found:
            self._write(f"{FAULT}{fault.kind}")
        return found


class SimulatedDoser(SimulatedInstrument):
    """The other end of the wire."""

    terminator = b"\n"

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._ledger = Ledger(Path(options.ledger)) if options.ledger else None
        self._received = bytearray()
        self._until = 0.0
        self._going: tuple[int, Timer] | None = None
        self._injector = _Noted(options.faults, seed, self._write)

    def receive(self, data: bytes) -> None:
        """Bytes from the host: every whole line is a command."""
        self._received += data
        *lines, rest = self._received.split(b"\n")
        self._received[:] = rest
        for line in lines:
            self.answer(
                f"{self._reply(line.decode('ascii', 'replace').split())}\n".encode("ascii"), bytes(line) + b"\n"
            )

    def detach(self) -> None:
        """The line is closed. What goes on goes on: nobody has told it to stop."""
        self._send = None
        self.attached = False
        self._received.clear()

    def _reply(self, words: list[str]) -> str:
        match words:
            case ["ID"]:
                self._write(IDENTIFIED)
                return f"ID {self._options.called}"
            case ["DISPENSE" | "MOVE" as what, x]:
                return self._begin(DISPENSED if what == "DISPENSE" else MOVING, int(x))
            case ["READ", x]:
                return f"DONE {value_of(float(x))!r}"
            case ["STATE"]:
                return self._state()
            case ["STOP"]:
                self._end(STOPPED)
                return "DONE"
            case _:
                return "ERROR no such command"

    def _begin(self, what: str, x: int) -> str:
        if self._going is not None:
            return "ERROR busy"
        if self.fault("error"):
            return "ERROR out of order"
        self._write(what, x)
        if self._options.seconds:
            self._until = self.clock.now() + self._options.seconds
            self._going = x, self.clock.call_later(self._options.seconds, self._end, ENDED)
        return self._state()

    def _end(self, what: str) -> None:
        if self._going is not None:
            x, timer = self._going
            timer.cancel()
            self._going = None
            self._write(what, x)

    def _state(self) -> str:
        return "DONE" if self._going is None else f"BUSY {max(0.0, self._until - self.clock.now()) + 1e-3:.6f}"

    def _write(self, what: str, x: int = 0) -> None:
        if self._ledger is not None:
            self._ledger.write(self._options.called, what, x)
