"""A node on MQTT that speaks JSON (an ESP32 or Arduino of the lab's own), described in the lab file.

What it does and tells is stated in its options: verbs with the message that is published and the reply that tells that
it is done, signals with the topic and path of their values, an availability topic for its last will, messages that stop
it and make it safe. See `motet_drivers.mqtt_json.options`. Where the node copies an id from a request to its reply
(`request_id`), a reply is known by it, and one that was delivered twice does no harm; otherwise the next reply counts.
"""

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel

from motet.bus import Message
from motet.devices import Context, Device, Identity, Limit, Output, VerbSpec, Verified
from motet.devices.signals import Dtype
from motet.devices.verbs import ArgumentSpec
from motet.errors import GarbledReply, InstrumentError, NoReply, ProcedureError, Retryable
from motet_drivers.mqtt_exchange import Exchange
from motet_drivers.mqtt_json.node import Node
from motet_drivers.mqtt_json.options import TYPES, Do, Options, Request, Signal, Value
from motet_drivers.mqtt_presence import Presence

__all__ = ["MqttJson", "Options"]

T = TypeVar("T")
_log = logging.getLogger(__name__)
_DTYPES: Mapping[str, Dtype] = {
    "number": "number", "integer": "integer", "text": "string", "boolean": "boolean", "array": "array",
}  # fmt: skip


@dataclass
class _Latest:
    """The newest value that a signal's node told of itself."""

    value: Any = None
    at: float = float("-inf")
    """When it came, loop time."""
    outdated: bool = True
    """Whether it is from before what was done last."""
    waiting: list[asyncio.Future[None]] = field(default_factory=list[asyncio.Future[None]])

    def take(self, value: Any, at: float) -> None:
        """A new value."""
        self.value, self.at, self.outdated = value, at, False
        for future in self.waiting:
            if not future.done():
                future.set_result(None)
        self.waiting.clear()


