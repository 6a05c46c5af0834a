"""The body of a request, read before anybody looks at it: not more of it and not for longer than can be right."""

import asyncio

from starlette.types import Message, Receive

MOST_BYTES = 64 * 1024
"""The longest one that is read."""
LONGEST_S = 10.0
"""How long it may take to come, seconds."""


class TooLong(Exception):
    """There is more of it than is read."""


class Gone(Exception):
    """Whoever sent it has left before it was there."""


async def whole(receive: Receive) -> bytes:
    """All of it, whether or not its length was told beforehand. Raises TooLong, Gone and TimeoutError."""
    parts, length, more = list[bytes](), 0, True
    async with asyncio.timeout(LONGEST_S):
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            part: bytes = message.get("body", b"")
            more, length = message.get("more_body", False), length + len(part)
            if length > MOST_BYTES:
                raise TooLong
            parts.append(part)
    return b"".join(parts)


def read_again(body: bytes, receive: Receive) -> Receive:
    """For whoever reads it next; what comes after it is what comes."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return first.pop() if first else await receive()

    return received
