"""The GSV-3 driver against the simulated amplifier, over a pseudo-terminal and in memory."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.devices import Context, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, NoReply
from motet.lines import Line, Opener, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import LoopClock, MemoryOpener, PtyServer
from motet_drivers import gsv3 as driver
from motet_simulators import gsv3 as simulator

SCALE = 50.0


class Finger:
    """A world in which somebody presses on the sensor."""

    def __init__(self) -> None:
        self.force = 0.0
        self.conversions = 0

    def contact_force(self, *, asked: bool = True) -> float:
        self.conversions += 1
        return self.force


@dataclass
class Bench:
    """A force sensor and who presses on it."""

    sensor: driver.Gsv3
    finger: Finger
    line: Line


Make = Callable[..., Awaitable[Bench]]


@asynccontextmanager
async def bench(
    lines: Literal["pty", "memory"], simulated: Mapping[str, Any], options: Mapping[str, Any], connect: bool
) -> AsyncGenerator[Bench]:
    finger = Finger()
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    amplifier = simulator.Gsv3(simulator.Options(**simulated), finger, clock, seed=1)

    def make(opener: Opener) -> Bench:
        line = Line("cell-force", opener, driver.Gsv3.framing, timeout=0.2, retries=1)
        context = Context("cell-force", driver.Options(**options), Limits("cell-force", {}), line)
        return Bench(driver.Gsv3(context), finger, line)

    async with AsyncExitStack() as stack:
        opener: Opener = MemoryOpener(amplifier)
        if lines == "pty":
            server = await stack.enter_async_context(PtyServer(amplifier))
            opener = SerialOpener(SerialLine(url=server.path, baudrate=38400))
        made = make(opener)
        stack.push_async_callback(made.sensor.close)
        if connect:
            await made.sensor.connect()
        yield made


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


async def force(cell: Bench) -> float:
    """What `measure` gives, mN."""
    return (await cell.sensor.measure())["force"]


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_a_reading_is_the_force_in_millinewton(make: Make, lines: str) -> None:
    cell = await make(lines=lines)
    for pressed in (0.0, 52.5, -20.0):
        cell.finger.force = pressed
        assert await force(cell) == pytest.approx(pressed, abs=525 / 0x8000)


async def test_a_reading_is_younger_than_the_request(make: Make) -> None:
    cell = await make(lines="pty")
    await force(cell)
    cell.finger.force = 100.0
    assert await force(cell) == pytest.approx(100.0, abs=0.1)


async def test_a_reading_is_the_mean_of_as_many_values_as_wanted(make: Make) -> None:
    cell = await make(average=5)
    before = cell.finger.conversions
    await force(cell)
    assert cell.finger.conversions - before == 5


async def test_the_stream_ends_when_the_driver_connects(make: Make) -> None:
    cell = await make(lines="pty", simulated={"rate": 100})
    before = cell.finger.conversions
    await asyncio.sleep(5 / SCALE)
    assert cell.finger.conversions == before


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_a_stream_that_nobody_read_for_long_does_not_hinder_connecting(make: Make, lines: str) -> None:
    cell = await make(lines=lines, connect=False, simulated={"rate": 1000})
    await asyncio.sleep(0.1)
    await cell.sensor.connect()
    assert await cell.sensor.identity() == "ME-Messsysteme GSV-3, serial number 19206189"
    cell.finger.force = 10.0
    assert await force(cell) == pytest.approx(10.0, abs=0.1)


async def test_the_signal_reads_the_force(make: Make) -> None:
    cell = await make(simulated={"preload": 30.0})
    reading = cast("dict[str, Any]", await cell.sensor.read())
    assert reading["cell-force-force"]["value"] == pytest.approx(30.0, abs=0.1)


async def test_tare_takes_the_present_force_as_zero(make: Make) -> None:
    cell = await make(simulated={"preload": 80.0})
    await cell.sensor.tare()
    assert await force(cell) == pytest.approx(0.0, abs=0.1)
    cell.finger.force = 20.0
    assert await force(cell) == pytest.approx(20.0, abs=0.1)


async def test_an_overloaded_sensor_is_an_error_not_a_number(make: Make) -> None:
    cell = await make()
    cell.finger.force = 600.0
    with pytest.raises(InstrumentError, match=r"cell-force: overloaded.*\+-525 mN"):
        await force(cell)
    cell.finger.force = 500.0
    assert await force(cell) == pytest.approx(500.0, abs=0.1)


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_a_mute_amplifier_gives_no_reply(make: Make, lines: str) -> None:
    cell = await make(lines=lines, connect=False, simulated={"mute": True})
    with pytest.raises(NoReply, match="cell-force"):
        await cell.sensor.connect()


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_garbage_is_a_garbled_reply(make: Make, lines: str) -> None:
    cell = await make(lines=lines, connect=False, simulated={"garble": True})
    with pytest.raises(GarbledReply, match="no GSV-3 frame"):
        await cell.sensor.connect()


async def test_one_garbled_value_is_asked_for_again(make: Make) -> None:
    cell = await make(simulated={"garble_after": 1})
    with pytest.raises(GarbledReply):
        await force(cell)


async def test_another_amplifier_than_the_lab_file_names_is_refused(make: Make) -> None:
    cell = await make(connect=False, serial_number="00000001")
    with pytest.raises(ConnectionProblem, match="has serial number 19206189, the lab file says 00000001"):
        await cell.sensor.connect()


frames = st.lists(
    st.one_of(
        st.binary(min_size=2, max_size=2).map(lambda value: b"\xa5" + value),
        st.binary(min_size=8, max_size=8).map(lambda value: b";" + value),
    ),
    max_size=8,
)


@given(frames, st.lists(st.integers(0, 60), max_size=5))
def test_frames_come_out_as_they_went_in_however_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(sent)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    buffer = bytearray()
    received: list[bytes] = []
    for start, end in itertools.pairwise(edges):
        buffer += stream[start:end]
        while (frame := driver.GsvFraming().take(buffer)) is not None:
            received.append(frame)
    assert received == sent


@given(st.binary(min_size=1, max_size=60))
def test_garbage_is_dropped_up_to_the_next_frame(data: bytes) -> None:
    buffer = bytearray(data)
    for _ in range(len(data) + 1):
        before = len(buffer)
        try:
            frame = driver.GsvFraming().take(buffer)
        except GarbledReply:
            assert len(buffer) < before
        else:
            if frame is None:
                break
    assert len(buffer) < 9
