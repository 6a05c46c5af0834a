"""The MT-SICS driver against the simulated balance, in memory, on a pseudo-terminal and in virtual time."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from motet.devices import Context, Limits
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, MotetError, NoReply
from motet.lines import Line, Opener, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import LoopClock, MemoryOpener, PtyServer
from motet_drivers import mt_sics as driver
from motet_drivers.mt_sics import protocol
from motet_simulators import mt_sics as simulator

SCALE = 200.0


@dataclass
class Bench:
    """A balance, what is on its pan, and all that was sent to it."""

    balance: driver.MtSics
    pan: "Spied"
    line: Line
    sent: list[bytes]


Make = Callable[..., Awaitable[Bench]]


class Spied(simulator.MtSics):
    """A simulated balance that remembers what it received."""

    def __init__(self, options: simulator.Options, world: object | None, clock: LoopClock, seed: int) -> None:
        super().__init__(options, world, clock, seed)
        self.sent: list[bytes] = []
        self._heard = asyncio.Event()

    def receive(self, data: bytes) -> None:
        super().receive(data)
        self.sent.append(data)
        self._heard.set()

    async def heard(self) -> None:
        """Wait for the next command."""
        self._heard.clear()
        await self._heard.wait()


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Makes benches, in memory by default, which are closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(
            *,
            pty: bool = False,
            connect: bool = True,
            simulated: Mapping[str, Any] | None = None,
            answer_within: float = 0.5,
            **options: Any,
        ) -> Bench:
            clock = LoopClock(asyncio.get_running_loop(), SCALE)
            quiet: dict[str, Any] = {"repeatability": 0.0, **(simulated or {})}
            pan = Spied(simulator.Options(**quiet), None, clock, seed=1)
            opener: Opener = MemoryOpener(pan)
            if pty:
                server = await stack.enter_async_context(PtyServer(pan))
                opener = SerialOpener(SerialLine(url=server.path))
            line = Line("b-balance", opener, driver.MtSics.framing, timeout=answer_within)
            context = Context("b-balance", driver.Options(**options), Limits("b-balance", {}), line, scale=SCALE)
            balance = driver.MtSics(context)
            stack.push_async_callback(balance.close)
            if connect:
                await balance.connect()
            return Bench(balance, pan, line, pan.sent)

        yield one


async def weighed(bench: Bench) -> float:
    """What `weigh` gives, g."""
    return (await bench.balance.weigh())["mass"]


@pytest.mark.parametrize("pty", [True, False])
async def test_weigh_waits_until_the_weight_is_stable(make: Make, pty: bool) -> None:
    bench = await make(pty=pty)
    for load in (0.0, 52.1873, 10.0001):
        bench.pan.load = load
        assert await weighed(bench) == pytest.approx(load, abs=1e-4)


async def test_weigh_now_tells_whether_the_weight_is_stable(make: Make) -> None:
    bench = await make()
    bench.pan.load = 100.0
    now = await bench.balance.weigh_now()
    assert not now["stable"]
    assert now["mass"] < 99.9
    await weighed(bench)
    assert await bench.balance.weigh_now() == {"mass": pytest.approx(100.0), "stable": True}


async def test_tare_makes_weights_net_until_it_is_cleared(make: Make) -> None:
    bench = await make()
    bench.pan.load = 20.0
    assert await bench.balance.tare() == {"tare": pytest.approx(20.0)}
    bench.pan.load = 25.5
    assert await weighed(bench) == pytest.approx(5.5)
    await bench.balance.clear_tare()
    assert await weighed(bench) == pytest.approx(25.5)


async def test_zero_takes_a_small_load_as_nothing_and_refuses_a_large_one(make: Make) -> None:
    bench = await make()
    bench.pan.load = 1.0
    await bench.balance.zero()
    assert await weighed(bench) == pytest.approx(0.0)
    bench.pan.load = 50.0
    with pytest.raises(InstrumentError, match=r"b-balance.*Z: not zeroed: the upper limit of the zero setting range"):
        await bench.balance.zero()


async def test_a_preset_tare_is_sent_and_beyond_the_capacity_refused_before_anything_is_sent(make: Make) -> None:
    bench = await make()
    assert await bench.balance.preset_tare(12.5) == {"tare": pytest.approx(12.5)}
    sent = len(bench.sent)
    with pytest.raises(LimitError, match=r"221 g is beyond the capacity of the XS204 Excellence, \[0, 220\] g"):
        await bench.balance.preset_tare(221.0)
    assert len(bench.sent) == sent


async def test_overload_and_underload_are_named(make: Make) -> None:
    bench = await make(simulated={"load": 230.0})
    with pytest.raises(InstrumentError, match=r"b-balance.*overload"):
        await bench.balance.weigh()
    with pytest.raises(InstrumentError, match="overload"):
        await bench.balance.get_mass()
    without_pan = await make(simulated={"load": -20.0})
    with pytest.raises(InstrumentError, match="underload"):
        await without_pan.balance.weigh()


async def test_a_table_that_shakes_is_an_error_that_says_not_stable(make: Make) -> None:
    bench = await make(simulated={"vibration": 0.002}, stable_within=100.0)
    with pytest.raises(InstrumentError, match="no stable weight within the balance's own time"):
        await bench.balance.weigh()
    impatient = await make(simulated={"vibration": 0.002}, stable_within=1.0, answer_within=0.05)
    with pytest.raises(InstrumentError, match="b-balance: S: not stable: no weight within 1 s"):
        await impatient.balance.weigh()
    assert not await impatient.balance.get_stable()
    assert impatient.pan.idle


async def test_stop_ends_a_wait_and_leaves_nothing_waiting_at_the_balance(make: Make) -> None:
    bench = await make(simulated={"vibration": 0.002, "timeout": 1e5}, stable_within=1e5)
    for verb in (bench.balance.weigh, bench.balance.zero, bench.balance.tare):
        waiting = asyncio.create_task(verb())
        await bench.pan.heard()
        assert not bench.pan.idle
        asked = asyncio.create_task(bench.balance.get_mass())
        began = time.monotonic()
        await bench.balance.stop()
        assert time.monotonic() - began < 5
        with pytest.raises(InstrumentError, match="stopped before the weight was stable"):
            await waiting
        assert bench.pan.idle
        assert await asked == pytest.approx(0.0, abs=0.02)


async def test_stop_with_nothing_under_way_sends_nothing(make: Make) -> None:
    bench = await make()
    sent = len(bench.sent)
    await bench.balance.stop()
    await bench.balance.safe()
    assert len(bench.sent) == sent


async def test_a_verb_that_is_cancelled_leaves_no_command_behind(make: Make) -> None:
    bench = await make(simulated={"vibration": 0.002, "timeout": 1e5}, stable_within=1e5)
    waiting = asyncio.create_task(bench.balance.weigh())
    await bench.pan.heard()
    assert not bench.pan.idle
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await bench.balance.get_mass() == pytest.approx(0.0, abs=0.02)
    assert bench.pan.idle


@pytest.mark.parametrize("pty", [True, False])
async def test_a_stream_that_a_former_owner_left_ends_at_connection(make: Make, pty: bool) -> None:
    bench = await make(pty=pty, connect=False)
    bench.pan.receive(b"SIR\r\n")
    await asyncio.sleep(2 / SCALE)
    await bench.balance.connect()
    assert bench.pan.idle
    assert await bench.balance.identity() == (
        "Mettler-Toledo XS204 Excellence, serial number 1126493049, firmware 2.10 10.28.0.493.142"
    )


async def test_another_balance_than_the_lab_file_names_is_refused(make: Make) -> None:
    for option, told in ((("serial_number", "7"), "serial number 1126493049"), (("firmware", "3"), "firmware 2.10")):
        bench = await make(connect=False, **dict([option]))
        with pytest.raises(ConnectionProblem, match=f"b-balance: Mettler-Toledo XS204.*memory.*{told}.*lab file says"):
            await bench.balance.connect()


@pytest.mark.parametrize(
    ("unit", "grams"), [("g", 1.0), ("kg", 1000.0), ("mg", 0.001), ("ug", 1e-6), ("\N{MICRO SIGN}g", 1e-6)]
)
def test_units_become_grams(unit: str, grams: float) -> None:
    found = protocol.weight("line", f"S S {2.5:10.4f} {unit}".encode("latin-1"), "S")
    assert found.mass == pytest.approx(2.5 * grams)
    assert found.stable


def test_other_units_are_refused_by_name() -> None:
    with pytest.raises(InstrumentError, match="weighs in 'oz'; set it to one of g, kg"):
        protocol.weight("line", b"S S     1.0000 oz", "S")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"ES", "syntax error"),
        (b"EL", "logical error"),
        (b"S I", "no stable weight within the balance's own time"),
        (b"S L", "a parameter is wrong"),
        (b"S S     Error 10b", "error 10: EEPROM error"),
        (b"S S     Error 99t", "error 99: not in the manual"),
    ],
)
def test_errors_are_named(reply: bytes, said: str) -> None:
    with pytest.raises(InstrumentError, match=f"line.*{said}"):
        protocol.weight("line", reply, "S")


@pytest.mark.parametrize(
    "reply", [b"ET", b"", b"S", b"S S", b"Z A", b"S S 12", b"S S    1.2.3 g", b"S S nan g", b"s s", b"S S    1.0000 g"]
)
def test_what_is_no_reply_is_garbled(reply: bytes) -> None:
    with pytest.raises(GarbledReply):
        protocol.weight("line", reply, "S")


def test_the_capacity_is_read_from_i2() -> None:
    assert protocol.balance("WXS205SDU WXA-Bridge 220.00900 g") == protocol.Balance("WXS205SDU WXA-Bridge", 220.009)
    assert protocol.balance("IND570 Standard 60.00 kg").capacity == 60_000
    assert protocol.balance("Some balance") == protocol.Balance("Some balance", None)


@settings(max_examples=500)
@given(st.binary(max_size=60))
@example(b"S S 1e9 g")
def test_no_garbage_becomes_a_weight(data: bytes) -> None:
    try:
        found = protocol.weight("line", data, "S", "SI")
    except MotetError:
        return
    assert data.startswith((b"S ", b"SI "))
    assert abs(found.mass) < 1e60


@pytest.mark.parametrize(
    "fault",
    [{"kind": kind} for kind in ("drop", "garble", "truncate", "echo", "delay", "duplicate")],
    ids=lambda fault: fault["kind"],
)
async def test_one_damaged_answer_does_not_change_what_is_read(make: Make, fault: dict[str, Any]) -> None:
    bench = await make(
        connect=False, answer_within=0.05, simulated={"load": 12.3456, "faults": [{**fault, "after": 4}]}
    )
    await bench.balance.connect()
    bench.pan.load = 33.0
    await asyncio.sleep(10 / SCALE)
    for _ in range(4):
        assert await bench.balance.get_mass() == pytest.approx(33.0, abs=1e-4)


async def test_a_balance_that_answers_nothing_gives_no_reply(make: Make) -> None:
    bench = await make(connect=False, answer_within=0.02, simulated={"faults": [{"kind": "drop", "times": None}]})
    with pytest.raises(NoReply, match="b-balance"):
        await bench.balance.connect()


async def test_a_refusal_and_a_weight_that_never_settles_are_reported(make: Make) -> None:
    faults = [{"kind": "error", "after": 1}, {"kind": "stall", "after": 1}]
    bench = await make(simulated={"faults": faults, "timeout": 2.0})
    await weighed(bench)
    with pytest.raises(InstrumentError, match=r"b-balance.*busy"):
        await bench.balance.weigh()
    with pytest.raises(InstrumentError, match="no stable weight"):
        await bench.balance.weigh()
    await weighed(bench)


async def test_recovery_after_a_pulled_cable_says_what_is_not_known(make: Make) -> None:
    bench = await make(pty=True)
    assert await bench.balance.recover() == driver.MtSics.forgets
    assert await weighed(bench) == pytest.approx(0.0)


async def test_the_signals_read_mass_and_stability(make: Make) -> None:
    bench = await make()
    reading = cast("dict[str, Any]", await bench.balance.read())
    assert reading["b-balance-mass"]["value"] == pytest.approx(0.0)
    assert reading["b-balance-stable"]["value"] is True
