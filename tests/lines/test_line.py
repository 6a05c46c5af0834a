"""A line's exchanges, with an instrument in memory at its other end."""

import asyncio
from collections.abc import Callable

import pytest

from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LineLost, NoReply
from motet.lines import Line, SerialOpener, Terminated
from motet.model.lab import SerialLine
from motet.simulation import MemoryOpener, TcpServer


class Instrument:
    """Answers each line by a rule; b"" is no answer."""

    def __init__(self, answer: Callable[[bytes], bytes] = lambda request: b"ok " + request) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.asked = asyncio.Event()
        self.send: Callable[[bytes], None] = lambda data: None
        self._unread = b""

    def attach(self, send: Callable[[bytes], None]) -> None:
        self.send = send

    def receive(self, data: bytes) -> None:
        *requests, self._unread = (self._unread + data).split(b"\r")
        for request in requests:
            self.requests.append(request)
            self.asked.set()
            if answer := self.answer(request):
                self.send(answer + b"\r")

    def detach(self) -> None:
        self.send = lambda data: None


def _line(instrument: Instrument, timeout: float = 0.05, retries: int = 2) -> Line:
    opener = MemoryOpener(instrument)
    return Line("sdc1-stage", opener, Terminated(), timeout=timeout, retries=retries)


def _say(answer: bytes) -> Callable[[bytes], bytes]:
    return lambda request: answer


def _number(reply: bytes) -> float:
    try:
        return float(reply)
    except ValueError:
        raise GarbledReply("a number is needed") from None


async def test_a_query_returns_what_is_parsed_from_the_reply() -> None:
    line = _line(Instrument(lambda request: b"12.5"))
    await line.open()
    assert await line.query(b"?CNT\r", _number) == 12.5
    await line.close()


async def test_a_query_is_asked_again_after_no_reply_and_after_a_garbled_one() -> None:
    answers = iter([b"", b"1?.5", b"12.5"])
    instrument = Instrument(lambda request: next(answers))
    line = _line(instrument)
    await line.open()
    assert await line.query(b"?CNT\r", _number) == 12.5
    assert instrument.requests == [b"?CNT"] * 3
    await line.close()


async def test_a_query_that_is_never_answered_says_which_line_and_request() -> None:
    instrument = Instrument(lambda request: b"")
    line = _line(instrument, timeout=0.02)
    await line.open()
    with pytest.raises(NoReply, match=r"sdc1-stage \(memory:Instrument-\d+\): a reply to b'\?CNT\\r'.*0.02 s"):
        await line.query(b"?CNT\r", _number)
    assert len(instrument.requests) == 3
    await line.close()


async def test_half_a_reply_is_named_in_the_error() -> None:
    instrument = Instrument()

    def half(request: bytes) -> bytes:
        instrument.send(b"+12")
        return b""

    instrument.answer = half
    line = _line(instrument, timeout=0.02, retries=0)
    await line.open()
    with pytest.raises(NoReply, match=r"only b'\+12'"):
        await line.query(b"?CNT\r", _number)
    await line.close()


async def test_a_garbled_reply_is_named_with_its_request() -> None:
    line = _line(Instrument(lambda request: b"#!"), retries=1)
    await line.open()
    with pytest.raises(GarbledReply, match=r"sdc1-stage .*b'#!' to b'\?CNT\\r'.*a number is needed"):
        await line.query(b"?CNT\r", _number)
    await line.close()


@pytest.mark.parametrize("answer", [b"", b"#!"])
async def test_a_command_is_never_sent_twice(answer: bytes) -> None:
    instrument = Instrument(lambda request: answer)
    line = _line(instrument)
    await line.open()
    with pytest.raises((NoReply, GarbledReply)):
        await line.command(b"PGO1\r", _number)
    assert instrument.requests == [b"PGO1"]
    await line.close()


async def test_what_a_parser_raises_reaches_the_caller_after_one_try() -> None:
    def refused(reply: bytes) -> float:
        raise InstrumentError(f"error {reply.decode()}")

    instrument = Instrument(lambda request: b"E07")
    line = _line(instrument)
    await line.open()
    with pytest.raises(InstrumentError, match="error E07"):
        await line.query(b"?CNT\r", refused)
    with pytest.raises(ZeroDivisionError):
        await line.query(b"?CNT\r", lambda reply: 1 / 0)
    assert len(instrument.requests) == 2
    await line.close()


async def test_input_that_nobody_asked_for_is_not_taken_for_a_reply() -> None:
    answers = iter([b"1\rpower on", b"2"])
    line = _line(Instrument(lambda request: next(answers)))
    await line.open()
    assert await line.query(b"a\r", bytes) == b"1"
    assert await line.query(b"b\r", bytes) == b"2"
    await line.close()


async def test_the_reply_to_a_cancelled_query_is_not_taken_for_the_next_one() -> None:
    instrument = Instrument()
    loop = asyncio.get_running_loop()

    def slow(request: bytes) -> bytes:
        loop.call_later(0.02, instrument.send, b"ok " + request + b"\r")
        return b""

    instrument.answer = slow
    line = _line(instrument, timeout=1.0)
    await line.open()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.005):
            await line.query(b"?CNT\r", bytes)
    assert await line.query(b"STOP\r", bytes) == b"ok STOP"
    await line.close()


