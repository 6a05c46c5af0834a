"""The simulated IKA hot plate: bytes, heat, stirrer, watchdog, world."""

from collections.abc import Callable
from typing import Any

import pytest

from motet.simulation.manual import ManualClock
from motet_simulators.ika_rct import IkaRct, Options


class Host:
    """Talks to a simulated plate, step by step."""

    def __init__(self, world: object | None = None, **options: Any) -> None:
        self.clock = ManualClock()
        self.heard = b""
        quiet: dict[str, Any] = {"temperature_noise": 0.0, **options}
        self.plate = IkaRct(Options(**quiet), world, self.clock, 1)
        self.plate.attach(self._hear)

    def _hear(self, data: bytes) -> None:
        self.heard += data

    def ask(self, command: bytes, end: bytes = b"\r\n") -> bytes:
        """What it answers at once."""
        self.heard = b""
        self.plate.receive(command + end)
        return self.heard

    def number(self, command: bytes) -> float:
        """The value of its answer."""
        return float(self.ask(command).split()[0])


class Vessel:
    """A world that takes what the plate does and lets its temperature be read."""

    def __init__(self) -> None:
        self.takes = frozenset({"temperature", "stirring"})
        self.reads = frozenset({"temperature"})
        self.sources: dict[str, Callable[[], float]] = {}
        self.told: list[float] = []

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        self.sources[quantity] = value
        return lambda: self.told.append(value())

    def add(self, quantity: str, amount: float) -> None:
        raise KeyError(quantity)

    def read(self, quantity: str) -> float:
        return self.sources[quantity]() + 0.5


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"IN_NAME", b"RCT digital \r\n"),
        (b"IN_PV_1", b"22.0 1 \r\n"),
        (b"IN_PV_2", b"22.0 2 \r\n"),
        (b"IN_PV_4", b"0.0 4 \r\n"),
        (b"IN_PV_5", b"0.0 5 \r\n"),
        (b"IN_SP_1", b"0.0 1 \r\n"),
        (b"IN_SP_3", b"360.0 3 \r\n"),
        (b"IN_SP_4", b"0.0 4 \r\n"),
        (b"OUT_SP_12@50", b"50.0 \r\n"),
        (b"OUT_SP_42@100", b"100.0 \r\n"),
        (b"OUT_WD1@20", b"20 \r\n"),
        (b"OUT_WD2@1500.0", b"1500 \r\n"),
        (b"OUT_WD2@0", b"0 \r\n"),
    ],
)
def test_questions_and_echoes_are_answered(command: bytes, answer: bytes) -> None:
    assert Host().ask(command) == answer
    assert Host().ask(command, b" \r \n") == answer


@pytest.mark.parametrize(
    "command",
    [
        b"OUT_SP_1 50", b"OUT_SP_4 300", b"START_1", b"STOP_1", b"START_4", b"STOP_4", b"START_5", b"STOP_5", b"RESET",
        b"SET_MODE_A", b"OUT_WD1@19", b"OUT_WD1@0", b"OUT_WD1 20", b"OUT_WD2@1501", b"OUT_SP_1 x", b"OUT_SP_1 -5", b"",
        b"in_name", b"NONSENSE", b"IN_PV_9", b"IN_VERSION", b"\xff\xfe", b"A" * 200,
    ],
)  # fmt: skip
def test_what_sets_and_what_is_no_command_is_passed_over_in_silence(command: bytes) -> None:
    host = Host()
    assert host.ask(command) == b""
    assert host.ask(b"IN_NAME") == b"RCT digital \r\n"


def test_commands_may_come_in_pieces_and_several_at_once() -> None:
    host = Host()
    assert host.ask(b"IN_NA", b"") == b""
    assert host.ask(b"ME\r\nIN_SP_1") == b"RCT digital \r\n0.0 1 \r\n"


def test_values_out_of_range_are_not_taken() -> None:
    host = Host(safety_temperature=100.0)
    for command in (b"OUT_SP_1 90", b"OUT_SP_4 1501"):
        host.ask(command)
    assert host.number(b"IN_SP_1") == 0.0
    assert host.number(b"IN_SP_4") == 0.0
    host.ask(b"OUT_SP_1 85")
    assert host.number(b"IN_SP_1") == 85.0


@pytest.mark.parametrize(("probe", "channel"), [(True, b"IN_PV_1"), (False, b"IN_PV_2")])
def test_what_is_regulated_comes_to_the_set_point_and_stays(probe: bool, channel: bytes) -> None:
    host = Host(probe=probe)
    host.ask(b"OUT_SP_1 60")
    host.ask(b"OUT_SP_4 500")
    host.ask(b"START_4")
    assert host.number(channel) == 22.0
    host.ask(b"START_1")
    seen: list[float] = []
    for _ in range(720):
        host.clock.advance(5.0)
        seen.append(host.number(channel))
    assert max(seen) < 63.0
    assert seen[3] < 50.0
    assert seen[-60:] == pytest.approx([60.0] * 60, abs=0.2)


def test_the_plate_is_hotter_than_the_medium_and_both_cool_to_the_room() -> None:
    host = Host()
    host.ask(b"OUT_SP_1 80")
    host.ask(b"START_1")
    host.clock.advance(1800)
    assert host.number(b"IN_PV_2") > host.number(b"IN_PV_1") > 70
    host.ask(b"STOP_1")
    host.clock.advance(36_000)
    assert host.number(b"IN_PV_1") == pytest.approx(22.0, abs=0.2)


