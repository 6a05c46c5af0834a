"""The simulated OWIS controller on the wire: what a host sends and what it gets, second by second."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from motet.simulation import Fault
from motet.simulation.manual import ManualClock
from motet_simulators.owis_ps90 import Options, OwisPs90
from motet_simulators.schwefel_plate import Options as PlateOptions
from motet_simulators.schwefel_plate import SchwefelPlate


class Host:
    """The other end of the line."""

    def __init__(self, options: Options | None = None) -> None:
        self.clock = ManualClock()
        self.controller = OwisPs90(options or Options(), None, self.clock, seed=1)
        self.received = b""
        self.controller.attach(self._receive)

    def _receive(self, data: bytes) -> None:
        self.received += data

    def send(self, *commands: str) -> str:
        """What comes back to the commands, all replies one after the other."""
        self.received = b""
        for command in commands:
            self.controller.receive(command.encode() + b"\r")
        return self.received.decode("latin-1")


def test_a_move_takes_its_time_and_ends_at_the_target() -> None:
    host = Host(Options(start=(0, 0, 20), speed=10, acceleration=1000))
    host.send("ABSOL1", "PSET1=200000", "PGO1")
    assert host.send("?ASTAT") == "TRR\r"
    host.clock.advance(1.0)
    assert int(host.send("?CNT1")) == pytest.approx(100_000, rel=0.01)
    host.clock.advance(1.02)
    assert host.send("?ASTAT", "?CNT1") == "RRR\r200000\r"
    assert host.controller.position() == pytest.approx((20.0, 0.0, 20.0))


def test_a_relative_target_counts_from_where_the_axis_is() -> None:
    host = Host()
    host.send("RELAT3", "PSET3=-200", "PGO3")
    host.clock.advance(1)
    host.send("PGO3")
    host.clock.advance(1)
    assert host.send("?CNT3", "?MODE3") == "199600\rRELAT\r"


def test_stop_brakes_in_the_middle_of_a_move() -> None:
    host = Host(Options(speed=10, acceleration=100))
    host.send("PSET1=500000", "PGO1")
    host.clock.advance(1.0)
    host.send("STOP1")
    assert host.send("?ASTAT") == "TRR\r"
    host.clock.advance(0.11)
    assert host.send("?ASTAT", "?VACT1") == "RRR\r0\r"
    assert 90_000 < int(host.send("?CNT1")) < 110_000


def test_a_limit_switch_stops_the_axis_and_switches_it_off_until_it_is_freed() -> None:
    host = Host(Options(travel=((-10, 90), (-10, 90), (-5, 45)), start=(80, 0, 20)))
    host.send("PSET1=2000000", "PGO1")
    host.clock.advance(10)
    assert host.send("?ASTAT", "?ESTAT1", "?CNT1") == "LRR\r01000\r900000\r"
    assert host.send("PGO1", "?MSG") == "07\r"
    host.send("INIT1")
    assert host.send("?ASTAT") == "LRR\r"
    host.send("EFREE1")
    assert host.send("?ASTAT") == "FRR\r"
    host.clock.advance(1)
    assert host.send("?ASTAT", "?ESTAT1") == "RRR\r00000\r"


def test_an_axis_that_was_not_initialised_does_not_move() -> None:
    host = Host(Options(initialised=False))
    assert host.send("?ASTAT", "?REFST1") == "III\r0\r"
    host.send("PSET1=100", "PGO1")
    assert host.send("?MSG", "?MSG") == "07\r00\r"
    host.send("INIT1")
    assert host.send("?ASTAT") == "RII\r"


@pytest.mark.parametrize(
    ("mode", "mask", "zeroed_at"),
    [(4, "0010", -9.5), (4, "0100", 89.5), (6, "0010", -9.5), (7, "0010", 89.5)],
)
def test_a_reference_motion_ends_at_its_switch_and_counts_from_there(mode: int, mask: str, zeroed_at: float) -> None:
    host = Host()
    host.send(f"RMK1={mask}", f"REF1={mode}")
    assert host.send("?ASTAT", "?REFST1") == "PRR\r0\r"
    host.clock.advance(60)
    assert host.send("?ASTAT", "?REFST1", "?CNT1") == "RRR\r1\r0\r"
    assert host.controller.position()[0] == pytest.approx(zeroed_at)


def test_a_stopped_reference_motion_gives_no_reference() -> None:
    host = Host()
    host.send("REF1=4")
    host.clock.advance(0.2)
    host.send("STOP1")
    host.clock.advance(1)
    assert host.send("?ASTAT", "?REFST1") == "RRR\r0\r"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("FLY1", "05 WRONG COMMAND ERROR"),
        ("?FLY1", "05 WRONG COMMAND ERROR"),
        ("!!", "05 WRONG COMMAND ERROR"),
        ("PGO7", "02 AXIS NUMBER WRONG"),
        ("PGO1=1", "01 PARAMETER BEFORE EQUAL WRONG"),
        ("PSET1=far", "03 PARAMETER AFTER EQUAL WRONG"),
        ("PSET1", "03 PARAMETER AFTER EQUAL WRONG"),
        ("PSET1=3000000000", "04 PARAMETER AFTER EQUAL RANGE"),
        ("PVEL1=0", "04 PARAMETER AFTER EQUAL RANGE"),
        ("REF1=9", "04 PARAMETER AFTER EQUAL RANGE"),
        ("RMK1=12", "03 PARAMETER AFTER EQUAL WRONG"),
    ],
)
def test_a_wrong_command_leaves_its_message_and_no_reply(command: str, message: str) -> None:
    host = Host()
    assert host.send("TERM=1", command) == ""
    assert host.send("?MSG") == f"{message}\r"
    assert host.send("?MSG") == "00 NO MESSAGE AVAILABLE\r"


def test_terminal_mode_2_acknowledges_and_line_ends_can_be_chosen() -> None:
    host = Host()
    assert host.send("TERM=2", "PSET1=1") == "OK\rOK\r"
    assert host.send("COMEND=1", "?PSET1") == "OK\r\n1\r\n"


def test_commands_of_other_drivers_are_understood() -> None:
    """CR LF at the end (a public PS10 driver), a slave's number in front (SweepMe!), lower case."""
    host = Host()
    host.controller.receive(b"?CNT1\r\n?CNT2\r\n")
    assert host.received == b"0\r0\r"
    assert host.send("00?SERNUM", "?astat") == "08070255\rRRR\r"