class MqttJson(Device):
    """A node with the verbs and signals that its options state.

    `stop` publishes the message of the option `stop`; a verb that is running ends with InstrumentError. `safe`
    publishes the message of the option `safe`, or does what `stop` does.
    """

    states: ClassVar[Mapping[str, str]] = {"online": "connected", "offline": "not connected, by its last will"}
    forgets: ClassVar[tuple[str, ...]] = ("what the node did meanwhile: read it",)
    verified: ClassVar[Verified] = Verified(manuals=("MQTT 3.1.1; the protocol above it is the lab file's",))

    def __init__(self, context: Context) -> None:
        options = context.options
        assert isinstance(options, Options)
        for name, verb in options.verbs.items():
            setattr(self, name, partial(self._do, name, verb))
        for name in options.signals:
            setattr(self, f"get_{name}", partial(self._read, name))
        super().__init__(context)
        self._options = options
        self._node = Node(options, context.topic, self.name)
        self._exchange = Exchange(self.name, context.need_bus(), self._hear)
        self._scale = context.scale
        self._session, self._numbers = secrets.token_hex(4), itertools.count(1)
        self._identity = Identity("", context.topic)
        self._latest = {name: _Latest() for name in options.signals}
        self._said: Message | None = None
        self._introduced = asyncio.Event()
        self._presence = Presence(f"{self.name}: the node at {context.topic}")

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """The verbs that the options state."""
        assert isinstance(options, Options)
        return {name: _spec(name, verb) for name, verb in options.verbs.items()}

    @classmethod
    def signals_for(cls, options: BaseModel) -> Mapping[str, Output]:
        """The signals that the options state."""
        assert isinstance(options, Options)
        return {name: _output(signal) for name, signal in options.signals.items()}

    async def open(self) -> None:
        """Listen, and ask who is there, where the options say how. Nothing is set in motion.

        Raises NoReply or LineLost when nobody is, ConnectionProblem when it is another node than the lab file says.
        """
        self._presence.forget()
        self._said = None
        self._introduced.clear()
        self._outdate()
        await self._exchange.open(*self._node.heard())
        try:
            await self._presence.greet(self._identify, self._options.timeout)
        except BaseException:
            await self._exchange.close()
            raise

    async def close(self) -> None:
        """Listen no more; the node goes on as it was told."""
        await self._exchange.close()

    async def stop(self, success: bool = True) -> None:
        """Publish the message that stops the node; a verb that is running ends with InstrumentError."""
        self._exchange.fail(InstrumentError(f"{self.name}: stopped before it was done"))
        await self._publish(self._options.stop)

    async def safe(self) -> None:
        """Publish the message that makes the node safe, or stop it."""
        if self._options.safe is None:
            await self.stop()
        else:
            self._exchange.fail(InstrumentError(f"{self.name}: stopped before it was done"))
            await self._publish(self._options.safe)

    async def identity(self) -> str:
        """Maker, model, serial number and firmware as the node gives them, else its topic."""
        return str(self._identity)

    async def _do(self, name: str, verb: Do, **given: Any) -> Mapping[str, Any]:
        arguments = self._arguments(name, verb, given)
        request_id = self._next_id()
        payload = self._node.payload(verb.publish, arguments, request_id)
        topic = self._node.topic(verb.publish.topic)
        self._presence.check()
        try:
            if verb.reply is None:
                await self._exchange.tell(topic, payload)
                return {}
            longest = verb.longest / self._scale + self._options.timeout
            accept = partial(self._node.outcome, name, verb, request_id)
            return await self._exchange.ask(topic, payload, accept, longest, f"{name}: a reply that it is done")
        except (Retryable, asyncio.CancelledError):
            await self._abandon()
            raise
        finally:
            self._outdate()

    def _arguments(self, name: str, verb: Do, given: Mapping[str, Any]) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for key, argument in verb.arguments.items():
            value = given.get(key, argument.default)
            if argument.values and value not in argument.values:
                allowed = ", ".join(argument.values)
                raise ProcedureError(f"{self.name}.{name}: {key} = {value!r}; allowed: {allowed}")
            found[key] = float(value) if argument.type == "number" and value is not None else value
        return found

    async def _read(self, name: str) -> Any:
        """The value of a signal: asked for, or the newest one that is no older than it may be."""
        signal = self._options.signals[name]
        self._presence.check()
        if signal.request is not None:
            return await self._ask(
                signal.request, signal.topic, lambda message: self._node.value(message, signal, name)
            )
        latest, loop = self._latest[name], asyncio.get_running_loop()
        if not self._fresh(latest, signal):
            future: asyncio.Future[None] = loop.create_future()
            latest.waiting.append(future)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._options.timeout):
                    await future
        if not self._fresh(latest, signal):
            age = (loop.time() - latest.at) * self._scale
            newest = "none has come" if latest.value is None else f"the newest is {age:.1f} s old"
            newest += " and from before what was done last" if latest.outdated and latest.value is not None else ""
            topic = self._node.topic(signal.topic)
            raise NoReply(
                f"{self.name}: no value of {name} on {topic} that is at most {signal.max_age:g} s old: {newest}"
            )
        return latest.value

    def _fresh(self, latest: _Latest, signal: Signal) -> bool:
        """Young enough, and younger than what was done last."""
        age = (asyncio.get_running_loop().time() - latest.at) * self._scale
        return not latest.outdated and age <= signal.max_age

    def _outdate(self) -> None:
        """Something was done: what the node told of itself before counts no more."""
        for latest in self._latest.values():
            latest.outdated = True

    async def _identify(self) -> None:
        who = self._options.identity
        if who is None:
            return
        if who.request is not None:
            self._identity = await self._ask(who.request, who.topic, self._node.identity)
        else:
            self._identity = self._node.identity(await self._introduction())
        self._options.check(self.name, self._node.topic(who.topic), self._identity)

    async def _introduction(self) -> Message:
        """What the node has said of itself, retained or soon."""
        if self._said is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._options.timeout):
                    await self._introduced.wait()
        if self._said is None:
            raise NoReply(f"{self.name}: the node did not say who it is within {self._options.timeout:g} s")
        return self._said

    async def _ask(self, request: Request, answer: str, read: Callable[[Message], T]) -> T:
        """Ask, again when no answer came: for what changes nothing."""
        for attempt in range(1, self._options.retries + 1):
            try:
                return await self._ask_once(request, answer, read)
            except (NoReply, GarbledReply) as error:
                _log.warning("%s; asking again (%d of %d)", error, attempt, self._options.retries)
        return await self._ask_once(request, answer, read)

    async def _ask_once(self, request: Request, answer: str, read: Callable[[Message], T]) -> T:
        self._presence.check()
        request_id = self._next_id()

        def accept(message: Message) -> tuple[T] | None:
            return (read(message),) if self._node.concerns(message, answer, request_id) else None

        topic, payload = self._node.topic(request.topic), self._node.payload(request, {}, request_id)
        (found,) = await self._exchange.ask(topic, payload, accept, self._options.timeout)
        return found

    async def _publish(self, request: Request | None) -> None:
        if request is not None:
            payload = self._node.payload(request, {}, self._next_id())
            await self._exchange.tell(self._node.topic(request.topic), payload)
        self._outdate()

    async def _abandon(self) -> None:
        """Nobody waits for the end of it any more: let the node stop, if it hears."""
        with contextlib.suppress(Retryable):
            await self._publish(self._options.stop)

    def _hear(self, message: Message) -> None:
        availability = self._options.availability
        if availability is not None and message.topic == self._node.topic(availability.topic):
            told = self._node.online(availability, message)
            if told is not None:
                self._presence.tell(told)
            if told is False:
                self._exchange.fail(self._presence.error())
        who = self._options.identity
        if who is not None and who.request is None and message.topic == self._node.topic(who.topic):
            self._said = message
            self._introduced.set()
        for name, signal in self._options.signals.items():
            if message.topic != self._node.topic(signal.topic) or message.retain:
                continue
            try:
                value = self._node.value(message, signal, name)
            except GarbledReply as error:
                _log.info("%s", error)
            else:
                self._latest[name].take(value, asyncio.get_running_loop().time())

    def _next_id(self) -> str:
        return f"{self._session}-{next(self._numbers)}"


def _spec(name: str, verb: Do) -> VerbSpec:
    arguments = {
        key: ArgumentSpec(TYPES[argument.type], argument.unit, argument.default is None)
        for key, argument in verb.arguments.items()
    }
    limits = {
        key: Limit(*argument.limits, argument.unit)
        for key, argument in verb.arguments.items()
        if argument.limits is not None
    }
    outputs = {key: _output(value) for key, value in verb.outputs.items()}
    return VerbSpec(name, verb.doc, arguments, outputs, limits, frozenset(), verb.repeatable)


def _output(value: Value) -> Output:
    return Output(value.unit, _DTYPES[value.type])
