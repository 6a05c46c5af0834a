"""A New Era pump at the other end of a line: asked, set, started and stopped, with its alarms by name.

Alarms are acknowledged by being told in an answer, whoever asked (NE-1000 user manual, publication 1200-01, section
10.3): the last one is kept here, so that it is not lost to the one who waits for it.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from typing import TypeVar

from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, NoReply, Retryable
from motet.lines import Line
from motet_drivers.ne1000 import protocol
from motet_drivers.ne1000.protocol import ALARMS, PROMPTS, REFUSALS, Answer

T = TypeVar("T")
_log = logging.getLogger(__name__)

RUNNING = "IWTUX"
_MOST_STOPS = 4
_STRAY_S = 0.25
"""After an alarm that came by itself, the answer to what was asked comes within this."""


class NewEraPump:
    """One pump on a line. `safe_timeout` is 0 in basic mode, in s of the pump's clock."""

    def __init__(self, line: Line, address: int, safe_timeout: int) -> None:
        self.line = line
        self._alarm: str | None = None
        self._address = address
        self._safe_timeout = safe_timeout

    async def set_mode(self) -> None:
        """Agree on the mode, whichever the pump was left in; it understands a safe packet in both."""
        if not self._safe_timeout:
            try:
                self._note(await self.line.command(self._request("VER"), self._parse))
                return
            except (NoReply, GarbledReply) as error:
                _log.info("%s; it may be in safe mode", error)
        packet = protocol.request(self._address, f"SAF{self._safe_timeout}", safe=True)
        try:
            for _ in range(2):  # the first may be answered with an alarm instead
                answer = await self.line.query(packet, self._parse)
                self._note(answer)
                if answer.alarm is None:
                    return
        except NoReply as error:
            if self._safe_timeout:
                raise
            _log.info("%s; it is not in safe mode either, or not there", error)

    async def set_diameter(self, diameter: float) -> None:
        """Tell it the syringe's, mm, unless it has it, and select phase 1. Raises ConnectionProblem when it pumps with
        another one."""
        text = protocol.number(diameter)
        has = await self.read("DIA", protocol.diameter)
        right = math.isclose(has, float(text))
        if await self.state() not in RUNNING:
            for command in (*(() if right else (f"DIA{text}",)), "PHN1", "FUNRAT"):
                await self.set(command)
        elif not right:
            raise ConnectionProblem(
                f"{self.line}: it is pumping with a syringe of {has:g} mm, the lab file says {text} mm: stop it"
            )

    async def beat(self, scale: float) -> None:
        """In safe mode a pump that hears nothing stops and sounds its alarm: be heard, until cancelled."""
        while True:
            await asyncio.sleep(self._safe_timeout / 3 / scale)
            try:
                await self.ask("")
            except (Retryable, InstrumentError) as error:  # whoever asks next is told; it must go on being heard
                _log.warning("%s", error)

    async def state(self) -> str:
        """Its prompt."""
        return (await self.ask("")).state

    async def counters(self) -> tuple[str, tuple[float, float]]:
        """Its prompt, and what was infused and withdrawn, mL."""
        return await self._repeated("DIS", lambda answer: (answer.state, protocol.dispensed(answer.data)))

    async def set(self, command: str) -> None:
        """Set something; doing it twice is no harm."""
        await self.ask(command, no_data=True)

    async def read(self, command: str, parse: Callable[[str], T]) -> T:
        """The data of an answer. Asked again when they are garbled."""
        return await self._repeated(command, lambda answer: parse(answer.data))

    async def ask(self, command: str, *, no_data: bool = False) -> Answer:
        """Ask, or set. An alarm that is told instead is noted, and it is asked again.

        Raises InstrumentError for a refusal.
        """
        return await self._repeated(command, _without_data if no_data else _as_it_is)

    async def start(self) -> str:
        """`RUN`, once. When the answer is lost, its counters will tell: gives what to say then.

        Raises InstrumentError for an alarm or a refusal.
        """
        try:
            answer = await self.line.command(self._request("RUN"), self._parse)
        except (NoReply, GarbledReply) as error:
            _log.warning("%s; its counters will tell whether it started", error)
            return f"; the answer to its start was lost ({error})"
        self._note(answer)
        if answer.alarm is not None:
            raise self.alarmed(answer.alarm)
        self._check_refusal("RUN", answer)
        return ""

    async def halt(self) -> None:
        """`STP` pauses, once more stops; a stopped pump refuses it. All of it may be repeated."""
        state = ""
        for _ in range(_MOST_STOPS):
            answer = await self.line.query(self._request("STP"), self._parse)
            self._note(answer)
            if answer.alarm is None and (answer.state == "S" or answer.refusal == "NA"):
                return
            state = PROMPTS[answer.state]
        raise InstrumentError(f"{self.line}: it does not stop: it is {state}")

    def take_alarm(self) -> str | None:
        """The last alarm since this was asked last; None without one."""
        alarm, self._alarm = self._alarm, None
        return alarm

    def alarmed(self, alarm: str, more: str = "") -> InstrumentError:
        """An alarm as an error."""
        return InstrumentError(f"{self.line}: alarm A?{alarm}: {ALARMS[alarm]}{more}")

    async def _repeated(self, command: str, use: Callable[[Answer], T]) -> T:
        def parse(frame: bytes) -> tuple[Answer, T | None]:
            answer = self._parse(frame)
            told = answer.alarm is None and answer.refusal is None
            return answer, use(answer) if told else None

        for _ in range(3):
            answer, used = await self.line.query(self._request(command), parse)
            self._note(answer)
            if answer.alarm is None:
                self._check_refusal(command, answer)
                assert used is not None
                return used
            if self._safe_timeout:
                await self._let_go_by()
        raise self.alarmed(self.take_alarm() or "E")

    async def _let_go_by(self) -> None:
        """In safe mode an alarm comes by itself too: the answer to what was asked may still be on its way."""
        with contextlib.suppress(TimeoutError, NoReply, GarbledReply):
            async with asyncio.timeout(_STRAY_S):
                await self.line.next_frame()

    def _request(self, command: str) -> bytes:
        return protocol.request(self._address, command, safe=self._safe_timeout > 0)

    def _parse(self, frame: bytes) -> Answer:
        answer = protocol.parse(frame, self._address)
        if answer.refusal == "COM":
            raise GarbledReply(f"?COM: {REFUSALS['COM']}")
        return answer

    def _note(self, answer: Answer) -> None:
        if answer.alarm is not None:
            _log.warning("%s: alarm A?%s: %s", self.line, answer.alarm, ALARMS[answer.alarm])
            self._alarm = answer.alarm

    def _check_refusal(self, command: str, answer: Answer) -> None:
        if answer.refusal is not None:
            raise InstrumentError(
                f"{self.line}: {command!r} is refused while it is {PROMPTS[answer.state]}: "
                f"?{answer.refusal}: {REFUSALS[answer.refusal]}"
            )


def _as_it_is(answer: Answer) -> Answer:
    return answer


def _without_data(answer: Answer) -> Answer:
    if answer.data:
        raise GarbledReply("no data are expected")
    return answer