def test_heat_is_conserved_while_it_is_stored() -> None:
    host = Host(plate_loss=1e-9, medium_loss=1e-9, power=100.0)
    host.ask(b"OUT_SP_1 300")
    host.ask(b"START_1")
    host.clock.advance(300)
    plate, medium = host.plate.plate_temperature(), host.plate.medium_temperature()
    assert 700 * (plate - 22) + 420 * (medium - 22) == pytest.approx(100 * 300, rel=1e-6)


def test_it_makes_no_difference_how_often_somebody_looks() -> None:
    seldom, often = Host(), Host()
    for host, step in ((seldom, 600.0), (often, 2.0)):
        host.ask(b"OUT_SP_1 70")
        host.ask(b"START_1")
        for _ in range(int(600 / step)):
            host.clock.advance(step)
            host.plate.medium_temperature()
    assert seldom.plate.medium_temperature() == pytest.approx(often.plate.medium_temperature(), abs=1e-6)


def test_the_stirrer_comes_to_its_speed_at_its_rate() -> None:
    host = Host(acceleration=100.0)
    host.ask(b"OUT_SP_4 500")
    host.ask(b"START_4")
    host.clock.advance(2.0)
    assert host.number(b"IN_PV_4") == 200.0
    host.clock.advance(10.0)
    assert host.number(b"IN_PV_4") == 500.0
    host.ask(b"STOP_4")
    host.clock.advance(1.0)
    assert host.number(b"IN_PV_4") == 400.0


def test_watchdog_1_switches_off_at_its_time_also_when_nobody_is_connected() -> None:
    host = Host()
    for command in (b"OUT_SP_1 80", b"OUT_SP_4 500", b"START_1", b"START_4", b"OUT_WD1@20"):
        host.ask(command)
    host.clock.advance(19)
    host.ask(b"OUT_WD1@20")
    host.clock.advance(19)
    assert host.number(b"IN_PV_4") == 500.0
    warm = host.number(b"IN_PV_2")
    host.plate.detach()
    host.clock.advance(3600)
    host.plate.attach(lambda data: None)
    assert host.plate.plate_temperature() < warm
    assert not host.plate.plate.heating
    assert host.plate.plate.display == "Er 2"


def test_watchdog_2_falls_back_to_its_own_set_values() -> None:
    host = Host()
    for command in (b"OUT_SP_12@40", b"OUT_SP_42@100", b"OUT_SP_1 80", b"OUT_SP_4 500", b"START_4", b"OUT_WD2@30"):
        host.ask(command)
    host.clock.advance(60)
    assert host.number(b"IN_SP_1") == 40.0
    assert host.number(b"IN_SP_4") == 100.0
    assert host.number(b"IN_PV_4") == 100.0


def test_reset_switches_off() -> None:
    host = Host()
    for command in (b"OUT_SP_1 80", b"START_1", b"OUT_SP_4 500", b"START_4", b"RESET"):
        host.ask(command)
    assert not host.plate.plate.heating
    assert not host.plate.plate.stirrer.running


def test_a_stalled_stirrer_stops_half_way_and_a_stuck_one_does_not_begin() -> None:
    host = Host(faults=[{"kind": "stall"}, {"kind": "stuck", "after": 1}])
    host.ask(b"OUT_SP_4 600")
    host.ask(b"START_4")
    speeds: list[float] = []
    for _ in range(20):
        host.clock.advance(0.5)
        speeds.append(host.number(b"IN_PV_4"))
    assert max(speeds) == pytest.approx(300, abs=1)
    assert speeds[-1] == 0.0
    assert host.plate.plate.display == "Er 4"
    host.ask(b"RESET")
    host.ask(b"START_4")
    host.clock.advance(10)
    assert host.number(b"IN_PV_4") == 0.0


def test_readings_drift() -> None:
    host = Host(faults=[{"kind": "drift", "amount": 2.0}])
    host.clock.advance(1800)
    assert host.number(b"IN_PV_2") == 23.0


def test_the_ret_control_visc_knows_more_commands() -> None:
    host = Host(model="ret_control_visc")
    assert host.ask(b"IN_NAME") == b"IKARET \r\n"
    assert host.ask(b"IN_VERSION") == b"110 \r\n"
    assert host.ask(b"IN_PV_4") == b"0 4 \r\n"
    host.ask(b"OUT_SP_2 340")
    assert host.ask(b"IN_SP_2") == b"340.0 2 \r\n"
    host.ask(b"START_2")
    assert host.ask(b"STATUS_1") == b"11 1 \r\n"
    host.ask(b"OUT_NAME Pot7")
    assert host.ask(b"IN_NAME") == b"Pot7 \r\n"


def test_the_world_is_heated_and_stirred_and_its_temperature_is_what_the_probe_reads() -> None:
    world = Vessel()
    host = Host(world)
    assert set(world.sources) == {"temperature", "stirring"}
    for command in (b"OUT_SP_1 60", b"START_1", b"OUT_SP_4 300", b"START_4"):
        host.ask(command)
    host.clock.advance(1200)
    assert world.sources["temperature"]() == pytest.approx(60.0, abs=1.0)
    assert world.sources["stirring"]() == 300.0
    assert host.number(b"IN_PV_1") == pytest.approx(world.sources["temperature"]() + 0.5, abs=0.06)
    assert world.told


def test_nothing_runs_on_the_clock_after_the_line_was_closed() -> None:
    host = Host(Vessel())
    host.ask(b"OUT_SP_4 300")
    host.ask(b"START_4")
    assert host.clock.waiting
    host.plate.detach()
    assert not host.clock.waiting
