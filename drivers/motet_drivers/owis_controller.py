"""Conversation with an OWIS controller: what goes over its line, what comes back, refusals as errors."""

from collections.abc import Mapping
from typing import Literal

from motet.errors import ConnectionProblem, InstrumentError
from motet.lines import Line
from motet_drivers import owis_protocol as protocol
from motet_drivers.owis_protocol import State

Axis = Literal["x", "y", "z"]


class OwisController:
    """One controller whose axes have names.

    Only queries are answered. `?MSG` after each command tells whether it was taken, and paces the commands: a
    controller drops what comes while it is busy (HELAO's owis_driver; SweepMe!'s driver gives it 40 ms).
    """

    def __init__(self, name: str, line: Line, numbers: Mapping[Axis, int]) -> None:
        self._name = name
        self._line = line
        self.numbers = numbers

    async def version(self) -> str:
        """The answer to `?VERSION`."""
        return await self._line.query(b"?VERSION\r", protocol.text)

    async def serial_number(self) -> str:
        """The answer to `?SERNUM`."""
        return await self._line.query(b"?SERNUM\r", protocol.text)

    async def begin(self) -> None:
        """Have messages with words, forget an error from before, and make sure that every axis is there.

        Raises ConnectionProblem when the controller has fewer axes.
        """
        await self._line.send(b"TERM=1\r")
        await self._line.query(b"?MSG\r", protocol.message)
        await self.states()

    async def states(self) -> dict[Axis, State]:
        """The state of each axis. Raises ConnectionProblem when the controller has too few."""
        states = await self._line.query(b"?ASTAT\r", protocol.states)
        for axis, number in self.numbers.items():
            if number > len(states):
                raise ConnectionProblem(f"{self._name}: {axis} is axis {number} of a controller that has {len(states)}")
        return {axis: states[number - 1] for axis, number in self.numbers.items()}

    async def number(self, query: str, axis: Axis) -> int:
        """The whole number that a query about one axis gives: `CNT`, `PVEL`, `REFST`, ..."""
        return await self._line.query(f"?{query}{self.numbers[axis]}\r".encode("ascii"), protocol.integer)

    async def tell(self, command: str, axis: Axis, value: int | None = None) -> None:
        """Send a command to one axis. Raises InstrumentError when the controller does not take it."""
        text = f"{command}{self.numbers[axis]}" if value is None else f"{command}{self.numbers[axis]}={value}"
        await self._line.send(text.encode("ascii") + b"\r")
        message = await self._line.query(b"?MSG\r", protocol.message)
        if message.code:
            raise InstrumentError(f"{self._name}: {text} was refused: {message}")

    async def stop(self) -> None:
        """Brake every axis, without waiting for answers."""
        for number in self.numbers.values():
            await self._line.send(b"STOP%d\r" % number)

    async def fault(self, axis: Axis, state: State) -> InstrumentError:
        """Why an axis cannot be used, with the limit switches that are pressed."""
        number = self.numbers[axis]
        pressed = await self._line.query(b"?ESTAT%d\r" % number, protocol.switches)
        at = f" ({', '.join(pressed)})" if pressed else ""
        hint = "; run `home` first" if state is State.NOT_INITIALISED else ""
        return InstrumentError(f"{self._name}: {axis} (axis {number}) is {state.meaning} [{state}]{at}{hint}")
