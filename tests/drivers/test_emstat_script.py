"""The scripts that the EmStat driver sends."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet_drivers.emstat_pico import script as emstat_script
from motet_drivers.emstat_pico.script import Script, SetUp, number
from motet_simulators.emstat_pico.parser import literal, parse

SET_UP = SetUp(2, 60.0, 100e-9, 1e-3, 1.5)
SCRIPTS = {
    "cv": emstat_script.cyclic_voltammetry(SET_UP, -0.2, 0.6, -0.2, 0.005, 0.1, 3),
    "ca": emstat_script.chronoamperometry(SET_UP, 0.5, 10.0, 0.1),
    "ocp": emstat_script.open_circuit(2, 10.0, 0.1),
    "eis": emstat_script.impedance(SET_UP, 0.2, 0.01, 1.0, 1e5, 51),
    "off": emstat_script.CELL_OFF,
}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.5, "500m"), (-0.2, "-200m"), (200e3, "200k"), (6, "6"), (1.5, "1500m"), (1e-4, "100u"),
     (0.0001234567, "123456700p"), (1e6, "1M"), (0.1 + 0.2, "300m"), (1 / 3, "333333333n"), (0.016, "16m")],
)  # fmt: skip
def test_a_number_is_an_integer_with_a_prefix(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-9))
def test_numbers_say_what_they_should(value: float) -> None:
    found = literal(number(value))
    assert found is not None
    assert found[0] == pytest.approx(value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        number(value)


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_every_script_is_a_program_that_switches_the_cell_off(script: Script) -> None:
    program = parse(script.lines)
    last = (program.finish or program.commands)[-1]
    assert last.name == "cell_off"
    assert script.data.startswith(b"e\n")
    assert script.data.endswith(b"\ncell_off\n\n")
    assert b"\n\n" not in script.data[:-1]


def test_a_voltammogram_is_measured_as_asked() -> None:
    script = SCRIPTS["cv"]
    assert "meas_loop_cv p c -200m 600m -200m 5m 100m nscans(3)" in script.lines
    assert "set_range_minmax da -200m 600m" in script.lines
    assert "set_autoranging ba 100n 1m" in script.lines
    assert script.lines.index("set_e -200m") < script.lines.index("cell_on") < script.lines.index("wait 1500m")
    assert script.seconds == pytest.approx(3 * (1.6 + 0.01) / 0.1 + 1.5)
    assert (script.interval, script.points) == (pytest.approx(0.05), 960)


def test_an_impedance_takes_as_long_as_its_lowest_frequencies() -> None:
    script = SCRIPTS["eis"]
    assert "meas_loop_eis f r j 10m 100k 1 51 200m" in script.lines
    assert script.gap == pytest.approx(1.5 + 5 + 20)
    assert script.gap < script.seconds < 51 * 5 + 1.5 + 20 * 6
