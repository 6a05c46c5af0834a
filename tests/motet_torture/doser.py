"""An instrument that is made to be counted: it dispenses, which must never happen twice, and reads.

The protocol is the torture's own: a line of ASCII for a command and one for its answer.

    ID           ID NAME
    DISPENSE X   BUSY SECONDS | DONE
    MOVE X       BUSY SECONDS | DONE
    READ X       DONE VALUE
    STATE        BUSY SECONDS | DONE
    STOP         DONE
    else         ERROR WORDS

"""

import asyncio
import re
from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from motet.devices import Context, Device, Output, verb
from motet.errors import GarbledReply, InstrumentError
from motet.lines import Terminated

LOOKS = 20
"""How often it may say that it needs still more time."""
_ANSWER = re.compile(rb"(BUSY|DONE)(?: (\S+))?")


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
