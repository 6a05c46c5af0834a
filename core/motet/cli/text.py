"""How numbers, points and tables are written."""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from motet.model.values import Point

if TYPE_CHECKING:
    from rich.console import Console

    from motet.model.standing import Wanted

PIPED_WIDTH = 240
"""Columns of a table that goes to a file or a program."""


def clock(seconds: float) -> str:
    """`1:02:03` or `2:03`."""
    minutes, second = divmod(round(max(seconds, 0.0)), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def moment(seconds: float) -> str:
    """A wall-clock time to the minute, in the time zone of this machine."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def number(value: object) -> str:
    """A value as a person writes it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def point(parameters: Point, units: Mapping[str, str] | None = None) -> str:
    """`x = 45 mm, y = 10 mm`."""
    units = units or {}
    return ", ".join(f"{k} = {number(v)}{f' {units[k]}' if units.get(k) else ''}" for k, v in parameters.items())


def measured(name: str, value: float | None, wanted: "Wanted") -> str:
    """A value with its unit, or the class that it is the number of: `0.5 mA`, `FCC`; empty for None."""
    from motet.store.words import class_name, unit

    if value is None:
        return ""
    found = class_name(name, value, wanted)
    return found if found is not None else f"{number(float(value))} {unit(name, wanted) or ''}".rstrip()


def outcome(values: Mapping[str, float], wanted: "Wanted") -> str:
    """What was measured of the objectives, and which constraints it breaks: `a 0.5 mA, b 3 (breaks c 7 bar)`."""
    found = [f"{name} {measured(name, values.get(name), wanted) or 'not measured'}" for name in wanted.objectives]
    broken = [f"{name} {measured(name, values.get(name), wanted)}".rstrip() for name in wanted.broken(values)]
    return ", ".join(found) + (f" (breaks {', '.join(broken)})" if broken else "")


def classes(counts: Mapping[str, int]) -> str:
    """`FCC 12, BCC 5`."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def console() -> "Console":
    """Standard output for tables: as wide as the terminal, and wide enough where there is none. Text is shown as it is,
    square brackets too."""
    from rich.console import Console

    return Console(markup=False, emoji=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
