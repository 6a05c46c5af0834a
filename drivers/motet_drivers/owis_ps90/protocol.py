"""What OWIS PS10, PS35 and PS90 controllers say: states of axes, messages, limit switches, velocities.

From OWIS' operating manuals (PS 10, PS 35, PS 90; command tables) as public drivers of these controllers
transcribe them: HELAO's owis_driver, the EPICS support motorOWISPS, two PyMeasure drivers of the PS 10,
SweepMe!'s OWIS_PS10-32.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from motet.devices import Identity
from motet.errors import GarbledReply


class State(StrEnum):
    """State of one axis as a letter of `?ASTAT`."""

    NOT_INITIALISED = "I"
    OFF = "O"
    READY = "R"
    TRAPEZOID = "T"
    S_CURVE = "S"
    VELOCITY = "V"
    REFERENCE = "P"
    FREEING = "F"
    JOYSTICK = "J"
    PHASING = "H"
    LIMIT_SWITCH = "L"
    BRAKE_SWITCH = "B"
    LIMIT_SWITCH_ERROR = "A"
    CONTROLLER_ERROR = "M"
    TIMEOUT = "Z"
    NOT_RELEASED = "U"
    MOTION_ERROR = "E"
    TRAPEZOID_MEASURED = "W"
    S_CURVE_MEASURED = "X"
    VELOCITY_MEASURED = "Y"
    CONTINUOUS_PATH = "C"
    PIEZO = "N"
    UNKNOWN = "?"

    @property
    def moving(self) -> bool:
        """Whether the axis is on its way."""
        return self in _MOVING

    @property
    def meaning(self) -> str:
        """The state in words."""
        return _MEANINGS.get(self, self.name.lower().replace("_", " "))


_STATES = {state.value: state for state in State}
_MOVING = frozenset(State(letter) for letter in "TSVPFJHWXYCN")
_MEANINGS = {
    State.NOT_INITIALISED: "not initialised",
    State.OFF: "switched off",
    State.READY: "ready",
    State.LIMIT_SWITCH: "switched off after it ran onto a limit switch",
    State.BRAKE_SWITCH: "stopped after it ran onto a brake switch",
    State.LIMIT_SWITCH_ERROR: "switched off after a limit switch error",
    State.CONTROLLER_ERROR: "switched off after a motion controller error",
    State.TIMEOUT: "switched off after a timeout",
    State.NOT_RELEASED: "not released",
    State.MOTION_ERROR: "switched off after a motion error",
    State.UNKNOWN: "in an unknown state",
}
MESSAGES = {
    0: "NO MESSAGE AVAILABLE",
    1: "PARAMETER BEFORE EQUAL WRONG",
    2: "AXIS NUMBER WRONG",
    3: "PARAMETER AFTER EQUAL WRONG",
    4: "PARAMETER AFTER EQUAL RANGE",
    5: "WRONG COMMAND ERROR",
    6: "REPLY IMPOSSIBLE",
    7: "AXIS IS IN WRONG STATE",
}
_SWITCHES = ("power stage error", "MAXSTOP", "MAXDEC", "MINDEC", "MINSTOP")


@dataclass(frozen=True, slots=True)
class Message:
    """The last command error of the controller, 0 for none."""

    code: int

    def __str__(self) -> str:
        return f"{self.code:02d} {MESSAGES.get(self.code, 'unknown message')}"


def text(frame: bytes) -> str:
    """A reply as text. Raises GarbledReply for what is not printable ASCII."""
    stripped = frame.strip()
    if not stripped or not stripped.isascii() or not (found := stripped.decode("ascii")).isprintable():
        raise GarbledReply(f"{frame!r} is not a reply of an OWIS controller: printable characters are expected")
    return found


def integer(frame: bytes) -> int:
    """A reply as a whole number. Raises GarbledReply."""
    if re.fullmatch(rb"\s*[+-]?\d{1,10}\s*", frame) is None:
        raise GarbledReply(f"{frame!r} is not a reply of an OWIS controller: a whole number is expected")
    return int(frame)


def states(frame: bytes) -> tuple[State, ...]:
    """A reply to `?ASTAT`: one state for each axis. Raises GarbledReply."""
    letters = text(frame)
    try:
        return tuple([_STATES[letter] for letter in letters])
    except KeyError:
        raise GarbledReply(f"{letters!r} is not a reply to ?ASTAT: one letter of state an axis is expected") from None


def message(frame: bytes) -> Message:
    """A reply to `?MSG`: two digits, with words after them in mode TERM=1. Raises GarbledReply."""
    match = re.fullmatch(r"(\d\d)(?: .*)?", text(frame))
    if match is None:
        raise GarbledReply(f"{frame!r} is not a reply to ?MSG: two digits are expected")
    return Message(int(match[1]))


def switches(frame: bytes) -> tuple[str, ...]:
    """A reply to `?ESTAT`: the names of the switches that are pressed. Raises GarbledReply."""
    bits = text(frame)
    if re.fullmatch("[01]{5}", bits) is None:
        raise GarbledReply(f"{bits!r} is not a reply to ?ESTAT: five binary digits are expected")
    return tuple(name for name, bit in zip(_SWITCHES, bits, strict=True) if bit == "1")


def identity(version: str, serial_number: str) -> Identity:
    """Who a controller is, from its answers to `?VERSION`, `PS90-V6.2-120815` say, and `?SERNUM`."""
    match = re.fullmatch(r"(PS ?\d+\+?)[-_ ]*(?:V(?:ersion)?[ .]*)?(.*)", version)
    model, firmware = match.groups() if match else (version, "")
    return Identity("OWIS", model, serial_number, firmware)


def velocity_number(counts_s: float, cycle: float) -> int:
    """A velocity (counts/s) as the controller's number: counts a cycle (s) in 16.16 fixed point.

    This agrees with the factory value of RVELS, 41943 for 2500 counts/s at a cycle of 256 us.
    """
    return max(1, round(counts_s * cycle * 65536))


def velocity(number: int, cycle: float) -> float:
    """Counts/s of the controller's number for a velocity."""
    return abs(number) / 65536 / cycle


def acceleration(number: int, cycle: float) -> float:
    """Counts/s2 of the controller's number for an acceleration: counts a cycle (s) squared in 16.16 fixed point."""
    return abs(number) / 65536 / cycle**2
