"""The Model 2450 driver against the simulated instrument, over a socket, a pseudo-terminal and in memory."""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.devices import Context, Limit, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, NoReply
from motet.lines import Line, Opener, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import LoopClock, MemoryOpener, PtyServer, TcpServer
from motet_drivers import keithley_2450 as driver
from motet_drivers.keithley_2450 import protocol
from motet_simulators import keithley_2450 as simulator

SCALE = 50.0
Lines = Literal["pty", "tcp", "memory"]


@dataclass
class Bench:
    """A source-measure unit on the bench and the simulator behind it."""

    smu: driver.Keithley2450
    unit: simulator.Keithley2450
    heard: list[bytes]

    async def run(self, verb: str, **arguments: Any) -> Mapping[str, Any]:
        """Run a verb as a procedure does; its outputs."""
        await self.smu.verbs[verb].set(arguments)
        return self.smu.verbs[verb].outputs


Make = Callable[..., Awaitable[Bench]]


@asynccontextmanager
async def bench(
    lines: Lines, simulated: Mapping[str, Any], limits: Mapping[str, Limit], options: Mapping[str, Any], connect: bool
) -> AsyncGenerator[Bench]:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    unit = simulator.Keithley2450(simulator.Options(**simulated), None, clock, seed=1)
    heard: list[bytes] = []
    receive = unit.receive

    def hear(data: bytes) -> None:
        heard.append(data)
        receive(data)

    unit.receive = hear
    async with AsyncExitStack() as stack:
        opener: Opener = MemoryOpener(unit)
        if lines == "pty":
            server = await stack.enter_async_context(PtyServer(unit))
            opener = SerialOpener(SerialLine(url=server.path))
        elif lines == "tcp":
            opener = SerialOpener(SerialLine(url=(await stack.enter_async_context(TcpServer(unit))).url))
        line = Line("bench-smu", opener, driver.Keithley2450.framing, timeout=0.2, retries=2)
        context = Context("bench-smu", driver.Options(**options), Limits("bench-smu", limits), line, scale=SCALE)
        smu = driver.Keithley2450(context)
        stack.push_async_callback(smu.close)
        if connect:
            await smu.connect()
        yield Bench(smu, unit, heard)


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes benches, in memory by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            *,
            lines: Lines = "memory",
            simulated: Mapping[str, Any] | None = None,
            limits: Mapping[str, Limit] | None = None,
            connect: bool = True,
            **options: Any,
        ) -> Bench:
            return await stack.enter_async_context(bench(lines, simulated or {}, limits or {}, options, connect))

        yield one


@pytest.mark.parametrize("lines", ["pty", "tcp", "memory"])
async def test_a_sourced_voltage_drives_its_current_through_the_load(make: Make, lines: Lines) -> None:
    b = await make(lines=lines, simulated={"resistance": 2000.0})
    await b.run("source_voltage", voltage=4.0, current_limit=0.01)
    await b.run("output", on=True)
    found = await b.run("measure")
    assert found["voltage"] == pytest.approx(4.0, abs=1e-3)
    assert found["current"] == pytest.approx(2e-3, rel=1e-3)
    assert found["resistance"] == pytest.approx(2000, rel=1e-3)
    assert found["limited"] is False


async def test_a_source_at_its_limit_is_stated(make: Make) -> None:
    b = await make()
    await b.run("source_voltage", voltage=10.0, current_limit=1e-3)
    await b.run("output", on=True)
    found = await b.run("measure")
    assert found["limited"] is True
    assert found["current"] == pytest.approx(1e-3, rel=1e-3)
    assert found["voltage"] == pytest.approx(1.0, rel=1e-3)


async def test_a_sourced_current_raises_its_voltage_up_to_the_limit(make: Make) -> None:
    b = await make()
    await b.run("source_current", current=-2e-3, voltage_limit=5.0)
    await b.run("output", on=True)
    found = await b.run("measure")
    assert (found["voltage"], found["limited"]) == (pytest.approx(-2.0, rel=1e-3), False)
    await b.run("source_current", current=20e-3, voltage_limit=5.0)
    found = await b.run("measure")
    assert (found["voltage"], found["limited"]) == (pytest.approx(5.0, rel=1e-3), True)


async def test_four_wire_sensing_leaves_the_leads_out(make: Make) -> None:
    for four_wire, expected in ((False, 1010.0), (True, 1000.0)):
        b = await make(simulated={"leads": 10.0}, four_wire=four_wire)
        await b.run("source_voltage", voltage=1.0, current_limit=0.01)
        await b.run("output", on=True)
        assert (await b.run("measure"))["resistance"] == pytest.approx(expected, rel=1e-3)


async def test_a_limit_that_did_not_go_with_the_old_level_is_set_with_the_new_one(make: Make) -> None:
    b = await make()
    await b.run("source_voltage", voltage=100.0, current_limit=0.1)
    await b.run("source_voltage", voltage=10.0, current_limit=0.5)
    assert b.unit.source.limits["CURR"] == 0.5


