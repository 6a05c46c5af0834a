"""Mistakes in descriptions of instruments, by key; and what several checks look for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from motet.files import arithmetic
from motet.files.report import one_of
from motet.files.templates import Kind, template

Key = tuple[str | int, ...]
NUMERIC: tuple[Kind, ...] = ("number", "integer")
TYPES: Mapping[Kind, tuple[type, ...]] = {
    "number": (int, float),
    "integer": (int,),
    "string": (str,),
    "boolean": (bool,),
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: the key it is at, what was found and what is allowed."""

    key: Key
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.key))}: found {self.found}; {self.allowed}"


def plain(value: object) -> str:
    """A value as a message shows it: 5, not 5.0."""
    return f"{value:g}" if isinstance(value, float) else repr(value)


def text_of(key: Key, text: str) -> Iterator[Mistake]:
    """A template that cannot be read."""
    try:
        template(text)
    except ValueError as error:
        yield Mistake(key, repr(text), str(error))


def expression(key: Key, text: str | float, known: Iterable[str], what: str) -> Iterator[Mistake]:
    """An expression that cannot be read, or has names that are not known."""
    if not isinstance(text, str):
        return
    try:
        names = arithmetic.names(text)
    except ValueError as error:
        yield Mistake(key, repr(text), str(error))
        return
    known = list(known)
    for name in names:
        if name not in known:
            yield Mistake(key, f"{name!r} in {text!r}", f"{one_of(name, known)} ({what})")
