"""The simulated Grbl controller: answers of the Grbl wiki, states, alarms, buffers, and how long motions take."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.simulation import Fault
from motet.simulation.manual import ManualClock
from motet_simulators.grbl import Grbl, Options
from motet_simulators.grbl.planner import Planner, block, junction

BANNER = ["Grbl 1.1h ['$' for help]"]
LOCKED = "[MSG:'$H'|'$X' to unlock]"


class Host:
    """Whoever speaks to the controller, in no time."""

    def __init__(self, *, homed: bool = True, settings: Mapping[int, float] | None = None, **options: Any) -> None:
        self.clock = ManualClock()
        chosen = Options(homed=homed, settings=settings or {}, **options)
        self.gantry = Grbl(chosen, None, self.clock, seed=1)
        self.heard = b""
        self.gantry.attach(self.hear)
        self.started = self.lines()

    def hear(self, data: bytes) -> None:
        self.heard += data

    def lines(self) -> list[str]:
        """What has been said since, line by line."""
        heard, self.heard = self.heard, b""
        return [line for line in heard.decode("ascii").split("\r\n") if line]

    def ask(self, request: str | bytes, seconds: float = 0.0) -> list[str]:
        """What is said in so many lab seconds after a line, or after bytes as they are."""
        self.gantry.receive(f"{request}\n".encode("ascii") if isinstance(request, str) else request)
        self.clock.advance(seconds)
        return self.lines()

    @property
    def state(self) -> str:
        """The state in a status report."""
        return self.ask(b"?")[-1][1:].partition("|")[0]

    def at(self) -> list[float]:
        """The machine position of a status report."""
        return [float(part) for part in self.ask(b"?")[-1].split("|")[1].removeprefix("MPos:").split(",")]


def test_a_controller_that_homes_starts_locked() -> None:
    host = Host(homed=False)
    assert host.started == [*BANNER, LOCKED]
    assert host.state == "Alarm"
    assert host.ask("G0X1") == ["error:9"]
    assert host.ask("$X") == ["[MSG:Caution: Unlocked]", "ok"]
    assert host.state == "Idle"


def test_status_reports_bring_offset_and_overrides_in_some_of_them() -> None:
    host = Host(start=(-1.0, -2.0, -3.0))
    reports = [host.ask(b"?")[0] for _ in range(12)]
    position = "<Idle|MPos:-1.000,-2.000,-3.000|FS:0,0"
    assert reports[0] == f"{position}|WCO:0.000,0.000,0.000>"
    assert reports[1] == f"{position}|Ov:100,100,100>"
    assert reports[2] == f"{position}>"
    assert reports[10] == f"{position}|WCO:0.000,0.000,0.000>"


def test_identity_settings_modes_and_parameters_are_printed_as_the_wiki_says() -> None:
    host = Host(serial_number="gantry-7")
    assert host.ask("$I") == ["[VER:1.1h.20190825:gantry-7]", "[OPT:VM,15,128]", "ok"]
    assert host.ask("$G") == ["[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]", "ok"]
    assert host.ask("$")[0].startswith("[HLP:$$ $# $G $I $N")
    assert host.ask("$N") == ["$N0=", "$N1=", "ok"]
    printed = host.ask("$$")
    assert printed[0] == "$0=10"
    assert "$110=3000.000" in printed
    assert len(printed) == 35
    assert host.ask("$#")[-2:] == ["[PRB:0.000,0.000,0.000:0]", "ok"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("$20=0", "ok"), ("$0=2", "error:6"), ("$999=1", "error:3"), ("$20=-1", "error:4"), ("$J=X1", "error:22"),
        ("$J=G91X1000F100", "error:15"), ("$J=M3X1F100", "error:16"), ("$Q", "error:2"), ("Q1", "error:20"),
        ("1", "error:1"), ("GX", "error:2"), ("G0G1X1", "error:24"), ("G90G91", "error:21"), ("G1X-1", "error:22"),
        ("G0X1X2", "error:25"), ("G5", "error:20"), ("G1.5X1", "error:23"), ("F-1", "error:4"), ("G4", "error:28"),
        ("G10L2X1", "ok"), ("G10X1", "error:28"), ("G10L2P9X1", "error:29"), ("G92", "error:26"),
        ("G0X-1R2", "error:36"), ("G2X-9F100", "error:35"), ("G2X-200R1F100", "error:34"),
        ("G43.1X1", "error:37"), ("T300", "error:38"),
        ("G80X1", "error:31"), ("G" + "0" * 90, "error:11"), ("(comment)", "ok"), ("g21 ; small", "ok"),
    ],
)  # fmt: skip
def test_wrong_lines_are_refused_by_number(line: str, answer: str) -> None:
    assert Host().ask(line)[-1] == answer


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("$GX", "error:3"), ("$$1", "error:3"), ("$J", "error:3"), ("$HX", "error:3"), ("$SLEEP", "error:3"),
        ("$#1", "error:3"), ("$5", "error:3"), ("$N2", "error:3"), ("$Nx=G21", "error:2"), ("$130=", "error:2"),
        ("$130=nan", "error:2"), ("$130=1e3", "error:3"), ("$130=2_0", "error:3"), ("$130=+250.5", "ok"),
    ],
)  # fmt: skip
def test_wrong_commands_are_refused_as_the_firmware_does(line: str, answer: str) -> None:
    host = Host()
    assert host.ask(line) == [answer]
    assert ("$130=250.500" in host.ask("$$")) == (answer == "ok")


@pytest.mark.parametrize("number", [24, 25, 100, 110, 120])
def test_a_setting_of_nothing_is_taken_and_does_not_end_the_simulator(number: int) -> None:
    host = Host()
    assert host.ask(f"${number}=0") == ["ok"]
    assert any(line.startswith(f"${number}=0") for line in host.ask("$$"))
    host.ask("$H", 100.0)
    host.ask(b"\x18", 1.0)
    assert host.ask(b"?")[-1].startswith(("<Alarm|MPos:", "<Idle|MPos:"))


def test_defaults_are_restored_whatever_was_set() -> None:
    host = Host()
    for line in ("$22=0", "$130=9", "$10=2.7", "$N0=G91"):
        assert host.ask(line) == ["ok"]
    assert "$10=2" in host.ask("$$")
    host.ask("$RST=*")
    assert {"$20=1", "$22=1", "$130=300.000", "$10=1"} <= set(host.ask("$$"))
    assert host.ask("$N") == ["$N0=", "$N1=", "ok"]


def test_a_line_is_answered_when_it_is_planned_and_a_dwell_when_all_is_done() -> None:
    host = Host(start=(-10.0, -10.0, -10.0))
    assert host.ask("G53G1X-60F600") == ["ok"]
    assert host.ask("G4P0.5", 5.0) == []
    assert host.ask(b"", 0.6) == ["ok"]
    assert host.at() == [-60.0, -10.0, -10.0]


def test_a_rapid_motion_takes_the_time_of_its_slowest_axis() -> None:
    host = Host(start=(-100.0, -100.0, -10.0))
    host.ask("G53G0X-50Z-40")  # z: 30 mm at 1000 mm/min, 100 mm/s2
    seconds = 30 / (1000 / 60) + (1000 / 60) / 100
    host.clock.advance(seconds - 0.01)
    assert host.state == "Run"
    host.clock.advance(0.02)
    assert host.state == "Idle"


def test_corners_are_rounded_at_speed_and_reversals_are_not() -> None:
    accelerations, rates = (200.0, 200.0, 100.0), (3000.0, 3000.0, 1000.0)
    along = block((0, 0, 0), (10, 0, 0), None, rates, accelerations)
    on = block((10, 0, 0), (20, 0, 0), None, rates, accelerations)
    square, back = (
        block((10, 0, 0), target, None, rates, accelerations) for target in ((10.0, 10.0, 0.0), (0.0, 0.0, 0.0))
    )
    assert junction(along, on, 0.01) == math.inf
    assert junction(along, back, 0.01) == 0.0
    assert 1.0 < junction(along, square, 0.01) < 5.0
    planner = Planner((0.0, 0.0, 0.0))
    planner.add(0.0, along)
    planner.add(0.0, on)
    end = planner.upcoming()[-1][1].end
    assert end == pytest.approx(20 / 50 + 50 / 200)


def test_the_planner_takes_fifteen_blocks_and_bytes_beyond_128_wait_no_longer() -> None:
    host = Host(start=(-10.0, -10.0, -10.0), settings={10: 3})
    lines = "".join(f"G53G1X-{10 + n}F100\n" for n in range(1, 40)).encode("ascii")
    answers = host.ask(lines)
    assert answers == ["ok"] * 15
    assert "|Bf:0,0|" in host.ask(b"?")[0]
    host.clock.advance(600)
    assert 20 <= len(host.lines()) + 15 < 39  # what found no place is lost


def test_a_feed_hold_keeps_the_position_and_a_reset_in_motion_loses_it() -> None:
    host = Host(start=(-10.0, -10.0, -10.0))
    host.ask("G53G1X-200F1200", 2.0)
    host.ask(b"!")
    assert host.state == "Hold:1"
    host.clock.advance(1.0)
    assert host.state == "Hold:0"
    held = host.at()
    host.ask(b"~", 0.5)
    assert host.state == "Run"
    host.ask(b"!", 1.0)
    assert host.ask(b"\x18") == BANNER
    assert host.state == "Idle"
    assert host.at()[0] < held[0]
    host.ask("G53G0X-10", 0.3)
    assert host.ask(b"\x18", 0.1) == ["ALARM:3"]
    assert host.ask(b"", 1.0) == [*BANNER, LOCKED]
    assert host.state == "Alarm"


def test_a_line_that_a_reset_cuts_off_is_still_answered() -> None:
    host = Host()
    host.ask("G4P10", 1.0)
    assert host.ask(b"\x18") == ["ok", *BANNER]


def test_a_target_beyond_the_soft_limits_stops_everything_until_a_reset() -> None:
    host = Host(start=(-10.0, -10.0, -10.0))
    assert host.ask("G53G0X1") == ["ALARM:2", "[MSG:Reset to continue]"]
    assert host.ask(b"?") == []
    assert host.ask("$X") == []
    assert host.ask(b"\x18") == ["ok", *BANNER, LOCKED]
    assert host.at() == [-10.0, -10.0, -10.0]


def test_a_hard_limit_halts_at_the_switch() -> None:
    host = Host(start=(-10.0, -10.0, -10.0), settings={20: 0, 21: 1})
    assert host.ask("G53G1X50F600", 3.0) == ["ok", "ALARM:1", "[MSG:Reset to continue]"]
    assert host.gantry.position()[0] == pytest.approx(0.0, abs=0.01)
    host.ask(b"\x18")
    assert "|Pn:X|" in host.ask(b"?")[0]


def test_homing_finds_the_switches_and_answers_nothing_meanwhile() -> None:
    host = Host(homed=False, start=(-120.0, -50.0, -30.0))
    assert host.ask("$H", 1.0) == []
    assert host.ask(b"?", 5.0) == []
    answers = host.ask(b"", 30.0)
    assert answers[0].startswith("<Home|MPos:-1.000,-1.000,-1.000")
    assert answers[1:] == ["ok"]
    assert host.gantry.position() == pytest.approx((-1.0, -1.0, -1.0))


def test_homing_to_the_other_end_is_a_setting() -> None:
    host = Host(homed=False, settings={23: 3})
    assert host.ask("$H", 60.0) == ["ok"]
    assert host.at() == [-299.0, -199.0, -1.0]


def test_homing_can_be_aborted_disabled_and_fail() -> None:
    aborted = Host(homed=False)
    aborted.ask("$H", 0.5)
    assert aborted.ask(b"\x18", 1.0) == ["ALARM:6", "ok", *BANNER, LOCKED]
    assert not aborted.gantry.moving
    assert Host(settings={22: 0, 20: 0}).ask("$H") == ["error:5"]
    failed = Host(homed=False, faults=(Fault(kind="stuck"),))
    heard = failed.ask("$H")
    while not heard:
        heard = failed.ask(b"", 0.1)
    assert heard == ["ALARM:9"]
    assert failed.ask(b"?", 0.3) == []
    assert failed.ask(b"", 0.3) == ["ok", *BANNER, LOCKED]


def test_jogs_are_cancelled_by_one_byte() -> None:
    host = Host(start=(-100.0, -100.0, -10.0))
    assert host.ask("$J=G91X-50F1000", 0.5) == ["ok"]
    assert host.state == "Jog"
    assert host.ask("G0X0") == ["error:9"]
    host.ask(b"\x85", 0.5)
    assert host.state == "Idle"
    assert -110 < host.at()[0] < -100


def test_work_offsets_are_kept_and_reported() -> None:
    host = Host(start=(-100.0, -50.0, -10.0))
    assert host.ask("G10L20P1X0Y0Z0") == ["ok"]
    assert host.ask(b"?")[0].endswith("|WCO:-100.000,-50.000,-10.000>")
    assert host.ask("G90G0X10", 5.0) == ["ok"]
    assert host.at()[0] == -90.0
    assert host.ask("G92X0") == ["ok"]
    assert host.ask("G0X-5", 5.0) == ["ok"]
    assert host.at()[0] == -95.0
    assert host.ask("G92.1") == ["ok"]
    host.ask(b"\x18")
    assert host.ask("$#")[0] == "[G54:-100.000,-50.000,-10.000]"
    assert host.ask("G28.1") == ["ok"]
    assert host.ask("G20G91X-1G0", 5.0) == ["ok"]
    assert host.at()[0] == pytest.approx(-120.4, abs=0.005)
    assert host.ask("G28", 5.0) == ["ok"]
    assert host.at()[0] == -95.0


def test_an_arc_goes_round_its_centre() -> None:
    host = Host(start=(-100.0, -100.0, -10.0))
    host.gantry.receive(b"G53G0X-100Y-100\nG2X-100Y-100I20J0F2000\n")
    radii: list[float] = []
    for _ in range(30):
        host.clock.advance(0.1)
        x, y, _z = host.gantry.position()
        radii.append(math.hypot(x + 80, y + 100))
    assert radii == pytest.approx([20.0] * 30, abs=0.01)
    host.clock.advance(60.0)
    assert host.at() == [-100.0, -100.0, -10.0]


def test_overrides_change_the_speed_on_the_way() -> None:
    host = Host(start=(-10.0, -10.0, -10.0))
    host.ask("G53G1X-200F600", 1.0)
    assert "|FS:600,0" in host.ask(b"?")[0]
    host.ask(b"\x91" * 5, 1.0)
    report = host.ask(b"?")[0]
    assert "|FS:900,0" in report
    assert "|Ov:150,100,100" in report


def test_spindle_and_coolant_are_switched_and_reported() -> None:
    host = Host()
    assert host.ask("M3S500M8") == ["ok"]
    assert any("|FS:0,500" in line and "|A:SF" in line for line in (host.ask(b"?")[0] for _ in range(2)))
    assert host.ask("M5M9") == ["ok"]
    assert host.ask("$G")[0].endswith("M5 M9 T0 F0 S500]")


def test_check_mode_moves_nothing_and_ends_with_a_reset() -> None:
    host = Host(start=(-10.0, -10.0, -10.0))
    assert host.ask("$C") == ["[MSG:Enabled]", "ok"]
    assert host.ask("G53G0X-50", 5.0) == ["ok"]
    assert host.ask("$C") == ["[MSG:Disabled]", "ok", *BANNER]
    assert host.at()[0] == -10.0


def test_startup_lines_pauses_and_program_ends() -> None:
    host = Host()
    assert host.ask("$N0=G91") == ["ok"]
    assert host.ask(b"\x18") == [*BANNER, ">G91:ok"]
    assert host.ask("M0") == []
    assert host.state == "Hold:0"
    assert host.ask(b"~") == ["ok"]
    assert host.ask("M30") == ["[MSG:Pgm End]", "ok"]
    assert host.ask("$SLP") == ["ok", "[MSG:Sleeping]"]
    assert host.ask(b"\x18")[-1] == LOCKED


def test_a_board_that_resets_when_the_line_opens_forgets_where_it_is() -> None:
    host = Host(auto_reset=True, start=(-50.0, -50.0, -5.0))
    assert host.state == "Idle"
    host.gantry.detach()
    assert host.clock.waiting == 0
    host.gantry.attach(host.hear)
    assert host.lines() == [*BANNER, LOCKED]
    assert host.at() == [0.0, 0.0, 0.0]
    assert host.gantry.position() == (-50.0, -50.0, -5.0)


def test_a_probe_that_touches_nothing_is_an_alarm() -> None:
    host = Host(start=(-10.0, -10.0, -10.0))
    answers = host.ask("G53G38.2Z-12F100", 5.0)
    assert answers == ["error:30"]
    assert host.ask("G91G38.2Z-2F100", 5.0) == ["ALARM:5", "[PRB:-10.000,-10.000,-12.000:0]", "ok"]


def test_a_stall_closes_a_limit_switch_half_way() -> None:
    host = Host(start=(-10.0, -10.0, -10.0), faults=(Fault(kind="stall"),))
    assert host.ask("G53G0X-100", 5.0) == ["ok", "ALARM:1", "[MSG:Reset to continue]"]
    assert -100 < host.gantry.position()[0] < -10


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_garbage_leaves_a_controller_that_answers_after_a_reset(data: bytes) -> None:
    host = Host()
    host.ask(data, 50.0)
    host.ask(b"\x18", 2.0)
    assert host.ask(b"?")[-1].startswith("<")
