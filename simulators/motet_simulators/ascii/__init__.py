"""An instrument simulated from its description in YAML (`motet.files.described`), that which the driver `ascii` has.

Every place in a command or a reply is a variable: a command sets those in it, a question shows those in its reply. What
takes time, what is measured in the world and what is refused stands under `simulation` of the description.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from motet.contracts.simulation import Clock
from motet.files.described import Argument, Command, Described, Query
from motet.files.described.source import described_in
from motet.files.described.variables import Written, of_argument, places, queries
from motet.files.templates import Kind, Value, template
from motet.simulation.faults import Faults
from motet.simulation.instrument import SimulatedInstrument
from motet_simulators.ascii.state import State

LONGEST_MESSAGE = 1000
MOST_ERRORS = 100
TICKS = 20
"""How often an activity tells the world what it has delivered so far."""
_REFUSED = ("range", "busy", "unknown")


class Options(Faults):
    """The description: in a lab file, left out, that of the driver holds."""

    quantities: dict[str, str] = Field(default_factory=dict[str, str])
    """What quantities of the description are called in the world: `{liquid: salt_ec}`."""

    same_as_driver: ClassVar[tuple[str, ...]] = ("description", "file")

    description: Described | None = None
    """The instrument, described in place."""
    file: Path | None = None
    """The file that describes it."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A command as it is recognised, and how what stands at its places is written and limited."""

    command: Command
    pattern: re.Pattern[str]
    written: Mapping[str, Written]
    arguments: Mapping[str, Argument]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, and how what stands at the places of its reply is written."""

    query: Query
    written: Mapping[str, Written]


class _Refused(Exception):
    """A command that is not taken: `unknown`, `range` or `busy`."""


class Ascii(SimulatedInstrument):
    """An instrument described in YAML. Faults `error`, `stuck`, `stall` and `drift` are its own."""

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self.described = described_in(options.file, options.description)
        ends = self.described.terminators
        self._send_end, self._end = ends.send.encode("latin-1"), ends.receive.encode("latin-1")
        self.__dict__["terminator"] = self._end  # of this description, not of the class
        self.state = State(self.described, world, options.quantities)
        self._errors: deque[tuple[str, str]] = deque(maxlen=MOST_ERRORS)
        self._buffer = b""
        self._questions = {
            query.query: _Asked(query, places(query, own, value)) for _, own, query, value in queries(self.described)
        }
        self._commands = [_known(self.described, command) for command in self.described.commands().values()]
        for quantity, name in self.described.simulation.drives.items():
            self.state.drive(quantity, name, clock.now)

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""
        super().attach(send)
        self._tick()

    def detach(self) -> None:
        """The line is closed; what it does goes on."""
        super().detach()
        self._buffer = b""

    def receive(self, data: bytes) -> None:
        """Bytes from the host: lines of text."""
        *messages, self._buffer = (self._buffer + data).split(self._send_end)
        self._buffer = self._buffer[-LONGEST_MESSAGE:]
        for message in messages:
            self.state.catch_up(self.clock.now())
            text = message.decode("ascii", "replace").strip("\r\n")
            if text:
                self._take(text, message + self._send_end)

    def value(self, name: str) -> Value:
        """A variable as it is, without noise."""
        self.state.catch_up(self.clock.now())
        return self.state.value(name, self.clock.now())

    def _take(self, text: str, request: bytes) -> None:
        asked = self._questions.get(text)
        if asked is not None:
            self._answer(self._shown(asked), request)
            return
        found = next(((known, match) for known in self._commands if (match := known.pattern.fullmatch(text))), None)
        try:
            if found is None:
                raise _Refused("unknown")
            self._carry_out(*found)
        except _Refused as refused:
            self._refuse(str(refused), request)
        else:
            expected = self.described.expects(found[0].command)
            if expected is not None:
                self._answer(expected, request)

    def _carry_out(self, known: _Known, match: re.Match[str]) -> None:
        if self.fault("error") is not None:
            raise _Refused(next((why for why in _REFUSED if self._code(why)), "unknown"))
        values: dict[str, Value] = {}
        for name, written in known.written.items():
            try:
                values[name] = written.read(match[name])
            except ValueError:
                raise _Refused("range") from None
            _check_range(known.arguments[name], values[name])
        self._do(known.command.command, values)

    def _do(self, text: str, values: Mapping[str, Value]) -> None:
        """Set what a command sets, end what it ends and begin what it begins."""
        now, simulation = self.clock.now(), self.described.simulation
        begun = [name for name, activity in simulation.activities.items() if activity.begins == text]
        if any(self.state.running(name) for name in begun):
            raise _Refused("busy")
        self.state.changed()
        for name, activity in simulation.activities.items():
            if text in activity.ends and self.state.running(name):
                self.state.end(name, now)
        for name, value in (*values.items(), *simulation.sets.get(text, {}).items()):
            self.state.set(name, value)
        for name in begun:
            stuck, stalls = self.fault("stuck") is not None, self.fault("stall") is not None
            try:
                self.state.begin(name, now, stuck=stuck, stalls=stalls)
            except ValueError:
                raise _Refused("range") from None
        self.state.changed()
        if begun:
            self._tick()

    def _tick(self) -> None:
        """Tell the world now and then what is delivered, and when something ends."""
        now = self.clock.now()
        ends = self.state.next_end
        if ends <= now:
            self.state.changed()
        self.state.catch_up(now)
        self.state.changed()
        if not self.state.at_rest and self.attached and self.state.next_end != float("inf"):
            left = self.state.next_end - now
            self.later(max(left / TICKS, min(left, 0.1)), self._tick)

    def _shown(self, asked: _Asked) -> str:
        queue = self.described.error_query
        if queue is not None and asked.query is queue:
            code, text = self._errors.popleft() if self._errors else (queue.none, "No error")
            values: dict[str, Value] = {"code": code, "text": text}
        else:
            values = {name: written.write(self._seen(name)) for name, written in asked.written.items()}
        return template(asked.query.reply).filled(values)

    def _seen(self, name: str) -> Value:
        """A variable as the instrument shows it: with its noise, and drifted where it is measured."""
        simulation = self.described.simulation
        value = self.state.value(name, self.clock.now())
        if isinstance(value, str) or (name not in simulation.noise and name not in simulation.reads):
            return value
        return float(value) + self.drift() + self.random.gauss(0.0, simulation.noise.get(name, 0.0))

    def _code(self, why: str) -> str:
        return str(getattr(self.described.simulation.errors, why))

    def _refuse(self, why: str, request: bytes) -> None:
        """Answer or queue the code of a refusal; without codes it is passed over in silence."""
        code, described = self._code(why), self.described
        if described.errors is not None and code:
            values: dict[str, Value] = {"code": code, "text": described.errors.codes.get(code, "")}
            reply = template(described.errors.reply)
            self._answer(reply.filled({name: values.get(name, "") for name in reply.names}), request)
        elif described.error_query is not None and code:
            self._errors.append((code, described.error_query.codes.get(code, why)))

    def _answer(self, text: str, request: bytes) -> None:
        self.answer(text.encode("latin-1", "replace") + self._end, request)


def _known(described: Described, command: Command) -> _Known:
    arguments = {
        name: argument
        for verb in described.verbs.values()
        if any(each.command == command.command for each in verb.send)
        for name, argument in verb.arguments.items()
    }
    text = template(command.command)
    written = {name: of_argument(arguments[name]) for name in text.names}
    kinds: dict[str, Kind] = {name: how.kind for name, how in written.items()}
    words = {name: tuple(how.words) for name, how in written.items() if how.words}
    return _Known(command, text.pattern(kinds, words), written, arguments)


def _check_range(argument: Argument, value: Value) -> None:
    """Refuse what is beyond the argument's own limits, as the instrument would."""
    if isinstance(value, str):
        return
    if (argument.low is not None and value < argument.low) or (argument.high is not None and value > argument.high):
        raise _Refused("range")
