"""Conversation with an OWIS controller: what goes over its line, what comes back, refusals as errors."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LineLost, NoReply, Retryable
from motet.lines import Line
from motet_drivers.owis_ps90 import protocol
from motet_drivers.owis_ps90.protocol import State

T = TypeVar("T")
_log = logging.getLogger(__name__)

Axis = Literal["x", "y", "z"]
MOST_ERRORS = 20
"""So many errors are in the controller's memory at most (a public PS 10 driver reads as many)."""


class OwisController:
    """One controller whose axes have names.

    Only queries are answered. `?MSG` after each command tells whether it was taken, and paces the commands: a
    controller drops what comes while it is busy (HELAO's owis_driver; SweepMe!'s driver gives it 40 ms).

    A reply does not tell what it is the reply to. So once one did not come in time, or could not be read, nothing is
    asked before the line has been quiet for as long as a reply may take: one that is late is taken for no other.
    """

    def __init__(self, name: str, line: Line, numbers: Mapping[Axis, int]) -> None:
        self._name = name
        self._line = line
        self._unsure = False
        self._asking = asyncio.Lock()
        self.numbers = numbers

    async def _ask(self, request: bytes, parse: Callable[[bytes], T]) -> T:
        """The reply to a query, which is asked again as often as the line says."""
        for attempt in range(1, self._line.retries + 1):
            try:
                return await self._ask_once(request, parse)
            except (NoReply, GarbledReply) as error:
                _log.warning("%s; asking again (%d of %d)", error, attempt, self._line.retries)
        return await self._ask_once(request, parse)

    async def _ask_once(self, request: bytes, parse: Callable[[bytes], T]) -> T:
        async with self._asking:
            if self._unsure:
                await self._quiet()
            self._unsure = True
            try:
                found = await self._line.command(request, parse)
            except LineLost:  # what is late does not outlive its connection
                self._unsure = False
                raise
            self._unsure = False
            return found

    async def _quiet(self) -> None:
        """Let replies go by that are late. Raises NoReply when they do not end."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 3 * self._line.timeout
        while loop.time() < deadline:
            try:
                await self._line.next_frame()
            except GarbledReply:
                continue
            except NoReply:
                return
        raise NoReply(f"{self._line}: it goes on sending without being asked")

    async def version(self) -> str:
        """The answer to `?VERSION`."""
        return await self._ask(b"?VERSION\r", protocol.text)

    async def serial_number(self) -> str:
        """The answer to `?SERNUM`."""
        return await self._ask(b"?SERNUM\r", protocol.text)

    async def begin(self) -> None:
        """Have messages with words, forget an error from before, and make sure that every axis is there.

        Raises ConnectionProblem when the controller has fewer axes.
        """
        await self._line.send(b"TERM=1\r")
        await self._ask(b"?MSG\r", protocol.message)
        await self.states()

    async def states(self) -> dict[Axis, State]:
        """The state of each axis. Raises ConnectionProblem when the controller has too few."""
        states = await self._ask(b"?ASTAT\r", protocol.states)
        for axis, number in self.numbers.items():
            if number > len(states):
                raise ConnectionProblem(f"{self._name}: {axis} is axis {number} of a controller that has {len(states)}")
        return {axis: states[number - 1] for axis, number in self.numbers.items()}

    async def number(self, query: str, axis: Axis) -> int:
        """The whole number that a query about one axis gives: `CNT`, `PVEL`, `REFST`, ..."""
        return await self._ask(f"?{query}{self.numbers[axis]}\r".encode("ascii"), protocol.integer)

    async def tell(self, command: str, axis: Axis, value: int | None = None) -> None:
        """Send a command to one axis. Raises InstrumentError when the controller does not take it."""
        text = f"{command}{self.numbers[axis]}" if value is None else f"{command}{self.numbers[axis]}={value}"
        await self._line.send(text.encode("ascii") + b"\r")
        message = await self._ask(b"?MSG\r", protocol.message)
        if message.code:
            raise InstrumentError(f"{self._name}: {text} was refused: {message}")

    async def stop(self) -> None:
        """Brake every axis, without waiting for answers."""
        for number in self.numbers.values():
            await self._line.send(b"STOP%d\r" % number)

    async def fault(self, axis: Axis, state: State) -> InstrumentError:
        """Why an axis cannot be used: the switches that are pressed, the emergency stop, the error memory."""
        number = self.numbers[axis]
        told = list(await self._ask(b"?ESTAT%d\r" % number, protocol.switches))
        with contextlib.suppress(Retryable):  # not every controller knows these two; the state says enough
            if await self._ask_once(b"?EMERGINP\r", protocol.integer):
                told.append("emergency stop")
            told += [f"error {code}" for code in await self._errors()]
        at = f" ({', '.join(told)})" if told else ""
        hint = "; run `home` first" if state is State.NOT_INITIALISED else ""
        return InstrumentError(f"{self._name}: {axis} (axis {number}) is {state.meaning} [{state}]{at}{hint}")

    async def _errors(self) -> list[int]:
        """What is in the error memory, the newest first."""
        found: list[int] = []
        while len(found) < MOST_ERRORS and (code := await self._ask_once(b"?ERR\r", protocol.integer)):
            found.append(code)
        return found
