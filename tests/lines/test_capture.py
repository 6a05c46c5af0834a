"""Capture of all traffic."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from motet.errors import StoreError
from motet.lines import Capture, Line, Record, Terminated, read_capture
from motet.simulation import MemoryOpener


class Echo:
    """Sends back whatever it gets."""

    def __init__(self) -> None:
        self.send: Callable[[bytes], None] = lambda data: None

    def attach(self, send: Callable[[bytes], None]) -> None:
        self.send = send

    def receive(self, data: bytes) -> None:
        self.send(data)

    def detach(self) -> None:
        self.send = lambda data: None


async def test_what_two_lines_carry_is_on_record_in_order(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "new" / "traffic.jsonl")
    for name in ("pump", "stage"):
        line = Line(name, MemoryOpener(Echo()), Terminated(), capture=capture)
        await line.open()
        await line.query(name.encode() + b"\r", bytes)
        await line.close()
    await capture.close()
    records = list(read_capture(capture.path))
    assert [(r.line, r.dir, r.data) for r in records] == [
        ("pump", ">", "pump\r"),
        ("pump", "<", "pump\r"),
        ("stage", ">", "stage\r"),
        ("stage", "<", "stage\r"),
    ]
    assert [r.t for r in records] == sorted(r.t for r in records)


async def test_every_byte_survives_and_control_characters_are_escaped(tmp_path: Path) -> None:
    every = bytes(range(256))
    capture = Capture(tmp_path / "traffic.jsonl")
    capture.record(1.5, "x", "<", every)
    await capture.close()
    assert [record.bytes for record in read_capture(capture.path)] == [every]
    text = (tmp_path / "traffic.jsonl").read_text()
    assert text.isascii()
    assert "\\r" in text
    assert text.count("\n") == 1


async def test_a_capture_that_cannot_be_written_stops_the_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    capture = Capture(tmp_path / "file" / "traffic.jsonl")
    line = Line("pump", MemoryOpener(Echo()), Terminated(), capture=capture)
    await line.open()

    async def ask_for_ever() -> None:
        while True:
            await line.query(b"a\r", bytes)

    with pytest.raises(StoreError, match=r"file/traffic.jsonl"):
        await asyncio.wait_for(ask_for_ever(), 5)
    await line.close()
    with pytest.raises(StoreError, match="traffic could not be captured"):
        await capture.close()


def test_reading_what_is_no_capture_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    path.write_text('{"t": 0, "line": "x", "dir": ">", "data": "a"}\n{"t": 0}\n')
    records = read_capture(path)
    assert next(records) == Record(0, "x", ">", "a")
    with pytest.raises(ValueError, match=r"traffic.jsonl:2: not a record"):
        next(records)
