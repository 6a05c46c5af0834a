"""The RS-232 protocol of New Era syringe pumps: packets, prompts, alarms, errors and numbers.

NE-1000 user manual (publication 1200-01, 2014), sections 10.2 and 10.3, pp. 32-40, read in excerpts:

    basic mode   to the pump     [address] command CR
                 from the pump   STX address status [data] ETX
    safe mode    both ways       STX length [address] command or answer CRC ETX

The length counts itself and what follows; the CRC is that of CCITT, from 0, high byte first (`SAF0`: 0x55 0x43). An
answer's address has two digits. Its status is a prompt or an alarm; a refusal is data that begins with `?`.
"""

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from motet.devices import Verified
from motet.errors import GarbledReply

STX, ETX = 0x02, 0x03
_SHORTEST_SAFE, _LONGEST_SAFE, _LONGEST_BASIC = 7, 0x2F, 64
"""The first digit of an address (0x30 at least) tells an answer in basic mode from the length of one in safe mode."""
_ANSWER = re.compile(r"(\d\d)(?:A\?([RSTEO])|([IWSPTUX])(.*))", re.DOTALL)
_DIGITS = 4

PROMPTS = {
    "I": "infusing",
    "W": "withdrawing",
    "S": "stopped",
    "P": "paused",
    "T": "waiting",
    "U": "waiting for a trigger",
    "X": "purging",
}
ALARMS = {
    "R": "reset: its power was interrupted",
    "S": "stall: its motor stalled",
    "T": "timeout: the host was silent for too long in safe mode",
    "E": "program error",
    "O": "program phase out of range",
}
REFUSALS = {
    "": "the command is not recognized",
    "NA": "the command is not applicable now",
    "OOR": "the value is out of range",
    "COM": "the packet was spoilt on its way",
    "IGN": "the command was ignored because a phase began at the same time",
}
RATE_UNITS = {"MM": 1.0, "UM": 1e-3, "MH": 1 / 60, "UH": 1e-3 / 60}
"""mL/min."""
VOLUME_UNITS = {"ML": 1.0, "UL": 1e-3}
"""mL."""
_VERSION = re.compile(r"NE(\d+)(?:X\d*)?V(\d+\.\d+)")
_QUANTITY = re.compile(r"(\d*\.?\d*)([A-Z]{2})")
_DISPENSED = re.compile(r"I(\d*\.?\d*)W(\d*\.?\d*)([A-Z]{2})")


