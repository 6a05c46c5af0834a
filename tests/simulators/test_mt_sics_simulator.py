"""The simulated MT-SICS balance: bytes, stability, ranges, repetition, world."""

from collections.abc import Callable
from typing import Any

import pytest

from motet.simulation.manual import ManualClock
from motet_simulators.mt_sics import LEVELS, MtSics, Options


class Host:
    """Talks to a simulated balance, step by step."""

    def __init__(self, world: object | None = None, **options: Any) -> None:
        self.clock = ManualClock()
        self.heard = b""
        quiet: dict[str, Any] = {"repeatability": 0.0, **options}
        self.balance = MtSics(Options(**quiet), world, self.clock, 1)
        self.balance.attach(self._hear)

    def _hear(self, data: bytes) -> None:
        self.heard += data

    def ask(self, command: bytes, seconds: float = 0.0) -> bytes:
        """What it answers within so many lab seconds."""
        self.heard = b""
        self.balance.receive(command + b"\r\n")
        self.clock.advance(seconds)
        return self.heard


class Vessel:
    """A world with a mass in it."""

    def __init__(self) -> None:
        self.takes = frozenset[str]()
        self.reads = frozenset({"mass"})
        self.mass = 0.0

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        raise KeyError(quantity)

    def add(self, quantity: str, amount: float) -> None:
        raise KeyError(quantity)

    def read(self, quantity: str) -> float:
        return {"mass": self.mass}[quantity]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"@", b'I4 A "1126493049"'),
        (b"I1", b'I1 A "01" "2.30" "2.20" "" ""'),
        (b"I2", b'I2 A "XS204 Excellence 220.0000 g"'),
        (b"I3", b'I3 A "2.10 10.28.0.493.142"'),
        (b"I4", b'I4 A "1126493049"'),
        (b"I5", b'I5 A "12121306C"'),
        (b"S", b"S S     2.0000 g"),
        (b"SI", b"S S     2.0000 g"),
        (b"Z", b"Z A"),
        (b"ZI", b"ZI S"),
        (b"T", b"T S     2.0000 g"),
        (b"TI", b"TI S     2.0000 g"),
        (b"TA", b"TA A     0.0000 g"),
        (b"TA 10.5 g", b"TA A    10.5000 g"),
        (b"TA 10.5 kg", b"TA L"),
        (b"TA 221 g", b"TA L"),
        (b"TA -1 g", b"TA L"),
        (b"TAC", b"TAC A"),
        (b'D "hello"', b"D A"),
        (b"D hello", b"D L"),
        (b"DW", b"DW A"),
        (b"K 2", b"K A"),
        (b"K 5", b"K L"),
        (b"M21 0 0", b"M21 A"),
        (b"M21 0 5", b"M21 L"),
        (b"SR x", b"S L"),
        (b"s", b"ES"),
        (b"S 1", b"ES"),
        (b"C3", b"ES"),
        (b" S", b"ES"),
        (b"\xd3", b"ET"),
    ],
)
def test_every_command_has_its_reply(command: bytes, answer: bytes) -> None:
    assert Host(load=2.0).ask(command) == answer + b"\r\n"


def test_i0_lists_every_command_with_its_level() -> None:
    *others, last = Host().ask(b"I0").decode().splitlines()
    assert all(line.startswith("I0 B ") for line in others)
    assert last == 'I0 A 2 "M21"'
    assert len(others) + 1 == sum(map(len, LEVELS.values()))
    assert others[0] == 'I0 B 0 "@"'


def test_it_says_its_serial_number_when_it_is_switched_on() -> None:
    host = Host(switched_on=True)
    assert host.heard == b'I4 A "1126493049"\r\n'
    host.heard = b""
    host.balance.detach()
    host.balance.attach(lambda data: pytest.fail("it was on already"))


def test_a_changed_load_is_dynamic_until_it_has_settled() -> None:
    host = Host()
    host.balance.load = 100.0
    host.ask(b"SI")
    host.clock.advance(0.3)
    status, mass = host.ask(b"SI").split()[1:3]
    assert status == b"D"
    assert 30 < float(mass) < 100
    assert host.ask(b"S") == b""
    host.clock.advance(20)
    assert host.heard == b"S S   100.0000 g\r\n"


def test_a_load_that_changed_long_ago_has_settled() -> None:
    host = Host()
    host.balance.load = 50.0
    host.clock.advance(3600)
    assert host.ask(b"SI") == b"S S    50.0000 g\r\n"


def test_without_a_stable_weight_it_gives_up_after_its_time() -> None:
    host = Host(vibration=0.001, timeout=10.0)
    for command in (b"S", b"Z", b"T"):
        assert host.ask(command, 9.9) == b""
        host.clock.advance(0.2)
        assert host.heard == command + b" I\r\n"
    assert host.ask(b"SI").startswith(b"S D ")


