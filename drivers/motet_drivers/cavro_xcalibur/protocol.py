"""The DT and OEM protocols of Cavro pumps: frames, status byte, error codes, valve positions.

Cavro XLP 6000 operating manual (734237-C), pp. 3-4 to 3-8 and 3-47 to 3-50, and XP 3000 operator's manual (725730C),
pp. 3-3 to 3-9 and 3-43 to 3-46, both read in excerpts; the XCalibur speaks the same:

    DT     /  address  data  CR                              answer  /  0  status  data  ETX CR LF
    OEM    STX  address  sequence  data  ETX  checksum       answer  STX  0  status  data  ETX  checksum

The address is `1` for switch position 0, up to `?` for E. The status byte is 0x40, 0x20 when the pump is ready, and the
error code. The busy bit counts in the answer to `Q` only. On RS-485 an answer may follow a byte 0xFF.
"""

import re
from dataclasses import dataclass

from motet.devices import Verified
from motet.errors import GarbledReply

STX, ETX, SLASH, SYNC = 0x02, 0x03, 0x2F, 0xFF
FIRST_ADDRESS = 0x31
_END = b"\x03\r\n"
_LONGEST = 300
_READY, _FIXED, _FIXED_BITS, _CODE = 0x20, 0x40, 0xD0, 0x0F

ERRORS = {
    1: ("initialization", "the pump failed to initialize"),
    2: ("invalid command", "it does not know a command of the string"),
    3: ("invalid operand", "a value is out of range"),
    4: ("invalid command sequence", "the string's structure is wrong"),
    5: ("fluid detection", ""),
    6: ("EEPROM failure", ""),
    7: ("device not initialized", "run `initialize`"),
    8: ("internal failure", ""),
    9: ("plunger overload", "too much back pressure; find out why, then run `initialize`"),
    10: ("valve overload", "the valve is blocked; find out why, then run `initialize`"),
    11: ("plunger move not allowed", "the valve is at its bypass"),
    12: ("internal failure", ""),
    13: ("error 13", "not in the manual"),
    14: ("A/D converter failure", ""),
    15: ("command overflow", "it was told something while it was busy"),
}
"""Name, and what to do or think of it."""
NOT_INITIALIZED, NOT_ALLOWED = 7, 11
UNREADY = (1, NOT_INITIALIZED, 9, 10)
"""After these nothing moves before the pump is initialized."""
_NON_DISTRIBUTION = re.compile("[IOBE]")


VERIFIED = Verified(
    manuals=(
        "Tecan Cavro XLP 6000 operating manual, 734237-C, chapter 3, in excerpts",
        "Cavro XP 3000 operator's manual, 725730C (1998), chapter 3, in excerpts",
    ),
    drivers=(
        "matterlab-pumps 1.2.1, TecanXCPump against the simulator (in the tests)",
        "labmcp-cavro 0.1.3, its driver against the simulator and its simulator against the driver, by hand",
        "tecancavro and pycont, read only: the bytes that they send",
    ),
    unverified=(
        "the XCalibur's own manual was not at hand: its ranges are those of published drivers",
        "that a move by nothing (P0) is refused by a pump that is not initialized",
    ),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a pump answers."""

    ready: bool
    error: int
    data: str = ""


class CavroFraming:
    """Answers of either protocol; status and data are returned, the host's address in front."""

    def take(self, buffer: bytearray) -> bytes | None:
        """The next answer's middle. Raises GarbledReply for bytes that begin none, or a wrong checksum."""
        while buffer and buffer[0] == SYNC:
            del buffer[:1]
        if not buffer:
            return None
        if buffer[0] == SLASH:
            return self._dt(buffer)
        if buffer[0] == STX:
            return self._oem(buffer)
        end = next((n for n, byte in enumerate(buffer) if byte in (SLASH, STX)), len(buffer))
        raise self._garbled(buffer, end, "`/` or 0x02 is expected first")

    def _dt(self, buffer: bytearray) -> bytes | None:
        end, again = buffer.find(_END), buffer.find(b"/0", 1)
        if 0 < again < end or (end < 0 < again):
            raise self._garbled(buffer, again, "0x03 CR LF is expected at its end")
        if end < 0:
            self._check_length(buffer)
            return None
        middle = bytes(buffer[1:end])
        del buffer[: end + len(_END)]
        return middle

    def _oem(self, buffer: bytearray) -> bytes | None:
        end = buffer.find(ETX)
        if end < 0 or len(buffer) < end + 2:
            self._check_length(buffer)
            return None
        middle, sent = bytes(buffer[1:end]), buffer[end + 1]
        if checksum(bytes(buffer[: end + 1])) != sent:
            raise self._garbled(buffer, 1, "its checksum is wrong")
        del buffer[: end + 2]
        return middle

    def _check_length(self, buffer: bytearray) -> None:
        if len(buffer) > _LONGEST:
            raise self._garbled(buffer, len(buffer), f"its end is expected within {_LONGEST} bytes")

    @staticmethod
    def _garbled(buffer: bytearray, count: int, why: str) -> GarbledReply:
        start = bytes(buffer[:20])
        del buffer[:count]
        return GarbledReply(f"{start!r} is no answer of a Cavro pump: {why}")


def checksum(block: bytes) -> int:
    """The exclusive or of all bytes."""
    total = 0
    for byte in block:
        total ^= byte
    return total


def request(switch: int, text: str, sequence: int = 0) -> bytes:
    """A command as it goes over the line: in the OEM protocol with a sequence number from 1 to 7."""
    address = FIRST_ADDRESS + switch
    if not sequence:
        return bytes([SLASH, address]) + text.encode("ascii") + b"\r"
    block = bytes([STX, address, 0x30 | sequence]) + text.encode("ascii") + bytes([ETX])
    return block + bytes([checksum(block)])


def parse(middle: bytes) -> Answer:
    """What an answer says. Raises GarbledReply for what is none."""
    if len(middle) < 2 or middle[:1] != b"0":
        raise GarbledReply("an answer to the host, `0`, with a status is expected")
    status = middle[1]
    if status & _FIXED_BITS != _FIXED:
        raise GarbledReply(f"0x{status:02X} is no status: bits 7 and 4 are 0, bit 6 is 1")
    data = middle[2:]
    if not data.isascii():
        raise GarbledReply("data are plain characters")
    return Answer(bool(status & _READY), status & _CODE, data.decode("ascii"))


def parse_empty(middle: bytes) -> Answer:
    """What an answer without data says. Raises GarbledReply."""
    answer = parse(middle)
    if answer.data:
        raise GarbledReply("no data are expected")
    return answer


def firmware(data: str) -> str:
    """The answer to `&`. Raises GarbledReply without one."""
    if not data.strip():
        raise GarbledReply("a firmware version is expected")
    return data.strip()


def valve(data: str) -> str:
    """The valve's position as it is told to it; `?` before the initialization. Raises GarbledReply."""
    if not re.fullmatch("[ioeb?]|[1-9]|1[0-2]", data):
        raise GarbledReply(f"{data!r} is no position of a valve")
    return data.upper()


def number(data: str) -> int:
    """A report that is a whole number. Raises GarbledReply."""
    if not re.fullmatch(r"[0-9]{1,9}", data):
        raise GarbledReply(f"{data!r} is no number")
    return int(data)


def valve_command(position: str) -> str:
    """What turns the valve: to `I`, `O`, `B` or `E`, or to a port of a distribution valve."""
    return position if _NON_DISTRIBUTION.fullmatch(position) else f"I{position}"
