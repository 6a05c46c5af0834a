"""Codec of the Thorlabs Elliptec (ELLx) protocol: 9600 baud, 8N1, up to 16 modules on one bus.

An address, two letters, hexadecimal digits; replies end with CR LF; positions are 32 bits, two's complement. The
maker's "ELLx modules protocol manual" could not be read: messages, lengths and the codes of `GS` are those that the
published drivers elliptec, thorlabs_elliptec, pylablib and tl_elliptec agree on. The factor of a rotary module is for a
turn, that of a linear one for a mm (pylablib takes both for the whole travel).
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from motet.devices import Identity
from motet.errors import GarbledReply

Kind = Literal["linear", "rotary", "slider"]
KINDS: dict[int, Kind] = {
    6: "slider", 9: "slider", 12: "slider", 7: "linear", 10: "linear", 17: "linear", 20: "linear",
    8: "rotary", 14: "rotary", 16: "rotary", 18: "rotary", 21: "rotary", 22: "rotary",
}  # fmt: skip
"""What the types of module are that `IN` gives; the number is also that of the model, ELL20."""
SLOTS = {6: 2, 9: 4, 12: 6}
"""Positions of the sliders."""
_FRAME = re.compile(rb"([0-9A-F])([A-Z][A-Z0-9])([0-9A-Z]*)")
_UNASKED = (b"BO", b"BS")
"""What the buttons of a module make it say."""
_TURN = 360.0


class Code(IntEnum):
    """The codes of `GS`."""

    OK = 0
    COMMUNICATION_TIMEOUT = 1
    MECHANICAL_TIMEOUT = 2
    COMMAND_ERROR = 3
    VALUE_OUT_OF_RANGE = 4
    MODULE_ISOLATED = 5
    MODULE_OUT_OF_ISOLATION = 6
    INITIALIZING_ERROR = 7
    THERMAL_ERROR = 8
    BUSY = 9
    SENSOR_ERROR = 10
    MOTOR_ERROR = 11
    OUT_OF_RANGE = 12
    OVER_CURRENT = 13


MEANINGS = {
    Code.OK: "no error",
    Code.COMMUNICATION_TIMEOUT: "communication time out",
    Code.MECHANICAL_TIMEOUT: "mechanical time out: it did not arrive",
    Code.COMMAND_ERROR: "command not known or not supported by this module",
    Code.VALUE_OUT_OF_RANGE: "value out of range",
    Code.MODULE_ISOLATED: "module isolated",
    Code.MODULE_OUT_OF_ISOLATION: "module out of isolation",
    Code.INITIALIZING_ERROR: "initializing error",
    Code.THERMAL_ERROR: "thermal error: too hot",
    Code.BUSY: "busy",
    Code.SENSOR_ERROR: "sensor error",
    Code.MOTOR_ERROR: "motor error",
    Code.OUT_OF_RANGE: "out of range: told to go beyond its travel",
    Code.OVER_CURRENT: "over current",
}


@dataclass(frozen=True, slots=True)
class ModuleFraming:
    """Frames for one module: without CR LF and without its address.

    What other modules on the bus say is passed over, and what this one's buttons make it say. A frame that is none,
    by its address too, raises GarbledReply.
    """

    address: str

    def take(self, buffer: bytearray) -> bytes | None:
        """The next frame of this module."""
        while (end := buffer.find(b"\n")) >= 0:
            frame = bytes(buffer[:end]).rstrip(b"\r")
            del buffer[: end + 1]
            match = _FRAME.fullmatch(frame)
            if match is None:
                raise GarbledReply(f"{frame[:40]!r} is no Elliptec frame: an address and two capitals are expected")
            if match[1].decode("ascii") == self.address and match[2] not in _UNASKED:
                return frame[1:]
        if len(buffer) > 2048:  # the longest reply, that of `c1`, has 1049 bytes
            del buffer[:]
            raise GarbledReply("more than 2048 bytes without LF")
        return None


@dataclass(frozen=True, slots=True)
class Information:
    """What a module says of itself. `travel` is in mm or deg, `pulses` are counts a mm, or a turn."""

    type: int
    serial_number: str
    year: int
    firmware: str
    imperial: bool
    travel: int
    pulses: int

    @property
    def kind(self) -> Kind | None:
        """What sort of module it is; None for one that this driver does not know."""
        return KINDS.get(self.type)

    @property
    def slots(self) -> int:
        """How many positions a slider has, else 0."""
        return SLOTS.get(self.type, 0)

    @property
    def per_unit(self) -> float:
        """Counts a mm or deg; 1 for a slider."""
        if self.slots:
            return 1.0
        return self.pulses / _TURN if self.kind == "rotary" else float(self.pulses)

    @property
    def identity(self) -> Identity:
        """Who it is."""
        return Identity("Thorlabs", f"ELL{self.type}", self.serial_number, self.firmware)


def information(frame: bytes) -> Information:
    """The reply to `in`: type 2, serial number 8, year 4, firmware 2, thread and hardware 2, travel 4, pulses 8 digits.

    Newer modules put more behind. Raises GarbledReply.
    """
    text = _data(frame, b"IN")
    try:
        if len(text) < 30:
            raise ValueError
        kind, hardware, travel, pulses = (int(text[a:b], 16) for a, b in ((0, 2), (16, 18), (18, 22), (22, 30)))
        found = Information(kind, text[2:10], int(text[10:14]), text[14:16], bool(hardware & 0x80), travel, pulses)
    except ValueError:
        raise GarbledReply(f"{frame!r} is no IN with at least 30 digits") from None
    if found.pulses <= 0 and not found.slots:
        raise GarbledReply(f"{frame!r} gives {found.pulses} pulses a unit; at least 1 is expected")
    return found


def position(frame: bytes) -> int:
    """The reply to `gp`, counts. Raises GarbledReply."""
    text = _data(frame, b"PO")
    if len(text) != 8:
        raise GarbledReply(f"{frame!r} is no PO with 8 digits")
    return _signed(text, frame)


def status(frame: bytes) -> Code:
    """The reply to `gs`. Raises GarbledReply."""
    text = _data(frame, b"GS")
    try:
        if len(text) != 2:
            raise ValueError
        return Code(int(text, 16))
    except ValueError:
        raise GarbledReply(f"{frame!r} is no GS with a code from 00 to 0D") from None


def moving(frame: bytes) -> Code | None:
    """How a motion goes: the reply to `gs`; None for the position that a module gives by itself when it has ended."""
    if frame[:2] == b"PO":
        position(frame)
        return None
    return status(frame)


def named(code: Code) -> str:
    """`MechanicalTimeout`."""
    return code.name.title().replace("_", "")


def long(counts: int) -> str:
    """A position as 8 digits."""
    return f"{counts & 0xFFFFFFFF:08X}"


def _data(frame: bytes, wanted: bytes) -> str:
    if frame[:2] != wanted:
        raise GarbledReply(f"{frame!r} is no reply of the kind {wanted.decode('ascii')}")
    return frame[2:].decode("ascii")


def _signed(text: str, frame: bytes) -> int:
    try:
        value = int(text, 16)
    except ValueError:
        raise GarbledReply(f"{frame!r} holds what is no hexadecimal number") from None
    return value - (1 << 32) if value & 0x80000000 else value
