"""Any instrument that speaks lines of text (SCPI or its own), wholly described in YAML: no code.

The description (`motet.files.described`) stands in the lab file (`options: {description: ...}`) or in a file of its own
(`options: {file: pump.yaml}`, relative to the lab file). It says what is sent and answered; this driver does what every
driver does with it: identity compared, limits kept, commands acknowledged, errors by name, waiting with a stated
longest time, stop in the middle.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, model_validator

from motet.devices import Context, Device, Expected, Identity, Limit, Output, VerbSpec, Verified
from motet.devices.verbs import ArgumentSpec
from motet.errors import ConnectionProblem, FileProblems, InstrumentError, ProcedureError, Retryable
from motet.files.described import Command, Described, Result, Signal, Verb
from motet.files.described.source import described_in
from motet.files.described.variables import of_argument
from motet.files.templates import Value, template
from motet.lines import Framing, Terminated
from motet_drivers.ascii.dialogue import Dialogue

_TYPES: Mapping[str, type] = {"number": float, "integer": int, "string": str, "boolean": bool}


class Options(Expected):
    """The description of the instrument, in place or in a file, and which one it must be."""

    description: Described | None = None
    """The instrument, described in place."""
    file: Path | None = None
    """The file that describes it, relative to the lab file."""

    @model_validator(mode="after")
    def _described(self) -> "Options":
        try:
            described_in(self.file, self.description)
        except FileProblems as error:
            raise ValueError("; ".join(map(str, error.problems))) from None
        return self

    @property
    def described(self) -> Described:
        """The instrument."""
        return described_in(self.file, self.description)


class Ascii(Device):
    """An instrument described in YAML. `stop` and `safe` send what its description says; without, nothing moves."""

    framing: ClassVar[Terminated] = Terminated(b"\r\n")
    verified: ClassVar[Verified] = Verified(
        manuals=("that which the description names",),
        drivers=("devices of pyvisa-sim 0.7.1, over TCP",),
    )

    def __init__(self, context: Context) -> None:
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._described = described = options.described
        self._line = context.need_line()
        self._dialogue = Dialogue(described, self._line, context.scale)
        self._identity = ""
        self._using = asyncio.Lock()
        self._last_stop = described.stop
        for name, signal in described.signals.items():
            setattr(self, f"get_{name}", partial(self._get, name, signal))
        for name, verb in described.verbs.items():
            setattr(self, name, partial(self._run, name, verb))
        super().__init__(context)

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """The verbs that the description states."""
        assert isinstance(options, Options)
        described = options.described
        return {name: _spec(name, verb, described) for name, verb in described.verbs.items()}

    @classmethod
    def signals_for(cls, options: BaseModel) -> Mapping[str, Output]:
        """The signals that the description states."""
        assert isinstance(options, Options)
        return {name: Output(signal.unit, signal.dtype) for name, signal in options.described.signals.items()}

    @classmethod
    def framing_for(cls, options: BaseModel) -> Framing:
        """Lines that end as the description states."""
        assert isinstance(options, Options)
        return Terminated(options.described.terminators.receive.encode("latin-1"))

    @classmethod
    def line_for(cls, options: BaseModel) -> dict[str, Any]:
        """Settings of the line that the description states."""
        assert isinstance(options, Options)
        return options.described.line.model_dump(exclude_unset=True)

    async def open(self) -> None:
        """Open the line and make sure that the right instrument answers. Nothing is sent but its identity query.

        Raises ConnectionProblem for another instrument, NoReply or GarbledReply when something else or nothing answers.
        """
        await self._line.open()
        try:
            await self._identify()
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back. The instrument stays as it is."""
        await self._line.close()

    async def identity(self) -> str:
        """What its identity query tells."""
        return self._identity

    async def stop(self, success: bool = True) -> None:
        """Send what the description says under `stop`. A verb that is running ends with InstrumentError."""
        await self._end(self._described.stop)

    async def safe(self) -> None:
        """Send what the description says under `safe`, or else under `stop`. A verb that is running ends."""
        await self._end(self._described.stop if self._described.safe is None else self._described.safe)

    async def _end(self, commands: tuple[Command, ...]) -> None:
        self._dialogue.stopped()
        self._last_stop = commands
        for command in commands:
            await self._dialogue.tell(command, {}, safely=True)

    async def _identify(self) -> None:
        described = self._described
        found = await self._dialogue.ask(described.identity, "", None)
        maker, model = str(found.get("maker", described.maker)), str(found.get("model", described.model))
        identity = Identity(maker, model, str(found.get("serial_number", "")), str(found.get("firmware", "")))
        if model != described.model or maker != described.maker:
            raise ConnectionProblem(
                f"{self.name}: {identity} answers at {self._line}; "
                f"the description is of {Identity(described.maker, described.model)}"
            )
        self._options.check(self.name, self._line, identity)
        self._identity = str(identity)

    async def _get(self, name: str, signal: Signal) -> Value:
        return (await self._dialogue.ask(signal, name, signal))[name]

    async def _run(self, name: str, verb: Verb, **given: Value) -> Mapping[str, Value]:
        """Do what a verb says. Raises InstrumentError for a refusal, a failure, a stop, or when it takes too long."""
        values = self._arguments(name, verb, given)
        stops = self._dialogue.stops
        async with self._using:
            try:
                for command in verb.send:
                    written = {key: of_argument(verb.arguments[key]).write(values[key]) for key in _names(command)}
                    self._dialogue.check(stops, name)
                    await self._dialogue.tell(command, written, safely=verb.repeatable)
                if verb.until is not None:
                    numbers = {key: float(value) for key, value in values.items() if not isinstance(value, str)}
                    await self._dialogue.wait(name, verb.until, numbers, stops)
                self._dialogue.check(stops, name)
            except BaseException:
                if self._dialogue.stops != stops:
                    if verb.repeatable:  # where an answer was lost a command may have been sent again after the stop
                        await self._halt(self._last_stop)
                elif verb.until is not None:
                    await self._halt(self._described.stop)
                raise
            found = {key: await self._result(key, result) for key, result in verb.outputs.items()}
            self._dialogue.check(stops, name)
            return found

    async def _result(self, key: str, result: Result | str) -> Value:
        if isinstance(result, str):
            return await self._get(result, self._described.signals[result])
        return (await self._dialogue.ask(result, key, result))[key]

    async def _halt(self, commands: tuple[Command, ...]) -> None:
        """Whatever went wrong while it did something, also a cancellation: nothing is left moving."""
        with contextlib.suppress(InstrumentError, Retryable):  # the first error says more
            for command in commands:
                await self._dialogue.tell(command, {}, safely=True)

    def _arguments(self, name: str, verb: Verb, given: Mapping[str, Value]) -> dict[str, Value]:
        """Every argument with its value, limits and choices checked."""
        values: dict[str, Value] = {}
        for key, argument in verb.arguments.items():
            value = given.get(key, argument.default)
            if value is None:
                raise ProcedureError(f"{self.name}.{name} needs the argument {key!r}")
            if argument.choices and value not in argument.choices:
                allowed = ", ".join(argument.choices)
                raise ProcedureError(f"{self.name}.{name}: {key} = {value!r} is none of: {allowed}")
            values[key] = value
        self.verbs[name].check(values)
        return values


def _names(command: Command) -> tuple[str, ...]:
    return template(command.command).names


def _spec(name: str, verb: Verb, described: Described) -> VerbSpec:
    arguments: dict[str, ArgumentSpec] = {}
    limits: dict[str, Limit] = {}
    for key, argument in verb.arguments.items():
        arguments[key] = ArgumentSpec(_TYPES[argument.type], argument.unit, argument.default is None)
        if argument.low is not None or argument.high is not None:
            low = -float("inf") if argument.low is None else argument.low
            high = float("inf") if argument.high is None else argument.high
            limits[key] = Limit(low, high, argument.unit)
    outputs: dict[str, Output] = {}
    for key, result in verb.outputs.items():
        value = described.signals[result] if isinstance(result, str) else result
        outputs[key] = Output(value.unit, value.dtype)
    doc = verb.doc or f"Send {', '.join(command.command for command in verb.send) or 'its questions'}."
    return VerbSpec(name, doc, arguments, outputs, limits, frozenset(), verb.repeatable)
