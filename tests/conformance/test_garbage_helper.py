"""The fuzzing of parsers finds what a parser must not do."""

from dataclasses import dataclass

import pytest

from motet.errors import GarbledReply, InstrumentError
from motet.lines import Terminated
from motet_conformance import survives_garbage

CR = Terminated(b"\r", max_length=40)


def careful(frame: bytes) -> float:
    if frame.startswith(b"E"):
        raise InstrumentError(f"error {frame!r}")
    if not frame.isdigit():
        raise GarbledReply("digits are expected")
    return int(frame)


@dataclass(frozen=True)
class Stuck:
    """A framing that gives the same frame again and again."""

    def take(self, buffer: bytearray) -> bytes | None:
        return bytes(buffer[:1])


def test_a_careful_parser_survives_and_has_met_right_and_wrong_frames() -> None:
    found = survives_garbage(careful, CR, 5_000, examples=[b"12345\r", b"E3\r"], terminator=b"\r")
    assert found.inputs == 5_000
    assert found.frames > 2_000
    assert found.parsed > 100
    assert found.refused > 1_000


def test_a_parser_that_raises_something_else_is_found() -> None:
    with pytest.raises(AssertionError, match="ValueError: could not convert"):
        survives_garbage(float, CR, 1_000, examples=[b"1.5\r"], terminator=b"\r")


def test_a_framing_that_does_not_shorten_its_buffer_is_found() -> None:
    with pytest.raises(AssertionError, match="the buffer is no shorter"):
        survives_garbage(careful, Stuck(), 10)


def test_the_same_seed_is_the_same_garbage() -> None:
    assert survives_garbage(careful, CR, 500, seed=3) == survives_garbage(careful, CR, 500, seed=3)


def test_the_short_form_is_a_tenth_and_a_number_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTET_TESTS", "short")
    assert survives_garbage(careful, CR).inputs == 10_000
    assert survives_garbage(careful, CR, 20).inputs == 20
    monkeypatch.setenv("MOTET_TESTS", "shrot")
    with pytest.raises(ValueError, match="MOTET_TESTS=shrot: full or short is needed"):
        survives_garbage(careful, CR)
