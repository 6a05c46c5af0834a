"""Plugins written in one line, as on the command line: `rf`, `rf(trees=20)`, `committee(members=[gp,
rf(trees=20)])`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from motet.model.values import PluginRef

_TOKEN = re.compile(r"\s*(?:(?P<mark>[()\[\],=])|(?P<quoted>'[^']*'|\"[^\"]*\")|(?P<word>[^()\[\],='\"]+))")
_WORDS = {"true": True, "false": False, "null": None}

WANTED = "a plugin's name, or name(option=value), is needed"


def split(text: str, separator: str) -> list[str]:
    """The parts of a text between separators that stand outside all brackets, without the blanks around them."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == separator and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def plugin(text: str) -> PluginRef:
    """A plugin with options. A value is a number, `true`, `false`, `null`, a word, a text in quotes, a list in square
    brackets, or a plugin with options of its own. Raises ValueError saying what is wrong."""
    reader = _Reader(list(_tokens(text)))
    found = reader.plugin()
    if reader.kind != "end":
        raise ValueError(f"{WANTED}; {reader.text!r} is too much")
    return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each mark and word, the `end` last."""
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise ValueError(f"{text[place:]!r} cannot be read")
        yield match.lastgroup, match[match.lastgroup].strip()
        place = match.end()
    yield "end", "the end"


@dataclass
class _Reader:
    """Goes through the tokens one by one."""

    tokens: list[tuple[str, str]]

    @property
    def kind(self) -> str:
        return self.tokens[0][0]

    @property
    def text(self) -> str:
        return self.tokens[0][1]

    def plugin(self) -> PluginRef:
        if self.kind != "word" or not re.fullmatch(r"[\w.]+", self.text):
            raise ValueError(WANTED)
        name = self._take()
        return PluginRef(name=name, options=self._options() if self._is("(") else {})

    def _options(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._take()
        while not self._is(")"):
            key = self._take()
            if not key.isidentifier() or not self._is("="):
                raise ValueError("option=value is needed in the brackets")
            if key in found:
                raise ValueError(f"the option {key} is there twice")
            self._take()
            found[key] = self._value()
            self._comma_or(")")
        self._take()
        return found

    def _value(self) -> Any:
        if self._is("["):
            return self._list()
        if self.kind == "quoted":
            return self._take()[1:-1]
        if self.kind != "word":
            raise ValueError(f"a value is needed before {self.text!r}")
        if self.tokens[1] == ("mark", "("):
            inner = self.plugin()
            return {inner.name: inner.options}
        return scalar(self._take())

    def _list(self) -> list[Any]:
        found: list[Any] = []
        self._take()
        while not self._is("]"):
            found.append(self._value())
            self._comma_or("]")
        self._take()
        return found

    def _comma_or(self, end: str) -> None:
        if self._is(","):
            self._take()
        elif not self._is(end):
            raise ValueError(f"a comma or {end!r} is needed before {self.text!r}")

    def _is(self, mark: str) -> bool:
        return self.tokens[0] == ("mark", mark)

    def _take(self) -> str:
        return self.tokens.pop(0)[1] if self.kind != "end" else ""


def scalar(text: str) -> float | int | str | bool | None:
    """A word as what it most likely means: a number, `true`, `false`, `null`, or text."""
    word = text.strip()
    if word in _WORDS:
        return _WORDS[word]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word
