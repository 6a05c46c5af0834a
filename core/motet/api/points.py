"""Points and results as people write them, in a campaign's own units and types."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from motet.errors import AnswerProblem
from motet.files.units import convert
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.parameters import Categorical, Fixed, Integer, Parameter, Stepped, is_number, is_numeric
from motet.model.space import Space
from motet.model.values import Point, Value

CLOSE = 1e-9
"""Numbers that differ from those of a table of candidates by less than this part of them are the same."""

_YES_NO = {"true": True, "false": False}
T = TypeVar("T")
R = TypeVar("R")


def each(given: Sequence[T], read: Callable[[T], R]) -> list[R]:
    """All of several points or results. Raises AnswerProblem with what is wrong with each that is, by its place."""
    found: list[R] = []
    wrong: list[str] = []
    for place, one in enumerate(given, 1):
        try:
            found.append(read(one))
        except AnswerProblem as error:
            wrong.append(f"point {place}: {error}" if len(given) > 1 else str(error))
    if wrong:
        raise AnswerProblem("\n".join(wrong))
    return found


def read_point(space: Space, given: Mapping[str, Value]) -> Point:
    """A point of the space: numbers may be quantities (`"5 mm"`) in a unit that can be converted to the parameter's,
    and fixed parameters may be left out. Raises AnswerProblem with everything that is wrong and what is allowed."""
    names = ", ".join(space.parameters)
    wrong = [f"{name} is not a parameter; there are {names}" for name in given if name not in space.parameters]
    point: dict[str, Value] = {}
    for name, parameter in space.parameters.items():
        if name in given:
            try:
                point[name] = _value(given[name], parameter)
            except ValueError as error:
                wrong.append(f"{name} = {given[name]} must be {allowed(parameter)}{f': {error}' * bool(error.args)}")
        elif isinstance(parameter, Fixed):
            point[name] = parameter.value
        else:
            wrong.append(f"{name} is missing, {allowed(parameter)}")
    if wrong := wrong or space.problems(point):
        raise AnswerProblem("; ".join(wrong))
    return point if space.candidates is None else _row(space, space.candidates, point)


def read_values(
    objectives: Mapping[str, Objective], constraints: Mapping[str, OutcomeConstraint], given: Mapping[str, Value]
) -> dict[str, float]:
    """What was measured of the objectives, and of what has constraints: numbers, quantities, or the names of classes.

    Of several objectives some may be missing, but not all. Raises AnswerProblem with what is allowed.
    """
    wanted: dict[str, Objective | OutcomeConstraint] = {**objectives, **constraints, **objectives}
    found: dict[str, float] = {}
    for name, value in given.items():
        if name not in wanted:
            raise AnswerProblem(f"{name} is not what this campaign measures, which is {', '.join(wanted)}")
        found[name] = _measured(name, value, wanted[name])
    needed = [*constraints, *(objectives if len(objectives) == 1 else ())]
    missing = [name for name in wanted if name in needed and name not in found]
    if missing:
        raise AnswerProblem(f"the value of {' and of '.join(missing)} is missing")
    if not found.keys() & objectives.keys():
        raise AnswerProblem(f"a value of {' or of '.join(objectives)} is missing")
    return found


def allowed(parameter: Parameter) -> str:
    """`a number in [0, 20] mm`."""
    if isinstance(parameter, Fixed):
        return f"{parameter.value!r}, which is fixed"
    what = "one of " + ", ".join(parameter.choices) if isinstance(parameter, Categorical) else parameter.problem("")
    unit = None if isinstance(parameter, Categorical) else parameter.unit
    return f"{what} {unit or ''}".rstrip()


def _value(given: Value, parameter: Parameter) -> Value:
    """In the parameter's domain. Raises ValueError, which may say why."""
    value = given.strip() if isinstance(given, str) else given
    if is_numeric(parameter) and not isinstance(parameter, Categorical):
        value = convert(value, parameter.unit or "") if isinstance(value, str) else value
        value = _number(value, parameter)
    elif isinstance(parameter, Fixed) and isinstance(parameter.value, bool) and isinstance(value, str):
        value = _YES_NO.get(value.lower(), value)
    if parameter.problem(value) is not None:
        raise ValueError
    return value


def _number(value: Value, parameter: Parameter) -> Value:
    """As the learner would write it, so that equal points are equal."""
    if not is_number(value) or parameter.problem(value) is not None:
        return value
    match parameter:
        case Integer():
            return int(value)
        case Stepped():
            return parameter.value(round((value - parameter.low) / parameter.step))
        case Fixed():
            return parameter.value
        case _:
            return float(value)


def _row(space: Space, candidates: Sequence[Point], point: Point) -> Point:
    """The row of the table that a point is. Raises AnswerProblem when it is none."""
    import numpy as np

    from motet.model.rows import Rows

    rows = Rows.of(candidates, tuple(space.parameters))
    same = np.ones(len(rows), dtype=bool)
    for name, column in rows.columns.items():
        is_text = column.dtype == object
        same &= column == point[name] if is_text else np.isclose(column, float(point[name]), rtol=CLOSE, atol=0.0)
    found = np.flatnonzero(same)
    if not len(found):
        where = ", ".join(f"{name} = {value}" for name, value in point.items())
        raise AnswerProblem(f"{where} is none of the {len(rows)} candidates of the campaign's table")
    return rows[int(found[0])]


def _measured(name: str, given: Value, wanted: Objective | OutcomeConstraint) -> float:
    """A finite number in the unit of what is measured. Raises AnswerProblem."""
    classes = wanted.classes if isinstance(wanted, Objective) else ()
    if isinstance(given, str) and given.strip() in classes:
        return float(classes.index(given.strip()))
    needed = (
        f"one of {', '.join(classes)}" if classes else f"a number {f'in {wanted.unit}' * bool(wanted.unit)}".strip()
    )
    why = ""
    try:
        value = convert(given, wanted.unit or "") if isinstance(given, str) else given
    except ValueError as error:
        value, why = None, f": {error}" * (not classes)
    number = None if value is None or not is_number(value) else float(value)
    if number is None or (isinstance(wanted, Objective) and wanted.problem(number) is not None):
        raise AnswerProblem(f"{name} = {given} must be {needed}{why}")
    return number
