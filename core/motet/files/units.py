"""Units and quantities such as `"5 mm"`, by the names and definitions of pint (https://pint.readthedocs.io).

pint is imported only when two different units meet: most files use the instruments' own units throughout.
"""

import math
import re
from functools import cache
from typing import Any, cast

_NAMES = """
nm um µm mm cm m  s ms us min h  V mV uV µV kV  A mA uA µA nA pA  N mN uN kN  g mg kg ug  L mL uL µL ul ml
Pa kPa hPa MPa bar mbar  K degC  Hz kHz MHz rpm  ohm kohm Mohm  W mW kW  J mJ kJ  C mC  F mF uF nF  S mS
mol mmol  rad mrad deg  percent %
"""
COMMON = frozenset(_NAMES.split())
"""Units that need no look-up to be known."""

_UNIT = re.compile(r"[^\W\d][\w µ°%*/^(). -]{0,63}|[%°]\w*|")
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([^\d\s].*?)?\s*")


def quantity(text: str) -> tuple[float, str]:
    """Number and unit of a quantity: `(5.0, "mm")` for `"5 mm"`. Raises ValueError for anything else."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity: a number and a unit, such as '5 mm', is needed")
    number = float(match[1])
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is too large a number")
    return number, match[2] or ""


def convert(value: float | str, unit: str) -> float:
    """A number or quantity as a number in `unit`; a plain number is in that unit already.

    Raises ValueError for text that is no quantity, an unknown unit, or one of another dimension.
    """
    if not isinstance(value, str):
        return float(value)
    number, given = quantity(value)
    return rescale(number, given, unit)


def rescale(number: float, given: str, unit: str) -> float:
    """A number in the unit `given` as a number in `unit`; a missing unit means the other one.

    Raises ValueError for an unknown unit, or one of another dimension.
    """
    if given == unit or not given:
        return number
    if not unit:
        raise ValueError(f"a plain number is needed, not one in {given}")
    from pint import DimensionalityError

    source, target = _known(given), _known(unit)
    try:
        return float(_registry().Quantity(number, source).to(target).magnitude)
    except DimensionalityError:
        raise ValueError(f"{given} ({source.dimensionality}) cannot be converted to {unit}") from None


def factor(given: str, unit: str) -> float:
    """By what a number in the unit `given` is multiplied to be in `unit`.

    Raises ValueError where there is no such factor: other dimension, unknown unit, or a scale with an offset
    (degC).
    """
    zero = rescale(0.0, given, unit)
    if zero != 0.0:
        raise ValueError(f"{given} and {unit} differ by an offset, not only by a factor")
    return rescale(1.0, given, unit)


def problem(unit: str) -> str | None:
    """Why a unit is not known, with the nearest common one; None when it is."""
    if unit in COMMON:
        return None
    try:
        _known(unit)
    except ValueError as error:
        return str(error)
    return None


def convertible(given: str | None, unit: str | None) -> bool:
    """Whether numbers in one unit can be turned into the other; a missing unit goes with every other."""
    try:
        rescale(0.0, given or "", unit or given or "")
    except ValueError:
        return False
    return True


@cache
def _registry() -> Any:
    import pint

    return cast("Any", pint.UnitRegistry())


@cache
def _known(unit: str) -> Any:
    """The unit as pint knows it. Raises ValueError with the nearest common unit."""
    from tokenize import TokenError

    from pint import PintError

    from motet.files.report import hint

    registry = _registry()
    try:
        if _UNIT.fullmatch(unit):
            return registry.Unit(unit)
    except (PintError, TokenError, ValueError, TypeError, AttributeError, AssertionError):
        pass  # pint's parser has no error of its own for text that is no unit at all
    raise ValueError(f"{hint(unit, sorted(COMMON))}{unit!r} is not a known unit") from None
