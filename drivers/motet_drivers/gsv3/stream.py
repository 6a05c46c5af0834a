"""Frames of a GSV-3 amplifier, and the stream of values that it sends by itself.

Values are 0xA5 and two bytes; register data are `;` and their bytes: eight digits of a serial number, else two bytes of
a firmware version (GSV-2 user's manual, pp. 16 to 18). Any byte may be 0xA5, so a reader finds its place in a stream by
frames that follow each other.
"""

from dataclasses import dataclass

VALUE, REGISTER = 0xA5, ord(";")
_LENGTH = 3
_DIGITS = frozenset(b"0123456789")


class GsvFraming:
    """Values, register data, and what is neither: a run of bytes up to the next that may begin a frame.

    Nothing is dropped: what is in the protocol is for the parsers to say, and a stream must keep its bytes.
    """

    def take(self, buffer: bytearray) -> bytes | None:
        """The next whole frame, or bytes that can be the beginning of none."""
        if not buffer:
            return None
        if buffer[0] not in (VALUE, REGISTER):
            end = next((n for n, byte in enumerate(buffer) if byte in (VALUE, REGISTER)), len(buffer))
            return _cut(buffer, end)
        if len(buffer) < _LENGTH:
            return None
        length = 9 if buffer[0] == REGISTER and buffer[1] in _DIGITS else _LENGTH
        return _cut(buffer, length) if len(buffer) >= length else None


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of a stream: its place, counted in values from the start, and the value as sent."""

    slot: int
    raw: int


def decode(data: bytes) -> tuple[list[Sample], int]:
    """The values of a stream that begins and ends with a whole one, and how many were lost on the way.

    A frame counts when the next one begins right after it; after lost bytes the reader goes on where two frames follow
    each other. There, a frame with no other 0xA5 in it speaks for the place, since at a wrong one the true beginnings
    of frames are inside; but one beginning may be among the lost bytes, so two such frames are needed. Values that can
    be read in two ways before the next lost byte count as lost. So no value is wrong and none is at a wrong place when
    between one lost byte and the next at least three whole values have no 0xA5 in them; with fewer, that is not
    certain. A value of which every byte was lost cannot be noticed: the protocol does not number them. As few bytes are
    taken to be lost as make the places fit.
    """
    samples: list[Sample] = []
    place = begun = missing = shift = needed = 0
    while place < len(data):
        if place + _LENGTH <= len(data) and _follows(data, place, 1):
            raw = int.from_bytes(data[place + 1 : place + _LENGTH], "big")
            samples.append(Sample((place + shift) // _LENGTH, raw))
            place += _LENGTH
            continue
        certain = _certain(samples, begun, needed)
        if certain > begun:
            missing = shift
        del samples[certain:]
        begun, place, needed = certain, place + 1, 2
        while place < len(data) and not _follows(data, place, 2):
            place += 1
        shift = missing + -(place + missing) % _LENGTH
    if needed and _certain(samples, begun, needed) == begun:
        del samples[begun:]
    return samples, (len(data) + shift) // _LENGTH - len(samples)


def _certain(samples: list[Sample], begun: int, needed: int) -> int:
    """The end of the samples from `begun` on that can be read in one way only; `begun` when fewer than `needed` of them
    speak for it."""
    clear = [n for n in range(begun, len(samples)) if not _ambiguous(samples[n].raw)]
    return clear[-1] + 1 if clear and len(clear) >= needed else begun


def _follows(data: bytes, place: int, frames: int) -> bool:
    """Whether a frame begins here, and so many after it, as far as the data go."""
    places = range(place, place + _LENGTH * frames + 1, _LENGTH)
    return all(data[at] == VALUE for at in places if at < len(data))


def _ambiguous(raw: int) -> bool:
    """Whether a frame could also begin inside of this one."""
    return VALUE in raw.to_bytes(2, "big")


def _cut(buffer: bytearray, length: int) -> bytes:
    frame = bytes(buffer[:length])
    del buffer[:length]
    return frame
