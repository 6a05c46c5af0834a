"""Framing: where one message of an instrument ends and the next begins."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from motet.errors import GarbledReply


def _any(frame: bytes) -> bool:
    return True


class Framing(Protocol):
    """Cuts a stream of bytes into frames. It keeps no state: one framing may serve many lines."""

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove the next whole frame from the front of `buffer` and return it; None when it is not all
        there.

        What cannot be the beginning of a frame may be dropped. Raises GarbledReply when what is there can
        be no frame, with the offending bytes removed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Terminated:
    """Frames that end with a terminator, which is not returned. `max_length` is in bytes, without it."""

    terminator: bytes = b"\r"
    max_length: int = 4096

    def __post_init__(self) -> None:
        if not self.terminator:
            raise ValueError("terminator is empty; a frame that ends with something is needed")

    def take(self, buffer: bytearray) -> bytes | None:
        """The bytes before the next terminator. Raises GarbledReply when they are more than `max_length`."""
        end = buffer.find(self.terminator)
        length = end if end >= 0 else len(buffer) - len(self.terminator) + 1
        if length > self.max_length:
            start = bytes(buffer[: min(length, 20)])
            del buffer[: end + len(self.terminator) if end >= 0 else len(buffer)]
            raise GarbledReply(
                f"{length} bytes beginning with {start!r}; at most {self.max_length} may come before "
                f"the terminator {self.terminator!r}"
            )
        if end < 0:
            return None
        frame = bytes(buffer[:end])
        del buffer[: end + len(self.terminator)]
        return frame


@dataclass(frozen=True, slots=True)
class Prefixed:
    """Frames of `length` bytes that begin with a prefix, which counts and is returned with the rest.

    Bytes in front of a prefix are dropped: this is how a reader finds its place in a stream that it joins
    half-way. Where the prefix may also occur inside a frame, `valid` (a checksum, say) tells the two apart.
    """

    prefix: bytes
    length: int
    valid: Callable[[bytes], bool] = _any

    def __post_init__(self) -> None:
        if not self.prefix or self.length < len(self.prefix):
            raise ValueError(f"prefix {self.prefix!r}, length {self.length}: a prefix of 1 to `length` bytes is needed")

    def take(self, buffer: bytearray) -> bytes | None:
        """The next `length` bytes that begin with the prefix and are valid."""
        while (start := buffer.find(self.prefix)) >= 0:
            del buffer[:start]
            if len(buffer) < self.length:
                return None
            frame = bytes(buffer[: self.length])
            if self.valid(frame):
                del buffer[: self.length]
                return frame
            del buffer[:1]
        del buffer[: len(buffer) - self._begun(buffer)]
        return None

    def _begun(self, buffer: bytearray) -> int:
        """How many bytes at the end of the buffer may be the beginning of a prefix."""
        longest = min(len(self.prefix) - 1, len(buffer))
        return next((n for n in range(longest, 0, -1) if buffer.endswith(self.prefix[:n])), 0)
