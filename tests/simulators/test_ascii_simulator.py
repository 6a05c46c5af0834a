"""The instruments that are simulated from their descriptions, by themselves."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.simulation.manual import ManualClock
from motet_simulators import ascii as simulator

EXAMPLES = Path(__file__).parents[2] / "examples" / "instruments"
PUMP, METER = EXAMPLES / "peristaltic_pump.yaml", EXAMPLES / "conductivity_meter.yaml"


class Bench:
    """An instrument in the hand, on a clock that is moved by hand."""

    def __init__(self, file: Path, world: Any = None, **options: Any) -> None:
        self.clock = ManualClock()
        self.unit = simulator.Ascii(simulator.Options(file=file, **options), world, self.clock, seed=1)
        self.end = self.unit.described.terminators.send
        self.sent: list[bytes] = []
        self.unit.attach(self.sent.append)

    def ask(self, text: str) -> str:
        """What a line of text is answered with, '' for nothing."""
        self.sent.clear()
        self.unit.receive((text + self.end).encode())
        return b"".join(self.sent).decode().removesuffix("\r\n")


def test_a_dispense_takes_its_time_and_shows_what_it_has_delivered() -> None:
    b = Bench(PUMP)
    assert [b.ask(text) for text in ("DI CW", "RT 10", "VO 2000", "GO", "ST?")] == ["OK"] * 4 + ["ST RUN"]
    assert b.ask("GO") == "E3"
    b.clock.advance(6)
    assert (b.ask("ST?"), b.ask("DV?")) == ("ST RUN", "DV 1000.000")
    b.clock.advance(6.1)
    assert (b.ask("ST?"), b.ask("DV?")) == ("ST IDLE", "DV 2000.000")
    assert (b.ask("GO"), b.ask("DV?")) == ("OK", "DV 0.000")


def test_a_stopped_dispense_has_delivered_what_it_had() -> None:
    b = Bench(PUMP)
    for text in ("RT 10", "VO 2000", "GO"):
        b.ask(text)
    b.clock.advance(3)
    assert (b.ask("STOP"), b.ask("ST?"), b.ask("DV?")) == ("OK", "ST IDLE", "DV 500.000")
    b.clock.advance(60)
    assert b.ask("DV?") == "DV 500.000"


@pytest.mark.parametrize(
    ("text", "reply"),
    [("VO 100001", "E2"), ("VO 9", "E2"), ("RT 0", "E2"), ("VO much", "E1"), ("DI UP", "E1"), ("", ""), ("GOO", "E1")],
)
def test_what_it_does_not_take_is_refused_by_its_codes(text: str, reply: str) -> None:
    assert Bench(PUMP).ask(text) == reply


def test_it_goes_on_while_the_line_is_closed() -> None:
    b = Bench(PUMP)
    for text in ("RT 10", "VO 2000", "GO"):
        b.ask(text)
    b.unit.detach()
    assert b.clock.waiting == 0
    b.clock.advance(6)
    b.unit.attach(b.sent.append)
    assert b.ask("DV?") == "DV 1000.000"


class Beaker:
    """A world that takes salt and is read."""

    reads = frozenset({"conductivity"})
    takes = frozenset({"salt", "level"})

    def __init__(self) -> None:
        self.volume = 0.0
        self.level: Callable[[], float] = lambda: -1.0

    def read(self, quantity: str) -> float:
        return 10 * self.volume

    def add(self, quantity: str, amount: float) -> None:
        assert quantity == "salt"
        self.volume += amount

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        self.level = value
        return lambda: None


def test_what_is_delivered_reaches_the_world_bit_by_bit_under_its_name_there() -> None:
    beaker = Beaker()
    b = Bench(PUMP, beaker, quantities={"liquid": "salt"})
    for text in ("RT 10", "VO 2000", "GO"):
        b.ask(text)
    seen: list[float] = []
    for _ in range(13):
        b.clock.advance(1)
        seen.append(beaker.volume)
    assert seen[5] == pytest.approx(1.0, abs=0.11)
    assert seen[-1] == pytest.approx(2.0)
    assert all(a <= b for a, b in itertools.pairwise(seen))


def test_a_sensor_reads_the_world_with_its_own_noise_and_drift() -> None:
    beaker = Beaker()
    beaker.volume = 1.5
    b = Bench(METER, beaker, faults=[{"kind": "drift", "amount": 1.0}])
    assert float(b.ask("MC").split()[0]) == pytest.approx(15.0, abs=0.05)
    assert len({b.ask("MC") for _ in range(5)}) > 1
    b.clock.advance(7200)
    assert float(b.ask("MC").split()[0]) == pytest.approx(17.0, abs=0.05)
    assert float(b.ask("MT").split()[0]) == pytest.approx(27.0, abs=0.2)


def test_a_quantity_of_the_world_follows_a_variable(tmp_path: Path) -> None:
    text = PUMP.read_text().replace("  sets:", "  drives: { level: delivered }\n  sets:")
    path = tmp_path / "pump.yaml"
    path.write_text(text)
    beaker = Beaker()
    b = Bench(path, beaker)
    for command in ("RT 10", "VO 2000", "GO"):
        b.ask(command)
    b.clock.advance(3)
    assert beaker.level() == pytest.approx(0.5)


@settings(max_examples=200)
@given(
    st.lists(
        st.one_of(st.binary(max_size=30), st.sampled_from([b"GO\r\n", b"VO 1\r\n", b"\r\n", b"STOP\r\n"])), max_size=10
    )
)
def test_whatever_comes_in_it_still_answers_afterwards(pieces: list[bytes]) -> None:
    b = Bench(PUMP)
    for piece in pieces:
        b.unit.receive(piece)
        b.clock.advance(0.5)
    b.ask("")
    b.clock.advance(10)
    assert b.ask("ID?") == "Perista PD-4,4711,1.3"
