"""Arguments and units as a station resolves them while it runs."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import ProcedureError
from motet.files.references import reference, resolve, seconds
from motet.files.units import convert, convertible, factor, problem, rescale

VALUES: dict[str, Any] = {"x": 2.5, "n": 3, "mode": "dry", "touch.force": 0.05, "touch.trace": [1.0, 2.0]}
UNITS = {"x": "mm", "n": "", "touch.force": "N", "touch.trace": "N"}


@pytest.mark.parametrize(
    ("argument", "unit", "value"),
    [
        ("$x", "mm", 2.5),
        ("$x", "um", 2500.0),
        ("$x", "", 2.5),
        ("$touch.force", "mN", 50.0),
        ("$n", "mm", 3),
        ("$mode", "", "dry"),
        ("$mode", "mm", "dry"),
        ("5 mm", "mm", 5.0),
        ("5mm", "um", 5000.0),
        ("-1.5e1 mm/s", "m/s", -0.015),
        ("20 degC", "K", 293.15),
        ("7", "mm", 7.0),
        (7, "mm", 7),
        (True, "", True),
        ("left", "", "left"),
    ],
)
def test_arguments_become_values_in_the_verbs_unit(argument: Any, unit: str, value: Any) -> None:
    found = resolve(argument, VALUES, UNITS, unit)
    assert found == pytest.approx(value) if isinstance(value, float) else found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("argument", "unit", "reason"),
    [
        ("$y", "mm", "no value for $y yet; there is: x, n, mode, touch.force"),
        ("$ x", "mm", "'$ x' is not a reference; `$parameter`, `$step.output` or `$stage.step.output` is needed"),
        ("$x", "s", "'$x': mm ([length]) cannot be converted to s"),
        ("5 s", "mm", "'5 s': s ([time]) cannot be converted to mm"),
        ("5 mmm", "mm", "'5 mmm': did you mean 'mm'? 'mmm' is not a known unit"),
        ("fast", "mm/s", "'fast' is not a quantity: a number and a unit, such as '5 mm', is needed"),
        ("1e999 mm", "mm", "'1e999 mm' is too large a number"),
    ],
)
def test_what_cannot_be_resolved_says_why(argument: str, unit: str, reason: str) -> None:
    with pytest.raises(ProcedureError) as caught:
        resolve(argument, VALUES, UNITS, unit)
    assert reason in str(caught.value)


def test_references_are_told_from_literals() -> None:
    assert [reference(a) for a in ("$x", "$touch.force", "x", 5, True)] == [
        "x",
        "touch.force",
        None,
        None,
        None,
    ]


def test_waits_are_lab_seconds_or_quantities() -> None:
    assert [seconds(wait) for wait in (0, 2.5, "2.5", "3 s", "2 min", "1 h")] == [0, 2.5, 2.5, 3, 120, 3600]
    for wrong in (-1, "-1 s", "5 mm", "soon", float("inf"), float("nan")):
        with pytest.raises(ProcedureError, match="wait"):
            seconds(wrong)


@given(st.floats(-1e6, 1e6), st.sampled_from(["nm", "um", "mm", "cm", "m"]), st.sampled_from(["um", "mm", "m"]))
def test_conversion_there_and_back_changes_nothing(number: float, given_unit: str, unit: str) -> None:
    there = rescale(number, given_unit, unit)
    assert there == pytest.approx(number * factor(given_unit, unit))
    assert rescale(there, unit, given_unit) == pytest.approx(number)


def test_factors_exist_only_without_an_offset() -> None:
    assert factor("h", "s") == 3600
    with pytest.raises(ValueError, match="degC and K differ by an offset"):
        factor("degC", "K")


def test_units_go_together_by_dimension() -> None:
    assert convertible("mm", "inch")
    assert convertible(None, "mm")
    assert convertible("mm", "")
    assert not convertible("mm", "s")
    assert not convertible("mmm", "mm")


@pytest.mark.parametrize("unit", ["mm", "µL", "mA/cm^2", "mol/L", "degC", "°C", "%", "Ω", "N*m"])
def test_known_units(unit: str) -> None:
    assert problem(unit) is None


@pytest.mark.parametrize("unit", ["mmm", "Volt", "5", "m m(", "__import__('os')", "m" * 100, "mm mm mm )", "1/s"])
def test_unknown_units(unit: str) -> None:
    assert str(problem(unit)).endswith(f"{unit!r} is not a known unit")


def test_a_number_needs_no_unit_library() -> None:
    code = (
        "import sys; from motet.files.units import convert; assert convert('5 mm', 'mm') == 5; "
        "assert 'pint' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    assert convert(5, "mm") == 5.0
