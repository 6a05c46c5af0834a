"""A Cavro pump at the other end of a line: reports, command strings, errors by name.

Reports change nothing and are asked again when their answer is lost. A command string is sent once: whether one whose
answer was lost is carried out shows in `Q` and in the plunger's position.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TypeVar

from motet.errors import GarbledReply, InstrumentError, NoReply
from motet.lines import Line
from motet_drivers.cavro_xcalibur import protocol
from motet_drivers.cavro_xcalibur.protocol import ERRORS, NOT_ALLOWED, NOT_INITIALIZED, UNREADY, Answer

T = TypeVar("T")
_log = logging.getLogger(__name__)

_SOON_S, _FIRST_POLL_S = 5.0, 0.002


class CavroPump:
    """One pump on a line; `switch` is the position of its address switch."""

    def __init__(self, line: Line, switch: int, *, oem: bool) -> None:
        self.line = line
        self.initialized = True
        """Whether it is, as far as its errors have told."""
        self._switch = switch
        self._oem = oem
        self._sequence = 0
        self._error = 0
        self._late = False

    def begin(self) -> None:
        """The line is open anew: no answer is owed."""
        self._late = False

    async def status(self) -> Answer:
        """`Q`: whether it is ready, and the last error. Only here the ready bit counts."""
        answer = await self._query("Q", protocol.parse_empty)
        self._note(answer)
        return answer

    def take_error(self) -> int:
        """The last error since this was asked last, or since a command string was executed, whoever has asked for the
        status: an error is told once only."""
        error, self._error = self._error, 0
        return error

    async def report(self, command: str, parse: Callable[[str], T]) -> T:
        """A report's data. An error in its status is not the report's."""
        return await self._query(command, lambda middle: parse(protocol.parse(middle).data))

    async def position(self) -> int:
        """Of the plunger, in the increments that are set."""
        return await self.report("?", protocol.number)

    async def run(self, text: str) -> str:
        """Execute a command string. When the answer is lost, what follows will tell: gives what to say then.

        Raises InstrumentError for what the pump refuses at once.
        """
        self._error = 0
        try:
            answer = await self._exchange(f"{text}R", protocol.parse)
        except (NoReply, GarbledReply) as error:
            _log.warning("%s; its status will tell whether it is carried out", error)
            return f"; the answer to {text!r} was lost ({error})"
        self._note(answer)
        if answer.error:
            raise self.refused(answer.error, f" to {text!r}")
        return ""

    async def terminate(self) -> None:
        """`T`: the plunger stops at once, a valve on its way arrives. It may be repeated."""
        await self._query("T", protocol.parse)

    async def until_ready(self) -> Answer:
        """Wait for what takes no time worth mention, or for a valve to arrive."""
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + _SOON_S, _FIRST_POLL_S
        while not (status := await self.status()).ready:
            if loop.time() > deadline:
                raise InstrumentError(f"{self.line}: it is still busy after {_SOON_S:g} s")
            await asyncio.sleep(pause)
            pause *= 2
        return status

    async def set_up(self) -> None:
        """Set fine increments, and find out whether it is initialized: a move by nothing is refused when it is not.

        Both may be repeated. Raises InstrumentError for any other error.
        """
        self.initialized = True
        for text in ("N1R", "P0R"):
            answer = await self._query(text, protocol.parse)
            self._note(answer)
            status = await self.until_ready()
            for error in (answer.error, status.error):
                if error not in (0, NOT_ALLOWED, *UNREADY):
                    raise self.refused(error, f" to {text!r}")

    def refused(self, error: int, more: str = "") -> InstrumentError:
        """An error of the pump, by name."""
        name, advice = ERRORS[error]
        return InstrumentError(f"{self.line}: error {error}: {name}{more}{f': {advice}' if advice else ''}")

    def check_initialized(self) -> None:
        """Raises InstrumentError when it is known not to be."""
        if not self.initialized:
            raise self.refused(NOT_INITIALIZED)

    async def _query(self, text: str, parse: Callable[[bytes], T]) -> T:
        """Ask; asked again when the answer is lost."""
        for _ in range(self.line.retries):
            try:
                return await self._exchange(text, parse)
            except (NoReply, GarbledReply) as error:
                _log.warning("%s; asking again", error)
        return await self._exchange(text, parse)

    async def _exchange(self, text: str, parse: Callable[[bytes], T]) -> T:
        """Say something and get the answer. An answer does not tell what it answers: one that is late is awaited first,
        lest it be taken for another's."""
        if self._late:
            with contextlib.suppress(NoReply, GarbledReply):
                await self.line.next_frame()
            self._late = False
        try:
            return await self.line.command(self._request(text), parse)
        except NoReply:
            self._late = True
            raise

    def _note(self, answer: Answer) -> None:
        self._error = answer.error or self._error
        if answer.error in UNREADY:
            self.initialized = False

    def _request(self, text: str) -> bytes:
        if self._oem:
            self._sequence = self._sequence % 7 + 1
        return protocol.request(self._switch, text, self._sequence)
