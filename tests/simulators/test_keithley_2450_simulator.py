"""The simulated Model 2450 by itself, against what its Reference Manual says."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.simulation.manual import ManualClock
from motet_simulators import keithley_2450 as simulator
from motet_simulators.keithley_2450.load import Diode, Leads, Resistor, operating_point

NO_ERROR = '0,"No error;0;0 0"'


class Bench:
    """An instrument in the hand: what is asked is answered at once, on a clock that is moved by hand."""

    def __init__(self, world: Any = None, seed: int = 1, **options: Any) -> None:
        self.clock = ManualClock()
        self.unit = simulator.Keithley2450(simulator.Options(**options), world, self.clock, seed)
        self.sent: list[bytes] = []
        self.unit.attach(self.sent.append)

    def ask(self, message: str, wait: float = 1.0) -> str:
        """The answer to a message that takes no longer than that, '' for none."""
        self.sent.clear()
        self.unit.receive(message.encode() + b"\n")
        self.clock.advance(wait)
        return b"".join(self.sent).decode().removesuffix("\n")

    def error(self) -> int:
        """The number of the oldest error."""
        return int(self.ask(":SYST:ERR?").partition(",")[0])


def test_it_says_who_it_is_as_in_the_manual() -> None:
    assert Bench().ask("*IDN?") == "KEITHLEY INSTRUMENTS,MODEL 2450,04096331,1.7.12b"
    assert Bench().ask("*LANG?;*TST?;*OPC?") == "SCPI;0;1"


SAME = (
    ":SOURce1:VOLTage:LEVel:IMMediate:AMPLitude 5",
    ":sour:volt 5",
    "SOUR:VOLT:LEV 5.0E0",
    ":Source:Voltage +5.",
    "sour1:volt:ampl 5",
)


@pytest.mark.parametrize("message", SAME)
def test_long_and_short_forms_and_optional_nodes_are_one_command(message: str) -> None:
    b = Bench()
    b.ask(message)
    assert (b.ask(":SOUR:VOLT?"), b.error()) == ("5", 0)


@pytest.mark.parametrize(
    "message", [":SOURC:VOLT 5", ":SOUR:VOLTA 5", ":SOUR2:VOLT 5", "VOLT 5", ":OUTP:VOLT?", "*FOO"]
)
def test_forms_between_are_undefined_headers(message: str) -> None:
    b = Bench()
    assert b.ask(message) == ""
    assert b.ask(":SYST:ERR?") == '-113,"Undefined header;1;2026/01/01 08:00:00.000"'
    assert b.ask(":SYST:ERR?") == NO_ERROR


def test_commands_in_one_message_share_their_path() -> None:
    b = Bench()
    assert b.ask(":SOUR:VOLT:ILIM 0.01;RANG 20;*OPC?;ILIM?;RANG?;:SENS:FUNC?") == '1;0.01;20;"CURR:DC"'
    b.ask(":SOUR:VOLT 1;ILIM 0.02")
    assert (b.error(), b.ask(":SOUR:VOLT?;:SOUR:VOLT:ILIM?")) == (-113, "1;0.01")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (":SOUR:VOLT 210.1", -222),
        (":SOUR:CURR 1.06", -222),
        (":SENS:CURR:NPLC 11", -222),
        (":SENS:CURR:RANG 2", -222),
        (":SOUR:VOLT", -109),
        (":SOUR:VOLT 1,2", -108),
        (":SOUR:VOLT ten", -104),
        (":SOUR:VOLT 1,,2", -103),
        (":OUTP MAYBE", -104),
        (":OUTP 2", -224),
        (":SOUR:FUNC RES", -224),
        (":SENS:FUNC CURR", -104),
        (':SENS:FUNC "CURR', -151),
        (":SOUR:VOLT:RANG 2;:SOUR:VOLT 5", -221),
        (':READ? "nobuffer"', -224),
        (":FETC?", -230),
        (":TRAC:DATA? 1,2", -222),
        (":INIT", -221),
        (":SOUR:VOLT 1;!;:OUTP ON", -102),
    ],
)
def test_what_is_wrong_is_refused_with_the_number_of_the_standard(message: str, code: int) -> None:
    b = Bench()
    assert b.ask(message) == ""
    assert b.error() == code
    assert b.error() == 0


def test_the_status_byte_tells_of_errors_and_enabled_events() -> None:
    b = Bench()
    assert b.ask("*ESR?;*STB?") == "128;0"
    b.ask("*ESE 32;*SRE 32")
    b.ask(":NONSENSE")
    assert b.ask("*STB?") == str(4 + 32 + 64)
    assert b.ask("*ESR?;*STB?") == "32;4"
    b.ask(":SOUR:VOLT 999")
    assert (b.ask("*ESR?"), b.ask(":SYST:ERR:COUN?")) == ("16", "2")
    b.ask("*CLS;*OPC")
    assert b.ask("*STB?;*ESR?;:SYST:ERR?") == f"0;1;{NO_ERROR}"


def test_a_reading_takes_its_power_line_cycles() -> None:
    b = Bench()
    b.ask(":SENS:CURR:NPLC 10;:OUTP ON")
    assert b.ask(":READ?", wait=0.19) == ""
    b.clock.advance(0.02)
    assert len(b.sent) == 1


def test_longer_integration_is_less_noisy() -> None:
    def spread(nplc: float) -> float:
        b = Bench(noise=1e-4)
        b.ask(f":SENS:CURR:NPLC {nplc};:SENS:COUN 200;:SOUR:VOLT:ILIM 0.1;:SOUR:VOLT 1;:OUTP ON;:READ?", wait=100)
        return float(b.ask(":TRAC:STAT:STDD?"))

    assert spread(0.1) / spread(10) == pytest.approx(10, rel=0.3)


def test_elements_of_a_reading_come_as_asked_for() -> None:
    b = Bench(noise=0)
    b.ask(":SOUR:VOLT:ILIM 0.1;:SOUR:VOLT 5;:OUTP ON")
    assert b.ask(':READ? "defbuffer1",SOUR,READ,SOURSTAT,UNIT') == "5.000000E+00,5.000000E-03,128,Amp DC"
    b.ask(":SOUR:VOLT:ILIM 1E-3")
    assert b.ask(":READ? 'defbuffer2',READ,SOURSTAT;:SOUR:VOLT:ILIM:TRIP?") == "1.000000E-03,160;1"
    assert b.ask(":TRAC:ACT?;:TRAC:ACT? 'defbuffer2'") == "1;1"


def test_a_sweep_runs_while_other_messages_are_answered() -> None:
    b = Bench(noise=0)
    b.ask(":SOUR:VOLT:ILIM 0.1;:SENS:CURR:NPLC 1;:SOUR:SWE:VOLT:LIN 0,2,5,1;:INIT", wait=0)
    assert b.ask(":TRIG:STAT?;:OUTP?", wait=2.5) == "RUNNING;RUNNING;5;1"
    assert b.ask(":TRAC:ACT?", wait=0) == "2"
    assert b.ask("*OPC?", wait=1) == ""
    b.clock.advance(2)
    assert b.sent == [b"1\n"]
    assert b.ask(":TRIG:STAT?;:OUTP?") == "IDLE;IDLE;9;0"
    assert b.ask(':TRAC:DATA? 1,5,"defbuffer1",SOUR') == ",".join(f"{v:.6E}" for v in (0, 0.5, 1, 1.5, 2))


def test_a_sweep_goes_on_while_the_line_is_closed_and_is_aborted_when_told() -> None:
    b = Bench()
    b.ask(":SOUR:VOLT:ILIM 0.1;:SOUR:SWE:VOLT:LIN 0,2,100,1;:INIT", wait=0)
    b.unit.detach()
    assert b.clock.waiting == 0
    b.clock.advance(10.5)
    b.unit.attach(b.sent.append)
    assert int(b.ask(":TRAC:ACT?", wait=0)) == 10
    assert b.ask(":ABOR;:TRIG:STAT?", wait=0) == "ABORTED;ABORTED;9"
    assert b.ask(":TRAC:ACT?") == "10"


def test_the_limit_is_cut_down_to_the_region_of_20_watt() -> None:
    b = Bench()
    b.ask(":SOUR:VOLT:ILIM 1;:SOUR:VOLT 21")
    assert b.ask(":SOUR:VOLT:ILIM?") == "1"
    b.ask(":SOUR:VOLT 22")
    assert (b.ask(":SOUR:VOLT:ILIM?"), b.error()) == ("0.105", 0)


class Cell:
    """A world whose resistance changes and that follows the voltage."""

    reads = frozenset({"resistance"})
    takes = frozenset({"voltage"})

    def __init__(self) -> None:
        self.resistance = 100.0
        self.volts: Callable[[], float] = lambda: math.nan
        self.heard: list[float] = []

    def read(self, quantity: str) -> float:
        return self.resistance

    def add(self, quantity: str, amount: float) -> None:
        raise KeyError(quantity)

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        self.volts = value
        return lambda: self.heard.append(value())


def test_a_world_is_the_load_and_follows_the_voltage() -> None:
    cell = Cell()
    b = Bench(cell, noise=0)
    b.ask(":SOUR:VOLT:ILIM 0.1;:SOUR:VOLT 1;:OUTP ON")
    assert cell.heard[-2:] == [0.0, 1.0]
    assert float(b.ask(":READ?")) == pytest.approx(0.01)
    cell.resistance = 1.0
    assert float(b.ask(":READ?")) == pytest.approx(0.1)
    assert cell.volts() == pytest.approx(0.1)


DIODE = Diode(1e-9, 1.5, 0.1)


@given(
    st.sampled_from(["VOLT", "CURR"]),
    st.floats(-1, 1),
    st.floats(1e-6, 1),
    st.sampled_from([Resistor(lambda: 10.0), Resistor(lambda: 1e6), DIODE, Leads(DIODE, 5)]),
)
def test_an_operating_point_lies_on_the_load_and_within_the_limit(
    function: str, level: float, limit: float, load: Resistor | Diode | Leads
) -> None:
    point = operating_point(load, function, level, limit)
    sourced, held = (point.voltage, point.current) if function == "VOLT" else (point.current, point.voltage)
    assert abs(held) <= limit * (1 + 1e-9)
    if point.limited:
        assert abs(held) == pytest.approx(limit)
        assert abs(sourced) <= abs(level)
    else:
        assert sourced == level
    assert load.current(point.voltage) == pytest.approx(point.current, rel=1e-5, abs=1e-9)


@settings(max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([b":SOUR:VOLT 1;", b"*IDN?\n", b":READ?\n", b"'", b'"', b"\n", b";", b",", b"*RST\n"]),
        ),
        max_size=12,
    )
)
def test_whatever_comes_in_it_still_answers_afterwards(pieces: list[bytes]) -> None:
    b = Bench()
    for piece in pieces:
        b.unit.receive(piece)
        b.clock.advance(0.5)
    b.ask("", wait=100)
    assert b.ask("*IDN?").startswith("KEITHLEY")


@given(st.lists(st.integers(0, 80), max_size=6))
def test_messages_may_come_cut_anywhere(cuts: list[int]) -> None:
    message = b":SOUR:VOLT:ILIM 0.01;:SOUR:VOLT 2;:OUTP ON\n:SOUR:VOLT?;:OUTP?\n"
    b = Bench()
    edges = sorted({0, len(message), *(cut for cut in cuts if cut < len(message))})
    for start, end in itertools.pairwise(edges):
        b.unit.receive(message[start:end])
    assert b"".join(b.sent) == b"2;1\n"
