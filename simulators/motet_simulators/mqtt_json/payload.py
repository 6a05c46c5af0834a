"""Payloads of a simulated JSON node: requests are recognised by the templates that they were made from."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, cast

from motet_simulators.mqtt_json.options import Argument

Path = tuple[str | int, ...]
_PLACE = re.compile(r"\{(\w+)\}")


def matched(template: Any, payload: bytes, arguments: Mapping[str, Argument]) -> dict[str, Any] | None:
    """The arguments in a message that was made from a template; None when it was made from another one.

    JSON objects may have keys that the template does not have, a request id say.
    """
    if isinstance(template, str):
        return _in_text(template, payload.decode("utf-8", "replace"), arguments)
    values: dict[str, Any] = {}
    return values if _in_json(template, parsed(payload), arguments, values) else None


def parsed(payload: bytes) -> Any:
    """A payload as JSON; None when it is none."""
    try:
        return json.loads(payload)
    except ValueError:
        return None


def _in_json(template: Any, found: Any, arguments: Mapping[str, Argument], values: dict[str, Any]) -> bool:
    if isinstance(template, dict):
        parts = cast("dict[str, Any]", template)
        return isinstance(found, dict) and all(
            key in found and _in_json(part, cast("dict[str, Any]", found)[key], arguments, values)
            for key, part in parts.items()
        )
    if isinstance(template, list):
        pieces = cast("list[Any]", template)
        given = cast("list[Any]", found) if isinstance(found, list) else []
        return len(given) == len(pieces) and all(
            _in_json(part, piece, arguments, values) for part, piece in zip(pieces, given, strict=True)
        )
    if isinstance(template, str) and (whole := _PLACE.fullmatch(template)) and whole[1] in arguments:
        values[whole[1]] = found
        return True
    if isinstance(template, str) and _PLACE.search(template):
        inner = _in_text(template, found, arguments) if isinstance(found, str) else None
        values.update(inner or {})
        return inner is not None
    return template == found and isinstance(template, bool) is isinstance(found, bool)


def _in_text(template: str, text: str, arguments: Mapping[str, Argument]) -> dict[str, Any] | None:
    pattern, names, end = "", list[str](), 0
    for place in _PLACE.finditer(template):
        known = place[1] in arguments
        pattern += re.escape(template[end : place.start()]) + ("(.*?)" if known else re.escape(place[0]))
        names += [place[1]] if known else []
        end = place.end()
    found = re.fullmatch(pattern + re.escape(template[end:]), text, re.DOTALL)
    return None if found is None else {n: _typed(t, arguments[n]) for n, t in zip(names, found.groups(), strict=True)}


def _typed(text: str, argument: Argument) -> Any:
    if argument.type == "text":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def mistake(name: str, value: Any, argument: Argument) -> str | None:
    """Why an argument cannot be used; None when it can."""
    kinds = {"number": (int, float), "integer": (int,), "text": (str,), "boolean": (bool,)}[argument.type]
    if not isinstance(value, kinds) or (isinstance(value, bool) and argument.type != "boolean"):
        return f"{name} = {value!r} is no {argument.type}"
    if isinstance(value, int | float) and not math.isfinite(value):
        return f"{name} = {value} is not finite"
    if (
        argument.limits is not None
        and isinstance(value, int | float)
        and not argument.limits[0] <= value <= argument.limits[1]
    ):
        return f"{name} = {value:g} is not in [{argument.limits[0]:g}, {argument.limits[1]:g}]"
    if argument.values and value not in argument.values:
        return f"{name} = {value!r} is none of {', '.join(argument.values)}"
    return None


def at(found: Any, path: Path) -> Any:
    """What is at a path, None where nothing is."""
    for part in path:
        if isinstance(found, dict):
            found = cast("dict[str, Any]", found).get(str(part))
        elif isinstance(found, list) and isinstance(part, int) and part < len(cast("list[Any]", found)):
            found = cast("list[Any]", found)[part]
        else:
            return None
    return found


def put(found: Any, path: Path, value: Any) -> Any:
    """The document with a value at a path; objects and lists on the way are made. Without a path, the value."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        items = list(cast("list[Any]", found)) if isinstance(found, list) else []
        items += [None] * (first + 1 - len(items))
        items[first] = put(items[first], rest, value)
        return items
    entries = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return {**entries, first: put(entries.get(first), rest, value)}


def encoded(found: Any) -> bytes:
    """A payload: text as it is, anything else as JSON."""
    return (found if isinstance(found, str) else json.dumps(found)).encode()


def meant(value: Any, arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    """A value of the options: `{name}` stands for an argument or a variable."""
    if isinstance(value, str) and (whole := _PLACE.fullmatch(value)):
        return arguments.get(whole[1], variables.get(whole[1], value))
    return value
