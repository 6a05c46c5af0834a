"""The simulated Cavro XCalibur, byte by byte, on a clock that is moved by hand."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.simulation.manual import ManualClock
from motet_simulators.cavro_xcalibur import CavroXcalibur, Options
from motet_simulators.cavro_xcalibur.syringe import STROKE, Speeds, move
from motet_simulators.cavro_xcalibur.wire import checksum, pumps_at


class Bottles:
    """A world that takes two liquids."""

    takes = frozenset({"water", "salt"})
    reads: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.added: list[tuple[str, float]] = []

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        raise KeyError(quantity)

    def add(self, quantity: str, amount: float) -> None:
        self.added.append((quantity, amount))

    def read(self, quantity: str) -> float:
        return sum(amount for name, amount in self.added if name == quantity)


class Bench:
    """A pump whose answers are collected."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.world = Bottles()
        given = {"initialized": True, "ports": {"I": "water"}, **options}
        self.pump = CavroXcalibur(Options.model_validate(given), self.world, self.clock, 1)
        self.said = bytearray()
        self.pump.attach(self.said.extend)

    def send(self, data: bytes) -> bytes:
        self.said.clear()
        self.pump.receive(data)
        return bytes(self.said)

    def ask(self, text: str, address: str = "1") -> str:
        """In the DT protocol: status and data."""
        answer = self.send(f"/{address}{text}\r".encode())
        assert answer.startswith(b"/0"), answer
        assert answer.endswith(b"\x03\r\n"), answer
        return answer[2:-3].decode()

    def done(self, text: str) -> str:
        """Execute, wait until it is ready; the status then."""
        assert self.ask(text) in ("@", "`")
        for _ in range(10_000):
            status = self.ask("Q")
            if status != "@":
                return status
            self.clock.advance(0.1)
        raise AssertionError("it is busy for ever")


def distribution(**options: Any) -> Bench:
    given: dict[str, Any] = {"valve_ports": 6, "ports": {"1": "water", "2": "salt"}, "vessel": "3", **options}
    return Bench(**given)


@pytest.mark.parametrize(
    ("report", "data"),
    [
        ("?", "0"), ("?1", "900"), ("?2", "1400"), ("?3", "900"), ("?4", "0"), ("?6", "i"), ("?6R", "i"), ("?10", "0"),
        ("F", "0"), ("?12", "12"), ("?13", "1"), ("?14", "1"), ("?15", "0"), ("?16", "0"), ("?17", "0"), ("?18", "0"),
        ("?19", "1"), ("?19R", "1"), ("?23", "733085-B"), ("&", "733085-B"), ("?24", "20"), ("?25", "14"), ("?28", "0"),
        ("?29", ""), ("Q", ""), ("QR", ""), ("?76", "XCalibur"), ("*", "240"), ("<3", "0"), ("#", "0000"),
    ],
)  # fmt: skip
def test_reports(report: str, data: str) -> None:
    assert Bench().ask(report) == f"`{data}"


def test_a_report_that_there_is_not_is_an_invalid_command() -> None:
    assert Bench().ask("?99") == "b"


def test_before_the_initialization_nothing_moves() -> None:
    bench = Bench(initialized=False)
    assert bench.ask("?6") == "`?"
    assert bench.ask("?19") == "`0"
    assert [bench.ask("Q"), bench.ask("A100R"), bench.ask("Q"), bench.ask("IR"), bench.ask("Q")] == list("`gggg")
    assert bench.done("ZR") == "`"
    assert bench.ask("?6") == "`i"
    assert bench.ask("?15") == "`1"
    assert bench.done("A100R") == "`"


def test_settings_are_taken_before_the_initialization() -> None:
    bench = Bench(initialized=False)
    for text, report, value in (("N1", "?28", "1"), ("K96", "?12", "96"), ("k160", "?24", "160"), ("L7", "?25", "7")):
        assert bench.done(f"{text}R") == "`"
        assert bench.ask(report) == f"`{value}"


@pytest.mark.parametrize(
    "text",
    ["A3001R", "D1R", "P3001R", "S41R", "V4R", "v49R", "c2701R", "L0R", "N3R", "K32R", "k256R", "Z3R", "M30001R"],
)
def test_an_operand_out_of_range_is_told_by_the_status(text: str) -> None:
    bench = Bench()
    assert bench.done(text) == "c"
    assert bench.ask("Q") == "`"


