"""The simulated EmStat on the wire: commands, aborting, halting, faults, worlds."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.simulation.manual import ManualClock
from motet_simulators.emstat_pico import EmStatPico, Options, problem
from motet_simulators.emstat_pico.electrochemical_cell import Cell

AMPEROMETRY = (
    b"e\nvar p\nvar c\nset_pgstat_mode 2\nset_autoranging ba 100n 1m\nset_e 500m\ncell_on\n"
    b"meas_loop_ca p c 500m 1 100\npck_start\npck_add c\npck_end\nendloop\n"
    b'send_string "after"\non_finished:\ncell_off\n\n'
)


class Wire:
    """The other end of the line."""

    def __init__(self, world: object = None, **options: object) -> None:
        self.clock = ManualClock()
        self.device = EmStatPico(Options.model_validate(options), world, self.clock, seed=1)
        self.received = b""
        self.plug_in()

    def plug_in(self) -> None:
        """Open the line."""
        self.device.attach(self._receive)

    def _receive(self, data: bytes) -> None:
        self.received += data

    def send(self, data: bytes, seconds: float = 0.0) -> bytes:
        """What comes back within so many seconds."""
        self.received = b""
        self.device.receive(data)
        self.clock.advance(seconds)
        return self.received

    def currents(self, data: bytes, seconds: float) -> list[float]:
        """The first number of each package that comes back, A."""
        prefixes = {"n": 1e-9, "u": 1e-6, "m": 1e-3, " ": 1.0, "p": 1e-12, "f": 1e-15}
        lines = self.send(data, seconds).decode().split("\n")
        return [(int(line[3:10], 16) - 0x8000000) * prefixes[line[10]] for line in lines if line[:3] == "Pba"]


@pytest.mark.parametrize(
    ("model", "firmware", "answer"),
    [
        ("EmStat Pico", "1.2.1", b"tespico1201#"),
        ("EmStat4 LR", "1.5", b"tes4_lr15#"),
        ("EmStat4 HR", "1.1.0", b"tes4_hr1100#"),
    ],
)
def test_the_firmware_comes_in_two_lines(model: str, firmware: str, answer: bytes) -> None:
    reply = Wire(model=model, firmware=firmware).send(b"t\n")
    assert reply.startswith(answer)
    assert reply.endswith(b"\nR*\n")
    assert reply.count(b"\n") == 2


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"i\n", b"iESPI2201\n"),
        (b"i\r\n", b"iESPI2201\n"),
        (b"v\n", b"v01.04.00\n"),
        (b"\n", b"\n"),
        (b"Z\n", b"Z!0006\n"),
        (b"Y\n", b"Y!0006\n"),
        (b"h\n", b"h!0006\n"),
        (b"r\n", b"r!000C\n"),
        (b"G06\n", b"G!0004\n"),
        (b"foo\n", b"f!0003\n"),
        (b"x" * 2000, b"!0008\n"),
    ],
)
def test_commands_are_answered_with_their_first_character(command: bytes, answer: bytes) -> None:
    assert Wire().send(command) == answer


def test_capabilities_are_bits() -> None:
    wire = Wire()
    commands = int(wire.send(b"CC\n")[1:], 16)
    assert [bit for bit in (1, 38, 48, 98) if commands >> bit & 1] == [1, 38, 48, 98]  # t, e, i, Z
    script = int(wire.send(b"CM\n")[1:], 16)
    assert [bit for bit in (1, 24, 28, 31, 64, 67) if script >> bit & 1] == [1, 24, 28, 31, 64]  # no meas_loop_cp


def test_a_script_may_be_loaded_now_and_run_later() -> None:
    wire = Wire()
    assert wire.send(b'l\nsend_string "hi"\n\n', 1.0) == b"l\n"
    assert wire.send(b"r\n", 1.0) == b"r\nThi\n\n"
    assert wire.send(b"r\n", 1.0) == b"r\nThi\n\n"
    assert wire.send(b"l\nnonsense\n\n", 1.0) == b"l!4001: Line 1, Col 9\n"
    assert wire.send(b"r\n", 1.0) == b"r!000C\n"


def test_a_script_may_come_in_pieces() -> None:
    wire = Wire()
    for byte in b'e\nsend_string "hi"\n':
        assert wire.send(bytes([byte])) == b""
    assert wire.send(b"\n", 0.1) == b"e\nThi\n\n"


def test_z_ends_the_measurement_and_switches_the_cell_off() -> None:
    wire = Wire()
    assert wire.send(AMPEROMETRY, 2.5).count(b"P") == 2
    assert wire.device.cell_on
    assert wire.send(b"Z\n", 0.01) == b"Z\n*\n\n"
    assert not wire.device.cell_on
    assert not wire.device.running
    assert wire.send(b"", 10.0) == b""
    assert wire.send(b"Z\n") == b"Z!0006\n"


def test_y_ends_the_measurement_loop_and_the_script_goes_on() -> None:
    wire = Wire()
    wire.send(AMPEROMETRY, 2.5)
    assert wire.send(b"Y\n", 0.1) == b"Y\n*\nTafter\n\n"


def test_y_does_not_shorten_a_wait() -> None:
    wire = Wire()
    wire.send(b'e\nwait 10\nsend_string "now"\n\n', 5.0)
    assert wire.send(b"Y\n", 4.9) == b"Y\n"
    assert wire.send(b"", 0.2) == b"Tnow\n\n"


def test_h_halts_and_capital_h_goes_on() -> None:
    wire = Wire()
    wire.send(AMPEROMETRY, 2.5)
    assert wire.send(b"h\n", 100.0) == b"h\n"
    assert wire.send(b"H\n", 0.4) == b"H\n"
    assert wire.send(b"", 0.2).startswith(b"Pba")


def test_while_a_script_runs_other_commands_are_refused() -> None:
    wire = Wire()
    wire.send(AMPEROMETRY, 2.5)
    assert wire.send(b"i\n") == b"i!0006\n"
    assert wire.send(b"e\n") == b"e!0006\n"
    assert wire.send(b"\n") == b""
    assert wire.send(b"t\n").startswith(b"tespico")


def test_synchronizing_as_in_the_makers_examples_finds_the_instrument_in_any_state() -> None:
    wire = Wire()
    assert wire.send(b"\nZ\n", 0.1) == b"\nZ!0006\n"
    wire.send(AMPEROMETRY, 2.5)
    assert wire.send(b"\nZ\n", 0.1) == b"Z\n*\n\n"


def test_a_script_that_came_in_part_ends_with_the_next_empty_line() -> None:
    wire = Wire()
    wire.send(AMPEROMETRY[:60], 0.1)
    assert wire.send(b"\nZ\n", 0.1) == b""
    refused, synchronized, _ = wire.send(b"\nZ\n", 0.1).split(b"\n")
    assert refused.startswith(b"e!40")
    assert synchronized == b"Z!0006"


def test_a_script_goes_on_when_the_line_is_closed_but_nobody_hears_it() -> None:
    wire = Wire()
    wire.send(AMPEROMETRY, 2.5)
    wire.device.detach()
    assert wire.clock.waiting == 0
    wire.clock.advance(50.0)
    assert wire.device.cell_on
    wire.received = b""
    wire.plug_in()
    assert wire.received == b""
    assert wire.send(b"", 10.0).count(b"Pba") == 10
    wire.device.detach()
    wire.clock.advance(1000.0)
    assert not wire.device.cell_on


def test_the_same_seed_gives_the_same_noise() -> None:
    runs = [Wire(noise=1e-3).send(AMPEROMETRY, 20.0) for _ in range(2)]
    assert runs[0] == runs[1] != Wire(noise=0).send(AMPEROMETRY, 20.0)


def test_a_fault_refuses_a_script() -> None:
    wire = Wire(faults=[{"kind": "error"}])
    assert wire.send(AMPEROMETRY, 1.0) == b"e!0001: Line 1, Col 1\n"
    assert wire.send(AMPEROMETRY, 1.0).startswith(b"e\nM0007\n")


def test_a_stall_is_a_critical_overload_in_the_middle_and_the_cell_stays_on() -> None:
    wire = Wire(faults=[{"kind": "stall", "after": 3}])
    reply = wire.send(AMPEROMETRY, 20.0)
    assert reply.count(b"Pba") == 3
    assert reply.endswith(b"!0032: Line 7\n\n")
    assert wire.device.cell_on
    assert wire.send(b"e\ncell_off\n\n", 1.0) == b"e\n\n"
    assert not wire.device.cell_on


def test_drift_moves_the_reference() -> None:
    ocp = b"e\nvar p\nset_pgstat_mode 2\nmeas 100m p ab\npck_start\npck_add p\npck_end\n\n"
    wire = Wire(faults=[{"kind": "drift", "amount": 0.01}])
    first = wire.send(ocp, 1.0).split(b"ab")[1][:7]
    later = wire.send(b"", 3600.0) + wire.send(ocp, 1.0).split(b"ab")[1][:7]
    assert (int(first, 16) - int(later, 16)) * 1e-9 == pytest.approx(0.01, abs=0.0005)


class Beaker:
    """A world with a solution in it."""

    takes: frozenset[str] = frozenset()

    def __init__(self, **quantities: float) -> None:
        self.quantities = quantities

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(self.quantities)

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        raise KeyError(quantity)

    def add(self, quantity: str, amount: float) -> None:
        raise KeyError(quantity)

    def read(self, quantity: str) -> float:
        return self.quantities[quantity]


def test_the_current_follows_the_concentration_in_the_world() -> None:
    world = Beaker(concentration=1.0)
    wire = Wire(world, noise=0)
    single = wire.currents(AMPEROMETRY, 10.0)
    wire.send(b"Z\n", 1.0)
    world.quantities["concentration"] = 3.0
    assert wire.currents(AMPEROMETRY, 10.0) == pytest.approx([3 * current for current in single], rel=0.01)


def test_a_world_may_say_the_current_itself() -> None:
    assert Wire(Beaker(current=0.02), noise=0).currents(AMPEROMETRY, 3.5) == pytest.approx([2e-5] * 3, rel=1e-3)


class Bench:
    """A world with a cell of its own."""

    def cell(self) -> Cell:
        return Resistor()


class Resistor:
    """10 kOhm."""

    def begin(self, potential: float) -> None: ...

    def ramp(self, start: float, end: float, seconds: float) -> float:
        return end / 1e4

    def rest(self) -> None: ...

    def open_circuit(self) -> float:
        return 0.0

    def impedance(self, potential: float, frequency: float) -> complex:
        return 1e4 + 0j


def test_a_world_may_offer_a_cell() -> None:
    assert Wire(Bench(), noise=0).currents(AMPEROMETRY, 3.5) == pytest.approx([5e-5] * 3, rel=1e-3)


def test_another_model_than_the_drivers_is_a_problem_of_the_lab_file() -> None:
    class Driver:
        model = "EmStat4 LR"

    assert problem(Driver, Options()) == (
        "the driver's model is EmStat4 LR, the simulator's EmStat Pico: state `model` for both"
    )
    assert problem(Driver, Options(model="EmStat4 LR")) is None


@given(st.binary(max_size=60))
@settings(max_examples=120, deadline=None)
def test_any_bytes_leave_an_instrument_that_answers(data: bytes) -> None:
    wire = Wire()
    wire.send(data, 1.0)
    wire.send(b"\n\n\nZ\n", 1.0)
    assert wire.send(b"i\n", 0.1).endswith(b"iESPI2201\n")
