"""What a JSON node says, read as the options state it: values, replies, who it is."""

import json
from collections.abc import Mapping
from typing import Any, cast

from motet.bus import Message
from motet.devices import Identity
from motet.errors import GarbledReply, InstrumentError
from motet_drivers.mqtt_json.options import Availability, Do, Options, Request, Value
from motet_drivers.mqtt_values import MISSING, document, dotted, encoded, filled, number, value_at, with_value


class Node:
    """The topics and payloads of one node. `where` is for errors."""

    def __init__(self, options: Options, topic: str, where: str) -> None:
        self.options = options
        self._topic = topic
        self._where = where

    def topic(self, pattern: str) -> str:
        """A topic of the options as it is on the bus."""
        return pattern.replace("{topic}", self._topic)

    def heard(self) -> tuple[str, ...]:
        """The topics that matter, each once."""
        options = self.options
        topics = [signal.topic for signal in options.signals.values()]
        topics += [verb.reply.topic for verb in options.verbs.values() if verb.reply is not None]
        topics += [part.topic for part in (options.availability, options.identity) if part is not None]
        return tuple(dict.fromkeys(map(self.topic, topics)))

    def payload(self, request: Request, arguments: Mapping[str, Any], request_id: str) -> str:
        """What is sent, with the id where the node wants one."""
        payload = filled(request.payload, arguments)
        if self.options.request_id is not None and isinstance(payload, dict):
            payload = with_value(cast("dict[str, Any]", payload), self.options.request_id, request_id)
        return encoded(request.payload, payload)

    def concerns(self, message: Message, pattern: str, request_id: str) -> bool:
        """Whether a message is on a topic, and not an answer to somebody else."""
        if message.topic != self.topic(pattern):
            return False
        if self.options.request_id is None:
            return True
        return value_at(self._document(message), self.options.request_id) in (request_id, MISSING)

    def outcome(self, name: str, verb: Do, request_id: str, message: Message) -> Mapping[str, Any] | None:
        """The outputs of a verb when a message says that it is done, None when it goes on.

        Raises InstrumentError when it says that it failed, GarbledReply when it is not understood.
        """
        reply = verb.reply
        assert reply is not None, "a verb without a reply is not waited for"
        if not self.concerns(message, reply.topic, request_id):
            return None
        if reply.path:
            found = self._document(message)
            if self.options.request_id and value_at(found, self.options.request_id) is MISSING:
                return None
            told = value_at(found, reply.path)
            if any(_same(told, value) for value in reply.failed):
                why = value_at(found, reply.message) if reply.message else MISSING
                raise InstrumentError(f"{self._where}: {name} failed: {told}{'' if why is MISSING else f': {why}'}")
            if not any(_same(told, value) for value in reply.done):
                return None
        return {key: self.value(message, output, key) for key, output in verb.outputs.items()}

    def value(self, message: Message, value: Value, name: str) -> Any:
        """A value of a message. Raises GarbledReply."""
        where = f"{self._where}: {name} at {dotted(value.path)} of {message.topic}"
        if not value.path and value.type == "text":
            return message.payload.decode("utf-8", "replace")
        found = value_at(document(message.payload, where), value.path)
        match value.type:
            case "number":
                return number(found, where)
            case "integer" if isinstance(found, int) and not isinstance(found, bool):
                return found
            case "boolean" if isinstance(found, bool):
                return found
            case "text" if isinstance(found, str):
                return found
            case "array" if isinstance(found, list):
                return [number(item, where) for item in cast("list[Any]", found)]
            case _:
                what = "nothing is there" if found is MISSING else f"{found!r} is found"
                raise GarbledReply(f"{where}: {what}; a value of type {value.type} is expected")

    def identity(self, message: Message) -> Identity:
        """Who the node says it is. Raises GarbledReply."""
        who = self.options.identity
        assert who is not None, "who does not tell is not asked"
        found = self._document(message)

        def told(path: tuple[str | int, ...] | None) -> str:
            there = value_at(found, path) if path else ""
            if there is MISSING:
                raise GarbledReply(
                    f"{self._where}: {message.topic}: {message.payload[:80]!r} has no {dotted(path or ())}"
                )
            return str(there)

        return Identity(who.maker, told(who.model) or self._topic, told(who.serial_number), told(who.firmware))

    def online(self, availability: Availability, message: Message) -> bool | None:
        """Whether a message says that the node is connected; None when it says neither."""
        text = message.payload.decode("utf-8", "replace")
        told: object = text
        if availability.path:
            try:
                told = value_at(json.loads(text), availability.path)
            except ValueError:
                return None
        if _same(told, availability.online) or told == str(availability.online):
            return True
        return False if _same(told, availability.offline) or told == str(availability.offline) else None

    def _document(self, message: Message) -> Any:
        return document(message.payload, f"{self._where}: {message.topic}")


def _same(found: object, value: object) -> bool:
    """Equal, and both truth values or neither: JSON's true is no 1."""
    return found == value and isinstance(found, bool) is isinstance(value, bool)