def test_what_comes_before_a_wrong_operand_is_done() -> None:
    bench = Bench()
    assert bench.done("A3000A3500A10R") == "c"
    assert bench.ask("?") == "`3000"


@pytest.mark.parametrize("text", ["E2000R", "A300E2000R", "A300!R", "q1R", "23", "A3 0R"])
def test_an_invalid_command_is_told_at_once_and_nothing_is_done(text: str) -> None:
    bench = Bench()
    assert bench.ask(text) == "b"
    assert [bench.ask("Q"), bench.ask("?")] == ["`", "`0"]


def test_the_plunger_takes_the_time_of_its_speed() -> None:
    """A stroke is 6000 pulses: 20 min at 5 pulses/s; 3000 increments at 6000 pulses/s in 1.2 s with the ramps."""
    bench = Bench()
    bench.ask("V5A3000R")
    bench.clock.advance(600)
    assert bench.ask("?") == "@1500"
    bench.clock.advance(599)
    assert bench.ask("Q") == "@"
    bench.clock.advance(2)
    assert bench.ask("Q") == "`"
    bench.ask("S0A0R")
    bench.clock.advance(1.05)
    assert bench.ask("Q") == "@"
    bench.clock.advance(0.2)
    assert bench.ask("?") == "`0"


def test_speeds_are_held_together() -> None:
    bench = Bench()
    assert bench.done("V500R") == "`"
    assert [bench.ask(report) for report in ("?1", "?2", "?3")] == ["`500"] * 3
    assert bench.done("V2701v800c1000V1000R") == "`"
    assert [bench.ask(report) for report in ("?1", "?2", "?3")] == ["`800", "`1000", "`1000"]
    assert bench.done("S20R") == "`"
    assert bench.ask("?2") == "`170"


@given(
    st.integers(0, STROKE), st.integers(0, STROKE), st.integers(50, 1000), st.integers(5, 6000), st.integers(50, 2700),
    st.integers(1, 20),
)  # fmt: skip
def test_a_move_goes_steadily_to_its_target(
    origin: int, target: int, start: int, top: int, cutoff: int, slope: int
) -> None:
    trajectory = move(5.0, origin, target, Speeds(start, top, cutoff, slope))
    seconds = trajectory.end - 5.0
    assert trajectory.position(5.0) == pytest.approx(origin)
    assert trajectory.position(trajectory.end - 1e-9) == pytest.approx(target, abs=0.01)
    assert trajectory.position(trajectory.end + 1e-9) == target
    assert abs(target - origin) / top <= seconds + 1e-9
    assert seconds <= abs(target - origin) / min(start, top, cutoff) + 1e-9
    places = [trajectory.position(5.0 + seconds * n / 20) for n in range(21)]
    assert sorted(places, reverse=target < origin) == pytest.approx(places)


def test_fine_increments_and_microsteps() -> None:
    bench = Bench()
    assert bench.done("N1A24000R") == "`"
    assert bench.ask("?") == "`24000"
    assert bench.done("N0R") == "`"
    assert bench.ask("?") == "`3000"
    assert bench.done("N2V48000A0R") == "`"
    assert bench.ask("?2") == "`48000"


def test_loops_delays_and_repetition() -> None:
    bench = Bench()
    assert bench.done("A0gP50gP100D100G10G5R") == "`"
    assert bench.ask("?") == "`250"
    assert bench.ask("?16") == f"`{1 + 5 * 21}"
    assert bench.done("XR") == "`"
    assert bench.ask("?") == "`250"
    bench.ask("M500R")
    bench.clock.advance(0.4)
    assert bench.ask("Q") == "@"
    bench.clock.advance(0.2)
    assert bench.ask("Q") == "`"


def test_commands_wait_in_the_buffer_for_their_execution() -> None:
    bench = Bench()
    assert bench.ask("A500") == "`"
    assert [bench.ask("?10"), bench.ask("?")] == ["`1", "`0"]
    assert bench.done("R") == "`"
    assert [bench.ask("?10"), bench.ask("?")] == ["`0", "`500"]


