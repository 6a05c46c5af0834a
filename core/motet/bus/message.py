"""Messages, topics and the JSON they carry."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Message:
    """What came on a topic. `retain` says that it was kept by the broker and is not news."""

    topic: str
    payload: bytes
    retain: bool = False

    def json(self) -> Mapping[str, Any]:
        """The payload as a JSON object. Raises ValueError when it is none."""
        found: object = json.loads(self.payload)
        if not isinstance(found, dict):
            raise ValueError(f"found {type(found).__name__}; a JSON object is needed")
        return cast("dict[str, Any]", found)


Handler = Callable[[Message], None]


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
