"""The simulated NE-1000, byte by byte, on a clock that is moved by hand."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from motet.simulation.manual import ManualClock
from motet_simulators.ne1000 import Ne1000, Options
from motet_simulators.ne1000.wire import crc, shown


class Vessel:
    """A world that takes liquids."""

    takes = frozenset({"liquid", "salt"})
    reads: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.added: list[tuple[str, float]] = []

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        raise KeyError(quantity)

    def add(self, quantity: str, amount: float) -> None:
        self.added.append((quantity, amount))

    def read(self, quantity: str) -> float:
        raise KeyError(quantity)

    @property
    def volume(self) -> float:
        return sum(amount for _, amount in self.added)


class Bench:
    """A pump whose answers are collected."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.vessel = Vessel()
        self.pump = Ne1000(
            Options.model_validate({"just_powered": False, "set_diameter": 14.43, **options}),
            self.vessel,
            self.clock,
            1,
        )
        self.said = bytearray()
        self.pump.attach(self.said.extend)

    def send(self, data: bytes) -> bytes:
        self.said.clear()
        self.pump.receive(data)
        return bytes(self.said)

    def ask(self, command: str) -> str:
        """In basic mode: the answer between STX and ETX."""
        answer = self.send(command.encode() + b"\r")
        assert answer[:1] + answer[-1:] == b"\x02\x03", answer
        return answer[1:-1].decode()

    def safe(self, command: str) -> bytes:
        body = command.encode()
        return self.send(bytes([2, len(body) + 4]) + body + crc(body) + b"\x03")


def program(bench: Bench, *commands: str) -> None:
    for command in commands:
        assert bench.ask(command)[2:] == "S", command


def test_the_first_command_after_power_on_is_answered_with_the_alarm_of_a_reset_and_not_done() -> None:
    bench = Bench(just_powered=True)
    assert bench.ask("DIA20.00") == "00A?R"
    assert bench.ask("DIA") == "00S14.43"


def test_it_tells_model_and_firmware() -> None:
    assert Bench(model="500", firmware="3.61").ask("VER") == "00SNE500V3.61"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("", "00S"),
        (" d i a ", "00S14.43"),
        ("00DIA", "00S14.43"),
        ("0 rat 2.5 mh", "00S"),
        ("RATC2.5MM", "00S"),
        ("RAT99.99MM", "00S?OOR"),
        ("RAT.0001MH", "00S?OOR"),
        ("RATX", "00S?"),
        ("DIA51", "00S?OOR"),
        ("DIA12.345", "00S?OOR"),
        ("VOL1.2.3", "00S?"),
        ("VOL", "00S0.000ML"),
        ("DIR", "00SINF"),
        ("DIRREV", "00S"),
        ("DIRUP", "00S?"),
        ("PHN", "00S01"),
        ("PHN42", "00S?OOR"),
        ("FUN", "00SRAT"),
        ("FUNLOP05", "00S"),
        ("FUNXYZ", "00S?"),
        ("DIS", "00SI0.000W0.000ML"),
        ("CLDINF", "00S"),
        ("CLD", "00S?"),
        ("STP", "00S?NA"),
        ("SAF", "00S000"),
        ("LN", "00S0"),
        ("LN1", "00S"),
        ("AL", "00S1"),
        ("BP0", "00S"),
        ("BUZ13", "00S"),
        ("DIN2", "00S1"),
        ("DIN9", "00S?OOR"),
        ("ROM", "00S0"),
        ("OUT51", "00S"),
        ("OUT7", "00S?OOR"),
        ("TRG", "00SFT"),
        ("TRGLE", "00S"),
        ("ADR", "00S00"),
        ("*ADR", "00S00"),
        ("*RESET", "00S"),
        ("RESET", "00S?"),
        ("HELLO", "00S?"),
    ],
)
def test_commands_at_rest(command: str, answer: str) -> None:
    assert Bench().ask(command) == answer


def test_it_delivers_the_volume_at_the_rate_and_stops() -> None:
    bench = Bench()
    program(bench, "RAT2.000MM", "VOL1.000", "DIRINF")
    assert bench.ask("RUN") == "00I"
    bench.clock.advance(15)
    assert bench.ask("DIS") == "00II0.500W0.000ML"
    assert bench.ask("ROM") == "00I1"
    assert bench.vessel.volume == pytest.approx(0.5)
    bench.clock.advance(15)
    assert bench.ask("") == "00S"
    assert bench.ask("DIS") == "00SI1.000W0.000ML"
    assert bench.vessel.volume == pytest.approx(1.0)


def test_the_world_gets_it_bit_by_bit() -> None:
    bench = Bench(delivers="salt")
    program(bench, "RAT1.000MM", "VOL1.000")
    bench.ask("RUN")
    bench.clock.advance(60)
    assert len(bench.vessel.added) >= 30
    assert {quantity for quantity, _ in bench.vessel.added} == {"salt"}
    assert max(amount for _, amount in bench.vessel.added) < 0.05


