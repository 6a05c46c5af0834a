"""MT-SICS, the command set of Mettler-Toledo balances: commands and replies as bytes and values. Masses in g.

From the reference manuals "MT-SICS Interface Commands for Weigh Modules" (11781363: sections 2.1.1 commands, 2.1.2
replies, 2.1.3 errors) and "MT-SICS for Excellence balances" (11780711: sections 3.1, 3.2, 4.1, 4.2), as operating
instructions and published drivers quote them: neither was read itself. A command ends with CR LF. A reply repeats the
command's name (that of `SI` is `S`, that of `@` is `I4`), then comes a status and what was asked for: `S S     100.00
g`, `I4 A "1126493049"`, `Z +`. `ES`, `ET` and `EL` stand alone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from motet.errors import GarbledReply, InstrumentError

GRAMS: Mapping[str, float] = {"g": 1.0, "kg": 1000.0, "mg": 1e-3, "ug": 1e-6, "\N{MICRO SIGN}g": 1e-6, "t": 1e6}
"""Units that are understood, with what one of them is in g."""
ERRORS: Mapping[str, str] = {
    "ES": "syntax error: no command of this balance (ES)",
    "EL": "logical error: the balance cannot carry it out (EL)",
}
CELL_ERRORS: Mapping[str, str] = {
    "1": "boot error",
    "2": "brand error",
    "3": "checksum error",
    "9": "option fail",
    "10": "EEPROM error",
    "11": "device mismatch",
    "12": "hot plug out",
    "14": "weigh module and electronics do not match",
    "15": "adjustment needed",
}
"""Errors in place of a weight, section 2.1.3.3; the manual's text follows the number with b or t (where it arose)."""
_REFUSALS: Mapping[str, Mapping[str, str]] = {
    "S": {
        "I": "no stable weight within the balance's own time, or it is busy (I)",
        "+": "overload: more on the pan than the balance can weigh (+)",
        "-": "underload: the pan is missing, or something pulls at it (-)",
    },
    "Z": {
        "I": "not zeroed: no stable weight within the balance's own time, or it is busy (I)",
        "+": "not zeroed: the upper limit of the zero setting range is exceeded (+)",
        "-": "not zeroed: the lower limit of the zero setting range is exceeded (-)",
    },
    "T": {
        "I": "not tared: no stable weight within the balance's own time, or it is busy (I)",
        "+": "not tared: the upper limit of the taring range is exceeded (+)",
        "-": "not tared: the lower limit of the taring range is exceeded (-)",
    },
}
_REFUSED: Mapping[str, str] = {
    "I": "not now, the balance is busy with another command (I)",
    "L": "a parameter is wrong (L)",
    "+": "above its range (+)",
    "-": "below its range (-)",
}
_REPLY = re.compile(r"(?P<name>[A-Z0-9@]+) (?P<status>[A-Z+-])(?: (?P<rest>.*))?")
_WEIGHT = re.compile(r"(?=.{10} )(?P<value> *-? *\d+\.?\d*) (?P<unit>\S+) *")
"""The value has ten characters: with fewer, one was lost on the way."""
_CELL_ERROR = re.compile(r" *Error (?P<number>\d+)[bt]?")


@dataclass(frozen=True, slots=True)
class Weight:
    """A mass in g and whether it was stable."""

    mass: float
    stable: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """What I2 tells: the type, the capacity in g; None where it does not tell."""

    model: str
    capacity: float | None


def command(name: str, *parameters: str) -> bytes:
    """A command's bytes."""
    return " ".join((name, *parameters)).encode("ascii") + b"\r\n"


def number(mass: float) -> str:
    """A mass as a parameter: plain decimals, no exponent."""
    return f"{mass:.7f}".rstrip("0").rstrip(".")


def fields(line: str, frame: bytes, *names: str) -> tuple[str, str]:
    """Status and rest of a reply that begins with one of the names.

    Raises InstrumentError, naming the line and what the balance says, when it refuses; GarbledReply for what is not the
    reply to this command.
    """
    text = frame.rstrip(b"\r").decode("latin-1")
    if text in ERRORS:
        raise InstrumentError(f"{line}: {names[0]}: {ERRORS[text]}")
    if text == "ET":
        raise GarbledReply("the balance received damaged bytes (ET)")
    found = _REPLY.fullmatch(text)
    if found is None or found["name"] not in names:
        raise GarbledReply(f"a reply that begins with {' or '.join(names)} and a status is expected")
    status, rest = found["status"], found["rest"] or ""
    refusals = {**_REFUSED, **_REFUSALS.get(found["name"][0], {})}
    if status in refusals and not rest:
        raise InstrumentError(f"{line}: {names[0]}: {refusals[status]}")
    return status, rest


def weight(line: str, frame: bytes, *names: str) -> Weight:
    """The mass of a reply with a weight. Raises like `fields`, and InstrumentError for a unit that is not understood
    and for an error in the weight's place."""
    status, rest = fields(line, frame, *names)
    error = _CELL_ERROR.fullmatch(rest)
    if error is not None:
        number = error["number"]
        raise InstrumentError(f"{line}: error {number}: {CELL_ERRORS.get(number, 'not in the manual')}")
    found = _WEIGHT.fullmatch(rest)
    if found is None or status not in "SDA":
        raise GarbledReply("a status S, D or A, a value and a unit are expected")
    unit = found["unit"]
    if unit not in GRAMS:
        raise InstrumentError(f"{line}: the balance weighs in {unit!r}; set it to one of {', '.join(GRAMS)}")
    return Weight(float(found["value"].replace(" ", "")) * GRAMS[unit], status != "D")


def done(line: str, frame: bytes, *names: str) -> str:
    """The status of a reply without more: `A`, `S`, `D`. Raises like `fields`."""
    status, rest = fields(line, frame, *names)
    if status not in "ASD" or rest:
        raise GarbledReply("a status A, S or D and nothing else is expected")
    return status


def text(line: str, frame: bytes, *names: str) -> str:
    """The text of an identification, without its quotation marks. Raises like `fields`."""
    status, rest = fields(line, frame, *names)
    words = " ".join(rest.replace('"', " ").split())
    if status != "A" or not words or not rest.isprintable():
        raise GarbledReply("a status A and a text are expected")
    return words


def balance(described: str) -> Balance:
    """Type and capacity from the text of I2: `XS204 Excellence 220.0090 g`."""
    found = re.fullmatch(r"(?P<model>.+) (?P<capacity>\d+\.?\d*) (?P<unit>\S+)", described)
    if found is None or found["unit"] not in GRAMS:
        return Balance(described, None)
    return Balance(found["model"], float(found["capacity"]) * GRAMS[found["unit"]])
