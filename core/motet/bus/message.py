"""Messages, topics and the JSON they carry."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from motet.errors import LimitError

MAX_MESSAGE = 4 * 1024 * 1024
"""Bytes of the largest payload: larger ones are not sent, and passed over with a warning when they come."""


@dataclass(frozen=True, slots=True)
class Message:
    """What came on a topic. `retain` says that it was kept by the broker and is not news."""

    topic: str
    payload: bytes
    retain: bool = False

    def json(self) -> Mapping[str, Any]:
        """The payload as a JSON object. Raises ValueError when it is none."""
        try:
            found: object = json.loads(self.payload)
        except RecursionError:
            raise ValueError("its JSON is nested too deeply") from None
        if not isinstance(found, dict):
            raise ValueError(f"found {type(found).__name__}; a JSON object is needed")
        return cast("dict[str, Any]", found)


Handler = Callable[[Message], None]


def encoded(topic: str, payload: bytes | str) -> bytes:
    """A payload in bytes. Raises LimitError when it is larger than `MAX_MESSAGE`."""
    data = payload.encode() if isinstance(payload, str) else payload
    if len(data) > MAX_MESSAGE:
        raise LimitError(
            f"a message of {len(data)} bytes on {topic}: at most {MAX_MESSAGE} are allowed; nothing was sent"
        )
    return data


def matches(topic: str, topic_filter: str) -> bool:
    """Whether a topic is one of a filter's (MQTT 3.1.1, section 4.7).

    `+` stands for one level, `#` at the end for any number of them, the parent itself included. Neither
    stands for a first level that begins with `$`.
    """
    levels, wanted = topic.split("/"), topic_filter.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for place, want in enumerate(wanted):
        if want == "#":
            return True
        if place == len(levels) or want not in ("+", levels[place]):
            return False
    return len(levels) == len(wanted)
