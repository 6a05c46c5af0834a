"""Lines of a MethodSCRIPT instrument: packages, errors, markers, and what is none of them."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.errors import GarbledReply
from motet_drivers.emstat_pico.packages import OVERLOAD, Fault, Variable, check_line, fault_in, package, text_of
from motet_simulators.emstat_pico.models import encoded


def test_a_package_of_the_manual_is_read() -> None:
    potential, current = package("Pda8000800u;ba48D503Dp,10,288")
    assert potential == Variable("da", 0.002048)
    assert current == Variable("ba", (0x48D503D - 0x8000000) / 1e12, 0, 0x88)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("800000Am", 0.01),
        ("7FFFFF6m", -0.01),
        ("8000000 ", 0.0),
        ("8000007i", 7.0),
        ("7676980n", -0.01),
        ("80000FFk", 255e3),
        ("FFFFFFFE", 134217727e18),
    ],
)
def test_a_number_is_digits_about_zero_and_a_prefix(text: str, value: float) -> None:
    assert package(f"Pja{text}")[0].value == value


def test_no_number_is_nan_and_unknown_metadata_is_passed_over() -> None:
    (variable,) = package("Pba     nan,12,40,7AB")
    assert math.isnan(variable.value)
    assert variable.status & OVERLOAD
    assert variable.range is None


@given(st.floats(-1e20, 1e20, allow_nan=False))
def test_numbers_come_back_as_the_simulator_writes_them(value: float) -> None:
    (variable,) = package(f"Pab{encoded(value)}")
    assert variable.value == pytest.approx(value, rel=1e-5, abs=1e-18)


@pytest.mark.parametrize(
    "line",
    [
        "P", "Pda", "Pda800000", "Pda8000000", "Pda8000000x", "Pda800000G ", "Pda8000000 ;", "Pzz8000000 ",
        "Pda8000000 ,1X", "Pda8000000 ,", "Pda8000000 Pda8000000 ", "Pda+800000 ", "Pda 8000000", "Pda80000000 ",
    ],
)  # fmt: skip
def test_what_is_no_package_is_garbled(line: str) -> None:
    with pytest.raises(GarbledReply):
        package(line)


def test_errors_are_told_by_name() -> None:
    assert fault_in("e!4001: Line 3, Col 8") == Fault("e", 0x4001, 3, 8)
    assert str(fault_in("e!4001: Line 3, Col 8")) == "error 4001: unknown script command, line 3, column 8"
    assert str(fault_in("!0032: Line 7")) == (
        "error 0032: critical overload of the cell, the measurement was ended to prevent damage, line 7"
    )
    assert str(fault_in("Z!0006")) == "error 0006: not possible in this state: no script runs, or one does"
    assert "appendix A" in str(fault_in("e!1234"))
    assert fault_in("Twow!0006") is None
    assert fault_in("") is None


@pytest.mark.parametrize("line", ["", "M0005", "C0001", "L", "+", "-", "*", "Tany text", "e", "Z", "!0001", "P?"])
def test_lines_of_a_scripts_output_are_known(line: str) -> None:
    check_line(line)


@pytest.mark.parametrize("line", ["M005", "var p", "ok", "C", "**", "e!12", " "])
def test_other_lines_are_garbled(line: str) -> None:
    with pytest.raises(GarbledReply, match="no output of a script"):
        check_line(line)


def test_flow_control_is_no_part_of_a_line() -> None:
    assert text_of(b"\x11iESPI2201\x13\r") == "iESPI2201"
    with pytest.raises(GarbledReply):
        text_of(b"i\xff")


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(lambda data: b"Pba8000000 ,10" + data)))
def test_any_bytes_are_a_line_or_garbled(data: bytes) -> None:
    try:
        text = text_of(data)
        check_line(text)
        for variable in package(text) if text.startswith("P") else ():
            assert abs(variable.value) < 1.4e26 or math.isnan(variable.value)
    except GarbledReply:
        pass
