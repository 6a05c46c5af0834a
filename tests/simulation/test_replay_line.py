"""A captured session plays back, and the first deviation from it is named."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from motet.errors import GarbledReply, LineLost
from motet.lines import Line, Record, Terminated
from motet.simulation.replay import Replay, answers
from motet.simulation.virtual import VirtualLoop

SESSION = (
    Record(0.0, "l", "<", "hello\r"),
    Record(1.0, "l", ">", "?A\r"),
    Record(1.5, "l", "<", "1"),
    Record(1.7, "l", "<", "2\r"),
    Record(9.0, "l", ">", "?"),
    Record(9.0, "l", ">", "B\r"),
    Record(9.1, "l", "<", "3\r"),
)


def number(frame: bytes) -> int:
    if not frame.isdigit():
        raise GarbledReply("a number is expected")
    return int(frame)


def play(work: Callable[[Line, Replay], Coroutine[Any, Any, None]]) -> None:
    """Do it with a line to the session, in virtual time."""

    async def whole() -> None:
        replay = Replay(SESSION, name="monday")
        line = Line("cell-probe", replay, Terminated(b"\r"), retries=0)
        await line.open()
        try:
            async with asyncio.timeout(3600):
                assert await line.next_frame() == b"hello"
                await work(line, replay)
        finally:
            await line.close()

    loop = VirtualLoop()
    try:
        loop.run_until_complete(whole())
    finally:
        loop.close()


def test_the_same_questions_get_the_same_answers_after_the_same_time() -> None:
    async def work(line: Line, replay: Replay) -> None:
        loop = asyncio.get_running_loop()
        assert await line.query(b"?A\r", number) == 12
        assert loop.time() == pytest.approx(0.7)
        assert not replay.finished
        assert await line.query(b"?B\r", number) == 3
        assert loop.time() == pytest.approx(0.8)
        assert replay.finished
        assert replay.deviation is None

    play(work)


def test_the_first_deviation_loses_the_line_and_is_named() -> None:
    async def work(line: Line, replay: Replay) -> None:
        await line.query(b"?A\r", number)
        with pytest.raises(LineLost, match=r"replay of monday.*it sent b'C\\r', not b'B\\r'") as caught:
            await line.query(b"?C\r", number)
        assert replay.deviation is not None
        assert "record 6" in replay.deviation
        assert "9.000 s" in replay.deviation
        assert replay.deviation in str(caught.value)

    play(work)


def test_a_session_that_goes_on_too_long_is_a_deviation() -> None:
    async def work(line: Line, replay: Replay) -> None:
        await line.query(b"?A\r", number)
        await line.query(b"?B\r", number)
        with pytest.raises(LineLost, match="after the end of the session"):
            await line.query(b"?B\r", number)

    play(work)


def test_a_line_opened_again_goes_on_where_it_was() -> None:
    async def work(line: Line, replay: Replay) -> None:
        await line.query(b"?A\r", number)
        await line.close()
        await line.open()
        assert await line.query(b"?B\r", number) == 3

    play(work)


class Doubler:
    """Answers every byte twice."""

    def attach(self, send: Callable[[bytes], None]) -> None:
        self.send = send

    def receive(self, data: bytes) -> None:
        self.send(data + data)

    def detach(self) -> None:
        self.send = len


def test_a_simulator_is_told_what_the_host_said() -> None:
    loop = VirtualLoop()
    try:
        said, recorded = loop.run_until_complete(answers(Doubler(), SESSION))
    finally:
        loop.close()
    assert said == b"?A\r?A\r??B\rB\r"
    assert recorded == b"hello\r12\r3\r"
