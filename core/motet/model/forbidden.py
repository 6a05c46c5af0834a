"""Constraints on what must not come together."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from motet.model.faults import Fault
from motet.model.parameters import Categorical, Parameter, is_numeric
from motet.model.values import Frozen, Name, Real, Value


class Between(Frozen):
    """Numbers between bounds, any of which may be left out."""

    above: Real | None = None
    """Numbers above this one."""
    at_least: Real | None = None
    """This number and those above it."""
    below: Real | None = None
    """Numbers below this one."""
    at_most: Real | None = None
    """This number and those below it."""

    @model_validator(mode="after")
    def _bounded(self) -> "Between":
        if not self.model_dump(exclude_none=True):
            raise ValueError("one of `above`, `at_least`, `below`, `at_most` at least is needed")
        return self

    def met(self, value: Any) -> Any:
        """Whether a number, or each of a column, lies between."""
        tests: list[Any] = []
        if self.above is not None:
            tests.append(value > self.above)
        if self.at_least is not None:
            tests.append(value >= self.at_least)
        if self.below is not None:
            tests.append(value < self.below)
        if self.at_most is not None:
            tests.append(value <= self.at_most)
        return _all(tests)

    def __str__(self) -> str:
        """`above 90 and at most 100`."""
        ends: dict[str, float] = self.model_dump(exclude_none=True)
        return " and ".join(f"{word.replace('_', ' ')} {end:g}" for word, end in ends.items())


def _form(found: object) -> str:
    if isinstance(found, Between | Mapping):
        return "Between"
    return "several" if isinstance(found, list | tuple) else "one"


Condition = Annotated[
    Annotated[Value, Tag("one")]
    | Annotated[tuple[Value, ...], Field(min_length=1), Tag("several")]
    | Annotated[Between, Tag("Between")],
    Discriminator(_form),
]
"""A value, a list of values, or bounds."""


class Forbidden(Frozen):
    """`forbidden: {solvent: water, temperature: {above: 90}}`: no point may meet all of these."""

    forbidden: dict[Name, Condition] = Field(min_length=1)
    """By parameter: a value, a list of values, or `above`, `at_least`, `below`, `at_most` with a number."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it is about."""
        return tuple(self.forbidden)

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Whether it is met: by one point (bool), or by each point of columns (n,)."""
        return _all(_met(wanted, values[name]) for name, wanted in self.forbidden.items()) ^ True

    def faults(self, parameters: Mapping[str, Parameter]) -> Iterator[Fault]:
        """Why it does not fit the parameters."""
        for name, wanted in self.forbidden.items():
            path = ("forbidden", name)
            parameter = parameters.get(name)
            if parameter is None:
                yield Fault(path, f"the parameter {name!r}", name=name)
            elif isinstance(wanted, Between):
                if not is_numeric(parameter):
                    yield Fault(path, f"bounds of {name}, whose values are no numbers", _choices(parameter))
            else:
                for value in _listed(wanted):
                    if (allowed := parameter.problem(value)) is not None:
                        yield Fault(path, f"{name} = {value!r}", f"{allowed} is needed")

    def __str__(self) -> str:
        """`not solvent = water with temperature above 90`."""
        texts: list[str] = []
        for name, wanted in self.forbidden.items():
            values = "" if isinstance(wanted, Between) else " or ".join(map(str, _listed(wanted)))
            texts.append(f"{name} {wanted}" if isinstance(wanted, Between) else f"{name} = {values}")
        return f"not {' with '.join(texts)}"


def _choices(parameter: Parameter) -> str:
    several = "a choice or a list of choices" if isinstance(parameter, Categorical) else "its value"
    return f"{several} is needed: {', '.join(map(str, parameter.values() or ()))}"


def _listed(wanted: Value | tuple[Value, ...]) -> tuple[Value, ...]:
    return wanted if isinstance(wanted, tuple) else (wanted,)


def _met(wanted: Value | tuple[Value, ...] | Between, value: Any) -> Any:
    if isinstance(wanted, Between):
        return wanted.met(value)
    found: Any = False
    for one in _listed(wanted):
        found = found | (value == one)
    return found


def _all(tests: Iterable[Any]) -> Any:
    """Whether all tests are true, of one value or of each of a column."""
    found: Any = True
    for test in tests:
        found = found & test
    return found