def test_a_quantity_that_the_world_does_not_take_stays_with_the_pump() -> None:
    bench = Bench(delivers="oil")
    program(bench, "RAT1.000MM", "VOL1.000")
    bench.ask("RUN")
    bench.clock.advance(60)
    assert bench.vessel.added == []
    assert bench.pump.delivered == pytest.approx(1.0)


def test_the_first_stop_pauses_the_second_ends_it() -> None:
    bench = Bench(contents=0.0)
    program(bench, "RAT1.000MM", "VOL1.000", "DIRWDR")
    assert bench.ask("RUN") == "00W"
    bench.clock.advance(15)
    assert bench.ask("STP") == "00P"
    bench.clock.advance(100)
    assert bench.ask("DIS") == "00PI0.000W0.250ML"
    assert bench.ask("RUN") == "00W"
    bench.clock.advance(45)
    assert bench.ask("DIS") == "00SI0.000W1.000ML"
    bench.ask("RUN")
    assert [bench.ask("STP"), bench.ask("STP"), bench.ask("STP")] == ["00P", "00S", "00S?NA"]


def test_what_may_not_be_changed_while_it_pumps_is_not_applicable() -> None:
    bench = Bench()
    program(bench, "RAT1.000MM", "VOL5.000")
    bench.ask("RUN")
    for command in ("VOL1", "DIA20", "PHN2", "CLDINF", "DIRWDR", "RAT60UM", "RUN", "PUR"):
        assert bench.ask(command) == "00I?NA", command
    assert bench.ask("RAT2.0") == "00I"
    bench.clock.advance(30)
    assert bench.ask("RAT") == "00I2.000MM"
    assert bench.ask("DIS") == "00II1.000W0.000ML"
    bench.ask("STP")
    assert bench.ask("RAT") == "00P1.000MM"


def test_the_diameter_sets_the_units_of_volumes_and_clears_the_counters() -> None:
    bench = Bench()
    program(bench, "RAT1.000MM", "VOL.5")
    bench.ask("RUN")
    bench.clock.advance(60)
    program(bench, "DIA14.0")
    assert bench.ask("VOL") == "00S0.500UL"
    assert bench.ask("DIS") == "00SI0.000W0.000UL"
    program(bench, "VOLML")
    assert bench.ask("DIS") == "00SI0.000W0.000ML"


def test_without_a_volume_it_pumps_until_the_syringe_is_empty_and_stalls() -> None:
    bench = Bench(contents=2.0)
    program(bench, "RAT1.000MM", "VOL0")
    bench.ask("RUN")
    bench.clock.advance(300)
    assert bench.ask("") == "00A?S"
    assert bench.ask("DIS") == "00SI2.000W0.000ML"
    assert bench.vessel.volume == pytest.approx(2.0)


def test_purging_goes_at_the_highest_rate_until_stopped() -> None:
    bench = Bench()
    assert bench.ask("PUR") == "00X"
    bench.clock.advance(6)
    assert bench.ask("STP") == "00S"
    assert bench.vessel.volume == pytest.approx(0.834, abs=0.001)


def test_a_program_of_several_phases() -> None:
    """Twice: 1 mL at 2 mL/min, then 1 mL at 3 mL/min; 5 s of rest after each."""
    bench = Bench()
    program(
        bench, "FUNLPS", "PHN2", "FUNRAT", "RAT2MM", "VOL1", "PHN3", "FUNINC", "RAT1MM", "VOL1", "PHN4", "FUNPAS5",
        "PHN5", "FUNLOP2", "PHN6", "FUNCLD", "PHN7", "FUNJMP9", "PHN8", "FUNRAT", "PHN9", "FUNSTP",
    )  # fmt: skip
    assert bench.ask("RUN") == "00I"
    bench.clock.advance(40)
    assert bench.ask("RAT") == "00I3.000MM"
    bench.clock.advance(12)
    assert bench.ask("") == "00T"
    bench.clock.advance(50)
    assert bench.ask("") == "00I"
    bench.clock.advance(30)
    assert bench.ask("DIS") == "00SI0.000W0.000ML"
    assert bench.vessel.volume == pytest.approx(4.0)


def test_a_program_that_goes_round_without_doing_anything_is_a_program_error() -> None:
    bench = Bench()
    program(bench, "FUNJMP01")
    assert bench.ask("RUN") == "00S"
    assert bench.ask("") == "00A?E"


def test_safe_mode_has_lengths_and_checksums_both_ways() -> None:
    bench = Bench(address=7)
    assert bench.safe("7SAF10") == bytes([2, 7]) + b"07S" + crc(b"07S") + b"\x03"
    answer = bench.safe("7VER")
    assert answer == bytes([2, len(answer) - 1]) + b"07SNE1000V3.923" + crc(b"07SNE1000V3.923") + b"\x03"
    assert bench.send(b"7VER\r") == b""
    assert bench.send(b"\x02\x087VER\x00\x00\x03") == bytes([2, 11]) + b"07S?COM" + crc(b"07S?COM") + b"\x03"
    assert bench.safe("7SAF0") == b"\x0207S\x03"
    assert bench.send(b"\x02\x08SAF0\x55\x43\x03") == b""  # address 0
    assert bench.ask("7") == "07S"