def test_while_one_command_waits_others_for_a_weight_are_refused_and_cancel_ends_it() -> None:
    host = Host(vibration=0.001)
    assert host.ask(b"S") == b""
    assert host.ask(b"SI") == b"S I\r\n"
    assert host.ask(b"TI") == b"TI I\r\n"
    assert host.ask(b"I4") == b'I4 A "1126493049"\r\n'
    assert host.ask(b"@", 100.0) == b'I4 A "1126493049"\r\n'
    assert host.balance.idle


def test_overload_and_a_missing_pan_are_reported() -> None:
    assert Host(load=220.0005).ask(b"S") == b"S S   220.0005 g\r\n"
    for command in (b"S", b"SI"):
        assert Host(load=221.0).ask(command) == b"S +\r\n"
        assert Host(load=-20.0).ask(command) == b"S -\r\n"


@pytest.mark.parametrize(("load", "zeroed"), [(4.0, "A"), (-4.0, "A"), (5.0, "+"), (-5.0, "-")])
def test_zero_is_set_within_two_percent_of_the_capacity(load: float, zeroed: str) -> None:
    host = Host(load=load)
    assert host.ask(b"Z") == f"Z {zeroed}\r\n".encode()
    assert host.ask(b"ZI") == f"ZI {zeroed.replace('A', 'S')}\r\n".encode()


def test_tare_is_kept_by_cancel_and_forgotten_by_zero() -> None:
    host = Host(load=3.0)
    host.ask(b"T")
    host.ask(b"@")
    assert host.ask(b"S") == b"S S     0.0000 g\r\n"
    host.ask(b"Z")
    assert host.ask(b"TA") == b"TA A     0.0000 g\r\n"


def test_a_negative_load_cannot_be_tared() -> None:
    assert Host(load=-1.0).ask(b"T") == b"T -\r\n"
    assert Host(load=221.0).ask(b"TI") == b"TI +\r\n"


def test_sir_repeats_until_another_command_for_a_weight_comes() -> None:
    host = Host(load=1.0, rate=10.0)
    lines = host.ask(b"SIR", 1.05).splitlines()
    assert lines == [b"S S     1.0000 g"] * 11
    assert host.ask(b"I4", 0.5).count(b"S S") == 5
    assert host.ask(b"S", 1.0) == b"S S     1.0000 g\r\n"
    host.ask(b"SIR", 1.0)
    assert host.ask(b"@", 1.0) == b'I4 A "1126493049"\r\n'


def test_sr_tells_of_every_change_once_moving_and_once_stable() -> None:
    host = Host(load=1.0)
    assert host.ask(b"SR 0.5 g", 2.0) == b"S S     1.0000 g\r\n"
    host.heard = b""
    host.balance.load = 1.2
    host.clock.advance(20)
    assert host.heard == b""
    host.balance.load = 30.0
    host.clock.advance(20)
    moving, stable = host.heard.splitlines()
    assert moving.startswith(b"S D ")
    assert stable == b"S S    30.0000 g"


def test_the_mass_of_the_world_lies_on_the_pan() -> None:
    world = Vessel()
    host = Host(world)
    world.mass = 12.3456
    assert host.ask(b"S", 20.0) == b"S S    12.3456 g\r\n"


def test_readability_buoyancy_and_linearity_show() -> None:
    assert Host(load=12.3456, readability=0.01).ask(b"SI") == b"S S      12.35 g\r\n"
    assert Host(load=100.0, density=1.0).ask(b"SI") == b"S S    99.8950 g\r\n"
    assert Host(load=110.0, linearity=0.0005).ask(b"SI") == b"S S   110.0005 g\r\n"


def test_readings_scatter_by_the_repeatability_and_are_repeatable_by_seed() -> None:
    def readings() -> list[float]:
        host = Host(load=10.0, repeatability=0.001)
        return [float(host.ask(b"SI").split()[2]) for _ in range(400)]

    seen = readings()
    assert seen == readings()
    mean = sum(seen) / len(seen)
    assert mean == pytest.approx(10.0, abs=2e-4)
    assert (sum((each - mean) ** 2 for each in seen) / len(seen)) ** 0.5 == pytest.approx(0.001, rel=0.15)


def test_a_stuck_pan_does_not_feel_one_change() -> None:
    host = Host(faults=[{"kind": "stuck"}])
    host.balance.load = 5.0
    assert host.ask(b"S", 20.0) == b"S S     0.0000 g\r\n"
    host.balance.load = 8.0
    assert host.ask(b"S", 20.0) == b"S S     3.0000 g\r\n"


def test_readings_drift() -> None:
    host = Host(load=1.0, faults=[{"kind": "drift", "amount": 0.002}])
    host.clock.advance(1800)
    assert host.ask(b"SI") == b"S S     1.0010 g\r\n"


def test_nothing_runs_on_the_clock_after_the_line_was_closed() -> None:
    host = Host(vibration=0.001)
    host.ask(b"S")
    host.balance.detach()
    assert not host.clock.waiting
    host.balance.attach(lambda data: None)
    assert host.balance.idle
