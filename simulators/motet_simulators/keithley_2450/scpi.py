"""The grammar of SCPI as the simulated Model 2450 reads it: program messages, headers, parameters, errors.

Short and long forms, optional nodes, several commands in a message and the path that they share are those of
SCPI-1999, volume 1; separators and data types those of IEEE 488.2. Numbers and texts of errors are the standard's, but
`Parameter data out of range` for -222, which is Keithley's; the manual's own list of errors was not at hand.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

ERRORS: Mapping[int, str] = {
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -151: "Invalid string data",
    -200: "Execution error",
    -213: "Init ignored",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -241: "Hardware missing",
    -310: "System error",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
}
MAX_UNITS = 500
_HEADER = re.compile(r"(?::(?=\*))?(\*[A-Za-z]+|:?[A-Za-z]\w*(?::[A-Za-z]\w*)*)(\?)?", re.ASCII)
_NODE = re.compile(r"(\[)?:?([A-Z][A-Z0-9]*)([a-z]*)(\[1\])?(?(1)\]|)(?=\[|:|$)")
_PIECE = re.compile(r"\"[^\"]*\"|'[^']*'|[^\"']")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")
_WORDS = ("MINimum", "MAXimum", "DEFault")


class ScpiError(Exception):
    """A message unit that is refused, with the number that goes into the error queue."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"{code}, {ERRORS[code]}")


@dataclass(frozen=True, slots=True)
class Unit:
    """One command or query: its header from the root in capitals (`:SOUR:VOLT`, `*IDN`), and its parameters."""

    header: str
    query: bool
    parameters: tuple[str, ...] = ()


def units(message: str) -> Iterator[Unit | ScpiError]:
    """The commands of a program message, without its terminator, as far as they can be read.

    A header without a colon in front goes on where the one before left off, a level higher; common commands leave
    that path as it is. A comma after the last parameter is passed over (QCoDeS sends one with :TRACe:MAKE). The first
    that cannot be read is the last: the rest of the message is dropped.
    """
    path = ""
    for number, text in enumerate(split(message, ";")):
        if not text:
            continue
        match = _HEADER.match(text)
        if match is None or number >= MAX_UNITS or (match.end() < len(text) and not text[match.end()].isspace()):
            yield ScpiError(-102)
            return
        name = match[1].upper()
        if not name.startswith("*"):
            name = name if name.startswith(":") else f"{path}:{name}"
            path = name.rpartition(":")[0]
        try:
            rest = text[match.end() :].strip()
            parameters = tuple(split(rest.removesuffix(","), ",")) if rest else ()
        except ScpiError as error:
            yield error
            return
        yield ScpiError(-103) if "" in parameters else Unit(name, match[2] == "?", parameters)


def split(text: str, separator: str) -> list[str]:
    """The parts between separators that stand in no quotes, without the blanks around them; -151 for an open quote."""
    parts, end = [""], 0
    for piece in _PIECE.finditer(text):
        if piece.start() != end:
            break
        end = piece.end()
        if piece[0] == separator:
            parts.append("")
        else:
            parts[-1] += piece[0]
    if end != len(text):
        if separator == ";":
            parts[-1] += text[end:]  # its own command will be refused
        else:
            raise ScpiError(-151)
    return [part.strip() for part in parts]


def header(pattern: str) -> re.Pattern[str]:
    """What matches a header as manuals write it: `:SOURce[1]:VOLTage[:LEVel]`, `*IDN`; short or long, never between."""
    if pattern.startswith("*"):
        return re.compile(re.escape(pattern))
    nodes: list[str] = []
    for match in _NODE.finditer(pattern):
        optional, short, rest, one = match.groups()
        node = f":{short}(?:{rest.upper()})?" if rest else f":{short}"
        if one:
            node += "1?"
        nodes.append(f"(?:{node})?" if optional else node)
    return re.compile("".join(nodes))


def number(text: str) -> float:
    """A decimal number. -104 for what is none."""
    if _NUMBER.fullmatch(text) is None:
        raise ScpiError(-104)
    return float(text)


def boolean(text: str) -> bool:
    """`1`, `ON`, `0`, `OFF`."""
    word = text.upper()
    if word in ("ON", "OFF", "1", "0"):
        return word in ("ON", "1")
    raise ScpiError(-104 if _NUMBER.fullmatch(text) is None else -224)


def choice(text: str, words: Sequence[str]) -> str:
    """The one of `words` (written `VOLTage`) that the text is, in its short form. -224 for any other."""
    found = text.strip("\"'").upper()
    for word in words:
        short = "".join(letter for letter in word if not letter.islower())
        if found in (short, word.upper()):
            return short
    raise ScpiError(-224)


def string(text: str) -> str:
    """What stands in quotes. -104 for what is not quoted."""
    if len(text) < 2 or text[0] not in "\"'" or text[-1] != text[0]:
        raise ScpiError(-104)
    return text[1:-1]


def bounded(text: str, low: float, high: float, default: float) -> float:
    """A number in a closed range, or MINimum, MAXimum, DEFault. -222 beyond the range."""
    try:
        word = choice(text, _WORDS)
    except ScpiError:
        found = number(text)
        if not low <= found <= high:
            raise ScpiError(-222) from None
        return found
    return {"MIN": low, "MAX": high, "DEF": default}[word]


def shown(value: float) -> str:
    """A setting as a query gives it: as few digits as it needs."""
    return f"{value:.7G}"


def reading(value: float) -> str:
    """A measured value as it comes in ASCII: `-1.375422E-11` (manual, example of :FETCh?, p. 6-4)."""
    return f"{value:.6E}"
