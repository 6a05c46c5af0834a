"""Arguments of steps: literals, quantities and references, turned into values in the unit of the argument."""

from collections.abc import Mapping
from typing import Any

from motet.errors import ProcedureError
from motet.files.expressions import REFERENCE
from motet.files.units import convert, rescale


def reference(argument: Any) -> str | None:
    """The name that an argument refers to, without `$`.

    None for a literal. Raises ProcedureError for `$ x`.
    """
    if not isinstance(argument, str) or not argument.startswith("$"):
        return None
    match = REFERENCE.fullmatch(argument)
    if match is None:
        raise ProcedureError(
            f"{argument!r} is not a reference; `$parameter`, `$step.output` or `$stage.step.output` is needed"
        )
    return match[1]


def resolve(argument: Any, values: Mapping[str, Any], units: Mapping[str, str], unit: str) -> Any:
    """The value of a step's argument in `unit`, the one that the verb takes; an empty unit changes nothing.

    `values` holds parameters by name, results as `step.output` and those of earlier stages as `stage.step.output`;
    `units` the unit of each that has one.
    Numbers and quantities (`"5 mm"`) become floats in `unit` where their own unit is another one; whatever
    needs no conversion is handed on as it is. Raises ProcedureError for an unknown name or a unit that does
    not fit.
    """
    name = reference(argument)
    try:
        if name is None:
            return convert(argument, unit) if unit and isinstance(argument, str) else argument
        if name not in values:
            raise ProcedureError(f"no value for ${name} yet; there is: {', '.join(values) or 'none'}")
        value, given = values[name], units.get(name, "")
        if not unit or not given or given == unit or isinstance(value, str | bool):
            return value
        return rescale(float(value), given, unit)
    except ValueError as error:
        raise ProcedureError(f"{argument!r}: {error}") from None


def seconds(wait: float | str) -> float:
    """A duration in lab seconds: a number of them, or a quantity such as `"2 min"`. Raises ProcedureError."""
    try:
        duration = convert(wait, "s")
    except ValueError as error:
        raise ProcedureError(f"wait {wait!r}: {error}") from None
    if not 0 <= duration < float("inf"):
        raise ProcedureError(f"wait {wait!r}: a duration of 0 s or more is needed")
    return duration
