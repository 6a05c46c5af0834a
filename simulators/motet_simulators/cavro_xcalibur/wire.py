"""The two protocols of Cavro pumps on RS-232 and RS-485, from the pump's end.

Cavro XLP 6000 operating manual (734237-C), pp. 3-4 to 3-8, and XP 3000 operator's manual (725730C), pp. 3-3 to 3-9,
which the XCalibur shares; it finds out by itself which protocol is spoken:

    DT     /  address  data  CR                              answer  /  0  status  data  ETX CR LF
    OEM    STX  address  sequence  data  ETX  checksum       answer  STX  0  status  data  ETX  checksum

The address is 0x31 and the position of the address switch, or one of several pumps (table 3-2), which do not answer
then. The sequence byte is 0x30, the number of the command (1 to 7), and 8 for a command that is sent again. The
checksum is the exclusive or of all other bytes. An answer's status byte is 0x40, 0x20 when the pump is ready, and the
error code.
"""

from dataclasses import dataclass

STX, ETX, CR, SLASH = 0x02, 0x03, 0x0D, 0x2F
FIRST_ADDRESS = 0x31
REPEATED, NUMBER = 0x08, 0x07
_MOST_DATA = 256
"""The pump's buffer has 255 characters."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A command as it came. `sequence` is 0 in the DT protocol."""

    address: int
    data: str
    raw: bytes
    sequence: int = 0
    repeated: bool = False

    @property
    def oem(self) -> bool:
        """Whether it came in the OEM protocol."""
        return self.sequence > 0

    def reaches(self, switch: int) -> bool:
        """Whether it is for the pump with this address switch, alone or with others."""
        return switch in pumps_at(self.address)

    @property
    def answered(self) -> bool:
        """Whether it is for one pump alone."""
        return len(pumps_at(self.address)) == 1


def pumps_at(address: int) -> range:
    """The switch positions of the pumps that an address means: one, a pair, a group of four, or all (`_`)."""
    offset = address - FIRST_ADDRESS
    if 0 <= offset <= 14:
        return range(offset, offset + 1)
    if 0x41 <= address <= 0x4D and (address - 0x41) % 2 == 0:
        return range(address - 0x41, address - 0x41 + 2)
    if 0x51 <= address <= 0x5D and (address - 0x51) % 4 == 0:
        return range(address - 0x51, address - 0x51 + 4)
    return range(15) if address == ord("_") else range(0)


def take(buffer: bytearray) -> Frame | None:
    """Remove the next whole frame; what is in front of one is dropped. None when it is not all there."""
    while buffer:
        start = next((n for n, byte in enumerate(buffer) if byte in (STX, SLASH)), len(buffer))
        del buffer[:start]
        if not buffer:
            return None
        end = buffer.find(CR if buffer[0] == SLASH else ETX, 1)
        length = end + 1 if buffer[0] == SLASH else end + 2
        if end < 0 or len(buffer) < length:
            if len(buffer) > _MOST_DATA + 5:
                del buffer[:1]
                continue
            return None
        raw = bytes(buffer[:length])
        del buffer[:length]
        frame = _dt(raw) if raw[0] == SLASH else _oem(raw)
        if frame is not None:
            return frame
    return None


def answer(status: int, data: str, *, oem: bool, master: str = "0") -> bytes:
    """An answer as it goes over the line."""
    body = master.encode("ascii") + bytes([status]) + data.encode("ascii")
    if not oem:
        return b"/" + body + b"\x03\r\n"
    block = bytes([STX, *body, ETX])
    return block + bytes([checksum(block)])


def checksum(block: bytes) -> int:
    """The exclusive or of all bytes."""
    total = 0
    for byte in block:
        total ^= byte
    return total


def _dt(raw: bytes) -> Frame | None:
    if len(raw) < 3:
        return None
    return Frame(raw[1], raw[2:-1].decode("ascii", "replace").strip(), raw)


def _oem(raw: bytes) -> Frame | None:
    if len(raw) < 5 or checksum(raw[:-1]) != raw[-1] or raw[2] & 0xF0 != 0x30 or not raw[2] & NUMBER:
        return None
    data = raw[3:-2].decode("ascii", "replace").strip()
    return Frame(raw[1], data, raw, raw[2] & NUMBER, bool(raw[2] & REPEATED))
