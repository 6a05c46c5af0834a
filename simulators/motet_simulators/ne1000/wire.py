"""The packets and numbers of New Era's RS-232 protocol, from the pump's end.

NE-1000 user manual (publication 1200-01, 2014), sections 10.2.1 to 10.2.5, pp. 32-40. Numbers that the pump tells have
four digits and a decimal point (`1000.`), which the published driver nesp-lib relies on.
"""

import binascii
import math
import re
from dataclasses import dataclass

STX, ETX, CR = 0x02, 0x03, 0x0D
BURST = re.compile(r"(\d[^*]+\*)+")
"""Commands for several pumps at once (section 10.2.5)."""
_SHORTEST, _DIGITS = 5, 4
_SPOILT = "\0"


class Refused(Exception):
    """A command that cannot be carried out: the letters after the question mark."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A command as it came: its text, without spaces and control characters, in upper case."""

    text: str
    raw: bytes
    safe: bool

    @property
    def spoilt(self) -> bool:
        """Whether its CRC is wrong; the text is the address at most."""
        return self.text.endswith(_SPOILT)


def take(buffer: bytearray) -> Packet | None:
    """Remove the next whole packet; None when it is not all there."""
    while buffer:
        start, end = buffer.find(STX), buffer.find(CR)
        if end >= 0 and (start < 0 or end < start):
            raw = bytes(buffer[: end + 1])
            del buffer[: end + 1]
            return Packet(_stripped(raw), raw, safe=False)
        if start < 0:
            return None
        del buffer[:start]
        if len(buffer) < 2 or len(buffer) < 1 + buffer[1]:
            return None
        raw = bytes(buffer[: 1 + max(1, buffer[1])])
        del buffer[: len(raw)]
        if len(raw) >= _SHORTEST and raw[-1] == ETX:
            body = raw[2:-3]
            right = crc(body) == raw[-3:-1]
            return Packet(_stripped(body) if right else _digits(body) + _SPOILT, raw, safe=True)
    return None


def framed(text: str, *, safe: bool) -> bytes:
    """An answer as it goes over the line."""
    body = text.encode("ascii")
    return bytes([STX, len(body) + 4, *body, *crc(body), ETX]) if safe else bytes([STX, *body, ETX])


def crc(data: bytes) -> bytes:
    """The CRC-16 of CCITT, from 0, high byte first; that of `SAF0` is 0x55 0x43 (section 10.2.2)."""
    return binascii.crc_hqx(data, 0).to_bytes(2, "big")


def shown(value: float) -> str:
    """A number as the pump writes it."""
    value = math.fmod(value, 10_000)
    decimals = next((n for n in (3, 2, 1) if round(value, n) < 10 ** (4 - n)), 0)
    return f"{value:.{decimals}f}" if decimals else f"{value:.0f}."


def number(text: str, low: float = 0.0, high: float = math.inf) -> float:
    """At most four digits, three of them after the point. Raises Refused."""
    match = re.fullmatch(r"(\d*)\.?(\d*)", text)
    if match is None or not (match[1] or match[2]):
        raise Refused("")
    if len(match[1]) + len(match[2]) > _DIGITS or len(match[2]) > 3 or not low <= float(text) <= high:
        raise Refused("OOR")
    return float(text)


def integer(text: str, low: int, high: int) -> int:
    """A whole number. Raises Refused."""
    if not re.fullmatch(r"[0-9]+", text):
        raise Refused("")
    if len(text) > _DIGITS or not low <= int(text) <= high:
        raise Refused("OOR")
    return int(text)


def _stripped(raw: bytes) -> str:
    return "".join(chr(byte) for byte in raw if 0x20 < byte < 0x7F).upper()


def _digits(raw: bytes) -> str:
    match = re.match(rb"[0-9]{0,2}", raw)
    return match[0].decode("ascii") if match else ""
