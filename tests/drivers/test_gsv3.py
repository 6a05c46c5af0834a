"""The GSV-3 driver against the simulated amplifier, over a pseudo-terminal and in memory."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.devices import Context, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, NoReply
from motet.lines import Line, Opener, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import LoopClock, MemoryOpener, PtyServer
from motet_drivers import gsv3 as driver
from motet_drivers.gsv3.stream import GsvFraming, decode
from motet_simulators import gsv3 as simulator

SCALE = 50.0
LINES = (pytest.param("pty", marks=pytest.mark.slow), "memory")
DROP = [{"kind": "drop", "times": None}]
GARBLE = [{"kind": "garble", "times": None}]


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
    amplifier: simulator.Gsv3
    clock: LoopClock


Make = Callable[..., Awaitable[Bench]]


@asynccontextmanager
async def bench(
    lines: Literal["pty", "memory"], simulated: Mapping[str, Any], options: Mapping[str, Any], connect: bool
) -> AsyncGenerator[Bench]:
    finger = Finger()
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    amplifier = simulator.Gsv3(simulator.Options(**simulated), finger, clock, seed=1)

    def make(opener: Opener) -> Bench:
        line = Line("cell-force", opener, driver.Gsv3.framing, timeout=0.1, retries=1)
        context = Context("cell-force", driver.Options(**options), Limits("cell-force", {}), line, scale=SCALE)
        return Bench(driver.Gsv3(context), finger, line, amplifier, clock)

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


@pytest.mark.parametrize("lines", LINES)
async def test_a_stream_that_nobody_read_for_long_does_not_hinder_connecting(make: Make, lines: str) -> None:
    cell = await make(lines=lines, connect=False, simulated={"rate": 1000})
    await asyncio.sleep(0.1)
    await cell.sensor.connect()
    assert await cell.sensor.identity() == "ME-Messsysteme GSV-3, serial number 19206189, firmware 1.4"
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


@pytest.mark.parametrize("lines", LINES)
async def test_a_mute_amplifier_gives_no_reply(make: Make, lines: str) -> None:
    cell = await make(lines=lines, connect=False, simulated={"faults": DROP})
    with pytest.raises(NoReply, match="cell-force"):
        await cell.sensor.connect()


@pytest.mark.parametrize("lines", LINES)
async def test_garbage_is_a_garbled_reply(make: Make, lines: str) -> None:
    cell = await make(lines=lines, connect=False, simulated={"faults": GARBLE})
    with pytest.raises(GarbledReply, match="no GSV-3 frame"):
        await cell.sensor.connect()


async def test_one_garbled_value_is_asked_for_again(make: Make) -> None:
    cell = await make(simulated={"faults": [{"kind": "garble", "after": 2}]})
    cell.finger.force = 52.5
    assert await force(cell) == pytest.approx(52.5, abs=0.1)


async def test_an_amplifier_that_sends_nothing_but_garbage_is_an_error(make: Make) -> None:
    cell = await make(simulated={"faults": [{"kind": "garble", "after": 2, "times": None}]})
    with pytest.raises(GarbledReply):
        await force(cell)


async def test_an_overload_that_the_amplifier_tells_is_an_error(make: Make) -> None:
    cell = await make(simulated={"faults": [{"kind": "error"}]})
    with pytest.raises(InstrumentError, match="overloaded"):
        await force(cell)
    assert await force(cell) == pytest.approx(0.0, abs=0.1)


async def test_a_drifting_sensor_drifts_by_the_hour(make: Make) -> None:
    cell = await make(simulated={"faults": [{"kind": "drift", "amount": 36_000.0}]})
    before = cell.clock.now()
    assert await force(cell) == pytest.approx(10.0 * before, abs=10.0)


async def test_a_recording_has_the_force_at_the_rate_of_the_amplifier(make: Make) -> None:
    cell = await make(simulated={"rate": 50.0}, rate=50.0)
    cell.finger.force = 52.5
    started = cell.clock.now()
    recorded = await cell.sensor.record(2.0)
    assert 1.9 < cell.clock.now() - started < 8.0
    assert recorded["time"] == pytest.approx([n / 50 for n in range(100)])
    assert recorded["force"] == pytest.approx([52.5] * 100, abs=0.1)
    assert recorded["lost"] == 0
    assert not cell.amplifier.transmitting
    assert await force(cell) == pytest.approx(52.5, abs=0.1)


async def test_values_that_are_lost_leave_a_gap_and_no_wrong_value(make: Make) -> None:
    faults = [
        {"kind": "truncate", "after": 12},
        {"kind": "truncate", "after": 20, "times": 2},
        {"kind": "truncate", "after": 80},
    ]
    cell = await make(simulated={"rate": 50.0, "faults": faults}, rate=50.0)
    cell.finger.force = 52.5
    recorded = await cell.sensor.record(1.0)
    assert 0 < recorded["lost"] <= 6
    assert recorded["force"] == pytest.approx([52.5] * len(recorded["force"]), abs=0.1)
    assert len(recorded["force"]) + recorded["lost"] >= 50
    cell.finger.force = 154.0  # its first byte is 0xA5: it looks like the beginning of a value
    recorded = await cell.sensor.record(1.0)
    assert recorded["force"] == pytest.approx([154.0] * len(recorded["force"]), abs=0.1)


async def test_a_recording_at_another_rate_than_the_lab_file_says_is_refused(make: Make) -> None:
    cell = await make(simulated={"rate": 200.0}, rate=10.0)
    with pytest.raises(InstrumentError, match=r"a second; the lab file says 10 \(option `rate`\)"):
        await cell.sensor.record(60.0)
    slow = await make(simulated={"rate": 1.0}, rate=100.0)
    with pytest.raises(NoReply, match="values of 100 came within"):
        await slow.sensor.record(1.0)


async def test_an_overload_in_a_recording_is_an_error_with_its_time(make: Make) -> None:
    cell = await make(rate=10.0)
    cell.finger.force = 600.0
    with pytest.raises(InstrumentError, match=r"overloaded after 0 s"):
        await cell.sensor.record(1.0)


async def test_stop_ends_a_recording(make: Make) -> None:
    cell = await make(simulated={"rate": 50.0}, rate=50.0)
    recording = asyncio.create_task(cell.sensor.record(3000.0))
    await asyncio.sleep(1 / SCALE)
    assert cell.amplifier.transmitting
    await cell.sensor.stop()
    with pytest.raises(InstrumentError, match="stopped while it was recording"):
        async with asyncio.timeout(10):
            await recording
    assert not cell.amplifier.transmitting


async def test_after_a_lost_line_the_amplifier_is_found_again(make: Make) -> None:
    cell = await make(lines="pty")
    await cell.line.close()
    assert await cell.sensor.recover() == ()
    assert await force(cell) == pytest.approx(0.0, abs=0.1)


async def test_an_amplifier_that_does_not_tell_its_firmware_is_used_all_the_same(make: Make) -> None:
    cell = await make(simulated={"faults": [{"kind": "drop", "after": 1, "times": 2}]})
    assert await cell.sensor.identity() == "ME-Messsysteme GSV-3, serial number 19206189"


async def test_another_firmware_than_the_lab_file_names_is_refused(make: Make) -> None:
    cell = await make(connect=False, firmware="2.")
    with pytest.raises(ConnectionProblem, match=r"has firmware 1.4, the lab file says 2\."):
        await cell.sensor.connect()


async def test_another_amplifier_than_the_lab_file_names_is_refused(make: Make) -> None:
    cell = await make(connect=False, serial_number="00000001")
    with pytest.raises(ConnectionProblem, match="has serial number 19206189, the lab file says 00000001"):
        await cell.sensor.connect()


values = st.lists(st.integers(0, 0xFFFF), max_size=20)


def frames(raws: list[int]) -> bytes:
    """A stream of values as the amplifier sends it."""
    return b"".join(b"\xa5" + raw.to_bytes(2, "big") for raw in raws)


parts = st.lists(
    st.one_of(
        st.binary(min_size=2, max_size=2).map(lambda value: b"\xa5" + value),
        st.integers(0, 99_999_999).map(lambda number: b";%08d" % number),
        st.binary(min_size=2, max_size=2).filter(lambda v: not v[:1].isdigit()).map(lambda value: b";" + value),
    ),
    max_size=8,
)


@settings(max_examples=50, deadline=None)
@given(parts, st.lists(st.integers(0, 60), max_size=5))
def test_frames_come_out_as_they_went_in_however_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(sent)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    buffer = bytearray()
    received: list[bytes] = []
    for start, end in itertools.pairwise(edges):
        buffer += stream[start:end]
        while (frame := GsvFraming().take(buffer)) is not None:
            received.append(frame)
    assert received == sent


@given(st.binary(min_size=1, max_size=60))
def test_any_bytes_come_out_as_frames_of_the_same_bytes(data: bytes) -> None:
    buffer = bytearray(data)
    received: list[bytes] = []
    while (frame := GsvFraming().take(buffer)) is not None:
        received.append(frame)
    assert b"".join(received) + buffer == data
    assert len(buffer) < 9


@given(values)
def test_a_whole_stream_is_decoded_whole(raws: list[int]) -> None:
    samples, lost = decode(frames(raws))
    assert ([sample.raw for sample in samples], lost) == (raws, 0)


raw_values = st.one_of(st.integers(0, 0xFFFF), st.sampled_from([0xA5A5, 0xA58C, 0x8CA5, 0x8000]))


@settings(max_examples=60, deadline=None)
@given(st.lists(raw_values, min_size=4, max_size=30), st.data())
def test_a_stream_that_lost_a_byte_has_no_wrong_value(raws: list[int], data: st.DataObject) -> None:
    whole = frames(raws)
    at = data.draw(st.integers(3, len(whole) - 4))
    samples, lost = decode(whole[:at] + whole[at + 1 :])
    assert all(raws[sample.slot] == sample.raw for sample in samples)
    assert lost >= 1
    if not any(0xA5 in raw.to_bytes(2, "big") for raw in raws):
        assert lost <= 3  # the broken one, the one before it, and a last one that nothing else speaks for
    assert lost + len(samples) == len(raws)


stretches = st.tuples(st.lists(raw_values, max_size=6), st.lists(st.integers(0, 0xA4A4), min_size=3, max_size=3)).map(
    lambda parts: [*parts[0], *(raw & 0x7F7F for raw in parts[1])]
)
"""Values of which three at least have no 0xA5 in them."""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(stretches, raw_values, st.integers(0, 2)), min_size=2, max_size=5), stretches)
def test_bytes_that_are_lost_far_apart_make_no_wrong_value(
    parts: list[tuple[list[int], int, int]], last: list[int]
) -> None:
    raws: list[int] = []
    data = b""
    for before, broken, at in parts:
        raws += [*before, broken]
        frame = frames([broken])
        data += frames(before) + frame[:at] + frame[at + 1 :]
    raws += last
    samples, lost = decode(data + frames(last))
    assert [raws[sample.slot] for sample in samples] == [sample.raw for sample in samples]
    assert lost + len(samples) == len(raws)
    assert lost >= len(parts)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_decoded(data: bytes) -> None:
    samples, lost = decode(data)
    assert len(samples) + lost <= len(data)
