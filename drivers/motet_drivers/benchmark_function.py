"""An instrument that measures a known function after some time: for comparing learners without any real instrument.

There is no such hardware: a lab with it is simulated. The protocol is Motet's own, one line of ASCII for a command and
one for its answer, ended by a line feed:

    ID -> ID FUNCTION
    PREPARE, MEASURE X1 X2 ..., CLEAN -> BUSY SECONDS
    RESULT -> BUSY SECONDS | DONE | DONE VALUE
    STOP -> DONE
    whatever cannot be -> ERROR CODE WORDS

Which function, how long everything takes and how much that varies are options of its simulator.
"""

import asyncio
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from motet.devices import Context, Device, Output, Verified, verb
from motet.errors import GarbledReply, InstrumentError, ProcedureError
from motet.lines import Terminated

LOOKS = 10
"""How often the instrument may say that it needs still more time."""
_COORDINATES = tuple(f"x{number}" for number in range(1, 7))
_ID = re.compile(rb"ID (\w+)")
_ERROR = re.compile(rb"ERROR (\d+) (.+)")
_ANSWER = re.compile(rb"(BUSY|DONE)(?: (\S+))?")


class Options(BaseModel):
    """None: everything is said to the simulator."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class _Answer:
    """`number` is the seconds that are left while it is `busy`, else the value, if there is one."""

    busy: bool
    number: float | None


class BenchmarkFunction(Device):
    """A benchmark function behind a line: it prepares, measures, cleans. `stop` ends what it does; `safe` is `stop`."""

    framing: ClassVar[Terminated] = Terminated(b"\n", max_length=200)
    verified: ClassVar[Verified] = Verified(manuals=("The protocol is Motet's own, as its module tells it.",))

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._line = context.need_line()
        self._function = ""
        self._stops = 0
        self._waiting: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Open the line and ask who is there. Raises GarbledReply, NoReply when it is somebody else or nobody."""
        await self._line.open()
        try:
            self._function = await self._line.query(b"ID\n", _function)
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back."""
        await self._line.close()

    async def stop(self, success: bool = True) -> None:
        """End whatever it does. A verb that is running ends with InstrumentError."""
        self._stops += 1
        await self._line.query(b"STOP\n", self._answer)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def safe(self) -> None:
        """End whatever it does: nothing can happen by itself then."""
        await self.stop()

    async def identity(self) -> str:
        """The function that it measures."""
        return f"Motet benchmark function {self._function}"

    @verb()
    async def prepare(self) -> None:
        """Get ready for a measurement."""
        await self._do("PREPARE")

    @verb(units=dict.fromkeys(_COORDINATES, "dimensionless"), outputs={"value": Output()})
    async def measure(
        self,
        x1: float,
        x2: float | None = None,
        x3: float | None = None,
        x4: float | None = None,
        x5: float | None = None,
        x6: float | None = None,
    ) -> Mapping[str, float]:
        """Measure the function at a point, with as many coordinates as it has."""
        given = (x1, x2, x3, x4, x5, x6)
        x = [value for value in given if value is not None]
        if None in given[: len(x)]:
            raise ProcedureError(f"{self.name}: measure has {len(x)} coordinates, but not x{given.index(None) + 1}")
        value = await self._do(f"MEASURE {' '.join(repr(float(value)) for value in x)}")
        if value is None:
            raise GarbledReply(f"{self._line}: it is done with MEASURE, but gives no value")
        return {"value": value}

    @verb()
    async def clean(self) -> None:
        """Make ready for the next one."""
        await self._do("CLEAN")

    async def _do(self, command: str) -> float | None:
        """Begin something and wait until it is done; its value, if it has one.

        Raises InstrumentError when it is refused, or not done after `LOOKS` looks.
        """
        stops = self._stops
        answer = await self._line.command(f"{command}\n".encode("ascii"), self._answer)
        for _ in range(LOOKS):
            if not answer.busy:
                return answer.number
            await self._pause((answer.number or 0.0) / self.context.scale)
            if self._stops != stops:
                raise InstrumentError(f"{self._line}: {command} was stopped")
            answer = await self._line.query(b"RESULT\n", self._answer)
        raise InstrumentError(f"{self._line}: {command} still needs {answer.number:g} s after {LOOKS} looks")

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until it is stopped."""
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        timer = loop.call_later(seconds, _wake, self._waiting)
        try:
            await self._waiting
        finally:
            timer.cancel()

    def _answer(self, frame: bytes) -> _Answer:
        """An answer. Raises InstrumentError with the instrument's own code when it refuses, GarbledReply."""
        if (refused := _ERROR.fullmatch(frame)) is not None:
            raise InstrumentError(f"{self._line}: error {refused[1].decode()}: {refused[2].decode('ascii', 'replace')}")
        match = _ANSWER.fullmatch(frame)
        if match is None or (match[1] == b"BUSY" and match[2] is None):
            raise GarbledReply("BUSY SECONDS, DONE or DONE VALUE is expected")
        return _Answer(match[1] == b"BUSY", None if match[2] is None else _number(match[2]))


def _wake(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():
        waiting.set_result(None)


def _function(frame: bytes) -> str:
    match = _ID.fullmatch(frame)
    if match is None:
        raise GarbledReply("ID FUNCTION is expected")
    return match[1].decode("ascii")


def _number(text: bytes) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise GarbledReply(f"{text!r} is not a decimal number")
    return number