def test_a_command_cut_anywhere_is_one_command() -> None:
    whole = b"PSET1=12345\r?PSET1\rABSOL1\r?MODE1\r"
    for cut in range(len(whole) + 1):
        host = Host()
        host.controller.receive(whole[:cut])
        host.controller.receive(whole[cut:])
        assert host.received == b"12345\rABSOL\r"


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_bytes_leave_a_controller_that_answers(data: bytes) -> None:
    host = Host()
    host.controller.receive(data + b"\rTERM=0\rCOMEND=0\r")
    assert re.fullmatch(r"[A-Z]{3}\r", host.send("?ASTAT"))


def test_motion_goes_on_while_the_line_is_closed() -> None:
    host = Host()
    host.send("PSET1=100000", "PGO1")
    host.controller.detach()
    assert host.clock.waiting == 0
    host.clock.advance(10)
    host.controller.attach(host._receive)  # pyright: ignore[reportPrivateUsage] - the same host again
    assert host.send("?ASTAT", "?CNT1") == "RRR\r100000\r"


def test_the_world_hears_when_motions_begin_and_end() -> None:
    clock = ManualClock()
    plate = SchwefelPlate(PlateOptions(waste_time=2.0), clock, 1)
    controller = OwisPs90(Options(start=(57, 25, 20), speed=10), plate, clock, 1)
    assert plate.place() == (57.0, 25.0, 20.0)
    for z, seconds in ((0, 2.2 + 1.9), (200_000, 3)):
        controller.receive(b"PSET3=%d\rPGO3\r" % z)
        clock.advance(seconds)
    assert plate.place() == pytest.approx((57.0, 25.0, 20.0))
    assert clock.waiting == 0