VERIFIED = Verified(
    manuals=(
        "New Era NE-1000 user manual, publication 1200-01 (2014), sections 10.2 to 10.4, in excerpts",
        "New Era NE-500 user manual, publication 1200-02 (2014), pp. 7-8 and 29, in excerpts",
    ),
    drivers=(
        "nesp-lib 2.0.0 against the simulator, both modes (in the tests)",
        "labmcp-new-era 0.1.2, its driver against the simulator and its simulator against the driver, by hand",
        "yaqd-new-era 2022.1.0 against the simulator, its settings only, by hand",
    ),
    unverified=(
        "whether a pump in safe mode answers a command without a packet",
        "when the counters of DIS roll over",
    ),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a pump answers: a prompt, or the alarm that it tells instead; data, or the letters of a refusal."""

    state: str
    alarm: str | None = None
    data: str = ""
    refusal: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """A number as the pump is told it, with its units; its value and that of its last digit, in mL or mL/min."""

    text: str = ""
    units: str = ""
    value: float = 0.0
    step: float = 0.0


class NewEraFraming:
    """Answers of either mode; the text is returned without what is around it, with the CRC checked."""

    def take(self, buffer: bytearray) -> bytes | None:
        """The next answer's text. Raises GarbledReply for bytes that are in no packet, or a wrong CRC."""
        if not buffer:
            return None
        if buffer[0] != STX:
            end = buffer.find(STX)
            raise self._garbled(buffer, len(buffer) if end < 0 else end, "0x02 is expected first")
        if len(buffer) < 2:
            return None
        return self._safe(buffer) if buffer[1] <= _LONGEST_SAFE else self._basic(buffer)

    def _basic(self, buffer: bytearray) -> bytes | None:
        end = buffer.find(ETX)
        again = buffer.find(STX, 1)
        if 0 < again < end or (end < 0 < again):
            raise self._garbled(buffer, again, "0x03 is expected at its end")
        if end < 0:
            if len(buffer) > _LONGEST_BASIC:
                raise self._garbled(buffer, len(buffer), f"0x03 is expected within {_LONGEST_BASIC} bytes")
            return None
        text = bytes(buffer[1:end])
        del buffer[: end + 1]
        return text

    def _safe(self, buffer: bytearray) -> bytes | None:
        length = buffer[1]
        if length < _SHORTEST_SAFE:
            raise self._garbled(buffer, 1, f"its length is {length}, at least {_SHORTEST_SAFE} is expected")
        if len(buffer) < 1 + length:
            return None
        text, sent = bytes(buffer[2 : length - 2]), bytes(buffer[length - 2 : length])
        if buffer[length] != ETX or crc(text) != sent:
            raise self._garbled(buffer, 1, "its CRC is wrong")
        del buffer[: 1 + length]
        return text

    @staticmethod
    def _garbled(buffer: bytearray, count: int, why: str) -> GarbledReply:
        start = bytes(buffer[:20])
        del buffer[:count]
        return GarbledReply(f"{start!r} is no answer of a New Era pump: {why}")


def crc(data: bytes) -> bytes:
    """The CRC-16 of CCITT, from 0, high byte first."""
    return binascii.crc_hqx(data, 0).to_bytes(2, "big")


def request(address: int, command: str, *, safe: bool) -> bytes:
    """A command as it goes over the line."""
    body = f"{address}{command}".encode("ascii")
    return bytes([STX, len(body) + 4, *body, *crc(body), ETX]) if safe else body + b"\r"


def parse(frame: bytes, address: int) -> Answer:
    """What the answer says. Raises GarbledReply for what is none, or is another pump's."""
    match = _ANSWER.fullmatch(frame.decode("ascii", "replace"))
    if match is None:
        raise GarbledReply("an address of two digits and a status are expected")
    if int(match[1]) != address:
        raise GarbledReply(f"pump {int(match[1])} answers, not pump {address}")
    if match[2]:
        return Answer("S", alarm=match[2])
    data = match[4]
    if not data.startswith("?"):
        return Answer(match[3], data=data)
    if data[1:] not in REFUSALS:
        raise GarbledReply(f"{data!r} is no refusal")
    return Answer(match[3], refusal=data[1:])


def version(data: str) -> tuple[str, str]:
    """Model number and firmware version from `NE1000V3.923`. Raises GarbledReply."""
    match = _VERSION.fullmatch(data)
    if match is None:
        raise GarbledReply(f"{data!r} is no version of a New Era pump: NE1000V3.923, say")
    return match[1], match[2]


def dispensed(data: str) -> tuple[float, float]:
    """What was infused and withdrawn, mL. Raises GarbledReply."""
    match = _DISPENSED.fullmatch(data)
    if match is None or match[3] not in VOLUME_UNITS:
        raise GarbledReply(f"{data!r} does not say what was dispensed: I1.000W0.000ML, say")
    factor = VOLUME_UNITS[match[3]]
    return _float(match[1]) * factor, _float(match[2]) * factor


def rate(data: str) -> tuple[float, str]:
    """A rate, mL/min, and the units that it came in. Raises GarbledReply."""
    return _quantity(data, RATE_UNITS)


def volume(data: str) -> tuple[float, str]:
    """A volume, mL, and the units that it came in. Raises GarbledReply."""
    return _quantity(data, VOLUME_UNITS)


def diameter(data: str) -> float:
    """mm. Raises GarbledReply."""
    return _float(data)


def number(value: float) -> str:
    """At most four digits and a decimal point, at most three digits after it; `value` is below 9999.5."""
    for decimals in (3, 2, 1, 0):
        text = f"{value:.{decimals}f}"
        if len(text.replace(".", "")) <= _DIGITS:
            return text
    raise ValueError(f"{value:g} has more than {_DIGITS} digits before its decimal point")


def best_units(value: float, units: Mapping[str, float], first: str) -> Told:
    """The number and units that tell a value best; `first` is preferred to others that are as good."""
    found: list[tuple[float, bool, str, Told]] = []
    for name, factor in units.items():
        if value / factor < 10**_DIGITS - 0.5:
            text = number(value / factor)
            told = Told(text, name, float(text) * factor, 10.0 ** -len(text.partition(".")[2]) * factor)
            found.append((round(abs(told.value - value) / value, 9), name != first, name, told))
    return min(found)[3] if found else Told()


def _quantity(data: str, units: Mapping[str, float]) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(data)
    if match is None or match[2] not in units:
        raise GarbledReply(f"{data!r} is no number with one of the units {', '.join(units)}")
    return _float(match[1]) * units[match[2]], match[2]


def _float(text: str) -> float:
    if not re.fullmatch(r"[0-9]+\.?[0-9]*|\.[0-9]+", text):
        raise GarbledReply(f"{text!r} is no number")
    return float(text)
