"""Framing: frames come out whole however the bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import GarbledReply
from motet.lines import Framing, Prefixed, Terminated


def _fed(framing: Framing, chunks: list[bytes]) -> list[bytes]:
    buffer = bytearray()
    frames: list[bytes] = []
    for chunk in chunks:
        buffer += chunk
        while (frame := framing.take(buffer)) is not None:
            frames.append(frame)
    return frames


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


_words = st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b"")), max_size=8)


@given(words=_words, places=st.lists(st.integers(0, 10_000), max_size=20))
def test_terminated_frames_survive_any_cut(words: list[bytes], places: list[int]) -> None:
    data = b"".join(word + b"\r\n" for word in words)
    assert _fed(Terminated(b"\r\n"), _cut(data, places)) == words


@given(
    bodies=st.lists(st.binary(min_size=4, max_size=4).map(lambda b: b.replace(b"\xaa", b"\x00")), max_size=8),
    junk=st.binary(max_size=9).map(lambda b: b.replace(b"\xaa", b"\x00")),
    places=st.lists(st.integers(0, 10_000), max_size=20),
)
def test_prefixed_frames_survive_any_cut_and_junk_in_front(bodies: list[bytes], junk: bytes, places: list[int]) -> None:
    frames = [b"\xaa\x55" + body for body in bodies]
    assert _fed(Prefixed(b"\xaa\x55", 6), _cut(junk + b"".join(frames), places)) == frames


def test_a_reply_without_its_end_is_not_a_frame() -> None:
    buffer = bytearray(b"+123")
    assert Terminated().take(buffer) is None
    assert buffer == b"+123"


def test_an_empty_line_is_an_empty_frame() -> None:
    assert _fed(Terminated(), [b"\r\rx\r"]) == [b"", b"", b"x"]


@pytest.mark.parametrize("data", [b"123456\r7\r", b"123456"])
def test_a_frame_that_is_too_long_is_garbled_and_removed(data: bytes) -> None:
    buffer = bytearray(data)
    framing = Terminated(max_length=5)
    with pytest.raises(GarbledReply, match=r"6 bytes beginning with b'123456'.*at most 5"):
        framing.take(buffer)
    assert framing.take(buffer) == (b"7" if b"7" in data else None)


def test_a_frame_of_the_greatest_length_is_taken() -> None:
    assert _fed(Terminated(max_length=5), [b"12345", b"\r"]) == [b"12345"]


def test_junk_without_a_prefix_is_dropped_but_not_a_prefix_that_has_begun() -> None:
    buffer = bytearray(b"junk\xaa")
    assert Prefixed(b"\xaa\x55", 3).take(buffer) is None
    assert buffer == b"\xaa"


def test_a_prefix_inside_a_frame_does_not_mislead_where_frames_can_be_checked() -> None:
    def checked(frame: bytes) -> bool:
        return sum(frame[:-1]) % 256 == frame[-1]

    frame = b"\xaa\xaa\x01\x55"
    assert checked(frame)
    assert _fed(Prefixed(b"\xaa", 4, checked), [frame[1:] + frame * 3]) == [frame] * 3


def test_framings_that_can_frame_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="terminator is empty"):
        Terminated(b"")
    with pytest.raises(ValueError, match="a prefix of 1 to `length` bytes"):
        Prefixed(b"abc", 2)
