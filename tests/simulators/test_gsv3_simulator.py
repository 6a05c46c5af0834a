"""The simulated GSV-3 on the wire."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.simulation import Fault
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


def test_the_stream_keeps_its_rate() -> None:
    host = Host(Options(rate=800))
    assert len(host.send(b"", 10.0005)) == 3 * 8000


@pytest.mark.parametrize(("code", "rate"), [(7, 50), (6, 100), (5, 200), (4, 500), (3, 800)])
def test_the_data_rates_of_the_public_driver_are_set(code: int, rate: int) -> None:
    """gsv3usb sends 0x8A, a code, 0xFC and 0xF3."""
    host = Host()
    host.send(bytes((0x23, 0x8A, code, 0xFC, 0xF3)), 1.0)
    assert len(host.send(b"\x24", 1.001)) == 3 * rate


def test_what_the_public_driver_says_and_reads() -> None:
    """gsv3usb stops the stream, asks, reads and starts it again; values are what follows 0xA5."""
    host = Host(Options(preload=52.5))
    assert len(host.send(b"\x23\x1f")) >= 8
    streamed = host.send(b"\x24", 0.25)
    raw = int.from_bytes(streamed.split(b"\xa5")[1], "big")
    assert 500 / 2 * ((raw - 0x8000) / 0x8000) * 1.05 * 2 == pytest.approx(52.5, abs=0.02)
    host.send(b"\x23", 1.0)
    assert host.send(b"\x26\x06") == b"", "set mode"
    assert host.send(b"\x27") == b";\x06", "get mode"
    assert host.send(b"\x2b") == b";\x01\x04", "firmware version"
    assert host.send(b"\x25\x3c\x0e\x14\x15") == b"", "clear buffer and maximum, set offset, bipolar, unipolar"


def test_faults_on_demand() -> None:
    asked = b"\x23\x3b"
    assert Host(Options(faults=(Fault(kind="error"),))).send(asked, 0.2) == b"\xa5\xff\xff"
    assert Host(Options(faults=(Fault(kind="drop"),))).send(asked, 0.2) == b""
    garbage = Host(Options(faults=(Fault(kind="garble"),))).send(asked, 0.2)
    assert len(garbage) == 3
    assert not {0xA5, ord(";")} & set(garbage)
    drifting = Host(Options(faults=(Fault(kind="drift", amount=105.0),)))
    drifting.send(b"\x23", 3600.0)
    assert int.from_bytes(drifting.send(b"\x3b", 0.2)[1:], "big") == pytest.approx(0x8000 * 1.2, abs=1)


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
