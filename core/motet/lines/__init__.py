"""Lines: the one seam for an instrument's bytes, with framing, timeout, bounded retry and capture."""

from motet.lines.capture import Capture, Record, read_capture
from motet.lines.framing import Framing, Prefixed, Terminated
from motet.lines.line import Line
from motet.lines.port import Port
from motet.lines.serial import SerialOpener
from motet.lines.stream import ByteStream, Opener

__all__ = [
    "ByteStream",
    "Capture",
    "Framing",
    "Line",
    "Opener",
    "Port",
    "Prefixed",
    "Record",
    "SerialOpener",
    "Terminated",
    "read_capture",
]
