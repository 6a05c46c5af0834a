"""An instrument that is made to be counted: it dispenses, which must never happen twice, and reads.

The protocol is the torture's own: a line of ASCII for a command and one for its answer.

    ID           ID NAME
    DISPENSE X   BUSY SECONDS | DONE
    MOVE X       BUSY SECONDS | DONE
    READ X       DONE VALUE
    STATE        BUSY SECONDS | DONE
    STOP         DONE
    else         ERROR WORDS

Its simulator writes to a ledger whatever it does: `dispensed` when it begins, then `ended` or `stopped`.
"""

import asyncio
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from motet.contracts.simulation import Clock, Timer
from motet.devices import Context, Device, Output, verb
from motet.errors import GarbledReply, InstrumentError
from motet.lines import Terminated
from motet.simulation import Fault, FaultInjector, Faults, SimulatedInstrument
from motet_torture.ledger import DISPENSED, ENDED, FAULT, IDENTIFIED, MOVING, STOPPED, Ledger

NAME = "torture_doser"
LOOKS = 20
"""How often it may say that it needs still more time."""
_ANSWER = re.compile(rb"(BUSY|DONE)(?: (\S+))?")


def value_of(x: float) -> float:
    """What is measured at a point: smooth, with several maxima, the same whenever."""
    return math.sin(x / 40) + 0.5 * math.cos(x / 7) - (x - 2500) ** 2 / 4e6


class DriverOptions(BaseModel):
    """How it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expects: str = ""
    """The name that it must answer to; empty for any."""


class Doser(Device):
    """The driver."""

    framing: ClassVar[Terminated] = Terminated(b"\n", max_length=200)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._line = context.need_line()
        self._name = ""
        self._stops = 0

    async def open(self) -> None:
        """Open the line and ask who is there. Raises GarbledReply, NoReply when it is somebody else or nobody."""
        await self._line.open()
        try:
            self._name = await self._line.query(b"ID\n", self._identified)
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back."""
        await self._line.close()

    async def stop(self, success: bool = True) -> None:
        """End whatever it does."""
        self._stops += 1
        await self._line.query(b"STOP\n", self._answer)

    async def identity(self) -> str:
        """Its name."""
        return f"doser {self._name}"

    @verb(units={"x": "dimensionless"}, repeatable=False)
    async def dispense(self, x: int) -> None:
        """Dispense for a point: once."""
        await self._do(f"DISPENSE {x}")

    @verb(units={"x": "dimensionless"})
    async def move(self, x: int) -> None:
        """Move to a point; it may be done again."""
        await self._do(f"MOVE {x}")

    @verb(units={"x": "dimensionless"}, outputs={"y": Output()})
    async def read_value(self, x: int) -> Mapping[str, float]:
        """Measure what was dispensed."""
        _, value = await self._line.query(f"READ {x}\n".encode(), self._answer)
        if value is None:
            raise GarbledReply(f"{self._line}: READ gave no value")
        return {"y": value}

    async def _do(self, command: str) -> None:
        """Begin something, and wait until it has ended. Raises InstrumentError when it was stopped meanwhile."""
        stops = self._stops
        busy, seconds = await self._line.command(f"{command}\n".encode(), self._answer)
        for _ in range(LOOKS):
            if not busy:
                return
            await asyncio.sleep((seconds or 0.0) / self.context.scale)
            if self._stops != stops:
                raise InstrumentError(f"{self._line}: {command} was stopped")
            busy, seconds = await self._line.query(b"STATE\n", self._answer)
        raise InstrumentError(f"{self._line}: {command} still goes on after {LOOKS} looks")

    def _identified(self, frame: bytes) -> str:
        options = self.context.options
        assert isinstance(options, DriverOptions)
        name = frame.removeprefix(b"ID ").decode("ascii", "replace")
        if not frame.startswith(b"ID ") or (options.expects and name != options.expects):
            raise GarbledReply(f"ID {options.expects or 'NAME'} is expected")
        return name

    def _answer(self, frame: bytes) -> tuple[bool, float | None]:
        """Whether it is busy, and the number that it tells. Raises InstrumentError when it refuses, GarbledReply."""
        if frame.startswith(b"ERROR "):
            raise InstrumentError(f"{self._line}: {frame.decode('ascii', 'replace')}")
        match = _ANSWER.fullmatch(frame)
        if match is None:
            raise GarbledReply("BUSY SECONDS, DONE or DONE VALUE is expected")
        try:
            return match[1] == b"BUSY", None if match[2] is None else float(match[2])
        except ValueError:
            raise GarbledReply(f"{match[2]!r} is not a number") from None


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
