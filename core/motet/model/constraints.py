"""What the points of a search space must meet besides the range of each parameter.

`holds` takes one point, or columns of many points as arrays: the same arithmetic serves both. Numbers are
in the parameters' own units.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast

from pydantic import Discriminator, Field, Tag, field_validator

from motet.model.faults import Fault, each_once, of_numbers
from motet.model.forbidden import Between, Forbidden
from motet.model.parameters import Parameter
from motet.model.values import Frozen, Name, Whole
from motet.model.weighted import EQUAL, ROUNDING, Linear, Sum

__all__ = ["EQUAL", "ROUNDING", "Between", "Constraint", "Forbidden", "Linear", "Nonzero", "Sum"]


class Nonzero(Frozen):
    """`nonzero: [a, b, c, d]` with `at_most: k`: the others are 0."""

    nonzero: tuple[Name, ...] = Field(min_length=2)
    """The parameters that are counted."""
    at_most: Whole = Field(ge=1)
    """How many of them may differ from 0."""

    @field_validator("nonzero")
    @classmethod
    def _no_duplicates(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(names)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it is about."""
        return self.nonzero

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Whether it is met: by one point (bool), or by each point of columns (n,)."""
        return sum((values[name] != 0) * 1 for name in self.nonzero) <= self.at_most

    def faults(self, parameters: Mapping[str, Parameter]) -> Iterator[Fault]:
        """Why it does not fit the parameters."""
        return of_numbers(((name, ("nonzero", i)) for i, name in enumerate(self.nonzero)), parameters)

    def __str__(self) -> str:
        """`at most 2 of a, b, c non-zero`."""
        return f"at most {self.at_most} of {', '.join(self.nonzero)} non-zero"


def _kind(found: object) -> str | None:
    """The class of a constraint, by its keys; None for what is none."""
    if isinstance(found, Frozen):
        return type(found).__name__
    keys = cast("Mapping[object, object]", found).keys() if isinstance(found, Mapping) else set[object]()
    there = [key for key in ("linear", "sum", "nonzero", "forbidden") if key in keys]
    return there[0].capitalize() if len(there) == 1 else None


Constraint = Annotated[
    Annotated[Linear, Tag("Linear")]
    | Annotated[Sum, Tag("Sum")]
    | Annotated[Nonzero, Tag("Nonzero")]
    | Annotated[Forbidden, Tag("Forbidden")],
    Discriminator(
        _kind,
        custom_error_type="constraint",
        custom_error_message="a constraint has one of the keys `linear`, `sum`, `nonzero`, `forbidden`",
    ),
]
