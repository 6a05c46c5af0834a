"""Conversation with a Keithley Model 2450: what goes over its line, what comes back, refusals as errors."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from motet.errors import InstrumentError, NoReply
from motet.lines import Line
from motet_drivers.keithley_2450 import protocol
from motet_drivers.keithley_2450.protocol import LIMITED, OVERFLOW, Point, Refusal

Function = Literal["VOLT", "CURR"]
STATES: Mapping[str, str] = {
    "IDLE": "no sweep runs",
    "RUNNING": "a sweep runs",
    "WAITING": "a sweep waits for a delay or an event",
    "EMPTY": "no sweep was set up",
    "BUILDING": "a sweep is being set up",
    "FAILED": "a sweep ended with an error",
    "ABORTING": "a sweep is being stopped",
    "ABORTED": "a sweep was stopped",
}
_MEASURED: Mapping[Function, Function] = {"VOLT": "CURR", "CURR": "VOLT"}
_LIMIT: Mapping[Function, str] = {"VOLT": ":SOUR:VOLT:ILIM", "CURR": ":SOUR:CURR:VLIM"}
_OVERHEAD_S, _MARGIN_S = 0.02, 5.0
"""Of one point of a sweep beyond delay and integration, and of a whole sweep, lab time."""
_FIRST_POLL_S, _LONGEST_POLL_S = 0.005, 0.5
_SAME = 1e-4
_UNDEFINED = -113
_AT_ONCE = 100
"""Points of a sweep that are fetched in one message."""


class SourceMeter:
    """One instrument; `function` is what it sources. After every command its error queue is read."""

    def __init__(self, line: Line, scale: float) -> None:
        self._line = line
        self._scale = scale
        self.function: Function = "VOLT"

    async def begin(self, settings: Sequence[str]) -> None:
        """Forget errors from before, find out what is sourced, and set how it measures."""
        await self._line.query(b"*CLS\n:SYST:ERR?\n", protocol.refusal)
        function = await self._line.query(b":SOUR:FUNC?\n", protocol.text)
        self.function = "CURR" if function.upper().startswith("CURR") else "VOLT"
        ascii_format = ":FORM:DATA ASC"
        refused = await self._line.query(f"{ascii_format}\n:SYST:ERR?\n".encode("ascii"), protocol.refusal)
        if refused is not None and refused.code != _UNDEFINED:  # who has no other format need not know the command
            raise self._refused(ascii_format, refused)
        for setting in (*settings, f':SENS:FUNC "{_MEASURED[self.function]}"'):
            await self.tell(setting)

    async def off(self) -> None:
        """Abort a sweep and turn the output off."""
        if await self._line.query(b":ABOR\n:OUTP OFF\n:OUTP?\n", protocol.flag):
            raise InstrumentError(f"{self._line}: the output stays on after :OUTP OFF")

    async def output_on(self) -> bool:
        """Whether the output is on."""
        return await self._line.query(b":OUTP?\n", protocol.flag)

    async def limited(self) -> bool:
        """Whether the source is held by its limit."""
        return await self._line.query(f"{_LIMIT[self.function]}:TRIP?\n".encode("ascii"), protocol.flag)

    async def source(self, function: Function, level: float, limit: float) -> None:
        """Source a level, V or A, with a limit, A or V. A change of function turns the output off.

        The limit is set first, lest the load see the new level with the old one; and again where the instrument had
        cut it down to what goes with the old level. Raises InstrumentError when it does not take it then either.
        """
        if function != self.function:
            await self.tell(":OUTP OFF")
            await self.tell(f":SOUR:FUNC {function}")
            self.function = function
            await self.tell(f':SENS:FUNC "{_MEASURED[function]}"')
        await self.tell(f":SOUR:{function}:RANG:AUTO ON")
        await self.tell(f"{_LIMIT[function]} {limit:.7G}")
        await self.tell(f":SOUR:{function} {level:.7G}")
        if not math.isclose(await self._limit(function), limit, rel_tol=_SAME):
            await self.tell(f"{_LIMIT[function]} {limit:.7G}")
            held = await self._limit(function)
            if not math.isclose(held, limit, rel_tol=_SAME):
                raise InstrumentError(f"{self._line}: the instrument holds its limit at {held:g}, not at {limit:g}")

    async def _limit(self, function: Function) -> float:
        return await self._line.query(f"{_LIMIT[function]}?\n".encode("ascii"), protocol.number)

    async def tell(self, command: str, *, once: bool = False) -> None:
        """Send a command and read the error queue. Raises InstrumentError with number and text.

        Commands that set something are sent again when the reply is lost; those that start something `once`.
        """
        message = f"{command}\n:SYST:ERR?\n".encode("ascii")
        exchange = self._line.command if once else self._line.query
        refused = await exchange(message, protocol.refusal)
        if refused is not None:
            raise self._refused(command, refused)

    async def read(self) -> tuple[float, float, bool]:
        """Voltage, V, current, A, and whether the limit holds the source."""
        query = f':READ? "defbuffer1",READ,SOUR;{_LIMIT[self.function]}:TRIP?;:SYST:ERR?'
        try:
            found = await self._line.query(f"{query}\n".encode("ascii"), protocol.point)
        except NoReply:
            refused = await self._line.query(b":SYST:ERR?\n", protocol.refusal)
            if refused is None:
                raise
            raise self._refused(query, refused) from None
        if isinstance(found, Refusal):
            raise self._refused(query, found)
        voltage, current = self._pair(found)
        return voltage, current, found.limited

    def _pair(self, found: Point) -> tuple[float, float]:
        if max(abs(found.measured), abs(found.sourced)) > OVERFLOW:
            quantity = "current" if self.function == "VOLT" else "voltage"
            raise InstrumentError(f"{self._line}: the {quantity} is beyond its measuring range (reading 9.9e37)")
        if self.function == "VOLT":
            return found.sourced, found.measured
        return found.measured, found.sourced

    async def ended(self, expected: float, points: int, check: Callable[[], None]) -> None:
        """Wait until the sweep has ended, `expected` lab seconds and what the instrument needs beyond integrating.

        `check` is called after each look at it.
        """
        loop = asyncio.get_running_loop()
        longest = (2 * (expected + points * _OVERHEAD_S) + _MARGIN_S) / self._scale
        started, pause = loop.time(), max(_FIRST_POLL_S, expected / 10 / self._scale)
        while True:
            state = await self._line.query(b":TRIG:STAT?\n", protocol.state)
            check()
            if state == "IDLE":
                return
            if state not in ("RUNNING", "WAITING", "BUILDING"):
                raise InstrumentError(f"{self._line}: the sweep ended as {state}: {STATES[state]}")
            if loop.time() - started > longest:
                raise InstrumentError(f"{self._line}: the sweep of {points} points did not end within {longest:.1f} s")
            await asyncio.sleep(min(pause, _LONGEST_POLL_S))
            pause *= 1.2

    async def fetch(self, points: int) -> tuple[list[float], list[float], bool]:
        """Voltages and currents of a sweep, and whether the limit held the source at any of them."""
        voltages: list[float] = []
        currents: list[float] = []
        limited = False
        for first in range(1, points + 1, _AT_ONCE):
            last = min(points, first + _AT_ONCE - 1)
            query = f':TRAC:DATA? {first},{last},"defbuffer1",SOUR,READ,SOURSTAT\n'.encode("ascii")
            count = 3 * (last - first + 1)
            found = await self._line.query(query, lambda frame, count=count: protocol.numbers(frame, count))
            voltages += found[0::3]
            currents += found[1::3]
            limited = limited or any(int(status) & LIMITED for status in found[2::3])
        return voltages, currents, limited

    def _refused(self, command: str, refused: Refusal) -> InstrumentError:
        return InstrumentError(f"{self._line}: {command} was refused: {refused}")