def test_a_halt_waits_for_the_next_execution() -> None:
    bench = Bench()
    assert bench.done("A100HA200R") == "`"
    assert bench.ask("?") == "`100"
    assert bench.done("R") == "`"
    assert bench.ask("?") == "`200"


def test_while_it_is_busy_only_reports_termination_and_speed_are_taken() -> None:
    bench = Bench()
    bench.ask("V5A3000R")
    bench.clock.advance(10)
    assert [bench.ask("A0R"), bench.ask("IR"), bench.ask("N1R"), bench.ask("Q")] == ["O", "O", "O", "@"]
    assert bench.ask("V600") == "@"
    bench.clock.advance(5)
    assert bench.ask("?") == "@1525"
    assert bench.ask("T") == "`"
    assert bench.ask("?") == "`1525"
    assert bench.done("R") == "`"  # nothing is left of the string
    assert bench.ask("?") == "`1525"


def test_a_quiet_move_does_not_count_as_busy() -> None:
    bench = Bench()
    bench.ask("V5a3000R")
    bench.clock.advance(10)
    assert [bench.ask("Q"), bench.ask("A0R")] == ["`", "o"]


def test_termination_keeps_what_is_left_for_the_next_execution() -> None:
    bench = Bench()
    bench.ask("V100A300A0A500R")
    bench.clock.advance(3)
    bench.ask("T")
    assert bench.ask("?") == "`150"
    assert bench.done("R") == "`"
    assert bench.ask("?") == "`500"


def test_a_terminated_initialization_is_an_error() -> None:
    bench = Bench()
    assert bench.done("A1000R") == "`"
    bench.ask("ZR")
    bench.clock.advance(0.5)
    bench.ask("T")
    assert [bench.ask("Q"), bench.ask("A0R")] == ["a", "g"]


def test_the_bypass_lets_no_plunger_move() -> None:
    bench = Bench()
    assert bench.done("BR") == "`"
    assert bench.ask("?6") == "`b"
    assert bench.done("A100R") == "k"


def test_an_overload_needs_an_initialization() -> None:
    bench = Bench(faults=[{"kind": "stall"}])
    assert bench.done("A1000R") == "i"
    assert bench.ask("?") == "`500"
    assert [bench.ask("A0R"), bench.ask("OR")] == ["i", "i"]
    assert bench.done("ZR") == "`"
    assert bench.done("A1000R") == "`"


def test_a_stuck_plunger_is_an_overload_at_once() -> None:
    bench = Bench(faults=[{"kind": "stuck"}])
    assert bench.done("A1000R") == "i"
    assert bench.ask("?") == "`0"


def test_what_is_aspirated_arrives_in_the_vessel_by_liquid_and_bit_by_bit() -> None:
    bench = distribution()
    for text in ("I1R", "P600R", "I2R", "P1400R", "I3R", "V1000D1000R"):
        assert bench.done(text) == "`"
    assert bench.world.read("water") == pytest.approx(0.1)
    assert bench.world.read("salt") == pytest.approx(0.7 / 3)
    assert len(bench.world.added) > 10
    assert bench.done("I6D1000R") == "`"  # to waste
    assert bench.world.read("salt") == pytest.approx(0.7 / 3)


def test_the_vessel_can_be_drawn_from() -> None:
    bench = distribution()
    assert bench.done("I1P1500I3D1500P300R") == "`"
    assert bench.world.read("water") == pytest.approx(0.4)


def test_a_terminated_dispense_has_delivered_its_part() -> None:
    bench = distribution()
    assert bench.done("I1P3000R") == "`"
    bench.ask("I3V600A0R")
    bench.clock.advance(0.251 + 5)
    bench.ask("T")
    left = int(bench.ask("?")[1:])
    assert bench.world.read("water") == pytest.approx(1 - left / 3000, abs=1e-3)
    assert 0.4 < bench.world.read("water") < 0.6


def test_errors_of_volume_are_systematic_and_random() -> None:
    def delivered(**options: float) -> list[float]:
        bench, found = distribution(**options), list[float]()
        for _ in range(10):
            before = bench.world.read("water")
            assert bench.done("I1P3000I3D3000R") == "`"
            found.append(bench.world.read("water") - before)
        return found

    assert delivered(volume_bias=-0.01) == pytest.approx([0.99] * 10)
    noisy = delivered(volume_error=0.01)
    assert noisy == delivered(volume_error=0.01)
    assert 0.003 < max(noisy) - min(noisy) < 0.08


