"""Conversation with an instrument described in YAML: commands acknowledged, questions answered, errors by name."""

import asyncio
import re
from collections.abc import Mapping

from motet.errors import GarbledReply, InstrumentError
from motet.files.arithmetic import evaluate
from motet.files.described import Command, Described, Query, Until, ValueOf
from motet.files.described.variables import Written, places
from motet.files.templates import Kind, Value, template
from motet.lines import Line

_FIRST_POLL_S, _LONGEST_POLL_S, _GROWTH = 0.02, 0.5, 1.4
"""Lab seconds before the second look; between two looks at the most; how pauses grow."""


class Stopped(InstrumentError):
    """It was stopped while it did something."""


class Dialogue:
    """One instrument on its line. `stops` counts how often it was stopped."""

    def __init__(self, described: Described, line: Line, scale: float) -> None:
        self._described = described
        self._line = line
        self._scale = scale
        self.stops = 0

    def stopped(self) -> None:
        """It is being stopped: whoever waits for it waits no longer."""
        self.stops += 1

    def check(self, stops: int, what: str) -> None:
        """Raises Stopped when it was stopped since it had been so often."""
        if self.stops != stops:
            raise Stopped(f"{self._line}: {what} was stopped before it was done")

    async def tell(self, command: Command, values: Mapping[str, Value], *, safely: bool) -> None:
        """Send a command, its acknowledgement checked, or its error queue read.

        `safely`: it may be sent again when the answer is lost. Raises InstrumentError when it is refused.
        """
        text = template(command.command).filled(values)
        expected = self._described.expects(command)
        exchange = self._line.query if safely else self._line.command
        if expected is not None:
            await exchange(self._sent(text), lambda frame: self._acknowledged(frame, expected, text))
        elif self._described.error_query is None:
            await self._line.send(self._sent(text))
        else:
            query = self._described.error_query.query
            await exchange(self._sent(text) + self._sent(query), lambda frame: self._queue_empty(frame, text))

    async def ask(self, query: Query, own: str, value: ValueOf | None) -> dict[str, Value]:
        """The values in a reply, by place. Raises InstrumentError when the instrument refuses."""
        return await self._line.query(self._sent(query.query), lambda frame: self.parse(query, own, value, frame))

    def parse(self, query: Query, own: str, value: ValueOf | None, frame: bytes) -> dict[str, Value]:
        """The values in one reply. Raises InstrumentError for a refusal, GarbledReply for what is no reply to it."""
        return self._read(query, places(query, own, value), self._text(frame))

    async def wait(self, what: str, until: Until, numbers: Mapping[str, float], stops: int) -> None:
        """Ask until it says that it is done.

        Raises InstrumentError when it says that it failed, was stopped, or is not done after the longest time.
        """
        try:
            longest = evaluate(until.longest, numbers)
        except ValueError as error:
            raise InstrumentError(f"{self._line}: {what}: {error}") from None
        loop = asyncio.get_running_loop()
        started, pause = loop.time(), _FIRST_POLL_S / self._scale
        (place,) = template(until.reply).names
        while True:
            self.check(stops, what)
            state = str((await self.ask(until, "", None))[place])
            self.check(stops, what)
            if state in until.done_words:
                return
            if state in until.failed:
                raise InstrumentError(
                    f"{self._line}: {what} failed: {until.query} gives {state} ({until.failed[state]})"
                )
            if loop.time() - started > longest / self._scale:
                raise InstrumentError(
                    f"{self._line}: {what} is not done after {longest:g} s: {until.query} gives {state}"
                )
            await asyncio.sleep(pause)
            pause = min(pause * _GROWTH, _LONGEST_POLL_S / self._scale)

    def _sent(self, text: str) -> bytes:
        return (text + self._described.terminators.send).encode("latin-1")

    def _text(self, frame: bytes) -> str:
        if any(byte < 0x20 or byte > 0x7E for byte in frame):
            raise GarbledReply(f"{frame!r} is no line of text")
        return frame.decode("ascii")

    def _acknowledged(self, frame: bytes, expected: str, command: str) -> None:
        text = self._text(frame)
        if text == expected:
            return
        self._raise_refusal(text, command)
        raise GarbledReply(f"{text!r}; {expected!r} is expected")

    def _queue_empty(self, frame: bytes, command: str) -> None:
        """The error query's reply, after a command."""
        asked = self._described.error_query
        assert asked is not None
        found = self._read(asked, places(asked, "", None), self._text(frame))
        code = str(found["code"])
        if code != asked.none:
            text = str(found.get("text", ""))
            name = asked.codes.get(code, "")
            raise InstrumentError(f"{self._line}: {command} was refused: {_error(code, text, name)}")

    def _read(self, query: Query, written: Mapping[str, Written], text: str) -> dict[str, Value]:
        match = _pattern(query, written).fullmatch(text)
        if text == query.query:
            raise GarbledReply(f"{text!r} is the question itself: does the line echo?")
        if match is None:
            self._raise_refusal(text, query.query)
            raise GarbledReply(f"{text!r} is not of the form {query.reply!r}")
        try:
            return {name: how.read(match[name]) for name, how in written.items()}
        except ValueError as error:
            raise GarbledReply(f"{text!r} is not of the form {query.reply!r}: {error}") from None

    def _raise_refusal(self, text: str, request: str) -> None:
        """Raises InstrumentError where the reply is one of the instrument's own refusals."""
        errors = self._described.errors
        if errors is None:
            return
        reply = template(errors.reply)
        known = {"code": tuple(errors.codes)} if reply.text == "{code}" else {}  # else every reply would be an error
        match = reply.pattern({}, known).fullmatch(text)
        if match is not None:
            found = match.groupdict()
            error = _error(found["code"], found.get("text") or "", errors.codes.get(found["code"], ""))
            raise InstrumentError(f"{self._line}: {request} was refused: {error}")


def _error(code: str, text: str, name: str) -> str:
    words = f": {text}" if text else ""
    return f"error {code}{words}{f' ({name})' if name else ''}"


def _pattern(query: Query, written: Mapping[str, Written]) -> "re.Pattern[str]":
    if query.pattern is not None:
        return re.compile(query.pattern)
    kinds: dict[str, Kind] = {name: how.kind for name, how in written.items()}
    words = {name: tuple(how.words) for name, how in written.items() if how.words}
    return template(query.reply).pattern(kinds, words)
