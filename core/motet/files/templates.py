"""Texts with places for values, such as `RATE {rate:.2f}`: filled in to be sent, matched to be read.

A place is `{name}` or `{name:format}` with a format for numbers (`.3f`, `05d`, `+.2E`) of Python's format language;
`{{` and `}}` stand for braces themselves.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from typing import Literal

Kind = Literal["number", "integer", "string", "boolean"]
Value = float | int | str | bool

_FORMAT = re.compile(r"[-+ ]?0?\d{0,3}(?:\.\d{1,2})?[dfFeEgG]?")
_WHOLE = ("d",)
_PATTERNS: Mapping[Kind, str] = {
    "number": r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?",
    "integer": r"[-+]?\d+",
    "string": r".+?",
}
_DIGITS = 400
"""Longest text that is read as a number."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes."""

    name: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A text in pieces: as they stand, and places for values."""

    text: str
    pieces: tuple[str | Place, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its places, in order."""
        return tuple(piece.name for piece in self.pieces if isinstance(piece, Place))

    def filled(self, values: Mapping[str, Value]) -> str:
        """The text with the values in their places. Raises ValueError for one that its format cannot show."""
        return "".join(piece if isinstance(piece, str) else _shown(piece, values[piece.name]) for piece in self.pieces)

    def pattern(self, kinds: Mapping[str, Kind], words: Mapping[str, tuple[str, ...]]) -> re.Pattern[str]:
        """What matches such a text, with a group for each place; `words` are those that a place may hold."""
        parts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                parts.append(re.escape(piece))
            elif piece.name in words:
                longest_first = sorted(words[piece.name], key=len, reverse=True)
                parts.append(f"(?P<{piece.name}>{'|'.join(map(re.escape, longest_first))})")
            else:
                kind = kinds.get(piece.name, "string")
                blank = r" *" if kind != "string" else ""
                parts.append(f"{blank}(?P<{piece.name}>{_PATTERNS[kind]}){blank}")
        return re.compile("".join(parts), re.ASCII)


@lru_cache(maxsize=1024)
def template(text: str) -> Template:
    """A text in pieces. Raises ValueError for places that are none."""
    pieces: list[str | Place] = []
    try:
        found = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}; `{{{{` and `}}}}` stand for braces themselves") from None
    for literal, name, form, conversion in found:
        if literal:
            pieces.append(literal)
        if name is None:
            continue
        if not name.isidentifier() or conversion is not None:
            raise ValueError(f"{text!r} has the place {{{name}}}; a name, such as {{volume}}, is needed")
        if form and _FORMAT.fullmatch(form) is None:
            raise ValueError(f"{text!r}: {form!r} is no format of a number, such as .3f, 05d or +.2E")
        if any(isinstance(piece, Place) and piece.name == name for piece in pieces):
            raise ValueError(f"{text!r} has the place {{{name}}} twice")
        pieces.append(Place(name, form or ""))
    return Template(text, tuple(pieces))


def read(text: str, kind: Kind) -> Value:
    """The value that a text of that kind stands for. Raises ValueError."""
    match kind:
        case "string" | "boolean":
            return text
        case _ if len(text) > _DIGITS:
            raise ValueError(f"{text[:20]}... is too long a number")
        case "integer":
            return int(text)
        case "number":
            number = float(text)
            if number in (float("inf"), float("-inf")):
                raise ValueError(f"{text} is too large a number")
            return number


def _shown(place: Place, value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    if not place.format:
        return f"{value:.10g}" if isinstance(value, float) else str(value)
    whole = place.format.endswith(_WHOLE)
    return format(round(value) if whole else float(value), place.format)
