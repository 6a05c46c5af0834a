"""Options of a JSON node on MQTT: its topics, payloads and values, as the lab file states them.

In topics `{topic}` stands for the lab's `topic:`. In payloads a text that is just `{argument}` stands for the
argument's value, a number as a number; within a longer text it is put in as text. A payload that is a text is sent as
it is, any other as JSON.
"""

import re
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from motet.devices import Device, Expected
from motet.files.units import problem
from motet_drivers.mqtt_values import Path, SomePath


def _known(unit: str) -> str:
    if unit and (mistake := problem(unit)):
        raise ValueError(mistake)
    return unit


Unit = Annotated[str, AfterValidator(_known)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Topic = Annotated[str, Field(min_length=1)]
Scalar = str | bool | int | float
TYPES = {"number": float, "integer": int, "text": str, "boolean": bool}
TAKEN = frozenset(dir(Device)) | {"context", "limits", "verbs", "parent"}
"""Names that a verb or a signal cannot have."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Request(_Part):
    """A message to the node."""

    topic: Topic = "{topic}/command"
    payload: JsonValue = Field(default={})


class Reply(_Part):
    """How the node says that it has done something."""

    topic: Topic = "{topic}/reply"
    path: Path = ()
    """Where in it is how it went; left out with `done`: any message on the topic says that it is done."""
    done: tuple[Scalar, ...] = ()
    """What stands there when it is done."""
    failed: tuple[Scalar, ...] = ()
    """What stands there when it could not be done. Anything else: it goes on."""
    message: SomePath | None = None
    """Where the reason of a failure is."""

    @field_validator("done", "failed", mode="before")
    @classmethod
    def _one_or_several(cls, found: object) -> object:
        return cast("list[object]", found) if isinstance(found, list | tuple) else (found,)

    @model_validator(mode="after")
    def _told_apart(self) -> "Reply":
        if bool(self.path) != bool(self.done) or (self.failed and not self.path):
            raise ValueError("path and done go together: where to look, and what stands there when it is done")
        return self


class Argument(_Part):
    """What a verb takes."""

    type: Literal["number", "integer", "text", "boolean"] = "number"
    unit: Unit = ""
    limits: tuple[float, float] | None = None
    """The node's own range of a number, in its unit."""
    values: tuple[str, ...] = ()
    """The texts that are allowed; left out: any."""
    default: Scalar | None = None
    """Its value when it is left out; without one it must be given."""

    @model_validator(mode="after")
    def _range(self) -> "Argument":
        numeric = self.type in ("number", "integer")
        if self.limits is not None and (not numeric or self.limits[0] >= self.limits[1]):
            raise ValueError(f"limits = {list(self.limits)} of a {self.type}: a lower and a higher number are needed")
        if self.values and self.type != "text":
            raise ValueError(f"values are for texts; this is a {self.type}")
        return self


class Value(_Part):
    """A value in a message."""

    path: Path = ()
    """Where it is; left out: the message is the value."""
    type: Literal["number", "integer", "text", "boolean", "array"] = "number"
    unit: Unit = ""


class Do(_Part):
    """A verb."""

    doc: str = ""
    arguments: dict[Name, Argument] = Field(default={})
    publish: Request = Request()
    reply: Reply | None = None
    """What tells that it is done; left out: it is done when the broker has the message."""
    outputs: dict[Name, Value] = Field(default={})
    """Values in the reply."""
    longest: float = Field(default=10.0, gt=0)
    """Longest time that it takes, s."""
    repeatable: bool = False
    """Whether it may be done again by itself, after a pause or a fault."""

    @model_validator(mode="after")
    def _complete(self) -> "Do":
        if self.outputs and self.reply is None:
            raise ValueError("outputs are in a reply, and none is stated")
        unknown = sorted(placeholders(self.publish.payload) - self.arguments.keys())
        if unknown:
            raise ValueError(
                f"the payload names {', '.join(unknown)}; arguments: {', '.join(self.arguments) or 'none'}"
            )
        return self


class Signal(Value):
    """A value that the node tells of itself, or when it is asked."""

    topic: Topic = "{topic}/state"
    request: Request | None = None
    """What it is asked with; left out: the newest value counts."""
    max_age: float = Field(default=60.0, gt=0)
    """How old the newest value may be, s; when it is older, one is waited for as long as `timeout`."""

    @model_validator(mode="after")
    def _one_value(self) -> "Signal":
        if self.type == "array":
            raise ValueError("a signal is one value; arrays are for the outputs of verbs")
        return self


class Availability(_Part):
    """Where the node, or the broker for it, says whether it is connected."""

    topic: Topic = "{topic}/availability"
    path: Path = ()
    online: Scalar = "online"
    offline: Scalar = "offline"


class Who(_Part):
    """Where the node says who it is."""

    topic: Topic = "{topic}/reply"
    request: Request | None = None
    """What it is asked with; left out: what it has said, retained or within `timeout`."""
    maker: str = ""
    model: SomePath | None = None
    serial_number: SomePath | None = None
    firmware: SomePath | None = None


class Options(Expected):
    """What the node understands and tells."""

    verbs: dict[Name, Do] = Field(default={})
    signals: dict[Name, Signal] = Field(default={})
    availability: Availability | None = None
    identity: Who | None = None
    request_id: SomePath | None = None
    """Where requests and replies carry an id; left out: one exchange at a time, and the next reply counts."""
    stop: Request | None = None
    """What makes the node stop, at once."""
    safe: Request | None = None
    """What makes the node safe to be left alone; left out: `stop`."""
    timeout: float = Field(default=2.0, gt=0)
    """Longest wait for an answer, beside the time that a verb takes, s."""
    retries: int = Field(default=2, ge=0)
    """How often a question is asked again when no answer came."""

    @model_validator(mode="after")
    def _consistent(self) -> "Options":
        names = [*self.verbs, *self.signals]
        taken = sorted(set(names) & TAKEN | {name for name in names if names.count(name) > 1})
        if taken:
            raise ValueError(f"{', '.join(taken)} cannot be the name of a verb or signal: it is taken already")
        told = (self.serial_number, self.firmware)
        if self.identity is None and told != (None, None):
            raise ValueError("serial_number and firmware need `identity`: where the node tells them")
        if self.request_id is not None:
            plain = [
                key for key, verb in self.verbs.items() if verb.reply and not isinstance(verb.publish.payload, dict)
            ]
            if plain:
                raise ValueError(f"request_id needs payloads that are JSON objects; that of {', '.join(plain)} is none")
        return self


def placeholders(template: Any) -> frozenset[str]:
    """The names of the arguments that a payload has places for."""
    if isinstance(template, str):
        return frozenset(re.findall(r"\{(\w+)\}", template))
    if isinstance(template, dict):
        template = list(cast("dict[str, Any]", template).values())
    parts = cast("list[Any]", template) if isinstance(template, list) else []
    return frozenset(name for part in parts for name in placeholders(part))
