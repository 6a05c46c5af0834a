"""Instruments described in YAML: the driver against the simulator, both made from the same file."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from motet.devices import Context, Limit, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, NoReply, ProcedureError
from motet.lines import Line, Opener, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import LoopClock, MemoryOpener, PtyServer, TcpServer
from motet_drivers import ascii as driver
from motet_simulators import ascii as simulator

EXAMPLES = Path(__file__).parents[2] / "examples" / "instruments"
PUMP, METER = EXAMPLES / "peristaltic_pump.yaml", EXAMPLES / "conductivity_meter.yaml"
SCPI: dict[str, Any] = {
    "maker": "ACME",
    "model": "PS1",
    "terminators": {"send": "\n", "receive": "\n"},
    "identity": {"query": "*IDN?", "reply": "{maker},{model},{serial_number},{firmware}"},
    "error_query": {
        "query": "SYST:ERR?",
        "reply": '{code},"{text}"',
        "codes": {"-113": "UndefinedHeader", "-222": "DataOutOfRange"},
    },
    "signals": {
        "voltage": {"query": "VOLT?", "reply": "{voltage:.4E}", "unit": "V"},
        "turns": {"query": "TURN?", "reply": "{turns:d}", "dtype": "integer"},
    },
    "verbs": {
        "set_voltage": {"arguments": {"voltage": {"unit": "V"}}, "send": ["VOLT {voltage:.3f}"]},
        "turn": {"arguments": {"turns": {"type": "integer", "low": -5, "high": 5}}, "send": ["TURN {turns:d}"]},
    },
    "simulation": {"errors": {"unknown": "-113", "range": "-222"}},
}
SCALE = 100.0
Lines = Literal["pty", "tcp", "memory"]


@dataclass
class Bench:
    """A described device and the simulator behind it."""

    device: driver.Ascii
    unit: simulator.Ascii
    heard: list[bytes]

    async def run(self, verb: str, **arguments: Any) -> Mapping[str, Any]:
        """Run a verb as a procedure does; its outputs."""
        await self.device.verbs[verb].set(arguments)
        return self.device.verbs[verb].outputs

    async def signal(self, name: str) -> Any:
        """What a signal reads."""
        reading = cast("dict[str, Any]", await self.device.read())
        return reading[f"bench-it-{name}"]["value"]


Make = Callable[..., Awaitable[Bench]]


@asynccontextmanager
async def bench(
    described: Path | dict[str, Any],
    lines: Lines,
    faults: tuple[dict[str, Any], ...],
    limits: Mapping[str, Limit],
    world: Any,
    connect: bool,
    options: Mapping[str, Any],
) -> AsyncGenerator[Bench]:
    where = {"file": described} if isinstance(described, Path) else {"description": described}
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    simulated = simulator.Options.model_validate({**where, "faults": faults})
    unit = simulator.Ascii(simulated, world, clock, seed=1)
    heard: list[bytes] = []
    receive = unit.receive

    def hear(data: bytes) -> None:
        heard.append(data)
        receive(data)

    unit.receive = hear
    async with AsyncExitStack() as stack:
        opener: Opener = MemoryOpener(unit)
        if lines == "pty":
            opener = SerialOpener(SerialLine(url=(await stack.enter_async_context(PtyServer(unit))).path))
        elif lines == "tcp":
            opener = SerialOpener(SerialLine(url=(await stack.enter_async_context(TcpServer(unit))).url))
        told = driver.Options.model_validate({**where, **options})
        line = Line("bench-it", opener, driver.Ascii.framing_for(told), timeout=0.2, retries=2)
        device = driver.Ascii(Context("bench-it", told, Limits("bench-it", limits), line, scale=SCALE))
        stack.push_async_callback(device.close)
        if connect:
            await device.connect()
        yield Bench(device, unit, heard)


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes benches, in memory by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            described: Path | dict[str, Any],
            *,
            lines: Lines = "memory",
            faults: tuple[dict[str, Any], ...] = (),
            limits: Mapping[str, Limit] | None = None,
            world: Any = None,
            connect: bool = True,
            **options: Any,
        ) -> Bench:
            return await stack.enter_async_context(
                bench(described, lines, faults, limits or {}, world, connect, options)
            )

        yield one


async def begun(b: Bench) -> None:
    """Until something is under way."""
    async with asyncio.timeout(10):
        while b.unit.state.at_rest:  # noqa: ASYNC110 - of the simulator, which tells nobody
            await asyncio.sleep(0)


@pytest.mark.parametrize("lines", ["pty", "tcp", "memory"])
async def test_a_described_meter_measures(make: Make, lines: Lines) -> None:
    b = await make(METER, lines=lines)
    assert await b.device.identity() == "Labcond LC-70, serial number 70123, firmware 2.1"
    found = await b.run("measure")
    assert found["conductivity"] == pytest.approx(12.88, abs=0.05)
    assert found["temperature"] == pytest.approx(25.0, abs=0.2)
    assert await b.signal("cell_constant") == pytest.approx(0.475)
    assert await b.signal("compensated") is False


@pytest.mark.parametrize("lines", ["pty", "memory"])
async def test_a_described_pump_dispenses_and_waits_until_it_has(make: Make, lines: Lines) -> None:
    b = await make(PUMP, lines=lines)
    began = b.unit.clock.now()
    found = await b.run("dispense", volume=2.5, rate=30.0)
    assert found == {"delivered": pytest.approx(2.5)}
    assert b.unit.clock.now() - began >= 2.5 / 30 * 60
    assert await b.signal("status") == "IDLE"


async def test_arguments_are_sent_in_the_instruments_own_unit_and_words(make: Make) -> None:
    b = await make(PUMP)
    b.heard.clear()
    await b.run("dispense", volume=0.5, rate=60.0, direction="backward")
    assert b.heard[:4] == [b"DI CCW\r\n", b"RT 60.00\r\n", b"VO 500\r\n", b"GO\r\n"]


async def test_booleans_are_words(make: Make) -> None:
    b = await make(METER)
    await b.run("compensate", compensated=True)
    assert await b.signal("compensated") is True


@pytest.mark.parametrize(
    ("arguments", "limits", "error", "match"),
    [
        ({"volume": 101.0}, {}, LimitError, r"volume = 101 mL is beyond its limit \[0.01, 100\] mL"),
        ({"volume": 21.0}, {"volume": Limit(0, 20, "mL")}, LimitError, r"volume = 21 mL.*\[0, 20\] mL"),
        ({"volume": 5.0}, {"rate": Limit(0, 5, "mL/min")}, LimitError, r"rate = 10 mL/min.*\[0, 5\]"),
        ({"volume": "much"}, {}, ProcedureError, "volume = 'much' must be of type float"),
        ({"volume": 5.0, "direction": "up"}, {}, ProcedureError, "direction = 'up' is none of: forward, backward"),
        ({}, {}, ProcedureError, "needs the argument 'volume'"),
        (
            {"volume": 5.0, "speed": 1.0},
            {},
            ProcedureError,
            "has no argument 'speed'; it takes: volume, rate, direction",
        ),
    ],
)
async def test_what_is_beyond_a_limit_is_refused_before_anything_is_sent(
    make: Make, arguments: dict[str, Any], limits: dict[str, Limit], error: type[Exception], match: str
) -> None:
    b = await make(PUMP, limits=limits)
    b.heard.clear()
    with pytest.raises(error, match=match):
        await b.run("dispense", **arguments)
    assert b.heard == []


@pytest.mark.parametrize("how", ["stop", "safe"])
async def test_stop_in_mid_dispense_ends_the_verb_and_the_pump(make: Make, how: str) -> None:
    b = await make(PUMP)
    status = b.device.verbs["dispense"].set({"volume": 100.0, "rate": 1.0})
    await begun(b)
    await getattr(b.device, how)()
    with pytest.raises(InstrumentError, match="dispense was stopped before it was done"):
        await status
    assert b.unit.state.at_rest
    assert 0 <= float(b.unit.value("delivered")) < 100


@pytest.mark.parametrize("how", ["stop", "safe"])
async def test_what_is_sent_again_for_a_lost_answer_is_stopped_all_the_same(make: Make, how: str) -> None:
    supply: dict[str, Any] = {
        **SCPI,
        "verbs": {**SCPI["verbs"], "set_voltage": {**SCPI["verbs"]["set_voltage"], "repeatable": True}},
        "stop": ["VOLT 0.000"],
        "safe": ["VOLT -1.000"],
    }
    b = await make(supply)
    answer = b.unit.answer

    def lose(data: bytes, request: bytes = b"") -> None:
        b.unit.answer = answer

    b.unit.answer = lose
    status = b.device.verbs["set_voltage"].set({"voltage": 5.0})
    async with asyncio.timeout(10):
        while not any(b"VOLT 5" in data for data in b.heard):  # noqa: ASYNC110 - the simulator tells nobody
            await asyncio.sleep(0)
        await getattr(b.device, how)()
        with pytest.raises(InstrumentError, match="set_voltage was stopped before it was done"):
            await status
    assert sum(b"VOLT 5" in data for data in b.heard) == 2
    assert b.unit.value("voltage") == (0.0 if how == "stop" else -1.0)


async def test_a_dispense_that_is_cancelled_leaves_nothing_moving(make: Make) -> None:
    b = await make(PUMP)
    dispense = asyncio.ensure_future(cast("Any", b.device).dispense(volume=100.0, rate=1.0))
    await begun(b)
    dispense.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dispense
    assert b.unit.state.at_rest


async def test_refusals_come_by_name(make: Make) -> None:
    b = await make(PUMP, faults=({"kind": "error", "after": 1},))
    with pytest.raises(InstrumentError, match=r"bench-it.*RT 10.00 was refused: error 2 \(ValueOutOfRange\)"):
        await b.run("dispense", volume=1.0)
    assert b.unit.state.at_rest


async def test_an_error_queue_is_read_after_every_command(make: Make) -> None:
    b = await make(SCPI, lines="tcp")
    await b.run("set_voltage", voltage=2.5)
    assert await b.signal("voltage") == 2.5
    await b.run("turn", turns=-3)
    assert await b.signal("turns") == -3

    b = await make(SCPI, faults=({"kind": "error"},))
    with pytest.raises(InstrumentError, match=r"VOLT 2.500 was refused: error -222: DataOutOfRange \(DataOutOfRange\)"):
        await b.run("set_voltage", voltage=2.5)
    await b.run("set_voltage", voltage=2.5)


async def test_a_stall_is_a_failure_by_its_name(make: Make) -> None:
    b = await make(PUMP, faults=({"kind": "stall"},))
    with pytest.raises(InstrumentError, match=r"dispense failed: ST\? gives STALL \(RotorStalled\)"):
        await b.run("dispense", volume=1.0, rate=10.0)
    await b.run("dispense", volume=1.0, rate=10.0)


async def test_what_never_ends_is_given_up_after_its_longest_time(make: Make) -> None:
    b = await make(PUMP, faults=({"kind": "stuck"},))
    with pytest.raises(InstrumentError, match=r"dispense is not done after 14 s: ST\? gives RUN"):
        await b.run("dispense", volume=1.0, rate=10.0)
    assert b.unit.state.at_rest


@pytest.mark.parametrize("kind", ["drop", "garble", "truncate", "echo", "duplicate"])
async def test_an_answer_that_is_spoilt_once_changes_no_measurement(make: Make, kind: str) -> None:
    b = await make(METER, faults=({"kind": kind, "after": 2},))
    for _ in range(3):
        assert (await b.run("measure"))["conductivity"] == pytest.approx(12.88, abs=0.05)


async def test_a_dispense_whose_answer_is_lost_is_not_sent_again(make: Make) -> None:
    b = await make(PUMP, faults=({"kind": "drop", "after": 4},))
    with pytest.raises(NoReply, match="GO"):
        await b.run("dispense", volume=10.0, rate=10.0)
    assert b.unit.state.at_rest


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"serial_number": "1"}, "has serial number 4711, the lab file says 1"),
        ({"firmware": "2"}, "firmware"),
    ],
)
async def test_another_instrument_than_the_lab_file_names_is_refused(
    make: Make, options: dict[str, Any], match: str
) -> None:
    b = await make(PUMP, connect=False, **options)
    with pytest.raises(ConnectionProblem, match=match):
        await b.device.connect()


async def test_an_instrument_of_another_kind_is_refused(make: Make) -> None:
    b = await make(SCPI, connect=False)
    b.unit.state.set("model", "PS2")
    with pytest.raises(ConnectionProblem, match=r"ACME PS2.*the description is of ACME PS1"):
        await b.device.connect()


class Beaker:
    """A world that takes liquid and conducts the better the more there is."""

    reads = frozenset({"conductivity"})
    takes = frozenset({"liquid"})

    def __init__(self) -> None:
        self.volume = 0.0

    def read(self, quantity: str) -> float:
        return 10 * self.volume

    def add(self, quantity: str, amount: float) -> None:
        self.volume += amount

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        raise KeyError(quantity)


async def test_what_the_pump_delivers_is_what_the_meter_measures(make: Make) -> None:
    beaker = Beaker()
    pump, meter = await make(PUMP, world=beaker), await make(METER, world=beaker)
    await pump.run("dispense", volume=1.5, rate=60.0)
    assert beaker.volume == pytest.approx(1.5)
    assert (await meter.run("measure"))["conductivity"] == pytest.approx(15.0, abs=0.05)


def test_either_a_file_or_a_description_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="either `file`"):
        driver.Options()
    with pytest.raises(ValidationError, match=r"no such file 'none\.yaml'"):
        driver.Options(file=tmp_path / "none.yaml")


@given(st.floats(-1e6, 1e6), st.integers(-1000, 1000), st.booleans())
def test_values_come_back_as_they_were_sent(number: float, whole: int, flag: bool) -> None:
    from motet.files.described.variables import Written
    from motet.files.templates import template

    values: dict[str, Any] = {"a": number, "b": whole, "c": flag, "d": "x y"}
    written = {
        "a": Written("number", 1000.0),
        "b": Written("integer"),
        "c": Written("boolean", words={"OFF": False, "ON": True}),
        "d": Written("string"),
    }
    text = template("A{a:.6f};{b:d} {c}/{d}")
    sent = text.filled({name: how.write(values[name]) for name, how in written.items()})
    match = text.pattern({name: how.kind for name, how in written.items()}, {"c": ("OFF", "ON")}).fullmatch(sent)
    assert match is not None
    found = {name: how.read(match[name]) for name, how in written.items()}
    assert found == {**values, "a": pytest.approx(number, abs=1e-8)}


@given(st.binary(max_size=60))
def test_garbage_is_garbled_never_a_value(data: bytes) -> None:
    from motet_drivers.ascii.dialogue import Dialogue

    described = driver.Options(file=METER).described
    dialogue = Dialogue(described, cast("Line", None), 1.0)
    signal = described.signals["conductivity"]
    try:
        found = dialogue.parse(signal, "conductivity", signal, data)
    except GarbledReply:
        return
    assert data.endswith(b"mS/cm")
    assert isinstance(found["conductivity"], float)
