"""Parsers are fed what no instrument sends."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from motet.errors import GarbledReply, InstrumentError
from motet.lines import Framing
from motet_conformance.effort import effort

_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\r\n"
LONGEST = 64
"""Bytes of an input."""


@dataclass(frozen=True, slots=True)
class Survived:
    """How it went: inputs, frames cut from them, frames that were parsed, and refused."""

    inputs: int
    frames: int
    parsed: int
    refused: int


def survives_garbage(
    parse: Callable[[bytes], Any],
    framing: Framing,
    n: int | None = None,
    *,
    examples: Sequence[bytes] = (),
    terminator: bytes = b"",
    seed: int = 0,
) -> Survived:
    """Feed `n` inputs to a framing, and what it takes from them to a parser: 100 000, or 10 000 with MOTET_TESTS=short.

    Inputs are bytes at random, text at random, and `examples` (right answers, as they are on the wire) with bytes
    changed, lost, doubled, and run together; half of them end with `terminator`. Fails when the framing neither
    shortens its buffer nor waits for more, when the parser raises anything but GarbledReply or InstrumentError, or
    when it never ends.
    """
    n = effort(100_000, 10_000) if n is None else n
    rng = random.Random(seed)
    frames = parsed = refused = 0
    for _ in range(n):
        data = _input(rng, examples) + (terminator if rng.random() < 0.5 else b"")
        for frame in _taken(framing, data):
            if frame is None:
                refused += 1
                continue
            frames += 1
            try:
                parse(frame)
                parsed += 1
            except (GarbledReply, InstrumentError):
                refused += 1
            except Exception as error:
                raise AssertionError(f"{frame!r} of {data!r}: {type(error).__name__}: {error}") from error
    return Survived(n, frames, parsed, refused)


def _taken(framing: Framing, data: bytes) -> list[bytes | None]:
    """The frames of an input that arrives in two pieces; None for one that the framing refused."""
    taken: list[bytes | None] = []
    buffer = bytearray()
    cut = len(data) // 2
    for piece in (data[:cut], data[cut:]):
        buffer += piece
        while buffer:
            before = len(buffer)
            try:
                frame = framing.take(buffer)
            except GarbledReply:
                frame = b""
                taken.append(None)
            else:
                if frame is None:
                    break
                taken.append(frame)
            assert len(buffer) < before, f"{data!r}: a frame was taken and the buffer is no shorter: {bytes(buffer)!r}"
    return taken


def _input(rng: random.Random, examples: Sequence[bytes]) -> bytes:
    kind = rng.random()
    if examples and kind < 0.6:
        data = bytearray(b"".join(rng.choices(examples, k=rng.choice((1, 1, 1, 2, 3)))))
        for _ in range(rng.choice((1, 1, 2, 5))):
            _spoil(rng, data)
        return bytes(data)
    length = rng.randrange(LONGEST)
    return bytes(rng.choices(_PRINTABLE, k=length)) if kind < 0.8 else rng.randbytes(length)


def _spoil(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data) + 1)
    match rng.randrange(4):
        case 0:
            data[at : at + 1] = rng.randbytes(1)
        case 1:
            del data[at : at + rng.randrange(1, 4)]
        case 2:
            data[at:at] = rng.randbytes(rng.randrange(1, 4))
        case _:
            data[at:at] = data[: rng.randrange(8)]
