"""A column of cells of a table as values of one parameter, all at once where they are as they should be."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motet.files.node import shown
from motet.model.parameters import STEP_TOLERANCE, Categorical, Fixed, Integer, Parameter, Stepped
from motet.model.values import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EXACT = 2.0**53
"""Up to here every whole number is a float."""


@dataclass(frozen=True, slots=True)
class InDomain:
    """The values of a column (n,), and what is wrong, by row: what was found, and what is allowed."""

    values: "NDArray[Any]"
    wrong: Mapping[int, tuple[str, str]]

    def order(self) -> "NDArray[Any]":
        """A number for each value, equal ones for equal values."""
        import numpy as np

        if self.values.dtype != object:
            return self.values.astype(np.float64)
        numbers: dict[Any, int] = {}
        return np.array([float(numbers.setdefault(value, len(numbers))) for value in self.values.tolist()])


def read_column(cells: Sequence[str], parameter: Parameter | None) -> InDomain:
    """The values of cells; without a parameter they are numbers."""
    from motet.model.rows import column

    cells = [cell.strip() for cell in cells]
    whole = _texts(cells, parameter) if _is_text(parameter) else _numbers(cells, parameter)
    if whole is not None:
        return InDomain(whole, {})
    values: list[Value] = []
    wrong: dict[int, tuple[str, str]] = {}
    for row, cell in enumerate(cells):
        value = _value(cell, parameter)
        if (mistake := _mistake(cell, value, parameter)) is not None:
            wrong[row] = mistake
        values.append(cell if value is None else value)
    return InDomain(column(values), wrong)


def _is_text(parameter: Parameter | None) -> bool:
    return isinstance(parameter, Categorical) or (isinstance(parameter, Fixed) and isinstance(parameter.value, str))


def _texts(cells: Sequence[str], parameter: Parameter | None) -> "NDArray[Any] | None":
    """Choices as values, None when some cell is no choice."""
    from motet.model.rows import column

    choices = {str(value): value for value in (parameter.values() or () if parameter is not None else ())}
    return column([choices[cell] for cell in cells]) if choices.keys() >= set(cells) else None


def _numbers(cells: Sequence[str], parameter: Parameter | None) -> "NDArray[Any] | None":
    """Numbers as values, None when some cell is none in the parameter's domain, or it cannot be told at once."""
    import numpy as np

    if isinstance(parameter, Fixed) or any("_" in cell for cell in cells):
        return None
    try:
        numbers = np.array([float(cell) for cell in cells])
    except ValueError:
        return None
    if not np.isfinite(numbers).all():
        return None
    if parameter is None or isinstance(parameter, Categorical):
        return numbers
    if not len(numbers) or numbers.min() < parameter.low or numbers.max() > parameter.high:
        return None
    if isinstance(parameter, Stepped):
        steps = (numbers - parameter.low) / parameter.step
        return numbers if np.all(np.abs(steps - np.round(steps)) <= STEP_TOLERANCE) else None
    if isinstance(parameter, Integer):
        right = np.all((numbers == np.round(numbers)) & (np.abs(numbers) < _EXACT))
        return numbers.astype(np.int64) if right else None
    return numbers


def _mistake(cell: str, value: Value | None, parameter: Parameter | None) -> tuple[str, str] | None:
    """What is wrong with a cell: what was found, and what is allowed."""
    if not cell:
        return "an empty cell", "a value is needed"
    if value is None:
        return shown(cell), "a number is needed"
    if isinstance(value, float) and not math.isfinite(value):
        return cell, "a finite number is needed"
    if parameter is not None and (allowed := parameter.problem(value)) is not None:
        return cell, f"{allowed} is needed"
    return None


def _value(cell: str, parameter: Parameter | None) -> Value | None:
    """A cell as a value of the parameter's type, None when a number is needed and it is none."""
    if _is_text(parameter):
        return cell
    if isinstance(parameter, Fixed) and isinstance(parameter.value, bool):
        return {"true": True, "false": False}.get(cell.lower(), cell)
    try:
        number = float(cell.replace("_", "?"))
    except ValueError:
        return None
    whole = isinstance(parameter, Integer) and number.is_integer()
    return int(number) if whole else number
