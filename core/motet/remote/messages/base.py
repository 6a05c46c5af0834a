"""What all messages have in common, and how one that comes is read.

Whoever receives one validates it with `read`; nothing in it is evaluated.
"""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, TypeAdapter, ValidationError

from motet.errors import GarbledReply

PROTOCOL = 1
"""The version of the protocol that this Motet speaks."""
MOST_BYTES = 262_144
"""The largest message that is sent; longer results come in parts."""

T = TypeVar("T")
Text = Annotated[str, Field(max_length=10_000)]
Id = Annotated[str, Field(min_length=1, max_length=200)]


def _from_words(found: object) -> object:
    match found:
        case {"$float": str(word)}:
            return float(word)
        case _:
            return found


def _to_words(value: object) -> object:
    return {"$float": repr(value)} if isinstance(value, float) and not math.isfinite(value) else value


Scalar = Annotated[
    bool | int | Annotated[float, Field(allow_inf_nan=True)] | str,
    BeforeValidator(_from_words),
    PlainSerializer(_to_words),
]
"""A parameter or an output; NaN and infinities are written `{"$float": "nan"}`."""


class Body(BaseModel):
    """A part of a message: frozen, strict, no unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Sent(Body):
    """Any message."""

    motet: Literal[1] = PROTOCOL
    """The version of the protocol."""

    def payload(self) -> bytes:
        """The message as it is sent."""
        return self.model_dump_json().encode()


def read(payload: bytes, model: "type[T] | TypeAdapter[T]", most: int = 4 * MOST_BYTES) -> T:
    """A message as it came. Raises GarbledReply that says what is wrong with it: too long, no JSON, another version of
    the protocol, or not of that form."""
    if len(payload) > most:
        raise GarbledReply(f"a message of {len(payload)} bytes; at most {most} are read")
    try:
        if isinstance(model, TypeAdapter):
            return model.validate_json(payload)
        return cast("T", cast("type[BaseModel]", model).model_validate_json(payload))
    except ValidationError as error:
        version = peek(payload).get("motet")
        if version is not None and version != PROTOCOL:
            raise GarbledReply(f"it speaks version {version!r} of the protocol, this Motet {PROTOCOL}") from None
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "message"
        raise GarbledReply(f"{where}: {first['msg']} ({len(payload)} bytes)") from None


def clean(text: str) -> str:
    """Text without the halves of characters that a garbled line may leave in it: no message can hold them."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def peek(payload: bytes) -> Mapping[str, Any]:
    """The JSON object in a message that may be anything; empty when it is none."""
    try:
        found: object = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}
