"""How numbers and points are written."""

from collections.abc import Mapping

from motet.model.values import Point


def clock(seconds: float) -> str:
    """`1:02:03` or `2:03`."""
    minutes, second = divmod(round(max(seconds, 0.0)), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def number(value: object) -> str:
    """A value as a person writes it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def point(parameters: Point, units: Mapping[str, str] | None = None) -> str:
    """`x = 45 mm, y = 10 mm`."""
    units = units or {}
    return ", ".join(f"{k} = {number(v)}{f' {units[k]}' if units.get(k) else ''}" for k, v in parameters.items())
