"""A hot plate on its line: set points that are read back, switches that are not answered, a watchdog that is fed."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from motet.errors import GarbledReply, InstrumentError, LineLost, NoReply, Retryable
from motet.lines import Line
from motet_drivers.ika_rct import protocol
from motet_drivers.ika_rct.protocol import SPEED

SETPOINT_TOLERANCE = 0.5
"""A set point that is read back this near is the one that was sent: some models keep whole degrees."""
FIRST_PAUSE_S, GROWTH = 0.02, 1.5
"""Pause between the first two looks at something that is waited for, and how it grows."""
_TAKES_S, _LEAST_S = 1.0, 0.1
"""So long a set point may take until it is read back: lab seconds, and seconds of the loop however fast those pass."""
_FEEDS = 4
"""How often the watchdog is fed within its time."""
_NOISY = 4
"""A plate that is not quiet for so many times the line's timeout answers no question."""
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Plate:
    """What can be asked of a hot plate and told to it. `scale` is lab seconds in a second of the loop.

    A set temperature is answered like the temperature of the probe, so an answer that comes late could be taken for
    that to another question: after a question without a right answer nothing is asked until the line was quiet for as
    long as an answer may take.
    """

    def __init__(self, line: Line, scale: float) -> None:
        self._line = line
        self._scale = scale
        self._feeding: asyncio.Task[None] | None = None
        self._asking = asyncio.Lock()
        self._answer_owed = False

    async def name(self) -> str:
        """The name that it gives itself."""
        return await self._ask(protocol.request("IN_NAME"), protocol.name)

    async def version(self) -> str:
        """Its firmware. Raises NoReply for an RCT digital, which does not know the question."""
        return await self._ask(protocol.request("IN_VERSION"), protocol.name)

    async def actual(self, channel: int) -> float:
        """What is measured, degC or rpm."""
        return await self._read("IN_PV", channel)

    async def setpoint(self, channel: int) -> float:
        """What is set, degC or rpm."""
        return await self._read("IN_SP", channel)

    async def set(self, channel: int, value: float) -> None:
        """Set a set point. Raises InstrumentError when it was not taken."""
        await self._line.send(protocol.setting(channel, value))
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + max(_TAKES_S / self._scale, _LEAST_S), FIRST_PAUSE_S
        while abs((taken := await self.setpoint(channel)) - value) > SETPOINT_TOLERANCE:
            if loop.time() > deadline:
                what = "rpm" if channel == SPEED else "degC"
                raise InstrumentError(f"{self._line}: it was set to {value:g} {what} and has {taken:g} {what}")
            await asyncio.sleep(pause)
            pause *= GROWTH

    async def switch(self, *commands: str) -> None:
        """Commands without a reply, one after the other."""
        for command in commands:
            await self._line.send(protocol.request(command))

    async def watch(self, seconds: float) -> None:
        """Arm the watchdog, and feed it until `unwatch`."""
        await self._feed(seconds)
        self._feeding = asyncio.create_task(self._keep_feeding(seconds), name=f"watchdog of {self._line}")

    async def unwatch(self) -> None:
        """Feed the watchdog no more: it cannot be disarmed, and switches the plate off in its time."""
        feeding, self._feeding = self._feeding, None
        if feeding is not None:
            feeding.cancel()
            await asyncio.wait([feeding])

    async def _read(self, command: str, channel: int) -> float:
        request = protocol.request(f"{command}_{channel}")
        return await self._ask(request, lambda frame: protocol.value(frame, channel))

    async def _feed(self, seconds: float) -> None:
        await self._ask(protocol.watchdog(seconds), lambda frame: protocol.value(frame, None))

    async def _ask(self, request: bytes, parse: Callable[[bytes], T]) -> T:
        """The answer to a question, asked again as often as the line says. Raises NoReply, GarbledReply, LineLost."""
        async with self._asking:
            for _ in range(self._line.retries):
                try:
                    return await self._ask_once(request, parse)
                except (NoReply, GarbledReply) as error:
                    _log.warning("%s; asking again", error)
            return await self._ask_once(request, parse)

    async def _ask_once(self, request: bytes, parse: Callable[[bytes], T]) -> T:
        if self._answer_owed:
            await self._quiet()
        self._answer_owed = True
        found = await self._line.command(request, parse)
        self._answer_owed = False
        return found

    async def _quiet(self) -> None:
        """Let everything go by until nothing comes any more."""
        loop, line = asyncio.get_running_loop(), self._line
        deadline = loop.time() + _NOISY * line.timeout
        while loop.time() < deadline:
            try:
                _log.info("%s: %r came too late", line, await line.next_frame())
            except GarbledReply as error:
                _log.info("%s", error)
            except NoReply:
                self._answer_owed = False
                return
        raise GarbledReply(f"{line}: it goes on sending without being asked")

    async def _keep_feeding(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds / _FEEDS / self._scale)
            try:
                await self._feed(seconds)
            except LineLost as error:
                _log.warning("%s; the watchdog will switch the plate off", error)
                return
            except Retryable as error:
                _log.warning("%s; the watchdog is fed again soon", error)
