"""Conditions on signals, of interlocks and the emergency stop: `heater.temperature > 80 degC and not door.closed`.

They are the conditions of procedures (`motet.files.expressions`) on `device.signal` or `station.device.signal`, with
quantities too. Nothing of them is executed as Python.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from motet.errors import ProcedureError
from motet.files import expressions
from motet.files.units import convert

_TOKEN = re.compile(
    r"""
    (?P<text>'[^']*'|"[^"]*")
  | (?P<name>(?<![\w.$])[A-Za-z]\w*(?:\.[A-Za-z]\w*){1,2}(?![\w.]))
  | (?P<quantity>(?<![\w.])-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*(?!(?:and|or|not)\b)(?:[^\W\d_]|[%°µ])[\w%°µ/*^]*)
    """,
    re.VERBOSE | re.ASCII,
)
_ALLOWED = "something like `heater.temperature > 80 degC` is needed, joined by and, or, not"


@dataclass(frozen=True, slots=True)
class SignalCondition:
    """One condition, and the signals that it reads, each once, in order.

    Inside, signals are `$s0`, `$s1`, ..., quantities `$q0`, ...; `numbers` are the quantities in the unit of what each
    is compared with, once that is known.
    """

    text: str
    signals: tuple[str, ...]
    inner: str
    quantities: tuple[str, ...]
    numbers: Mapping[str, float] = field(default_factory=dict[str, float])

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds for these values of its signals.

        Raises ProcedureError for what cannot be compared; also NaN, of which every comparison would say no.
        """
        unknown = [value for value in values.values() if value is None or value != value]
        if unknown:
            raise ProcedureError(f"`{self.text}` cannot be told from {described(values)}")
        named = {f"s{index}": values[name] for index, name in enumerate(self.signals)}
        try:
            return expressions.evaluate(self.inner, {**named, **self.numbers})
        except ProcedureError:
            raise ProcedureError(f"`{self.text}` cannot be told from {described(values)}") from None

    def in_units(self, unit_of: Callable[[str], str]) -> "SignalCondition":
        """The same with its quantities in the units of the signals. Raises ProcedureError for units that do not fit."""
        numbers: dict[str, float] = {}
        for one in expressions.comparisons(self.inner):
            names = [side.name for side in (one.left, one.right) if isinstance(side, expressions.Reference)]
            quantities = [name for name in names if name.startswith("q")]
            signals = [self.signals[int(name[1:])] for name in names if name.startswith("s")]
            for name in quantities:
                given = self.quantities[int(name[1:])]
                if len(signals) != 1:
                    raise ProcedureError(f"`{self.text}`: {given} is compared with no signal")
                number = self._number(given, signals[0], unit_of(signals[0]))
                if numbers.setdefault(name, number) != number:
                    raise ProcedureError(f"`{self.text}`: {given} is compared with signals of two units")
        return SignalCondition(self.text, self.signals, self.inner, self.quantities, numbers)

    def _number(self, given: str, signal: str, unit: str) -> float:
        try:
            return convert(given, unit)
        except ValueError as error:
            raise ProcedureError(f"`{self.text}`: {signal}{f' is in {unit}' if unit else ''}: {error}") from None


def parse_condition(text: str) -> SignalCondition:
    """A condition as a file states it. Raises ProcedureError for one that is none."""
    signals: list[str] = []
    quantities: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        if match["name"]:
            if match["name"] not in signals:
                signals.append(match["name"])
            return f"$s{signals.index(match['name'])}"
        if match["quantity"]:
            quantities.append(match["quantity"])
            return f"$q{len(quantities) - 1}"
        return match[0]

    inner = _TOKEN.sub(stand_in, text)
    try:
        if "$" in _TOKEN.sub("", text):
            raise ProcedureError("signals are named without `$`")
        expressions.parse(inner)
    except ProcedureError:
        raise ProcedureError(f"`{text}` is no condition on signals; {_ALLOWED}") from None
    if not signals:
        raise ProcedureError(f"`{text}` reads no signal; {_ALLOWED}")
    return SignalCondition(text, tuple(signals), inner, tuple(quantities))


def described(values: Mapping[str, Any], unit_of: Callable[[str], str] = lambda name: "") -> str:
    """`heater.temperature = 85 degC, door.closed = False`."""
    return ", ".join(f"{name} = {_shown(value)} {unit_of(name)}".rstrip() for name, value in values.items())


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)
