"""Several instruments on one port: one exchange at a time, each line its own messages."""

import asyncio

import pytest

from motet.errors import ConnectionProblem, LineLost, NoReply
from motet.lines import ByteStream, Line, Port, Terminated
from motet.simulation import Fault, Faults, LoopClock, MemoryOpener, Multidrop, SimulatedInstrument

LATE_S = 0.3


class Addressed(SimulatedInstrument):
    """Answers `A?` with `A=COUNT` where A is its address."""

    terminator = b"\r"

    def __init__(self, address: str, clock: LoopClock, *faults: Fault) -> None:
        super().__init__(Faults(faults=faults), clock, seed=1)
        self._address = address.encode()
        self._heard = b""
        self.count = 0

    def receive(self, data: bytes) -> None:
        *requests, self._heard = (self._heard + data).split(b"\r")
        for request in requests:
            if request == self._address + b"?":
                self.count += 1
                self.answer(b"%s=%d\r" % (self._address, self.count), request + b"\r")


def port(*instruments: Addressed) -> Port:
    return Port("bus", MemoryOpener(Multidrop(instruments, instruments[0].clock), name="bus"))


def line(name: str, on: Port) -> Line:
    return Line(name, on, Terminated(b"\r"), timeout=0.2, retries=0)


@pytest.fixture
async def clock() -> LoopClock:
    return LoopClock(asyncio.get_running_loop())


def text(frame: bytes) -> str:
    return frame.decode()


async def test_instruments_on_one_port_are_asked_one_after_the_other(clock: LoopClock) -> None:
    on = port(Addressed("a", clock, Fault(kind="delay", times=None, seconds=0.001)), Addressed("b", clock))
    a, b = line("one", on), line("two", on)
    await a.open()
    await b.open()
    asked = [a.query(b"a?\r", text), b.query(b"b?\r", text)] * 20
    assert await asyncio.gather(*asked[:2]) == ["a=1", "b=1"]
    answers = await asyncio.gather(*(each.query(f"{key}?\r".encode(), text) for each, key in [(a, "a"), (b, "b")] * 20))
    assert answers == [f"{key}={n}" for n in range(2, 22) for key in "ab"]
    for each in asked[2:]:
        each.close()
    await a.close()
    await b.close()


async def test_a_port_stays_open_while_one_of_its_lines_is(clock: LoopClock) -> None:
    on = port(Addressed("a", clock), Addressed("b", clock))
    a, b = line("one", on), line("two", on)
    await a.open()
    with pytest.raises(LineLost, match=r"^two \(memory:bus\): it is not open$"):
        await b.query(b"b?\r", text)
    await b.open()
    await a.close()
    assert await b.query(b"b?\r", text) == "b=1"
    with pytest.raises(LineLost, match="one"):
        await a.query(b"a?\r", text)
    await b.close()
    with pytest.raises(LineLost, match="it was closed"):
        await b.query(b"b?\r", text)


async def test_a_second_owner_of_a_port_is_refused_by_name(clock: LoopClock) -> None:
    instrument = Addressed("a", clock)
    first = Line("one", MemoryOpener(instrument, name="same"), Terminated(b"\r"))
    second = Line("two", MemoryOpener(instrument, name="same"), Terminated(b"\r"))
    await first.open()
    with pytest.raises(ConnectionProblem, match=r"^two: memory:same is in use by one$"):
        await second.open()
    await first.close()


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(clock: LoopClock) -> None:
    on = port(Addressed("a", clock, Fault(kind="delay", seconds=LATE_S)), Addressed("b", clock))
    a, b = line("one", on), line("two", on)
    await a.open()
    await b.open()
    with pytest.raises(NoReply):
        await a.query(b"a?\r", text)
    assert await b.query(b"b?\r", text) == "b=1"
    await a.close()
    await b.close()


async def test_a_pulled_cable_loses_all_lines_of_the_port_until_it_is_plugged_in(clock: LoopClock) -> None:
    on = port(Addressed("a", clock, Fault(kind="disconnect", seconds=0.05)), Addressed("b", clock))
    a, b = line("one", on), line("two", on)
    await a.open()
    await b.open()
    with pytest.raises(LineLost):
        await a.query(b"a?\r", text)
    with pytest.raises(LineLost):
        await b.query(b"b?\r", text)
    with pytest.raises(ConnectionProblem, match="cannot open memory:bus"):
        await a.open()
    plugged_in = asyncio.Event()
    clock.call_later(0.06, plugged_in.set)
    await plugged_in.wait()
    await a.open()
    assert await a.query(b"a?\r", text) == "a=2"
    assert (a.is_open, b.is_open) == (True, False)
    with pytest.raises(LineLost, match=r"^two \(memory:bus\): it was lost$"):
        await b.query(b"b?\r", text)  # what answers at its address is not known yet
    await b.open()
    assert await b.query(b"b?\r", text) == "b=1"
    await a.close()
    await b.close()


class Slow:
    """An opener that waits, and fails as often as it is told."""

    where = "memory:slow"

    def __init__(self, instrument: Addressed, failures: int = 0) -> None:
        self._inner = MemoryOpener(instrument, name="slow")
        self._failures = failures
        self.opening, self.go_on = asyncio.Event(), asyncio.Event()

    async def open(self) -> ByteStream:
        self.opening.set()
        await self.go_on.wait()
        if self._failures:
            self._failures -= 1
            raise OSError("not yet")
        return await self._inner.open()


async def test_a_line_that_is_closed_while_another_one_opens_the_port_leaves_it_open(clock: LoopClock) -> None:
    """After a lost cable: one instrument gives up while its neighbour opens the port again."""
    slow = Slow(Addressed("b", clock, Fault(kind="disconnect", seconds=0.001)))
    slow.go_on.set()
    on = Port("bus", slow)
    a, b = line("one", on), line("two", on)
    await a.open()
    await b.open()
    with pytest.raises(LineLost):
        await b.query(b"b?\r", text)
    await b.close()
    plugged_in = asyncio.Event()
    clock.call_later(0.01, plugged_in.set)
    await plugged_in.wait()
    slow.opening.clear()
    slow.go_on.clear()
    opening = asyncio.create_task(b.open())
    await slow.opening.wait()
    closing = asyncio.create_task(a.close())
    await asyncio.sleep(0)
    slow.go_on.set()
    await asyncio.gather(opening, closing)
    assert await b.query(b"b?\r", text) == "b=2"
    await b.close()


async def test_who_could_not_open_a_port_or_gave_up_has_no_part_in_it(clock: LoopClock) -> None:
    slow = Slow(Addressed("a", clock), failures=1)
    on = Port("bus", slow)
    a, b = line("one", on), line("two", on)
    slow.go_on.set()
    with pytest.raises(ConnectionProblem, match="cannot open memory:slow: not yet"):
        await a.open()
    slow.go_on.clear()
    slow.opening.clear()
    giving_up = asyncio.create_task(a.open())
    await slow.opening.wait()
    giving_up.cancel()
    await asyncio.wait([giving_up])
    slow.go_on.set()
    await b.open()
    with pytest.raises(LineLost, match=r"one .*: it is not open"):
        await a.query(b"a?\r", text)
    await b.close()
    again = Line("three", slow, Terminated(b"\r"))  # nobody has the port any more
    await again.open()
    await again.close()
