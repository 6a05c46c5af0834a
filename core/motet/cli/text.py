"""How numbers, points and tables are written."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from motet.model.values import Point

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 240
"""Columns of a table that goes to a file or a program."""


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


def console() -> "Console":
    """Standard output for tables: as wide as the terminal, and wide enough where there is none."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=PIPED_WIDTH)
