"""MQTT 3.1.1 cut into packets, as far as a proxy has to know them (OASIS standard of 29 October 2014, chapters 2, 3).

A packet is one byte of type and flags, the length of the rest in one to four bytes of seven bits each, and the rest.
"""

from dataclasses import dataclass

CONNECT, PUBLISH, PUBACK, DISCONNECT = 1, 3, 4, 14
_LONGEST_LENGTH = 4
"""Bytes of the length, section 2.2.3."""


class NotMqtt(Exception):
    """These bytes are no packet that the proxy knows."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: its first byte, and everything behind the length."""

    first: int
    body: bytes

    @property
    def kind(self) -> int:
        """The packet's type: 1 to 14."""
        return self.first >> 4

    @property
    def qos(self) -> int:
        """Of a PUBLISH: 0, 1 or 2."""
        return self.first >> 1 & 3

    @property
    def topic(self) -> str:
        """Of a PUBLISH."""
        return self.body[2 : self._topic_ends].decode()

    @property
    def identifier(self) -> int:
        """Of a PUBACK, or of a PUBLISH at QoS 1: what tells it from the others of its sender."""
        at = 0 if self.kind == PUBACK else self._topic_ends
        return int.from_bytes(self.body[at : at + 2], "big")

    def identified(self, identifier: int) -> "Packet":
        """The same with another identifier."""
        at = 0 if self.kind == PUBACK else self._topic_ends
        return Packet(self.first, self.body[:at] + identifier.to_bytes(2, "big") + self.body[at + 2 :])

    @property
    def bytes(self) -> bytes:
        """As it goes over the line."""
        length, rest = bytearray(), len(self.body)
        while True:
            rest, low = divmod(rest, 128)
            length.append(low | (128 if rest else 0))
            if not rest:
                return bytes([self.first]) + bytes(length) + self.body

    @property
    def _topic_ends(self) -> int:
        return 2 + int.from_bytes(self.body[:2], "big")


def take(buffer: bytearray) -> Packet | None:
    """Remove the first packet from the buffer; None when it is not all there. Raises NotMqtt."""
    length = 0
    for place in range(_LONGEST_LENGTH):
        if len(buffer) < 2 + place:
            return None
        length |= (buffer[1 + place] & 127) << 7 * place
        if buffer[1 + place] < 128:
            ends = 2 + place + length
            if len(buffer) < ends:
                return None
            packet = Packet(buffer[0], bytes(buffer[2 + place : ends]))
            del buffer[:ends]
            return packet
    raise NotMqtt(f"a length of more than {_LONGEST_LENGTH} bytes: {bytes(buffer[:6])!r}")