def test_faults_on_demand() -> None:
    assert Host(Options(faults=(Fault(kind="drop"),))).send("?ASTAT") == ""
    assert Host(Options(faults=(Fault(kind="drop", after=1),))).send("?ASTAT", "?ASTAT") == "RRR\r"
    assert Host(Options(faults=(Fault(kind="echo"),))).send("?ASTAT") == "?ASTAT\rRRR\r"
    garbage = Host(Options(faults=(Fault(kind="garble"),))).send("?ASTAT")
    assert len(garbage) == 4
    assert garbage != "RRR\r"
    host = Host(Options(faults=(Fault(kind="error", after=1),)))
    answers: list[str] = []
    for _ in range(3):
        answers.append(host.send("PGO1", "?MSG"))
        host.clock.advance(1)
    assert answers == ["00\r", "07\r", "00\r"]


def test_a_stuck_axis_takes_its_time_and_stays() -> None:
    host = Host(Options(faults=(Fault(kind="stuck"),)))
    host.send("PSET1=100000", "PGO1")
    host.clock.advance(0.5)
    assert host.send("?ASTAT") == "TRR\r"
    host.clock.advance(5)
    assert host.send("?ASTAT", "?CNT1") == "RRR\r0\r"


def test_a_stalled_axis_stops_half_way_with_a_motion_error() -> None:
    host = Host(Options(faults=(Fault(kind="stall"),)))
    host.send("PSET1=100000", "PGO1")
    host.clock.advance(5)
    assert host.send("?ASTAT", "?CNT1") == "ERR\r50000\r"
    assert host.send("INIT1", "PGO1", "?MSG") == "00\r"


def test_the_error_memory_is_read_one_by_one() -> None:
    host = Host(Options(error_memory=("1211", "1001")))
    assert host.send("?ERR", "?ERR", "?ERR", "?ERR") == "1211\r1001\r0\r0\r"


def test_a_motor_that_is_switched_off_stops_where_it_is() -> None:
    host = Host()
    host.send("PSET1=100000", "PGO1")
    host.clock.advance(0.5)
    host.send("MOFF1")
    before = host.send("?ASTAT", "?CNT1")
    host.clock.advance(5)
    assert host.send("?ASTAT", "?CNT1") == before
    assert before.startswith("ORR")


def test_the_start_up_of_the_epics_support_and_of_a_ps10_driver() -> None:
    """motorOWISPS asks for type and switches of each axis, then polls; one of the PS 10 in PyMeasure asks for more."""
    host = Host()
    assert host.send("?MOTYPE1", "?ESTAT1", "?ASTAT", "?CNT1") == "2\r00000\rRRR\r0\r"
    assert host.send("?MSG", "?VERSION", "?PSET1") == "00\rPS90-V6.2-120815\r0\r"
    assert host.send("?SMK1", "?HYST1", "?ERR", "?EMERGINP", "?REFST1") == "1001\r0\r0\r0\r1\r"
    assert host.send("SAVEPARA", "?MSG") == "00\r"


def test_the_start_up_of_a_public_driver_of_the_ps90() -> None:
    """One over pyserial, which frees, switches the axis off and on, initialises, and sends targets with decimals."""
    host = Host(Options(initialised=False))
    host.send("EFREE1", "AXIS1=0")
    assert host.send("?ASTAT") == "UII\r"
    host.send("AXIS1=1", "INIT1", "MON1")
    assert host.send("?ASTAT", "?MODE1") == "RII\rABSOL\r"
    host.send("RELAT1", "PSET1=2000.0", "PGO1")
    host.clock.advance(1)
    assert host.send("?ASTAT", "?CNT1") == "RII\r2000\r"


def test_a_start_outside_the_travel_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"axis 3 starts at 50, outside its travel \(-5, 45\)"):
        Options(start=(0, 0, 50))
