"""The simulated Elliptec module: the bytes that published drivers expect, and how long its motions take."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.simulation import Fault, Multidrop
from motet.simulation.manual import ManualClock
from motet_simulators.elliptec import Elliptec, Options


class Host:
    """Whoever speaks to the module, in no time."""

    def __init__(self, *modules: dict[str, Any]) -> None:
        self.clock = ManualClock()
        self.modules = [Elliptec(Options(**options), None, self.clock, seed=1) for options in modules or ({},)]
        self.bus = Multidrop(self.modules, self.clock)
        self.heard = b""
        self.bus.attach(self.hear)

    def hear(self, data: bytes) -> None:
        self.heard += data

    def ask(self, request: bytes, seconds: float = 0.0) -> bytes:
        """What is answered in so many lab seconds."""
        self.heard = b""
        self.bus.receive(request)
        self.clock.advance(seconds)
        return self.heard


def test_information_has_the_digits_that_drivers_read() -> None:
    host = Host({"model": "ELL14", "serial_number": "11400517", "year": 2021, "firmware": "17"})
    assert host.ask(b"0in") == b"0IN0E1140051720211701016800023000\r\n"


@pytest.mark.parametrize(
    ("model", "ending"),
    [("ELL20", b"003C00000400"), ("ELL17", b"001C00000400"), ("ELL18", b"016800023000"), ("ELL6", b"001F00000001")],
)
def test_travel_and_pulses_are_those_of_the_model(model: str, ending: bytes) -> None:
    assert Host({"model": model}).ask(b"0in").rstrip().endswith(ending)


def test_a_move_is_answered_with_the_position_when_it_has_ended() -> None:
    host = Host()
    assert host.ask(b"0ma00002000", 0.03) == b""
    assert host.ask(b"0gs") == b"0GS09\r\n"
    assert host.ask(b"0ma00000000") == b"0GS09\r\n"
    assert host.ask(b"", 1.0) == b"0PO00002000\r\n"
    assert host.ask(b"0gs") == b"0GS00\r\n"


def test_a_move_takes_the_time_that_speed_and_acceleration_give() -> None:
    host = Host({"speed": 10.0, "acceleration": 100.0})
    host.ask(b"0ma0000A000", 4.09)  # 40 mm: 0.1 s + 3.9 s + 0.1 s
    assert host.modules[0].moving
    assert host.ask(b"", 0.02) == b"0PO0000A000\r\n"


def test_a_negative_position_is_in_twos_complement() -> None:
    host = Host({"model": "ELL14"})
    assert host.ask(b"0mrFFFFFFFB", 1.0) == b"0POFFFFFFFB\r\n"


def test_beyond_its_travel_a_linear_module_says_out_of_range_until_it_was_asked() -> None:
    host = Host()
    assert host.ask(b"0ma0000F001") == b"0GS0C\r\n"
    assert host.ask(b"0gs") == b"0GS0C\r\n"
    assert host.ask(b"0gs") == b"0GS00\r\n"


def test_velocity_slows_a_module_down() -> None:
    host = Host({"speed": 10.0})
    assert host.ask(b"0sv32") == b"0GS00\r\n"
    assert host.ask(b"0gv") == b"0GV32\r\n"
    assert host.ask(b"0ma0000A000", 7.9) == b""
    assert host.ask(b"", 0.2) == b"0PO0000A000\r\n"
    assert host.ask(b"0sv00") == b"0GS04\r\n"


def test_jog_steps_and_home_offset_are_kept() -> None:
    host = Host()
    assert host.ask(b"0sj00000800") == b"0GS00\r\n"
    assert host.ask(b"0gj") == b"0GJ00000800\r\n"
    assert host.ask(b"0fw", 1.0) == b"0PO00000800\r\n"
    assert host.ask(b"0bw", 1.0) == b"0PO00000000\r\n"
    assert host.ask(b"0so00000010") == b"0GS00\r\n"
    assert host.ask(b"0go") == b"0HO00000010\r\n"
    assert host.ask(b"0us") == b"0GS00\r\n"
    assert host.ask(b"0i1") == b"0I1100428FFFFFFFF008B008B\r\n"


def test_a_slider_goes_from_slot_to_slot() -> None:
    host = Host({"model": "ELL9"})
    assert [host.ask(b"0fw", 2.0) for _ in range(4)] == [
        b"0PO0000001F\r\n", b"0PO0000003E\r\n", b"0PO0000005D\r\n", b"0GS0C\r\n",
    ]  # fmt: skip
    assert host.ask(b"0ma00000040", 2.0) == b"0PO0000003E\r\n"
    assert host.ask(b"0ho0", 2.0) == b"0PO00000000\r\n"


def test_stop_ends_a_continuous_motion_but_no_move_to_a_position() -> None:
    host = Host({"model": "ELL14"})
    assert host.ask(b"0sj00000000") == b"0GS00\r\n"
    assert host.ask(b"0fw", 1.0) == b""
    reply = host.ask(b"0st", 1.0)
    assert reply.startswith(b"0PO")
    assert not host.modules[0].moving
    host.ask(b"0ma00020000", 0.1)
    assert host.ask(b"0st") == b"0GS09\r\n"
    assert host.ask(b"", 2.0) == b"0PO00020000\r\n"


def test_a_module_that_can_be_stopped_stays_where_it_braked() -> None:
    host = Host({"speed": 1.0, "stops_moves": True})
    host.ask(b"0ma0000A000", 10.0)
    host.ask(b"0st", 1.0)
    assert host.modules[0].position() == pytest.approx(10.0, abs=0.01)


def test_each_module_on_a_bus_answers_for_itself() -> None:
    host = Host({"address": "0"}, {"address": "3", "model": "ELL14"}, {"address": "A", "model": "ELL6"})
    assert host.ask(b"3gp") == b"3PO00000000\r\n"
    assert host.ask(b"Agp") == b"APO00000000\r\n"
    assert host.ask(b"7in0gs3gs") == b"0GS00\r\n3GS00\r\n"
    assert host.ask(b"3ma0000abcd0gp", 1.0) == b"0PO00000000\r\n3PO0000ABCD\r\n"


def test_a_group_address_is_heard_once() -> None:
    host = Host({"address": "0"}, {"address": "3"})
    assert host.ask(b"0ga3") == b"0GS00\r\n"
    assert set(host.ask(b"3ma00000400", 1.0).split()) == {b"0PO00000400", b"3PO00000400"}
    assert host.ask(b"3gp") == b"3PO00000400\r\n"
    assert host.ask(b"3ma00000000", 1.0) == b"3PO00000000\r\n"


def test_a_changed_address_answers_from_the_new_one() -> None:
    host = Host()
    assert host.ask(b"0ca5") == b"5GS00\r\n"
    assert host.ask(b"0gs") == b""
    assert host.ask(b"5gs") == b"5GS00\r\n"


def test_an_isolated_module_is_silent_for_as_many_minutes() -> None:
    host = Host()
    host.ask(b"0is01")
    assert host.ask(b"0gs", 59.0) == b""
    host.clock.advance(2.0)
    assert host.ask(b"0gs") == b"0GS00\r\n"


@pytest.mark.parametrize("request_", [b"0zz", b"0i3", b"0ah1"])
def test_what_a_module_does_not_know_is_a_command_error(request_: bytes) -> None:
    assert Host().ask(request_) == b"0GS03\r\n"


def test_half_a_command_is_forgotten_after_two_seconds() -> None:
    host = Host()
    host.ask(b"0ma0000", 2.1)
    assert host.ask(b"0gp") == b"0PO00000000\r\n"


def test_terminators_are_passed_over_and_may_end_a_command_early() -> None:
    host = Host()
    assert host.ask(b"0gs\r\n0gp\r") == b"0GS00\r\n0PO00000000\r\n"
    assert host.ask(b"0ho\r\n", 1.0) == b"0PO00000000\r\n"
    host.ask(b"0ma00000400", 1.0)
    assert host.ask(b"0ho00\r\n0gs\r\n", 1.0) == b"0GS09\r\n0PO00000000\r\n"


def test_a_stuck_module_times_out_and_a_stalled_one_stops_on_its_way() -> None:
    stuck = Host({"faults": (Fault(kind="stuck"),)})
    assert stuck.ask(b"0ma0000A000", 3.0) == b"0GS02\r\n"
    assert stuck.ask(b"0gp") == b"0PO00000000\r\n"
    stalled = Host({"faults": (Fault(kind="stall"),)})
    assert stalled.ask(b"0ma0000A000", 3.0) == b"0GS0B\r\n"
    assert 0 < stalled.modules[0].position() < 40


def test_a_motion_goes_on_while_nobody_listens() -> None:
    host = Host({"speed": 1.0})
    host.ask(b"0ma0000A000", 5.0)
    host.bus.detach()
    assert host.clock.waiting == 0
    host.clock.advance(100.0)
    host.bus.attach(host.hear)
    assert host.ask(b"0gp") == b"0PO0000A000\r\n"


def test_a_module_may_say_by_itself_that_it_is_busy() -> None:
    host = Host({"speed": 10.0, "busy_every": 1.0})
    assert host.ask(b"0ma0000A000", 5.0) == b"0GS09\r\n" * 4 + b"0PO0000A000\r\n"


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_garbage_leaves_a_module_that_answers(data: bytes, cut: int) -> None:
    host = Host()
    host.ask(data[:cut])
    host.ask(data[cut:], 200.0)
    address = host.modules[0]._address  # pyright: ignore[reportPrivateUsage] - garbage may have changed it
    host.ask(f"{address}gs".encode())
    assert host.heard.startswith(f"{address}GS".encode()) or b"is" in data
