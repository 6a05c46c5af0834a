"""MethodSCRIPT as the simulated EmStat understands it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.simulation.manual import ManualClock
from motet_simulators.emstat_pico import EmStatPico, Options


class Host:
    """The other end of the line."""

    def __init__(self, **options: object) -> None:
        self.clock = ManualClock()
        self.device = EmStatPico(Options.model_validate({"noise": 0, **options}), None, self.clock, seed=1)
        self.received = b""
        self.device.attach(self._receive)

    def _receive(self, data: bytes) -> None:
        self.received += data

    def send(self, data: bytes, seconds: float = 0.0) -> list[str]:
        """The lines that come back within so many seconds."""
        self.received = b""
        self.device.receive(data)
        self.clock.advance(seconds)
        return self.received.decode("ascii").split("\n")[:-1]

    def run(self, script: str, seconds: float = 60.0) -> list[str]:
        """What a script sends after the `e` that accepts it, with the empty line at its end."""
        lines = self.send(f"e\n{script.strip()}\n\n".encode(), seconds)
        assert lines[0] == "e", lines
        return lines[1:]


def refusal(script: str) -> str:
    """How a script is refused."""
    (line,) = Host().send(f"e\n{script}\n\n".encode(), 1.0)
    return line


def values(line: str) -> list[float]:
    """The numbers of a package."""
    prefixes = {"n": 1e-9, "u": 1e-6, "m": 1e-3, " ": 1.0, "i": 1.0, "k": 1e3, "p": 1e-12, "f": 1e-15}
    return [(int(one[2:9], 16) - 0x8000000) * prefixes[one[9]] for one in line[1:].split(";")]


def test_text_is_sent() -> None:
    assert Host().run('send_string "Hello # world!"') == ["THello # world!", ""]
    assert Host().run('var n\nstore_var n 3 ja\nsend_string f"n is {n}"') == ["Tn is 3", ""]


def test_variables_are_calculated_with() -> None:
    script = """
    var a
    var b
    store_var a 1500m ja
    store_var b 2i jb
    add_var a 500m   # 2
    mul_var a b      # 4
    sub_var a 1      # 3
    div_var a 4      # 0.75
    copy_var a b
    pow_var b 2
    pck_start
      pck_add a
      pck_add b
    pck_end
    """
    package, end = Host().run(script)
    assert end == ""
    assert package.startswith("Pja")
    assert values(package) == pytest.approx([0.75, 0.5625])


def test_integers_stay_integers_and_bits_can_be_set() -> None:
    script = "var n\nstore_var n 0x0Fi ja\nbit_and_var n 0b0110i\nbit_lsl_var n 2i\npck_start\npck_add n\npck_end"
    assert Host().run(script) == ["Pja8000018i", ""]


def test_loops_and_conditions_decide() -> None:
    script = """
    var i
    store_var i 0i ja
    loop i < 10
      add_var i 1i
      if i == 2
        send_string "two"
      elseif i == 3
        send_string "three"
      else
        if i > 4
          breakloop
        endif
      endif
    endloop
    """
    assert Host().run(script) == ["L", "Ttwo", "Tthree", "+", ""]


def test_arrays_hold_what_was_measured() -> None:
    script = """
    var i
    var x
    array a 3i
    store_var i 0i ja
    loop i < 3
      array_set a i i
      add_var i 1i
    endloop
    array_get a 2i x
    pck_start
    pck_add x
    pck_end
    array_get a 3i x
    """
    assert Host().run(script) == ["L", "+", "Pja8000002i", "!4205: Line 13", ""]


def test_waiting_takes_its_time_and_the_timer_tells_it() -> None:
    host = Host()
    script = "var t\ntimer_start\nwait 1500m\ntimer_get t\npck_start\npck_add t\npck_end"
    assert host.run(script, 1.4) == []
    (package, end) = host.send(b"", 0.2)
    assert values(package) == [pytest.approx(1.5, abs=0.001)]
    assert end == ""


def test_an_interval_is_waited_for() -> None:
    script = """
    var t
    var n
    store_var n 0i ja
    set_int 2
    timer_start
    loop n < 2
      await_int
      wait 500m
      timer_get t
      pck_start
      pck_add t
      pck_end
      add_var n 1i
    endloop
    """
    first, second = (values(line)[0] for line in Host().run(script) if line.startswith("P"))
    assert second - first == pytest.approx(2.0, abs=0.01)


def test_an_endless_loop_can_be_aborted() -> None:
    host = Host()
    assert host.run('loop 1 == 1\nendloop\non_finished:\nsend_string "bye"', 1.0) == ["L"]
    assert host.send(b"Z\n", 0.1) == ["Z", "+", "Tbye", ""]
    assert not host.device.running


def test_a_script_may_abort_itself() -> None:
    assert Host().run('abort\nsend_string "no"\non_finished:\nsend_string "yes"') == ["Tyes", ""]


def test_output_may_be_switched_off() -> None:
    script = 'set_script_output 0\nsend_string "no"\nset_script_output 1\nsend_string "yes"'
    assert Host().run(script) == ["Tyes", ""]


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("invalid_command", "e!4001: Line 1, Col 16"),
        ("# one\n  foo 1", "e!4001: Line 2, Col 6"),
        ("var p\nvar p", "e!4026: Line 2, Col 6"),
        ("var 1p", "e!402B: Line 1, Col 7"),
        ("store_var p 1 ja", "e!420B: Line 1, Col 12"),
        ("var p\nstore_var p 1.5 ja", "e!4004: Line 2, Col 16"),
        ("var p\nstore_var p 1 zz", "e!0002: Line 2, Col 17"),
        ("wait", "e!4004: Line 1, Col 5"),
        ("wait 1 2", "e!420A: Line 1, Col 9"),
        ("set_pgstat_mode -1", "e!4200: Line 1, Col 19"),
        ("var p\nvar c\nmeas_loop_ca p c 0 1 1 nscans(2)\nendloop", "e!4008: Line 3, Col 33"),
        ("var p\nvar c\nmeas_loop_cv p c 0 1 0 1m 1 nscans(x)\nendloop", "e!4205: Line 3, Col 38"),
        ("loop 1 == 1", "e!4018: Line 1, Col 5"),
        ("endloop", "e!400C: Line 1, Col 8"),
        ("breakloop", "e!400C: Line 1, Col 10"),
        ("var p\nmeas_loop_ocp p 1 1\nmeas_loop_ocp p 1 1\nendloop\nendloop", "e!400B: Line 3, Col 14"),
        ("on_finished:\non_finished:", "e!400C: Line 2, Col 13"),
        ("if 1 => 2\nendif", "e!4004: Line 1, Col 8"),
        ("send_string hello", "e!4004: Line 1, Col 18"),
        ("\n".join(["if 1 == 1"] * 60), "e!4005: Line 41, Col 3"),
    ],
)  # fmt: skip
def test_a_script_with_a_mistake_is_refused_where_it_is(script: str, answer: str) -> None:
    assert refusal(script) == answer


SET_UP = "var p\nvar c\nvar f\nvar g\nset_pgstat_chan 0\nset_pgstat_mode 2\nset_range ba 100u\n"


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("set_e 3", "!000F: Line 8"),
        ("set_pgstat_mode 7", "!0021: Line 8"),
        ("set_pgstat_mode 0\ncell_on", "!0023: Line 9"),
        ("meas_loop_lsv p c 0 1 10m 1\nendloop", "!4027: Line 8"),
        ("cell_on\nmeas_loop_ocp p 1 1\nendloop", "!0014: Line 9"),
        ("cell_on\nmeas_loop_ca p c 0 0 1\nendloop", "!4204: Line 9"),
        ("cell_on\nmeas_loop_lsv p c 0 0 10m 1\nendloop", "!4029: Line 9"),
        ("cell_on\nmeas_loop_lsv p c 0 -1500m 10m 1\nendloop", "!000F: Line 9"),
        ("cell_on\nmeas_loop_eis p c f 10m 1k 1 5 0\nendloop", "!0023: Line 9"),
        ("set_pgstat_mode 3\ncell_on\nmeas_loop_eis p c f 10m 1M 1 5 0\nendloop", "!0011: Line 10"),
        ("set_pgstat_mode 3\ncell_on\nmeas_loop_eis p c f 1 1k 1 5 0\nendloop", "!0012: Line 10"),
        ("cell_on\nmeas_loop_cp p c 1u 100m 1\nendloop", "!001F: Line 9"),
        ("cell_on\nmeas_loop_npv p c 0 1 10m 60m 100m\nendloop", "!4205: Line 9"),
        (
            "array u 9\nset_pgstat_mode 3\ncell_on\nmeas_loop_eis p c f 10m 1k 100 2 0 eis_tdd(u u g g 0)\nendloop",
            "!4205: Line 11",
        ),
        ("cell_on\nmeas_loop_dpv p c 0 1 10m 50m 1 100m\nendloop", "!4205: Line 9"),
        ("pck_add p", "!401B: Line 8"),
        ("div_var p 0", "!0028: Line 8"),
        ("log_var p 10", "!0010: Line 8"),
        ("wait -1", "!4205: Line 8"),
        ('file_open "x" 0', "!0047: Line 8"),
    ],
)
def test_what_cannot_be_done_is_an_error_and_what_is_after_on_finished_does_not_run(script: str, answer: str) -> None:
    host = Host()
    lines = host.run(f'{SET_UP}{script}\non_finished:\nsend_string "finished"')
    assert lines[-2:] == [answer, ""]
    assert "Tfinished" not in lines
    assert host.send(b"i\n") == ["iESPI2201"]


def test_a_voltammogram_has_a_marker_for_each_scan() -> None:
    script = (
        SET_UP + "cell_on\nmeas_loop_cv p c 0 200m -100m 10m 100m nscans(3)\npck_start\npck_add p\npck_end\nendloop"
    )
    lines = Host().run(script)
    marks = [line for line in lines if not line.startswith("P")]
    assert marks == ["M0005", "C0000", "-", "C0001", "-", "C0002", "-", "*", ""]
    potentials = [values(line)[0] for line in lines if line.startswith("P")]
    assert len(potentials) == 3 * 60 + 1
    assert (max(potentials), min(potentials)) == (pytest.approx(0.2), pytest.approx(-0.1))
    assert potentials[:2] == pytest.approx([0, 0.01])


def test_the_measurement_of_a_point_is_sent_when_it_is_made() -> None:
    host = Host()
    script = SET_UP + "cell_on\nmeas_loop_ca p c 500m 500m 2\npck_start\npck_add c\npck_end\nendloop\ncell_off"
    assert host.run(script, 0.4) == ["M0007"]
    for _ in range(3):
        assert len(host.send(b"", 0.5)) == 1
    assert host.device.cell_on
    assert host.send(b"", 0.5)[-2:] == ["*", ""]
    assert not host.device.cell_on


def test_the_current_says_its_range_and_whether_it_is_too_large() -> None:
    script = SET_UP + "{}cell_on\nmeas_loop_ca p c 700m 100m 100m\npck_start\npck_add c\npck_end\nendloop\ncell_off"
    (good,) = (line for line in Host().run(script.format("")) if line[0:1] == "P")
    assert good.endswith(",10,208,40")  # 33 uA in the range up to 150 uA
    (small,) = (line for line in Host().run(script.format("set_range ba 10u\n")) if line[0:1] == "P")
    assert small.endswith(",12,205,40")
    assert values(small.partition(",")[0])[0] == pytest.approx(1.05 * 18.7e-6, rel=0.01)
    auto = script.format("set_autoranging ba 100n 1m\n")
    (chosen,) = (line for line in Host().run(auto) if line[0:1] == "P")
    assert chosen.endswith(",10,206,40")
    (fast,) = (line for line in Host().run(auto.replace("mode 2", "mode 3")) if line[0:1] == "P")
    assert fast.endswith(",10,286,40")


def test_square_wave_and_differential_pulse_peak_at_the_formal_potential() -> None:
    sets = SET_UP + "set_autoranging ba 100n 1m\nset_e -100m\ncell_on\n"
    square = sets + "meas_loop_swv p c f g -100m 500m 10m 25m 10\npck_start\npck_add p\npck_add c\npck_add f\n"
    square += "pck_add g\npck_end\nendloop\ncell_off"
    rows = [values(line.replace(",40", "")) for line in _packages(Host().run(square))]
    peak = max(rows, key=lambda row: row[1])
    assert peak[0] == pytest.approx(0.2, abs=0.015)
    assert all(row[1] == pytest.approx(row[2] - row[3], abs=1e-8) for row in rows)
    pulse = sets + "meas_loop_dpv p c -100m 500m 10m 50m 20m 100m\npck_start\npck_add p\npck_add c\npck_end\nendloop"
    rows = [values(line) for line in _packages(Host().run(pulse))]
    assert max(rows, key=lambda row: row[1])[0] == pytest.approx(0.175, abs=0.015)


def _packages(lines: list[str]) -> list[str]:
    return [";".join(one.split(",")[0] for one in line.split(";")) for line in lines if line.startswith("P")]


def test_impedance_runs_over_the_frequencies() -> None:
    script = SET_UP.replace("mode 2", "mode 3") + (
        "set_autoranging ba 1u 1m\ncell_on\nmeas_loop_eis f p c 10m 1k 1 4 200m\npck_start\npck_add f\npck_add p\n"
        "pck_add c\npck_end\nendloop\non_finished:\ncell_off"
    )
    lines = Host().run(script)
    assert lines[0] == "M000D"
    rows = [values(line) for line in _packages(lines)]
    assert [row[0] for row in rows] == pytest.approx([1000, 100, 10, 1])
    assert rows[-1][1] > rows[0][1]
    assert all(row[2] < 0 for row in rows)


def test_single_measurements_are_possible() -> None:
    script = SET_UP + "meas 100m p ab\nset_e 500m\ncell_on\nmeas 100m c ba\npck_start\npck_add p\npck_add c\npck_end"
    (package,) = _packages(Host().run(script))
    assert values(package)[0] == pytest.approx(0.0225, abs=0.001)
    assert values(package)[1] > 1e-5


def test_old_scripts_for_currents_only_are_understood() -> None:
    script = "var p\nvar c\nset_pgstat_mode 2\nset_cr 500u\nset_pot_range -600m 0m\nset_autoranging 100u 100u\ncell_on"
    assert Host().run(script) == [""]


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([
                "var p", "var c", "loop p < 3", "endloop", "if p == c", "else", "endif", "on_finished:", "cell_on",
                "set_pgstat_mode 2", "meas_loop_ca p c 0 1 2", "meas_loop_ocp p 1 2", "pck_start", "pck_add p",
                "pck_end", "add_var p 1", "array p 3i", "breakloop", "abort", "wait 1", "store_var p 5i ja",
            ]),
            st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30),
        ),
        max_size=20,
    )
)  # fmt: skip
def test_any_script_is_refused_or_runs_and_leaves_an_instrument_that_answers(script: list[str]) -> None:
    host = Host()
    host.send(("e\n" + "\n".join(script) + "\n\n").encode(), 20.0)
    host.send(b"\n\nZ\n", 1.0)
    assert host.send(b"i\n", 0.1)[-1] == "iESPI2201"
    assert host.clock.waiting == 0
