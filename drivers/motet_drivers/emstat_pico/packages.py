"""What a MethodSCRIPT instrument sends: lines of a script's output, and the numbers in packages.

MethodSCRIPT manual v1.8, ch. 4 to 6 and 11. A package is `P`, then variables between semicolons; a variable is its type
(two letters), seven hexadecimal digits with 0x8000000 for zero, an SI prefix (a space for none, `i` for an integer) and
metadata after commas: `1x` status, `2xx` range. No number is `     nan`. An error is `!` and four digits, after the
command's letter when a command or a script was refused.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from motet.errors import GarbledReply
from motet_drivers.emstat_pico.errors import error_text

OVERLOAD = 0x2
"""Bit of a value's status: the current is beyond its range."""
EXPONENTS: Mapping[str, int] = {
    "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, " ": 0, "i": 0,
    "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip
_ZERO = 0x8000000
_VARIABLE = re.compile(rf"([a-j][a-z])(?:([0-9A-F]{{7}})([{''.join(EXPONENTS)}])|     nan)((?:,[0-9A-F]{{1,8}})*)")
_ERROR = re.compile(r"([a-zA-Z]?)!([0-9A-Fa-f]{4})(?:: Line (\d{1,6})(?:, Col (\d{1,6}))?)?")
_MARKER = re.compile(r"M[0-9A-F]{4}|C[0-9A-F]{4}|L|[*+-]|T.*|[eZYhHR]")
_FLOW_CONTROL: dict[int, None] = dict.fromkeys((0x11, 0x13, 0x0D))
"""XON, XOFF and carriage returns."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One number of a package: its type, value in SI units, status bits, and index of its range if it has one."""

    type: str
    value: float
    status: int = 0
    range: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that the instrument reports: the command it answers, the code, and where in the script."""

    command: str
    code: int
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """`error 4001: unknown script command, line 3, column 8`."""
        text = error_text(self.code)
        if self.line is not None:
            text += f", line {self.line}"
        return text if self.column is None else f"{text}, column {self.column}"


def text_of(frame: bytes) -> str:
    """A line as text, without what belongs to flow control. Raises GarbledReply."""
    try:
        return frame.decode("ascii").translate(_FLOW_CONTROL)
    except UnicodeDecodeError:
        raise GarbledReply(f"{frame[:40]!r} is no line of text") from None


def fault_in(line: str) -> Fault | None:
    """The error that a line reports, None when it reports none."""
    match = _ERROR.fullmatch(line)
    if match is None:
        return None
    command, code, row, column = match.groups()
    return Fault(command, int(code, 16), None if row is None else int(row), None if column is None else int(column))


def check_line(line: str) -> None:
    """Raises GarbledReply for a line that can be no part of a script's output; an empty one can, and an error."""
    if line and not line.startswith("P") and not _MARKER.fullmatch(line) and not _ERROR.fullmatch(line):
        raise GarbledReply(f"{line[:60]!r} is no output of a script")


def package(line: str) -> tuple[Variable, ...]:
    """The variables of a line that begins with P. Raises GarbledReply."""
    return tuple(map(_variable, line[1:].split(";")))


def scaled(digits: int, exponent: int) -> float:
    """digits * 10**exponent, rounded once: -200000000 with -9 is -0.2, not its neighbour."""
    return digits / 10**-exponent if exponent < 0 else float(digits * 10**exponent)


def _variable(text: str) -> Variable:
    match = _VARIABLE.fullmatch(text)
    if match is None:
        raise GarbledReply(f"{text[:40]!r} is no variable of a package")
    kind, digits, prefix, metadata = match.groups()
    value = math.nan if digits is None else scaled(int(digits, 16) - _ZERO, EXPONENTS[prefix])
    status, current_range = 0, None
    for token in metadata.split(",")[1:]:
        if token[0] == "1" and len(token) == 2:
            status = int(token[1], 16)
        elif token[0] == "2" and len(token) == 3:
            current_range = int(token[1:], 16)
    return Variable(kind, value, status, current_range)
