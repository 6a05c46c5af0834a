"""Numbers, durations and names as a reader wants them."""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

NOTHING = "\u2013"
"""Stands where there is no value: an en dash."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def number(value: object) -> str:
    """Four significant digits; a dash for nothing; words as they are."""
    if value is None:
        return NOTHING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:.4g}" if math.isfinite(value) else str(value)


def with_unit(value: object, unit: str | None) -> str:
    """A number with its unit behind."""
    return f"{number(value)} {unit}" if unit else number(value)


def label(name: str, unit: str | None) -> str:
    """An axis title or column head: `name (unit)`."""
    return f"{name} ({unit})" if unit else name


def duration(seconds: float | None) -> str:
    """A length of time in the unit that suits it."""
    if seconds is None:
        return NOTHING
    per, unit = time_unit(seconds)
    return f"{seconds / per:.3g} {unit}"


def time_unit(seconds: float) -> tuple[float, str]:
    """Seconds in one unit, and the unit's symbol, that suit a time of that length."""
    if seconds < 5 * _MINUTE:
        return 1.0, "s"
    if seconds < 5 * _HOUR:
        return _MINUTE, "min"
    return (_HOUR, "h") if seconds < 5 * _DAY else (_DAY, "d")


def plotly(text: object) -> str:
    """Any text for a figure: plotly.js reads a subset of HTML in titles, ticks and hovers, so it is
    escaped."""
    return html.escape(str(text), quote=False)


def point(parameters: Mapping[str, Any], units: Mapping[str, str | None], names: Sequence[str]) -> str:
    """`x = 2.5 mm, y = 5 mm`."""
    return ", ".join(f"{n} = {with_unit(parameters[n], units.get(n))}" for n in names if n in parameters)
