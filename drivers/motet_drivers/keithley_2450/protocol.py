"""What goes to a Keithley Model 2450 and comes back: SCPI commands, readings, the error queue.

Commands and replies are those of the Model 2450 Reference Manual (2450-901-01), section 6 and appendix B: `*IDN?` gives
`KEITHLEY INSTRUMENTS,MODEL 2450,serial number,firmware` (p. B-5 prints `KEITHLEY INSTRUMENTS INC.`);
`:SYSTem:ERRor?` gives number, text, type and time in quotes; the answers to one message come on one line, separated by
semicolons (IEEE 488.2). A reading beyond its range is 9.9e37.
"""

import re
from dataclasses import dataclass

from motet.devices import Identity
from motet.errors import GarbledReply

OVERFLOW = 9.8e37
LIMITED = 32
"""Bit of a source status: the source was held by its limit (p. 8-29)."""
_IDENTITY = re.compile(r"(KEITHLEY INSTRUMENTS)(?: INC\.)?, ?MODEL ([^,;]+), ?([^,;]+), ?([^,;]+)", re.ASCII)
_ERROR = re.compile(r'([+-]?\d+),"([^"]*)"', re.ASCII)
_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[Ee][-+]?\d+)?"
_NUMBERS = re.compile(rf"{_NUMBER}(?:,{_NUMBER})*", re.ASCII)
_POINT = re.compile(rf'(?:({_NUMBER},{_NUMBER});)?(?:([01]);)?([+-]?\d+,"[^"]*")', re.ASCII)
_STATE = re.compile(r"(IDLE|RUNNING|WAITING|EMPTY|BUILDING|FAILED|ABORTING|ABORTED);[A-Z]+;\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One entry of the error queue: number and text."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"error {self.code}: {self.text}"


@dataclass(frozen=True, slots=True)
class Point:
    """One source-measure point: what was measured, what was sourced, V or A, and whether the limit holds the source."""

    measured: float
    sourced: float
    limited: bool


def text(frame: bytes) -> str:
    """A reply as text. Raises GarbledReply for other bytes than printable ASCII."""
    line = frame.removesuffix(b"\r")
    if not line or any(not 0x20 <= byte < 0x7F for byte in line):
        raise GarbledReply(f"{frame!r} is no line of text")
    return line.decode("ascii")


def identity(frame: bytes) -> Identity:
    """The reply to `*IDN?`; the model is empty where another instrument answers."""
    found = text(frame)
    match = _IDENTITY.fullmatch(found)
    if match is None:
        if found.count(",") != 3:
            raise GarbledReply(f"{found!r} is no identity: maker, model, serial number and firmware are expected")
        maker, model, serial_number, firmware = (part.strip() for part in found.split(","))
        return Identity(maker, model, serial_number, firmware)
    return Identity("Keithley", match[2], match[3], match[4])


def refusal(frame: bytes) -> Refusal | None:
    """The reply to `:SYST:ERR?`, None for `No error`."""
    return _refusal(text(frame))


def numbers(frame: bytes, count: int) -> tuple[float, ...]:
    """So many numbers separated by commas."""
    return _numbers(text(frame), count)


def number(frame: bytes) -> float:
    """One number."""
    return numbers(frame, 1)[0]


def flag(frame: bytes) -> bool:
    """`0` or `1`."""
    return _flag(text(frame))


def state(frame: bytes) -> str:
    """The reply to `:TRIG:STAT?`: the state alone."""
    match = _STATE.fullmatch(text(frame))
    if match is None:
        raise GarbledReply(f"{frame!r} is no state of a trigger model")
    return match[1]


def point(frame: bytes) -> Point | Refusal:
    """The reply to a reading of two elements, the query of the limit and that of the error queue in one message.

    Where a part was refused, its answer is missing and the error is there.
    """
    match = _POINT.fullmatch(text(frame))
    if match is None:
        raise GarbledReply(f"{frame!r}: readings, limit and error are expected")
    values, limited, last = match.groups()
    refused = _refusal(last)
    if refused is not None:
        return refused
    if values is None or limited is None:
        raise GarbledReply(f"{frame!r}: readings and limit are missing, without an error")
    measured, sourced = _numbers(values, 2)
    return Point(measured, sourced, _flag(limited))


def _refusal(part: str) -> Refusal | None:
    match = _ERROR.fullmatch(part)
    if match is None:
        raise GarbledReply(f"{part!r} is no entry of the error queue: a number and a text are expected")
    code = int(match[1])
    return Refusal(code, match[2].partition(";")[0]) if code else None


def _numbers(part: str, count: int) -> tuple[float, ...]:
    if _NUMBERS.fullmatch(part) is None or part.count(",") != count - 1:
        raise GarbledReply(f"{part!r} is not {count} number{'s' if count > 1 else ''}")
    return tuple(float(each) for each in part.split(","))


def _flag(part: str) -> bool:
    if part not in ("0", "1"):
        raise GarbledReply(f"{part!r} is neither 0 nor 1")
    return part == "1"