@pytest.mark.parametrize("lines", ["tcp", "memory"])
async def test_a_sweep_gives_voltages_and_currents_of_a_diode(make: Make, lines: Lines) -> None:
    b = await make(lines=lines, simulated={"load": "diode"}, nplc=0.1)
    found = await b.run("sweep", start=0.0, stop=0.6, points=121, delay=0.001, current_limit=0.1)
    assert found["voltage"] == pytest.approx([0.005 * n for n in range(121)], abs=1e-4)
    for voltage, current in zip(found["voltage"][40:], found["current"][40:], strict=True):
        assert voltage == pytest.approx(1.75 * 0.025693 * math.log1p(current / 2.5e-9) + 0.5 * current, abs=1e-3)
    assert found["limited"] is False
    assert not b.unit.source.output


async def test_a_sweep_says_that_it_was_limited(make: Make) -> None:
    b = await make()
    found = await b.run("sweep", start=0.0, stop=2.0, points=5, delay=0.0, current_limit=1e-3)
    assert found["limited"] is True
    assert found["current"] == pytest.approx([0, 5e-4, 1e-3, 1e-3, 1e-3], abs=1e-6)


@pytest.mark.parametrize("how", ["stop", "safe"])
async def test_stop_in_mid_sweep_turns_the_output_off(make: Make, how: str) -> None:
    b = await make()
    begun = asyncio.Event()
    initiate = b.unit.initiate

    def tell() -> None:
        initiate()
        begun.set()

    b.unit.initiate = tell
    status = b.smu.verbs["sweep"].set({"start": 0.0, "stop": 1.0, "points": 50, "delay": 60.0, "current_limit": 0.01})
    async with asyncio.timeout(10):
        await begun.wait()
        assert b.unit.source.output
        await getattr(b.smu, how)()
        with pytest.raises(InstrumentError, match="stopped"):
            await status
    assert b.unit.run is None
    assert not b.unit.source.output


@pytest.mark.parametrize("how", ["stop", "safe"])
async def test_an_output_that_is_turned_on_again_for_a_lost_reply_is_off_after_a_stop(make: Make, how: str) -> None:
    b = await make()
    answer = b.unit.answer

    def lose(data: bytes, request: bytes = b"") -> None:
        b.unit.answer = answer

    b.unit.answer = lose
    status = b.smu.verbs["output"].set({"on": True})
    async with asyncio.timeout(10):
        while not b.unit.source.output:  # noqa: ASYNC110 - of the simulator, which tells nobody
            await asyncio.sleep(0)
        await getattr(b.smu, how)()
        with pytest.raises(InstrumentError, match="stopped"):
            await status
    assert not b.unit.source.output
    assert sum(b":OUTP ON" in data for data in b.heard) == 2


BEYOND: list[tuple[str, dict[str, Any], str]] = [
    ("source_voltage", {"voltage": 211.0, "current_limit": 0.01}, r"voltage = 211 V.*\[-210, 210\] V"),
    ("source_voltage", {"voltage": 5.0, "current_limit": 1.1}, r"current_limit = 1.1 A.*1.05\] A"),
    ("source_voltage", {"voltage": 22.0, "current_limit": 0.2}, r"20 W: above 21 V.*\[-0.105, 0.105\] A"),
    ("source_current", {"current": -1.1, "voltage_limit": 5.0}, r"current = -1.1 A.*\[-1.05, 1.05\] A"),
    ("source_current", {"current": 0.5, "voltage_limit": 60.0}, "20 W"),
    ("sweep", {"start": 0.0, "stop": 30.0, "points": 3, "delay": 0.0, "current_limit": 0.2}, "20 W"),
    ("sweep", {"start": 0.0, "stop": 1.0, "points": 1, "delay": 0.0, "current_limit": 0.2}, r"points = 1 is.*\[2, 1"),
    (
        "sweep",
        {"start": 0.0, "stop": 6.0, "points": 3, "delay": 0.0, "current_limit": 0.2},
        r"voltage = 6 V.*\[-5, 5\]",
    ),
    ("source_voltage", {"voltage": 6.0, "current_limit": 0.01}, r"\[-5, 5\] V"),
]


@pytest.mark.parametrize(("verb", "arguments", "match"), BEYOND)
async def test_what_is_beyond_a_limit_is_refused_before_anything_is_sent(
    make: Make, verb: str, arguments: dict[str, Any], match: str
) -> None:
    b = await make(limits={"voltage": Limit(-5, 5, "V")} if "5, 5" in match else None)
    b.heard.clear()
    with pytest.raises(LimitError, match=match):
        await b.run(verb, **arguments)
    assert b.heard == []


