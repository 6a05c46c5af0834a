"""Faults on demand: each kind, when it happens and how often, the same for a seed, on every host."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import ValidationError

from motet.errors import LineLost
from motet.lines import Line, SerialOpener, Terminated
from motet.model.lab import SerialLine
from motet.simulation import (
    Fault,
    FaultInjector,
    Faults,
    LoopClock,
    MemoryOpener,
    PtyServer,
    SimulatedInstrument,
    TcpServer,
)
from motet.simulation.cable import Cable
from motet.simulation.manual import ManualClock

ANSWER = b"value 12.5\r"


class Talker(SimulatedInstrument):
    """Answers everything with the same."""

    terminator = b"\r"

    def receive(self, data: bytes) -> None:
        self.answer(ANSWER, data)


def talker(*faults: Fault, seed: int = 1) -> tuple[Talker, list[bytes], ManualClock]:
    clock, heard = ManualClock(), list[bytes]()
    made = Talker(Faults(faults=faults), clock, seed)
    made.attach(heard.append)
    return made, heard, clock


def test_a_fault_happens_after_so_many_answers_so_many_times() -> None:
    made, heard, _ = talker(Fault(kind="drop", after=1, times=2))
    for _ in range(5):
        made.receive(b"?\r")
    assert heard == [ANSWER] * 3


def test_a_garbled_answer_is_as_long_keeps_its_end_and_has_nothing_of_the_protocol() -> None:
    made, heard, _ = talker(Fault(kind="garble"))
    made.receive(b"?\r")
    (garbage,) = heard
    assert len(garbage) == len(ANSWER)
    assert garbage.endswith(b"\r")
    assert all(byte >= 0x80 for byte in garbage[:-1])


def test_a_truncated_answer_is_the_beginning_of_it() -> None:
    made, heard, _ = talker(Fault(kind="truncate", times=None))
    for _ in range(20):
        made.receive(b"?\r")
    assert heard
    assert all(ANSWER.startswith(each) and len(each) < len(ANSWER) for each in heard)


def test_an_echo_comes_before_the_answer_and_a_duplicate_after_it() -> None:
    made, heard, _ = talker(Fault(kind="echo"), Fault(kind="duplicate", after=1))
    made.receive(b"?\r")
    made.receive(b"?\r")
    assert heard == [b"?\r" + ANSWER, ANSWER + ANSWER]


def test_a_delayed_answer_comes_later_and_not_at_all_once_the_line_is_closed() -> None:
    made, heard, clock = talker(Fault(kind="delay", seconds=3, times=None))
    made.receive(b"?\r")
    clock.advance(2.9)
    assert heard == []
    clock.advance(0.2)
    assert heard == [ANSWER]
    made.receive(b"?\r")
    made.detach()
    clock.advance(10)
    assert heard == [ANSWER]
    assert clock.waiting == 0


def test_chance_is_the_same_for_a_seed() -> None:
    def pattern(seed: int) -> list[bool]:
        injector = FaultInjector((Fault(kind="stuck", times=None, chance=0.5),), seed)
        return [injector.happens("stuck") is not None for _ in range(50)]

    assert pattern(1) == pattern(1)
    assert pattern(1) != pattern(2)
    assert 10 < sum(pattern(1)) < 40


def test_a_drift_grows_with_lab_time_and_needs_an_amount() -> None:
    made, _, clock = talker(Fault(kind="drift", amount=0.2))
    clock.advance(1800)
    assert made.drift() == pytest.approx(0.1)
    with pytest.raises(ValidationError, match="a drift needs one"):
        Fault(kind="drift")


async def test_a_pulled_cable_is_a_lost_pseudo_terminal_that_comes_back_under_its_link(tmp_path: Path) -> None:
    clock = LoopClock(asyncio.get_running_loop())
    made = Talker(Faults(faults=(Fault(kind="disconnect", seconds=0.05),)), clock, seed=1)
    async with asyncio.timeout(10), PtyServer(made, link=tmp_path / "port") as server:
        assert server.path == str(tmp_path / "port")
        line = Line("one", SerialOpener(SerialLine(url=server.path)), Terminated(b"\r"), timeout=1, retries=0)
        await line.open()
        with pytest.raises(LineLost):
            await line.query(b"?\r", bytes)
        plugged_in = asyncio.Event()
        clock.call_later(0.06, plugged_in.set)
        await plugged_in.wait()
        await line.open()
        assert await line.query(b"?\r", bytes) == b"value 12.5"
        await line.close()
    assert not os.path.lexists(server.path)  # noqa: ASYNC240 - in a test


async def test_an_existing_file_is_no_place_for_a_link(tmp_path: Path) -> None:
    taken = tmp_path / "port"
    taken.write_text("mine")
    made = Talker(Faults(), LoopClock(asyncio.get_running_loop()), seed=1)
    with pytest.raises(FileExistsError, match="port exists already"):
        async with PtyServer(made, link=taken):
            pass
    assert taken.read_text() == "mine"


async def test_a_lost_network_refuses_hosts_until_it_is_back() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    made = Talker(Faults(faults=(Fault(kind="disconnect", seconds=0.05),)), clock, seed=1)
    async with asyncio.timeout(10), TcpServer(made) as server:
        line = Line("one", SerialOpener(SerialLine(url=server.url)), Terminated(b"\r"), timeout=1, retries=0)
        await line.open()
        with pytest.raises(LineLost):
            await line.query(b"?\r", bytes)
        plugged_in = asyncio.Event()
        clock.call_later(0.06, plugged_in.set)
        await plugged_in.wait()
        await line.open()
        assert await line.query(b"?\r", bytes) == b"value 12.5"
        await line.close()


async def passed(clock: LoopClock, seconds: float) -> None:
    over = asyncio.Event()
    clock.call_later(seconds, over.set)
    await over.wait()


def test_a_cable_that_is_pulled_while_it_is_out_stays_out_once() -> None:
    made, ours = ManualClock(), list[str]()
    talker = Talker(Faults(), made, seed=1)
    cable = Cable(talker, lambda: ours.append("cut"), lambda: ours.append("joined"))
    cable.watch()
    talker.hang_up(5)
    talker.hang_up(1)
    made.advance(2)
    assert (ours, cable.out) == (["cut"], True)
    made.advance(4)
    assert (ours, cable.out) == (["cut", "joined"], False)
    talker.hang_up(5)
    cable.release()
    talker.hang_up(5)
    made.advance(10)
    assert (ours, made.waiting, cable.out) == (["cut", "joined", "cut"], 0, False)


@pytest.mark.parametrize("host", ["pty", "tcp", "memory"])
async def test_two_pulls_in_one_turn_are_one(host: str, tmp_path: Path) -> None:
    class Two(Talker):
        def receive(self, data: bytes) -> None:
            super().receive(data)
            super().receive(data)

    clock = LoopClock(asyncio.get_running_loop())
    faults = (Fault(kind="disconnect", seconds=0.05), Fault(kind="disconnect", after=1, seconds=60))
    made = Two(Faults(faults=faults), clock, seed=1)
    wrong: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(context))
    async with asyncio.timeout(10), AsyncExitStack() as stack:
        match host:
            case "pty":
                server = await stack.enter_async_context(PtyServer(made, link=tmp_path / "port"))
                opener = SerialOpener(SerialLine(url=server.path))
            case "tcp":
                opener = SerialOpener(SerialLine(url=(await stack.enter_async_context(TcpServer(made))).url))
            case _:
                opener = MemoryOpener(made)
        line = Line("one", opener, Terminated(b"\r"), timeout=1, retries=0)
        await line.open()
        with pytest.raises(LineLost):
            await line.query(b"?\r", bytes)
        await passed(clock, 0.06)
        await line.open()
        assert await line.query(b"?\r", bytes) == b"value 12.5"
        await line.close()
    assert wrong == []
    assert not made.attached


async def test_a_pseudo_terminal_whose_link_cannot_be_made_leaves_nothing_open(tmp_path: Path) -> None:
    made = Talker(Faults(), LoopClock(asyncio.get_running_loop()), seed=1)
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(FileNotFoundError):
        async with PtyServer(made, link=tmp_path / "no such folder" / "port"):
            pass
    assert len(os.listdir("/dev/fd")) == before
    assert not made.attached
