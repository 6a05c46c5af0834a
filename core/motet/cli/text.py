"""How numbers, points and tables are written."""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from motet.model.values import Point

if TYPE_CHECKING:
    from rich.console import Console

    from motet.model.questions import AnswerForm, Asked, Closed
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


def needed(form: "AnswerForm") -> str:
    """What somebody has to write as an answer: `a number in [0, 10] mL`, `yes or no`, `done, when it is`."""
    return {"yes_no": "yes or no", "done": "done, when it is"}.get(form.answer, str(form))


def became(closed: "Closed", form: "AnswerForm") -> str:
    """`answered: 12.5 g`, or `withdrawn: nobody answered within 30 min`; `open` while it waits."""
    from motet.model.questions import told

    what = closed.reason if closed.answer is None else told(closed.answer, form)
    return f"{closed.state}: {what}" if what else str(closed.state)


def question(asked: "Asked") -> str:
    """`question 3 of cell1-scales (experiment 12, x = 5): What do the scales show?`."""
    experiment = asked.experiment
    which = f" (experiment {experiment.number}, {point(experiment.parameters)})" if experiment is not None else ""
    return f"question {asked.number} of {asked.question.device}{which}: {asked.question.text}"


def console() -> "Console":
    """Standard output for tables: as wide as the terminal, and wide enough where there is none. Text is shown as it is,
    square brackets too."""
    from rich.console import Console

    return Console(markup=False, emoji=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