async def test_an_error_of_the_instrument_comes_with_number_and_text(make: Make) -> None:
    b = await make(simulated={"faults": [{"kind": "error", "after": 14}]})
    with pytest.raises(InstrumentError, match=r"bench-smu.*:SOUR:VOLT.*refused: error -200: Execution error"):
        await b.run("source_voltage", voltage=1.0, current_limit=0.01)
    await b.run("source_voltage", voltage=1.0, current_limit=0.01)


async def test_measuring_needs_the_output_on(make: Make) -> None:
    b = await make()
    with pytest.raises(InstrumentError, match="the output is off: run `output`"):
        await b.run("measure")


async def test_a_reading_beyond_a_fixed_range_is_an_error_not_a_number(make: Make) -> None:
    b = await make(current_range=1e-4)
    await b.run("source_voltage", voltage=5.0, current_limit=0.01)
    await b.run("output", on=True)
    with pytest.raises(InstrumentError, match="current is beyond its measuring range"):
        await b.run("measure")


async def test_signals_are_what_the_instrument_says(make: Make) -> None:
    b = await make()
    await b.run("source_voltage", voltage=2.0, current_limit=0.01)
    await b.run("output", on=True)
    reading = cast("dict[str, Any]", await b.smu.read())
    assert reading["bench-smu-voltage"]["value"] == pytest.approx(2.0, abs=1e-3)
    assert reading["bench-smu-current"]["value"] == pytest.approx(2e-3, rel=1e-3)
    assert reading["bench-smu-output_on"]["value"] is True
    assert reading["bench-smu-limited"]["value"] is False


async def test_it_says_who_it_is(make: Make) -> None:
    b = await make(serial_number="04096331", firmware="1.7")
    assert await b.smu.identity() == "Keithley 2450, serial number 04096331, firmware 1.7.12b"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"serial_number": "1"}, "has serial number 04096331, the lab file says 1"),
        ({"firmware": "2."}, "firmware"),
        ({"model": "2461"}, r"Keithley 2450.*a Keithley 2461 is expected"),
    ],
)
async def test_another_instrument_than_the_lab_file_names_is_refused(
    make: Make, options: dict[str, Any], match: str
) -> None:
    b = await make(connect=False, **options)
    with pytest.raises(ConnectionProblem, match=match):
        await b.smu.connect()


async def test_another_command_set_is_refused_with_what_to_do(make: Make) -> None:
    b = await make(connect=False)
    b.unit.language = "TSP"
    with pytest.raises(ConnectionProblem, match=r"command set 'TSP'.*\*LANG SCPI"):
        await b.smu.connect()


@pytest.mark.parametrize("kind", ["drop", "garble", "truncate", "echo", "duplicate"])
async def test_an_answer_that_is_spoilt_once_changes_no_measurement(make: Make, kind: str) -> None:
    b = await make(simulated={"faults": [{"kind": kind, "after": 22, "times": 1}]})
    await b.run("source_voltage", voltage=2.0, current_limit=0.01)
    await b.run("output", on=True)
    for _ in range(4):
        assert (await b.run("measure"))["current"] == pytest.approx(2e-3, rel=1e-3)


async def test_a_silent_instrument_gives_no_reply(make: Make) -> None:
    b = await make(connect=False, simulated={"faults": [{"kind": "drop", "times": None}]})
    with pytest.raises(NoReply, match="bench-smu"):
        await b.smu.connect()


async def test_the_output_stays_as_it_is_over_a_lost_line(make: Make) -> None:
    b = await make(lines="tcp")
    await b.run("source_voltage", voltage=2.0, current_limit=0.01)
    await b.run("output", on=True)
    forgotten = await b.smu.recover()
    assert forgotten == driver.Keithley2450.forgets
    assert (await b.run("measure"))["voltage"] == pytest.approx(2.0, abs=1e-3)


@given(st.binary(max_size=80))
def test_garbage_is_garbled_never_a_value(data: bytes) -> None:
    for parse in (protocol.identity, protocol.refusal, protocol.flag, protocol.state, protocol.point, protocol.number):
        try:
            parse(data)
        except GarbledReply:
            continue
        assert data.isascii()


@given(
    st.floats(-210, 210), st.floats(-1.05, 1.05), st.booleans(), st.sampled_from([None, (-222, "Parameter data; odd")])
)
def test_a_reading_comes_out_as_it_went_in(
    measured: float, sourced: float, limited: bool, error: tuple[int, str] | None
) -> None:
    queue = '0,"No error;0;0 0"' if error is None else f'{error[0]},"{error[1]};1;2026/01/01 08:00:00.000"'
    found = protocol.point(f"{measured:.6E},{sourced:.6E};{int(limited)};{queue}".encode())
    if error is None:
        assert found == protocol.Point(float(f"{measured:.6E}"), float(f"{sourced:.6E}"), limited)
    else:
        assert isinstance(found, protocol.Refusal)
        assert found.code == -222
