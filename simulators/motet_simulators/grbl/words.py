"""The words of a line of G-code as Grbl reads them, with its errors by number.

Source: Grbl v1.1 wiki, "Grbl v1.1 Commands" (supported words) and the table of error codes; the modal groups are those
of NIST RS274/NGC version 3, table 4.
"""

import re
from dataclasses import dataclass, field

EXPECTED_LETTER, BAD_NUMBER, NEGATIVE = 1, 2, 4
UNSUPPORTED, GROUP_VIOLATION, NO_FEED, NOT_INTEGER, AXIS_CONFLICT, REPEATED, NO_AXIS_WORDS = 20, 21, 22, 23, 24, 25, 26
LINE_NUMBER, VALUE_MISSING, COORDINATES, G53_MODE, UNUSED_AXES, NO_PLANE_WORDS = 27, 28, 29, 30, 31, 32
BAD_TARGET, BAD_RADIUS, NO_OFFSETS, UNUSED, TLO_AXIS, TOO_HIGH, JOG_INVALID = 33, 34, 35, 36, 37, 38, 16

GROUPS = {
    **dict.fromkeys(("G4", "G10", "G28", "G28.1", "G30", "G30.1", "G53", "G92", "G92.1"), "once"),
    **dict.fromkeys(("G0", "G1", "G2", "G3", "G38.2", "G38.3", "G38.4", "G38.5", "G80"), "motion"),
    **dict.fromkeys(("G17", "G18", "G19"), "plane"),
    **dict.fromkeys(("G90", "G91"), "distance"),
    "G91.1": "arc",
    **dict.fromkeys(("G93", "G94"), "feed"),
    **dict.fromkeys(("G20", "G21"), "units"),
    "G40": "cutter",
    **dict.fromkeys(("G43.1", "G49"), "tool length"),
    **dict.fromkeys(("G54", "G55", "G56", "G57", "G58", "G59"), "coordinates"),
    "G61": "control",
    **dict.fromkeys(("M0", "M1", "M2", "M30"), "program"),
    **dict.fromkeys(("M3", "M4", "M5"), "spindle"),
    **dict.fromkeys(("M7", "M8", "M9"), "coolant"),
}
AXIS_COMMANDS = frozenset(
    ("G10", "G28", "G30", "G92", "G0", "G1", "G2", "G3", "G38.2", "G38.3", "G38.4", "G38.5", "G43.1", "G49")
)
"""Those that say what axis words are for; one a line."""
_WORD = re.compile(r"([A-Z])([+-]?\d*\.?\d*)")
_VALUES = "FIJKLNPRSTXYZ"


class GcodeError(Exception):
    """Grbl's error of a number."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error:{code}")
        self.code = code


@dataclass
class Words:
    """Commands by modal group, values by letter; `unused` are the values that nothing has asked for yet."""

    commands: dict[str, str] = field(default_factory=dict[str, str])
    values: dict[str, float] = field(default_factory=dict[str, float])
    unused: set[str] = field(default_factory=set[str])
    axis_command: str = ""

    def use(self, letters: str) -> None:
        """These have been used."""
        self.unused -= set(letters)

    @property
    def axes(self) -> str:
        """The axis words that are there."""
        return "".join(letter for letter in "XYZ" if letter in self.values)


def read(line: str) -> Words:
    """The words of a line without spaces, in capitals. Raises GcodeError."""
    words, position = Words(), 0
    while position < len(line):
        match = _WORD.match(line, position)
        if match is None:
            raise GcodeError(EXPECTED_LETTER)
        letter, number = match.groups()
        if not re.search(r"\d", number):
            raise GcodeError(BAD_NUMBER)
        position = match.end()
        if letter in "GM":
            _command(words, letter, float(number))
        else:
            _value(words, letter, float(number))
    return words


def _command(words: Words, letter: str, number: float) -> None:
    whole, hundredths = int(number), round(100 * (number - int(number)))
    name = f"{letter}{whole}" if hundredths == 0 else f"{letter}{whole}.{hundredths / 10:g}"
    group = GROUPS.get(name)
    if group is None:
        base = GROUPS.get(f"{letter}{whole}")
        odd = base is not None and hundredths and whole not in (28, 30, 90, 91, 92, 61)
        raise GcodeError(NOT_INTEGER if odd else UNSUPPORTED)
    if name in AXIS_COMMANDS:
        if words.axis_command:
            raise GcodeError(AXIS_CONFLICT)
        words.axis_command = name
    if group in words.commands:
        raise GcodeError(GROUP_VIOLATION)
    words.commands[group] = name


def _value(words: Words, letter: str, number: float) -> None:
    if letter not in _VALUES:
        raise GcodeError(UNSUPPORTED)
    if letter == "T" and number > 255:
        raise GcodeError(TOO_HIGH)
    if letter in words.values:
        raise GcodeError(REPEATED)
    if letter in "FNPTS" and number < 0:
        raise GcodeError(NEGATIVE)
    words.values[letter] = number
    words.unused.add(letter)
