"""The NE-1000 driver against the simulated pump, over a pseudo-terminal and in memory."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.devices import Context, Limit, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, LineLost
from motet.lines import Line, Opener, Port, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import (
    Fault,
    FaultInjector,
    Faults,
    LoopClock,
    MemoryOpener,
    Multidrop,
    PtyServer,
    SimulatedInstrument,
)
from motet_drivers import ne1000 as driver
from motet_drivers.ne1000 import protocol
from motet_drivers.ne1000.pump import NewEraPump
from motet_simulators import ne1000 as simulator
from motet_simulators.ne1000.wire import framed

SCALE = 100.0
SYRINGE = {"diameter": 14.43, "capacity": 10.0}


@dataclass
class Bench:
    """A pump and its simulator."""

    pump: driver.Ne1000
    simulator: simulator.Ne1000
    line: Line

    def fails(self, *faults: dict[str, Any]) -> None:
        """From now on these go wrong."""
        pump: Any = self.simulator
        pump._injector = FaultInjector([Fault.model_validate(fault) for fault in faults], 1)


Make = Callable[..., Awaitable[Bench]]


def device(
    way: Opener | Port, options: Mapping[str, Any], name: str = "cell-pump", limits: Mapping[str, Limit] | None = None
) -> tuple[driver.Ne1000, Line]:
    line = Line(name, way, driver.Ne1000.framing, timeout=1.0 if isinstance(way, SerialOpener) else 0.05, retries=1)
    context = Context(
        name, driver.Options.model_validate({**SYRINGE, **options}), Limits(name, limits or {}), line, scale=SCALE
    )
    return driver.Ne1000(context), line


@asynccontextmanager
async def bench(
    lines: Literal["pty", "memory"], simulated: Mapping[str, Any], options: Mapping[str, Any], connect: bool
) -> AsyncGenerator[Bench]:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    pump = simulator.Ne1000(
        simulator.Options.model_validate({"contents": 5.0, "capacity": 10.0, **simulated}), None, clock, seed=1
    )
    async with AsyncExitStack() as stack:
        opener: Opener = MemoryOpener(pump)
        if lines == "pty":
            server = await stack.enter_async_context(PtyServer(pump))
            opener = SerialOpener(SerialLine(url=server.path, baudrate=19200))
        made, line = device(opener, options)
        stack.push_async_callback(made.close)
        if connect:
            await made.connect()
        yield Bench(made, pump, line)


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes benches, in memory by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            *,
            lines: Literal["pty", "memory"] = "memory",
            connect: bool = True,
            simulated: Mapping[str, Any] | None = None,
            **options: Any,
        ) -> Bench:
            return await stack.enter_async_context(bench(lines, simulated or {}, options, connect))

        yield one


async def until(condition: Callable[[], bool]) -> None:
    """Until the simulator is in some state: looked at every millisecond, for 5 s at most."""
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never was")


async def pumped(pump: simulator.Ne1000, volume: float) -> None:
    """Until so much, mL, has come out of it."""

    def enough() -> bool:
        pump.update()
        return pump.delivered >= volume

    await until(enough)


@pytest.mark.parametrize("lines", ["pty", "memory"])
@pytest.mark.parametrize("mode", ["basic", "safe"])
async def test_what_is_dispensed_is_what_was_asked_for(make: Make, lines: str, mode: str) -> None:
    cell = await make(lines=lines, mode=mode, safe_timeout=60)
    assert await cell.pump.dispense(volume=1.5, rate=8.0) == {"dispensed": pytest.approx(1.5)}
    assert cell.simulator.delivered == pytest.approx(1.5)
    assert await cell.pump.withdraw(volume=0.75, rate=8.0) == {"withdrawn": pytest.approx(0.75)}
    assert cell.simulator.delivered == pytest.approx(0.75)
    assert [await cell.pump.get_dispensed(), await cell.pump.get_withdrawn()] == [0, pytest.approx(0.75)]
    assert [await cell.pump.get_rate(), await cell.pump.get_state()] == [pytest.approx(8.0), "stopped"]


async def test_it_tells_who_it_is(make: Make) -> None:
    cell = await make(simulated={"model": "500", "firmware": "3.61"})
    assert await cell.pump.identity() == "New Era NE-500, firmware 3.61"


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"model": "1000"}, "it is an NE-500, the lab file says NE-1000"),
        ({"firmware": "4"}, "has firmware 3.923, the lab file says 4"),
        ({"serial_number": "7"}, "does not tell its serial number, the lab file says 7"),
    ],
)
async def test_another_pump_than_the_lab_file_names_is_refused(
    make: Make, expected: dict[str, str], message: str
) -> None:
    cell = await make(connect=False, simulated={"model": "500"}, **expected)
    with pytest.raises(ConnectionProblem, match=f"cell-pump.*{message}"):
        await cell.pump.connect()


@pytest.mark.parametrize(("left_in", "mode"), [*itertools.product(["basic", "safe"], repeat=2)])
async def test_it_agrees_on_the_mode_whichever_the_pump_was_left_in(make: Make, left_in: str, mode: str) -> None:
    cell = await make(connect=False, mode=mode)
    cell.simulator.settings.safe_timeout = 255 if left_in == "safe" else 0
    await cell.pump.connect()
    assert cell.simulator.settings.safe_timeout == (30 if mode == "safe" else 0)
    assert await cell.pump.get_state() == "stopped"


class Alarming(SimulatedInstrument):
    """A pump that tells an alarm whatever it is asked."""

    asked = 0

    def receive(self, data: bytes) -> None:
        """Any packet, which comes in one piece."""
        self.asked += 1
        self.answer(framed("00A?E", safe=True))


async def test_alarm_upon_alarm_does_not_end_what_keeps_a_pump_from_its_timeout() -> None:
    alarming = Alarming(Faults(), LoopClock(asyncio.get_running_loop(), SCALE), seed=1)
    line = Line("cell-pump", MemoryOpener(alarming), protocol.NewEraFraming(), timeout=0.1)
    await line.open()
    beats = asyncio.create_task(NewEraPump(line, address=0, safe_timeout=3).beat(SCALE))
    try:
        await until(lambda: alarming.asked > 3)  # three alarms are an error to the one who asks
        assert not beats.done()
    finally:
        beats.cancel()
        await asyncio.wait([beats])
        await line.close()


async def test_in_safe_mode_a_pump_at_rest_is_kept_from_its_alarm(make: Make) -> None:
    cell = await make(mode="safe", safe_timeout=3)
    await asyncio.sleep(12 / SCALE)
    assert cell.simulator.alarm is None


@pytest.mark.slow
async def test_in_safe_mode_a_pump_that_its_host_has_left_stops(make: Make) -> None:
    cell = await make(mode="safe", safe_timeout=3)
    task = asyncio.create_task(cell.pump.dispense(volume=5.0, rate=1.0))
    await until(lambda: cell.simulator.program.state == "I")
    cell.simulator.detach()
    cell.simulator.receive = lambda data: None
    await asyncio.sleep(6 / SCALE)
    cell.simulator.update()
    assert cell.simulator.program.state == "S"
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize(
    ("volume", "rate", "sent"),
    [
        (0.5, 1.0, ("0.500", "ML", "1.000MM")),
        (0.01234, 0.01234, ("12.34", "UL", "12.34UM")),
        (9.999, 0.33333, ("9.999", "ML", "20.00MH")),
        (0.0005, 0.0005, ("0.500", "UL", "0.500UM")),
    ],
)
async def test_numbers_go_in_the_units_that_tell_them_best(
    make: Make, volume: float, rate: float, sent: tuple[str, str, str]
) -> None:
    cell = await make()
    task = asyncio.create_task(cell.pump.dispense(volume=volume, rate=rate))
    await until(lambda: cell.simulator.program.state == "I")
    phase = cell.simulator.program.phases[0]
    assert (f"{phase.volume:.3f}"[: len(sent[0])], cell.simulator.program.units) == sent[:2]
    assert protocol.rate(sent[2])[0] == pytest.approx(phase.rate * protocol.RATE_UNITS[phase.units])
    task.cancel()
    await asyncio.wait([task])
    await until(lambda: cell.simulator.program.state in "SP")


async def test_limits_follow_from_the_syringe(make: Make) -> None:
    cell = await make()
    limits = cell.pump.verbs["dispense"].spec.limits
    assert limits["volume"] == Limit(1e-4, 10.0, "mL")
    assert limits["rate"].high == pytest.approx(8.341, abs=0.001)
    assert limits["rate"].low == pytest.approx(1.146e-4, rel=0.001)
    with pytest.raises(LimitError, match=r"cell-pump.dispense: volume = 10.5 mL is beyond its limit \[0.0001, 10\] mL"):
        cell.pump.verbs["dispense"].check({"volume": 10.5, "rate": 1.0})


async def test_a_stop_ends_the_delivery_and_says_how_much_has_been_pumped(make: Make) -> None:
    cell = await make(lines="pty")
    task = asyncio.create_task(cell.pump.dispense(volume=5.0, rate=2.0))
    await pumped(cell.simulator, 0.1)
    await cell.pump.stop()
    with pytest.raises(InstrumentError, match=r"cell-pump.*stopped before it was done: 0\.\d+ mL of 5 mL were pumped"):
        await task
    assert cell.simulator.program.state == "S"
    assert await cell.pump.get_dispensed() == pytest.approx(cell.simulator.delivered, abs=0.001)
    assert 0.1 < cell.simulator.delivered < 2.0
    await cell.pump.dispense(volume=0.1, rate=8.0)


async def test_a_stall_is_named_with_what_has_been_pumped(make: Make) -> None:
    cell = await make()
    cell.fails({"kind": "stall"})
    with pytest.raises(InstrumentError, match=r"cell-pump.*alarm A\?S: stall: its motor stalled; 0\.5 mL of 1 mL were"):
        await cell.pump.dispense(volume=1.0, rate=8.0)
    assert cell.simulator.delivered == pytest.approx(0.5)


async def test_an_empty_syringe_stalls(make: Make) -> None:
    cell = await make(simulated={"contents": 0.5})
    with pytest.raises(InstrumentError, match="stall"):
        await cell.pump.dispense(volume=1.0, rate=8.0)
    await cell.pump.withdraw(volume=1.0, rate=8.0)


async def test_a_stall_whose_telling_was_lost_is_found_by_the_volume(make: Make) -> None:
    cell = await make(watch=0.05)
    task = asyncio.create_task(cell.pump.dispense(volume=5.0, rate=8.0))
    await until(lambda: cell.simulator.program.state == "I")
    cell.simulator.update()
    cell.simulator.program.halt()
    with pytest.raises(InstrumentError, match=r"it stopped before it was done: .* mL of 5 mL were pumped"):
        await task


async def test_a_refused_start_is_named(make: Make) -> None:
    cell = await make()
    cell.fails({"kind": "error"})
    with pytest.raises(InstrumentError, match=r"'RUN' is refused while it is stopped: \?IGN: the command was ignored"):
        await cell.pump.dispense(volume=1.0, rate=1.0)


async def test_a_start_whose_answer_is_lost_is_not_made_twice(make: Make) -> None:
    cell = await make()
    cell.fails({"kind": "drop", "after": 12, "times": 1})
    assert await cell.pump.dispense(volume=0.5, rate=8.0) == {"dispensed": pytest.approx(0.5)}
    assert cell.simulator.delivered == pytest.approx(0.5)


async def test_a_lost_line_says_how_much_was_pumped_and_the_pump_is_stopped_when_it_is_back(make: Make) -> None:
    cell = await make(watch=0.02)
    task = asyncio.create_task(cell.pump.dispense(volume=5.0, rate=1.0))
    await pumped(cell.simulator, 0.05)
    cell.fails({"kind": "disconnect", "seconds": 10.0})
    with pytest.raises(
        LineLost, match=r"cell-pump.*; 0\.\d+ mL of 5 mL were pumped when last heard of, 0\.\d s before"
    ):
        await task
    with pytest.raises(ConnectionProblem, match="cell-pump: cannot open memory"):
        await cell.pump.recover()
    await asyncio.sleep(0.2)
    told = await cell.pump.recover()
    assert told[0].startswith("it was still pumping and was stopped; 0.")
    assert told[1:] == driver.Ne1000.forgets
    assert cell.simulator.program.state == "S"


async def test_after_a_power_cut_it_says_that_the_counters_are_gone(make: Make) -> None:
    cell = await make()
    cell.simulator.alarm = "R"
    assert (await cell.pump.recover())[0] == "how much was pumped: its power was interrupted"


async def test_the_rate_can_be_changed_under_way(make: Make) -> None:
    cell = await make(margin=0.5)
    task = asyncio.create_task(cell.pump.dispense(volume=1.5, rate=8.0))
    await until(lambda: cell.simulator.program.state == "I")
    await cell.pump.set_rate(rate=2.0)
    assert await cell.pump.get_rate() == pytest.approx(2.0)
    assert await task == {"dispensed": pytest.approx(1.5)}
    await cell.pump.set_rate(rate=0.5)
    assert await cell.pump.get_rate() == pytest.approx(0.5)


async def test_somebody_else_s_delivery_is_not_disturbed(make: Make) -> None:
    cell = await make(lines="memory")
    cell.simulator.program.phases[0].rate = 60.0
    cell.simulator.program.start(cell.simulator.clock.now(), 1)
    with pytest.raises(InstrumentError, match="it is infusing already, started by somebody else"):
        await cell.pump.dispense(volume=1.0, rate=1.0)
    assert cell.simulator.program.state == "I"


async def test_a_pump_that_pumps_with_another_syringe_is_refused(make: Make) -> None:
    cell = await make(connect=False, simulated={"just_powered": False})
    cell.simulator.program.start(cell.simulator.clock.now(), 1)
    with pytest.raises(ConnectionProblem, match=r"pumping with a syringe of 26.59 mm, the lab file says 14.43 mm"):
        await cell.pump.connect()


async def test_it_does_not_wait_for_ever(make: Make) -> None:
    cell = await make(margin=0.05)
    task = asyncio.create_task(cell.pump.dispense(volume=0.5, rate=8.0))
    await until(lambda: cell.simulator.program.state == "I")
    assert cell.simulator.program.motion is not None
    cell.simulator.program.motion.rate /= 100
    with pytest.raises(InstrumentError, match=r"did not finish in time: 0\.\d+ mL of 0.5 mL were pumped"):
        await task
    assert cell.simulator.program.state == "S"


async def test_two_pumps_share_a_line() -> None:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    ends = [
        simulator.Ne1000(simulator.Options(address=address, contents=10.0), None, clock, seed=address)
        for address in (0, 17)
    ]
    port = Port("bus", MemoryOpener(Multidrop(ends, clock)))
    pumps = [device(port, {"address": end.settings.address}, f"cell-pump-{n}")[0] for n, end in enumerate(ends)]
    for pump in pumps:
        await pump.connect()
    await asyncio.gather(*(pump.dispense(volume=1.0 + n, rate=8.0) for n, pump in enumerate(pumps)))
    assert [end.delivered for end in ends] == pytest.approx([1.0, 2.0])
    for pump in pumps:
        await pump.close()


answers = st.one_of(
    st.sampled_from(["00S", "00I", "00A?S", "00S?OOR", "00SI1.000W0.000ML", "07SNE1000V3.923", "99P26.59"])
).map(str.encode)


@given(st.lists(st.tuples(answers, st.booleans()), max_size=8), st.lists(st.integers(0, 150), max_size=5))
def test_answers_come_out_as_they_went_in_however_they_are_cut(sent: list[tuple[bytes, bool]], cuts: list[int]) -> None:
    stream = b"".join(
        bytes([2, len(text) + 4]) + text + protocol.crc(text) + b"\x03" if safe else b"\x02" + text + b"\x03"
        for text, safe in sent
    )
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    buffer, received = bytearray(), list[bytes]()
    for start, end in itertools.pairwise(edges):
        buffer += stream[start:end]
        while (frame := driver.Ne1000.framing.take(buffer)) is not None:
            received.append(frame)
    assert received == [text for text, _ in sent]


@given(st.binary(max_size=120))
def test_garbage_is_dropped_and_never_a_wrong_value(data: bytes) -> None:
    buffer = bytearray(data)
    for _ in range(len(data) + 1):
        before = len(buffer)
        try:
            frame = driver.Ne1000.framing.take(buffer)
        except GarbledReply:
            assert len(buffer) < before
            continue
        if frame is None:
            break
        try:
            answer = protocol.parse(frame, 0)
        except GarbledReply:
            continue
        assert answer.state in protocol.PROMPTS


@given(st.floats(1e-4, 9999))
def test_numbers_are_told_in_four_digits(value: float) -> None:
    text = protocol.number(value)
    assert len(text.replace(".", "")) <= 4
    assert float(text) == pytest.approx(value, rel=5.1e-4, abs=5.1e-4)


@pytest.mark.parametrize("data", ["", "NE1000", "1000V3.923", "NE1000V3"])
def test_what_is_no_version_is_garbled(data: str) -> None:
    with pytest.raises(GarbledReply):
        protocol.version(data)


@pytest.mark.parametrize("data", ["", "I1.0W2.0", "I1.0W2.0XX", "I1.0", "IW1.0ML", "I1..0W1ML"])
def test_what_does_not_say_what_was_dispensed_is_garbled(data: str) -> None:
    with pytest.raises(GarbledReply):
        protocol.dispensed(data)