def test_the_initialization_empties_the_syringe_to_its_output() -> None:
    bench = distribution()
    assert bench.done("I1P3000R") == "`"
    assert bench.done("Z0,2,3R") == "`"
    assert bench.world.read("water") == pytest.approx(1.0)
    assert bench.ask("?6") == "`2"


def test_the_oem_protocol_has_sequence_numbers_and_checksums() -> None:
    def frame(text: bytes, sequence: int) -> bytes:
        block = b"\x021" + bytes([0x30 | sequence]) + text + b"\x03"
        return block + bytes([checksum(block)])

    bench = Bench()
    answer = b"\x020`0\x03"
    assert bench.send(frame(b"?", 1)) == answer + bytes([checksum(answer)])
    assert bench.send(frame(b"P100R", 2))[:3] == b"\x020@"
    bench.clock.advance(5)
    assert bench.send(frame(b"P100R", 2 | 8))[:3] == b"\x020`"  # the same again: not done twice
    bench.clock.advance(5)
    assert bench.ask("?") == "`100"
    assert bench.send(frame(b"P100R", 2))[:3] == b"\x020@"  # anew
    spoilt = frame(b"?", 3)[:-1] + b"\x00"
    assert bench.send(spoilt) == b""
    assert bench.send(b"\xff" + frame(b"?1", 4))[:6] == b"\x020@900"


@pytest.mark.parametrize(
    ("address", "switches"),
    [
        ("1", [0]),
        ("?", [14]),
        ("A", [0, 1]),
        ("C", [2, 3]),
        ("Q", [0, 1, 2, 3]),
        ("U", [4, 5, 6, 7]),
        ("_", [*range(15)]),
        ("B", []),
    ],
)
def test_addresses(address: str, switches: list[int]) -> None:
    assert list(pumps_at(ord(address))) == switches


def test_other_addresses_are_passed_over_and_groups_obey_without_an_answer() -> None:
    bench = Bench(address=1)
    assert bench.send(b"/1A100R\r/3?\r") == b""
    assert bench.send(b"/AA100R\r/_V50R\r") == b""
    bench.clock.advance(5)
    assert bench.ask("?", address="2") == "`100"


def test_what_published_drivers_send_at_start_up() -> None:
    """tecancavro (OEM frames, sequence 1 always) and pycont (DT frames, reports with an R) as their sources have it."""
    bench = Bench(initialized=False)
    for text in (b"N0R", b"?1", b"?2", b"?3", b"?", b"?6"):
        block = b"\x0211" + text + b"\x03"
        answer = bench.send(block + bytes([checksum(block)]))
        bench.clock.advance(0.1)
        assert answer[:2] == b"\x020"
        assert answer[2] in b"`@"
        assert checksum(answer[:-1]) == answer[-1]
    assert bench.send(b"/1?19R\r") == b"/0`0\x03\r\n"
    assert bench.send(b"/1Z0R\r") == b"/0@\x03\r\n"
    bench.clock.advance(10)
    assert bench.send(b"/1QR\r") == b"/0`\x03\r\n"
    for text in ("N2R", "V6000R", "IR", "P1200R", "OR", "D1200R"):
        assert bench.done(text) == "`"
    assert bench.send(b"/1?6R\r") == b"/0`o\x03\r\n"


def test_detached_it_goes_on_and_leaves_nothing_on_the_clock() -> None:
    bench = Bench()
    bench.ask("V100A3000R")
    bench.pump.detach()
    assert bench.clock.waiting == 0
    bench.clock.advance(30)
    bench.pump.attach(bench.said.extend)
    assert bench.ask("?") == "@1500"


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_whatever_comes_it_goes_on_answering(pieces: list[bytes]) -> None:
    bench = Bench()
    for piece in pieces:
        bench.send(piece)
    bench.send(b"\r\x03\x03\r")
    bench.clock.advance(1e5)
    assert b"733085-B" in bench.send(b"/1&\r") + bench.send(b"/1&\r")