def test_in_safe_mode_silence_stops_the_pump_and_raises_the_alarm() -> None:
    bench = Bench()
    program(bench, "RAT1MM", "VOL5")
    bench.safe("SAF10")
    bench.safe("RUN")
    bench.said.clear()
    bench.clock.advance(30)
    assert bytes(bench.said) == bytes([2, 9]) + b"00A?T" + crc(b"00A?T") + b"\x03"
    assert b"00A?T" in bench.safe("")
    assert b"00SI0.167W0.000ML" in bench.safe("DIS")


def test_a_packet_that_is_not_finished_is_dropped_after_half_a_second() -> None:
    bench = Bench()
    bench.safe("SAF200")
    assert bench.send(b"\x02\x08VE") == b""
    bench.clock.advance(0.6)
    assert b"NE1000" in bench.safe("VER")


def test_a_stall_stops_half_way_and_is_told_by_itself_in_safe_mode() -> None:
    bench = Bench(faults=[{"kind": "stall"}])
    program(bench, "RAT1MM", "VOL1")
    bench.safe("SAF200")
    bench.safe("RUN")
    bench.said.clear()
    bench.clock.advance(40)
    assert b"00A?S" in bytes(bench.said)
    assert b"00A?S" in bench.safe("DIS")  # telling it unasked does not acknowledge it
    assert b"00SI0.500" in bench.safe("DIS")
    assert bench.vessel.volume == pytest.approx(0.5)


def test_a_stuck_plunger_delivers_nothing() -> None:
    bench = Bench(faults=[{"kind": "stuck"}])
    program(bench, "RAT1MM", "VOL1")
    bench.ask("RUN")
    bench.clock.advance(1)
    assert bench.ask("") == "00A?S"
    assert bench.vessel.volume == 0


def test_errors_of_volume_are_systematic_and_random_and_repeat_with_the_seed() -> None:
    def delivered(**options: float) -> list[float]:
        bench, found = Bench(**options), list[float]()
        program(bench, "RAT8MM", "VOL1")
        for _ in range(20):
            before = bench.vessel.volume
            bench.ask("RUN")
            bench.clock.advance(10)
            found.append(bench.vessel.volume - before)
        return found

    assert delivered(volume_bias=0.02) == pytest.approx([1.02] * 20)
    noisy = delivered(volume_error=0.01)
    assert noisy == delivered(volume_error=0.01)
    assert 0.003 < max(noisy) - min(noisy) < 0.08
    assert sum(noisy) / 20 == pytest.approx(1.0, abs=0.01)


def test_a_wrong_diameter_delivers_the_wrong_volume() -> None:
    bench = Bench(diameter=14.43 / 2)
    program(bench, "RAT1MM", "VOL1")
    bench.ask("RUN")
    bench.clock.advance(61)
    assert bench.ask("DIS") == "00SI1.000W0.000ML"
    assert bench.vessel.volume == pytest.approx(0.25)


def test_other_addresses_and_pieces_of_their_frames_are_passed_over() -> None:
    bench = Bench(address=12)
    assert bench.send(b"1DIA\r2DIA\rDIA\r") == b""
    assert bench.send(b"12D") == b""
    assert bench.send(b"IA\r") == b"\x0212S14.43\x03"


def test_a_burst_is_for_each_pump_its_own_and_nobody_answers() -> None:
    bench = Bench(address=1)
    assert bench.send(b"0RAT5MM*1RAT2.5MM*2RUN*\r") == b""
    assert bench.ask("1RAT") == "01S2.500MM"


def test_detached_it_goes_on_pumping_and_leaves_nothing_on_the_clock() -> None:
    bench = Bench()
    program(bench, "RAT1MM", "VOL5")
    bench.ask("RUN")
    bench.pump.detach()
    assert bench.clock.waiting == 0
    bench.clock.advance(60)
    bench.pump.attach(bench.said.extend)
    assert bench.ask("DIS") == "00II1.000W0.000ML"


def test_more_than_the_syringe_holds_is_refused() -> None:
    with pytest.raises(ValidationError, match="do not fit into a syringe of 5 mL"):
        Options(contents=6, capacity=5)


@given(st.floats(0, 9999, allow_nan=False))
def test_numbers_have_four_digits_and_a_point(value: float) -> None:
    text = shown(value)
    assert len(text) == 5
    assert "." in text
    assert float(text) == pytest.approx(value, rel=6e-4, abs=6e-4)


@given(st.lists(st.binary(max_size=30), max_size=6), st.booleans())
def test_whatever_comes_it_goes_on_answering(pieces: list[bytes], safe: bool) -> None:
    bench = Bench()
    if safe:
        bench.safe("SAF250")
    for piece in pieces:
        bench.send(piece)
    bench.clock.advance(1)
    bench.send(b"\r")
    bench.safe("*ADR0")
    assert b"NE1000V3.923" in bench.safe("VER") + bench.safe("VER") + bench.safe("0VER")
