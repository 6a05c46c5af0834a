"""Codec of Grbl 1.1: frames, status reports, build info, settings, and its errors and alarms by name.

Source: Grbl v1.1 wiki, "Grbl v1.1 Interface" (messages, status reports), "Grbl v1.1 Commands" ($I, $$), "Configuring
Grbl v1.1" (settings), and the tables of error and alarm codes (doc/csv of the firmware, where alarm 10 was not found).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from motet.devices import Identity, Verified
from motet.errors import GarbledReply, InstrumentError

Vector = tuple[float, float, float]
ERRORS: Mapping[int, tuple[str, str]] = {
    1: ("ExpectedCommandLetter", "a word begins with no letter"),
    2: ("BadNumberFormat", "a number is missing or not valid"),
    3: ("InvalidStatement", "`$` command not known"),
    4: ("NegativeValue", "a value is negative that may not be"),
    5: ("HomingDisabled", "homing is not enabled ($22)"),
    6: ("StepPulseTooShort", "step pulse shorter than 3 us"),
    7: ("EepromReadFailed", "EEPROM could not be read, defaults are used"),
    8: ("NotIdle", "only when idle"),
    9: ("Locked", "locked in an alarm or while jogging"),
    10: ("SoftLimitsNeedHoming", "soft limits need homing ($22)"),
    11: ("LineOverflow", "line too long"),
    12: ("StepRateTooHigh", "step rate above the highest possible"),
    13: ("DoorOpen", "safety door is open"),
    14: ("BuildInfoTooLong", "build info or startup line too long"),
    15: ("TravelExceeded", "jog beyond the machine's travel"),
    16: ("InvalidJog", "jog without `=` or with words that are not allowed"),
    17: ("LaserNeedsPwm", "laser mode needs a PWM output"),
    20: ("UnsupportedCommand", "G-code not known or not supported"),
    21: ("ModalGroupViolation", "two commands of one modal group"),
    22: ("UndefinedFeedRate", "feed rate was never set"),
    23: ("CommandNotInteger", "command needs a whole number"),
    24: ("AxisCommandConflict", "two commands that need axis words"),
    25: ("WordRepeated", "a word is there twice"),
    26: ("NoAxisWords", "axis words are missing"),
    27: ("InvalidLineNumber", "line number not valid"),
    28: ("ValueMissing", "a value that the command needs is missing"),
    29: ("UnsupportedCoordinates", "coordinate system not supported"),
    30: ("G53InvalidMode", "G53 is for G0 and G1"),
    31: ("AxisWordsExist", "axis words that nothing uses"),
    32: ("NoAxisWordsInPlane", "arc without axis words in its plane"),
    33: ("InvalidTarget", "target of the motion not valid"),
    34: ("InvalidRadius", "radius of the arc not valid"),
    35: ("NoOffsetsInPlane", "arc without offsets in its plane"),
    36: ("UnusedWords", "words that nothing uses"),
    37: ("ToolLengthAxis", "tool length offset on another axis than the configured one"),
    38: ("ToolNumberTooHigh", "tool number too high"),
}
ALARMS: Mapping[int, tuple[str, str]] = {
    1: ("HardLimit", "a limit switch was hit; the position is likely lost"),
    2: ("SoftLimit", "a target beyond the machine's travel; the position is kept"),
    3: ("AbortCycle", "reset while moving; the position is likely lost"),
    4: ("ProbeFailInitial", "the probe was not as it should be before probing"),
    5: ("ProbeFailContact", "the probe touched nothing"),
    6: ("HomingFailReset", "reset while homing"),
    7: ("HomingFailDoor", "door opened while homing"),
    8: ("HomingFailPulloff", "the limit switch stayed pressed after pulling off"),
    9: ("HomingFailApproach", "no limit switch was found"),
    10: ("HomingFailDualApproach", "the second limit switch of an axis was not found"),
}
STATES: Mapping[str, str] = {
    "Idle": "ready", "Run": "moving", "Hold": "held, the motion can be resumed", "Jog": "jogging",
    "Alarm": "locked: the position is not to be relied on; run `home`", "Door": "safety door open",
    "Check": "checks G-code without moving", "Home": "homing", "Sleep": "asleep until a reset",
}  # fmt: skip
_ENDS = re.compile(r"ok|error:\d+|<[^<>]*>|Grbl .*|\[MSG:Reset to continue\]")
_LINE = re.compile(r"|ok|error:\d+|ALARM:\d+|<[^<>]*>|\[[^\[\]]*\]|\$N?\d+=.*|Grbl [\x20-\x7e]*|>[\x20-\x7e]*")
_RESET_FOLLOWS = re.compile(r"ALARM:(?:3|6|7|8|9|10)")
_LONGEST_LINE, _LONGEST_FRAME = 256, 8192
_AXES = 3


VERIFIED = Verified(
    manuals=(
        "Grbl v1.1 wiki: Interface, Commands, Configuring Grbl",
        "Grbl's firmware, github.com/gnea/grbl: doc/csv (errors, alarms), grbl/protocol.c, system.c, settings.c (2016)",
    ),
    drivers=(
        "pygrbl-streamer 1.0.5, grbl-streamer 2.0.2, gantrix 0.1.1 against the simulator (in the tests)",
        "grbl-link 0.1.4 (reset, settings, jog), cnc-4-science 0.9.1 (homing, spindle) against the simulator, by hand",
    ),
    unverified=(
        "details of Grbl 1.1h that are not in the files above: they are from memory",
        "grblHAL and FluidNC, which answer `?` while homing and have more settings",
    ),
)


class Refused(InstrumentError):
    """`error:n`: a line was not carried out; nothing has changed."""


class Alarmed(InstrumentError):
    """`ALARM:n`: the controller has stopped and is locked, or waits for a reset."""


@dataclass(frozen=True, slots=True)
class GrblFraming:
    """One frame is what answers one request: lines up to `ok`, `error:n`, a status report or a banner.

    After an alarm that makes the controller start anew the frame goes on to its banner. Lines are separated by LF.
    """

    def take(self, buffer: bytearray) -> bytes | None:
        """The next frame. Raises GarbledReply for a line that Grbl does not send; it is gone then."""
        lines: list[str] = []
        start, resets = 0, False
        while (end := buffer.find(b"\n", start)) >= 0:
            line = bytes(buffer[start:end]).rstrip(b"\r").decode("ascii", "replace")
            if not line.isascii() or _LINE.fullmatch(line) is None:
                del buffer[: end + 1]
                raise GarbledReply(f"{line[:60]!r} is no line of Grbl")
            start = end + 1
            lines += [line] if line else []
            resets = resets or _RESET_FOLLOWS.fullmatch(line) is not None
            if _ENDS.fullmatch(line) and (not resets or line.startswith("Grbl")):
                del buffer[:start]
                return "\n".join(lines).encode("ascii")
        if len(buffer) - start > _LONGEST_LINE or len(buffer) > _LONGEST_FRAME:
            began = bytes(buffer[start : start + 20])
            del buffer[:]
            raise GarbledReply(f"{began!r}...: no line of Grbl is so long")
        return None


@dataclass(frozen=True, slots=True)
class Status:
    """A status report. `position` is the machine's or the work's; `offset` is there in some reports only."""

    state: str
    number: int | None
    position: Vector
    machine: bool
    offset: Vector | None
    pins: str

    def __str__(self) -> str:
        return self.state if self.number is None else f"{self.state}:{self.number}"

    @property
    def meaning(self) -> str:
        """`Alarm (locked: ...)`."""
        return f"{self} ({STATES[self.state]})"


@dataclass(frozen=True, slots=True)
class Build:
    """What `$I` tells."""

    version: str = ""
    name: str = ""
    options: str = ""

    @property
    def identity(self) -> Identity:
        """Who it is; the stored name stands for a serial number."""
        return Identity("", "Grbl", self.name, self.version)


def status(frame: bytes) -> Status:
    """The answer to `?`. Raises GarbledReply; Alarmed when an alarm came instead."""
    lines = _lines(frame)
    fields = lines[-1][1:-1].split("|")
    state, _, number = fields[0].partition(":")
    if not lines[-1].startswith("<") or state not in STATES:
        raise GarbledReply(f"{frame[:80]!r} is no status report")
    values = {name: value for name, _, value in (part.partition(":") for part in fields[1:])}
    position = values.get("MPos", values.get("WPos"))
    if position is None or (number and not number.isdigit()):
        raise GarbledReply(f"{frame[:80]!r} is no status report with a position")
    offset = _vector(values["WCO"], frame) if "WCO" in values else None
    at = _vector(position, frame)
    return Status(state, int(number) if number else None, at, "MPos" in values, offset, values.get("Pn", ""))


def done(frame: bytes) -> list[str]:
    """The lines before `ok`. Raises Refused for `error:n`, Alarmed, GarbledReply for anything else."""
    lines = _lines(frame)
    if (code := re.fullmatch(r"error:(\d+)", lines[-1])) is not None:
        raise Refused(error_text(int(code[1])))
    if lines[-1] != "ok":
        raise GarbledReply(f"{frame[:80]!r} is not `ok`")
    return lines[:-1]


def build(frame: bytes) -> Build:
    """The answer to `$I`. Raises GarbledReply."""
    text = "\n".join(done(frame))
    version = re.search(r"\[VER:([^:\]]+):?([^\]]*)\]", text)
    options = re.search(r"\[OPT:([^,\]]*)", text)
    if version is None:
        raise GarbledReply(f"{frame[:80]!r} holds no [VER:...]")
    return Build(version[1], version[2].strip(), options[1] if options else "")


def settings(frame: bytes) -> dict[int, float]:
    """The answer to `$$`. Raises GarbledReply; InstrumentError for a rate or an acceleration of nothing."""
    found = re.findall(r"^\$(\d+)=([+-]?\d+\.?\d*)", "\n".join(done(frame)), re.MULTILINE)
    values = {int(number): float(value) for number, value in found}
    if missing := [number for base in (110, 120, 130) for number in range(base, base + _AXES) if number not in values]:
        raise GarbledReply(f"the answer to `$$` lacks ${missing[0]}")
    needed = (*range(110, 110 + _AXES), *range(120, 120 + _AXES), *((24, 25) if values.get(22) else ()))
    if still := [number for number in needed if values.get(number, 0.0) <= 0]:
        raise InstrumentError(f"its setting ${still[0]} is {values.get(still[0], 0.0):g}; it must be above 0")
    return values


def banner(frame: bytes) -> None:
    """What a controller says when it has started. Raises GarbledReply for anything else."""
    if not frame.rpartition(b"\n")[2].startswith(b"Grbl "):
        raise GarbledReply(f"{frame[:80]!r} is no banner of Grbl")


def unasked(frame: bytes) -> None:
    """What comes by itself. Raises Alarmed for an alarm, InstrumentError for a banner: somebody has reset it."""
    if _lines(frame)[-1].startswith("Grbl "):
        raise InstrumentError("it was reset; run `home` when it was moving")


def error_text(number: int) -> str:
    """`error 20: G-code not known or not supported (UnsupportedCommand)`."""
    name, text = ERRORS.get(number, ("Unknown", "a code that Grbl 1.1 does not have"))
    return f"error {number}: {text} ({name})"


def alarm_text(number: int) -> str:
    """`alarm 1: a limit switch was hit; the position is likely lost (HardLimit); run `home``."""
    name, text = ALARMS.get(number, ("Unknown", "a code that Grbl 1.1 does not have"))
    return f"alarm {number}: {text} ({name}); run `home`"


def _lines(frame: bytes) -> list[str]:
    """The lines of a frame. Raises Alarmed when an alarm is among them."""
    lines = frame.decode("ascii", "replace").split("\n")
    for line in lines:
        if (alarm := re.fullmatch(r"ALARM:(\d+)", line)) is not None:
            raise Alarmed(alarm_text(int(alarm[1])))
    return lines


def _vector(text: str, frame: bytes) -> Vector:
    parts = text.split(",")
    if len(parts) < _AXES or not all(re.fullmatch(r"-?\d+\.\d+", part) for part in parts):
        raise GarbledReply(f"{frame[:80]!r}: {text!r} is no position of {_AXES} axes")
    return float(parts[0]), float(parts[1]), float(parts[2])