async def test_a_stop_after_a_cancelled_query_to_a_dead_instrument_is_sent_soon() -> None:
    instrument = Instrument(lambda request: b"ok" if request == b"STOP" else b"")
    line = _line(instrument, timeout=30.0)
    await line.open()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.005):
            await line.query(b"?CNT\r", bytes)
    async with asyncio.timeout(5):
        assert await line.command(b"STOP\r", bytes) == b"ok"
    await line.close()


async def test_a_stop_gets_in_between_two_polls() -> None:
    instrument = Instrument()
    line = _line(instrument)
    await line.open()

    async def poll() -> None:
        while b"STOP" not in instrument.requests:
            await line.query(b"?ASTAT\r", bytes)

    polling = asyncio.create_task(poll())
    while len(instrument.requests) < 3:
        await line.query(b"x\r", bytes)
    assert await line.command(b"STOP\r", bytes) == b"ok STOP"
    async with asyncio.timeout(10):
        await polling
    await line.close()


async def test_many_tasks_get_their_own_replies() -> None:
    line = _line(Instrument(), timeout=2.0)
    await line.open()
    requests = [b"%d" % number for number in range(50)]
    replies = await asyncio.gather(*(line.query(request + b"\r", bytes) for request in requests))
    assert replies == [b"ok " + request for request in requests]
    await line.close()


async def test_a_line_has_one_owner_until_it_is_closed() -> None:
    opener = MemoryOpener(Instrument())
    first, second = Line("pump", opener, Terminated()), Line("stage", opener, Terminated())
    await first.open()
    await first.open()
    with pytest.raises(ConnectionProblem, match=r"stage: memory:Instrument-\d+ is in use by pump"):
        await second.open()
    await first.close()
    await first.close()
    await second.open()
    await second.close()


async def test_a_closed_line_cannot_be_used() -> None:
    line = _line(Instrument())
    with pytest.raises(LineLost, match="it is not open"):
        await line.query(b"a\r", bytes)
    await line.open()
    await line.close()
    with pytest.raises(LineLost, match="it was closed"):
        await line.send(b"a\r")


async def test_closing_wakes_whoever_waits_for_a_reply() -> None:
    instrument = Instrument(lambda request: b"")
    line = _line(instrument, timeout=30.0)
    await line.open()
    waiting = asyncio.create_task(line.query(b"a\r", bytes))
    await instrument.asked.wait()
    await line.close()
    with pytest.raises(LineLost, match="it was closed"):
        await waiting


async def test_a_line_that_is_lost_says_so_at_once_and_can_be_opened_again() -> None:
    instrument = Instrument(lambda request: b"")
    async with TcpServer(instrument) as server:
        line = Line("balance", SerialOpener(SerialLine(url=server.url)), Terminated(), timeout=30.0)
        await line.open()
        waiting = asyncio.create_task(line.query(b"a\r", bytes))
        await instrument.asked.wait()
        server.disconnect()
        async with asyncio.timeout(5):
            with pytest.raises(LineLost, match=r"balance \(socket://.*\): "):
                await waiting
        with pytest.raises(LineLost):
            await line.query(b"a\r", bytes)
        instrument.answer = _say(b"ok")
        await line.open()
        assert await line.query(b"a\r", bytes) == b"ok"
        await line.close()


async def test_the_next_frame_is_a_fresh_one() -> None:
    instrument = Instrument()

    def reply_and_stream(request: bytes) -> bytes:
        instrument.send(b"ok\r1\r2\r3")
        return b""

    instrument.answer = reply_and_stream
    line = _line(instrument, timeout=1.0)
    await line.open()
    assert await line.command(b"stream\r", bytes) == b"ok"
    asyncio.get_running_loop().call_soon(instrument.send, b".5\r4\r")
    assert await line.next_frame() == b"3.5"
    await line.close()


async def test_frames_come_in_order_and_none_is_lost() -> None:
    instrument = Instrument()
    line = _line(instrument, timeout=1.0)
    await line.open()
    asyncio.get_running_loop().call_soon(instrument.send, b"".join(b"%d\r" % n for n in range(100)))
    seen: list[int] = []
    async for frame in line.frames():
        seen.append(int(frame))
        if len(seen) == 100:
            break
    assert seen == list(range(100))
    await line.close()


async def test_a_stream_that_falls_silent_is_no_reply() -> None:
    line = _line(Instrument(), timeout=0.02)
    await line.open()
    with pytest.raises(NoReply, match=r"a frame did not come within 0.02 s"):
        await line.next_frame()
    with pytest.raises(NoReply):
        await anext(line.frames())
    await line.close()


async def test_an_instrument_that_streams_to_nobody_does_not_fill_the_memory() -> None:
    instrument = Instrument()
    line = _line(instrument, timeout=1.0)
    await line.open()
    for number in range(50_000):
        instrument.send(b"%06d\r" % number)
    frames = line.frames()
    await anext(frames)  # the rest of one that was dropped
    assert int(await anext(frames)) > 50_000 - 65_536 / 7
    await frames.aclose()
    await line.close()
