"""The simulated GSV-3 on the wire."""

from hypothesis import given, settings
from hypothesis import strategies as st

from motet.simulation.manual import ManualClock
from motet_simulators.gsv3 import Gsv3, Options


class Host:
    """The other end of the line."""

    def __init__(self, options: Options | None = None) -> None:
        self.clock = ManualClock()
        self.amplifier = Gsv3(options or Options(), None, self.clock, seed=1)
        self.received = b""
        self.amplifier.attach(self._receive)

    def _receive(self, data: bytes) -> None:
        self.received += data

    def send(self, data: bytes, seconds: float = 0.0) -> bytes:
        """What comes back within so many seconds."""
        self.received = b""
        self.amplifier.receive(data)
        self.clock.advance(seconds)
        return self.received


def test_values_are_sent_all_the_time_until_transmission_is_stopped() -> None:
    host = Host(Options(rate=10))
    assert host.send(b"", 1.05) == b"\xa5\x80\x00" * 10
    assert host.send(b"\x23", 5.0) == b""
    assert host.clock.waiting == 0
    assert host.send(b"\x24", 0.25) == b"\xa5\x80\x00" * 2


def test_get_value_gives_the_next_conversion() -> None:
    host = Host(Options(rate=10))
    host.send(b"\x23", 1.0)
    assert host.send(b"\x3b", 0.05) == b""
    assert host.send(b"", 0.06) == b"\xa5\x80\x00"


def test_set_zero_takes_the_present_load_away() -> None:
    host = Host(Options(preload=105.0))
    host.send(b"\x23")
    loaded = host.send(b"\x3b", 0.2)
    assert int.from_bytes(loaded[1:], "big") == round(0x8000 * (1 + 105 / 525))
    assert host.send(b"\x0c\x3b", 0.2) == b"\xa5\x80\x00"


def test_a_load_beyond_the_range_sits_at_its_end() -> None:
    host = Host(Options(preload=-1000.0))
    host.send(b"\x23")
    assert host.send(b"\x3b", 0.2) == b"\xa5\x00\x00"


def test_the_serial_number_follows_a_semicolon() -> None:
    assert Host().send(b"\x23\x1f") == b";19206189"


def test_parameter_bytes_are_not_taken_for_commands() -> None:
    host = Host()
    host.send(b"\x23")
    assert host.send(b"\x8a\x07\x3b\x3b", 1.0) == b""
    assert host.send(b"\x1f") == b";19206189"


@given(st.binary(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_bytes_leave_an_amplifier_that_answers(data: bytes) -> None:
    host = Host()
    host.send(data, 1.0)
    host.send(b"\x00" * 4 + b"\x23", 1.0)
    assert host.send(b"\x1f") == b";19206189"


def test_nothing_waits_after_the_line_is_closed() -> None:
    host = Host()
    host.amplifier.detach()
    assert host.clock.waiting == 0
