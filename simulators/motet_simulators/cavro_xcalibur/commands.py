"""The command strings of a Cavro pump, its error codes, and the ranges of its operands.

Cavro XLP 6000 operating manual (734237-C), sections 3.3 and 3.6 (pp. 3-21 to 3-50), XP 3000 operator's manual
(725730C), pp. 3-22 to 3-46; the ranges of `K` and `k` are those that the published driver matterlab-pumps uses.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

MOVES, VALVE, INITIALIZE = "APDapd", "IOBE", "ZYWw"
FINE = 8
"""Fine increments in one: modes N1 and N2."""
RANGES = {"L": (1, 20), "S": (0, 40), "M": (0, 30_000), "H": (0, 2), "G": (0, 48_000), "N": (0, 2)}
SCALED = {"K": (0, 31), "k": (0, 255)}
"""In increments of mode N0; more in the others."""
SPEEDS = {"V": (5, 6000), "v": (50, 1000), "c": (50, 2700)}
"""pulses/s; in mode N2 more."""
_TOKEN = re.compile(r"([A-Za-z])(\d*(?:,\d*)*)")
_KNOWN = MOVES + VALVE + INITIALIZE + "NVvcLSKkMHgGJUsz"


class Error(IntEnum):
    """Error codes (XLP 6000 manual, table 3-9; code 4 in that of the XP 3000)."""

    NONE = 0
    INITIALIZATION = 1
    INVALID_COMMAND = 2
    INVALID_OPERAND = 3
    INVALID_SEQUENCE = 4
    NOT_INITIALIZED = 7
    PLUNGER_OVERLOAD = 9
    VALVE_OVERLOAD = 10
    MOVE_NOT_ALLOWED = 11
    OVERFLOW = 15


class Failed(Exception):
    """A command cannot be carried out."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.name)
        self.error = error


@dataclass(frozen=True, slots=True)
class Token:
    """One command with its operands."""

    name: str
    operands: tuple[int | None, ...] = ()

    def operand(self, default: int, position: int = 0) -> int:
        """The operand at a position, or what it is when it is left out."""
        found = self.operands[position] if position < len(self.operands) else None
        return default if found is None else found


def parse(text: str) -> list[Token]:
    """The commands of a string. Raises Failed for what is none."""
    tokens = [
        Token(match[1], tuple(int(part) if part else None for part in match[2].split(",")) if match[2] else ())
        for match in _TOKEN.finditer(text)
    ]
    whole = "".join(match[0] for match in _TOKEN.finditer(text)) == text
    if not whole or any(token.name not in _KNOWN or (token.name in "BE" and token.operands) for token in tokens):
        raise Failed(Error.INVALID_COMMAND)
    return tokens


def within(value: int, ends: tuple[int, int]) -> int:
    """The value itself. Raises Failed beyond the ends."""
    if not ends[0] <= value <= ends[1]:
        raise Failed(Error.INVALID_OPERAND)
    return value
