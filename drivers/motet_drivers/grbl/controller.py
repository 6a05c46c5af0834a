"""Conversation with a Grbl controller: what goes over its line, what comes back, refusals as errors."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

from motet.errors import GarbledReply, InstrumentError, NoReply
from motet.lines import Line
from motet_drivers.grbl import protocol
from motet_drivers.grbl.protocol import Alarmed, Build, Status, Vector

T = TypeVar("T")
MM_PER_INCH = 25.4
_MOST_REPORTS = 32
"""The work offset comes at least in every 30th report (wiki, "Grbl v1.1 Interface", Work Coordinate Offset)."""
_QUIET_S, _LONGEST_TALK_S = 0.05, 2.0
_LISTEN_S = 0.05
"""Whoever listens has the line for so long; then others get in between."""


class GrblController:
    """One controller. Positions are the machine's, mm."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.alarm = ""
        """Why it is locked, as far as it has told, whoever heard it: an alarm is told once only."""
        line.unasked = self._overhear
        self._offset: Vector | None = None
        self._inch = False

    async def status(self) -> Status:
        """State and position. Raises InstrumentError for an alarm."""
        for _ in range(_MOST_REPORTS):
            status = await self._line.query(b"?", self._named(protocol.status))
            self._offset = status.offset or self._offset
            self.alarm = self.alarm if status.state == "Alarm" else ""
            if status.machine or self._offset is not None:
                return self._to_machine(status)
        raise GarbledReply(f"{self._line}: {_MOST_REPORTS} status reports without the work offset (WCO)")

    async def build(self) -> Build:
        """What it says of itself."""
        return await self._line.query(b"$I\n", self._named(protocol.build))

    async def settings(self) -> dict[int, float]:
        """Its settings by number."""
        found = await self._line.query(b"$$\n", self._named(protocol.settings))
        self._inch = bool(found.get(13))
        return found

    async def do(self, line: str) -> None:
        """Have a line carried out that is answered at once. Raises InstrumentError when it is refused."""
        await self._line.command(f"{line}\n".encode("ascii"), self._named(protocol.done, line))

    async def hold(self) -> None:
        """Feed hold: what moves brakes along its way, and nothing is lost."""
        await self._line.send(b"!")

    async def reset(self) -> None:
        """Soft reset; the controller is back when this returns. In motion it loses its position, held it does not."""
        with contextlib.suppress(GarbledReply, NoReply):  # an answer to something before; the status tells
            await self._line.command(b"\x18", protocol.banner)

    async def begin_homing(self) -> None:
        """Send `$H`; its answer comes when it has ended, and nothing else meanwhile."""
        await self._line.send(b"$H\n")

    async def homing_ended(self, seconds: float) -> bool:
        """Whether homing has ended, looked for so many loop seconds. Raises InstrumentError when it has failed.

        Grbl answers no `?` while it homes, other firmware does; either way the next report tells what was missed.
        """
        await self._line.send(b"?")
        frame = await self._next(seconds)
        if frame is None:
            return False
        if frame.startswith(b"<") or b"\n<" in frame:
            return self._named(protocol.status)(frame).state != "Home"
        self._named(protocol.done, "$H")(frame)
        return True

    async def listen(self, seconds: float) -> None:
        """Wait so many loop seconds, and hear what the controller says by itself meanwhile.

        Raises Alarmed for an alarm, InstrumentError when somebody has reset it.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            frame = await self._next(min(left, _LISTEN_S))
            if frame is not None:
                self._named(protocol.unasked)(frame)

    async def quiet(self) -> None:
        """Let go by what is still on its way. Raises GarbledReply when it does not end."""
        deadline = asyncio.get_running_loop().time() + _LONGEST_TALK_S
        while await self._next(_QUIET_S) is not None:
            if asyncio.get_running_loop().time() > deadline:
                raise GarbledReply(f"{self._line}: it goes on talking unasked")

    async def _next(self, seconds: float) -> bytes | None:
        try:
            async with asyncio.timeout(seconds):
                return await self._line.next_frame()
        except (TimeoutError, NoReply):
            return None

    def _overhear(self, frame: bytes) -> None:
        """An alarm that came between two exchanges is kept: it is told once only, and what follows from it is seen at
        the next status."""
        with contextlib.suppress(InstrumentError, GarbledReply):
            self._named(protocol.unasked)(frame)

    def _to_machine(self, status: Status) -> Status:
        x, y, z = status.position
        if not status.machine:
            assert self._offset is not None
            x, y, z = (at + offset for at, offset in zip(status.position, self._offset, strict=True))
        scale = MM_PER_INCH if self._inch else 1.0
        position = (x * scale, y * scale, z * scale)
        return Status(status.state, status.number, position, True, status.offset, status.pins)

    def _named(self, parse: Callable[[bytes], T], request: str = "") -> Callable[[bytes], T]:
        """The same, with line and request in front of what the controller refuses."""

        def named(frame: bytes) -> T:
            try:
                return parse(frame)
            except InstrumentError as error:
                self.alarm = str(error) if isinstance(error, Alarmed) else self.alarm
                asked = f" {request!r}:" if request else ""
                raise type(error)(f"{self._line}:{asked} {error}") from None

        return named
