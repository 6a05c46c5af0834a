"""Values in JSON payloads: where they are, and what they are."""

import json
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field

from motet.errors import GarbledReply


def _split(path: object) -> object:
    """`ENERGY.Power.0` as its parts. A key that has a dot in it needs the list."""
    if isinstance(path, str):
        return [int(part) if part.isdigit() else part for part in path.split(".")] if path else []
    return path


Path = Annotated[tuple[str | int, ...], BeforeValidator(_split)]
"""Where in a JSON document a value is: keys and places in lists, joined by dots or as a list. Empty: all of it."""
SomePath = Annotated[Path, Field(min_length=1)]
MISSING = object()


def document(payload: bytes, where: str) -> Any:
    """A payload as JSON. Raises GarbledReply."""
    try:
        return json.loads(payload)
    except ValueError as error:
        raise GarbledReply(f"{where}: {payload[:80]!r} is no JSON: {error}") from error


def value_at(found: object, path: tuple[str | int, ...]) -> Any:
    """What is at a path of a document, MISSING where nothing is."""
    for part in path:
        if isinstance(part, int) and isinstance(found, list):
            items = cast("list[Any]", found)
            found = items[part] if part < len(items) else MISSING
        elif isinstance(found, dict):
            entries = cast("dict[str, Any]", found)
            found = entries.get(str(part), MISSING)
        else:
            return MISSING
    return found


def number(found: object, where: str) -> float:
    """A value as a finite number; text that is one counts. Raises GarbledReply."""
    if isinstance(found, str):
        try:
            found = float(found)
        except ValueError:
            raise GarbledReply(f"{where}: {found!r} is no number") from None
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise GarbledReply(f"{where}: {'nothing is there' if found is MISSING else f'{found!r} is no number'}")
    return float(found)


def dotted(path: tuple[str | int, ...]) -> str:
    """A path for messages."""
    return ".".join(map(str, path)) or "the payload"


def filled(template: Any, arguments: Mapping[str, Any]) -> Any:
    """A payload with arguments in the places for them: `{name}` as the value itself, within a longer text as text."""
    if isinstance(template, str):
        whole = re.fullmatch(r"\{(\w+)\}", template)
        if whole and whole[1] in arguments:
            return arguments[whole[1]]
        return re.sub(r"\{(\w+)\}", lambda at: _text(arguments.get(at[1], at[0])), template)
    if isinstance(template, dict):
        return {key: filled(part, arguments) for key, part in cast("dict[str, Any]", template).items()}
    if isinstance(template, list):
        return [filled(part, arguments) for part in cast("list[Any]", template)]
    return template


def encoded(template: Any, payload: Any) -> str:
    """A payload as it is sent: one that was written as a text as it is, any other as JSON."""
    return _text(payload) if isinstance(template, str) else json.dumps(payload)


def with_value(found: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """A copy of a JSON object with a value put at a path; objects on the way are made."""
    first, *rest = path
    below = found.get(str(first), {})
    inner = cast("dict[str, Any]", below) if isinstance(below, dict) else {}
    return {**found, str(first): with_value(inner, tuple(rest), value) if rest else value}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
