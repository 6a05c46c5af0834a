"""Constraints on sums of numbers: linear ones, and compositions."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from motet.model.faults import Fault, each_once, of_numbers
from motet.model.parameters import Parameter
from motet.model.values import Frozen, Name, Real

EQUAL = 1e-6
"""How far a sum may lie from the value that it must equal, of the size of its terms: tables round to six digits."""

ROUNDING = 1e-9
"""How far a sum may lie beyond a bound, of the size of its terms: 0.1 + 0.2 is at most 0.3."""


class _Weighted(Frozen):
    """Bounds on a weighted sum of numbers."""

    at_least: Real | None = None
    """The lowest value allowed."""
    at_most: Real | None = None
    """The highest value allowed."""
    equals: Real | None = None
    """The only value allowed."""

    @model_validator(mode="after")
    def _bounded(self) -> Any:
        ends = [end for end in (self.at_least, self.at_most) if end is not None]
        if (self.equals is None) == (not ends):
            raise ValueError("`at_least`, `at_most` or both are needed, or `equals` alone")
        if ends != sorted(ends):
            raise ValueError(f"at_most must not be below at_least, which is {ends[0]:g}")
        return self

    @property
    def weights(self) -> Mapping[str, float]:
        """The weight of each parameter."""
        raise NotImplementedError

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value allowed."""
        if self.equals is not None:
            return self.equals, self.equals
        low = float("-inf") if self.at_least is None else self.at_least
        return low, float("inf") if self.at_most is None else self.at_most

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it is about."""
        return tuple(self.weights)

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Whether it is met: by one point (bool), or by each point of columns (n,)."""
        terms = [weight * values[name] for name, weight in self.weights.items()]
        total, size = sum(terms), sum(abs(term) for term in terms)
        low, high = self.bounds
        if self.equals is not None:
            return abs(total - self.equals) <= EQUAL * (size + abs(self.equals))
        below = True if self.at_most is None else total <= high + ROUNDING * (size + abs(high))
        return below & (True if self.at_least is None else total >= low - ROUNDING * (size + abs(low)))

    def __str__(self) -> str:
        """`a - 2 b at most 3`."""
        text = ""
        for name, weight in self.weights.items():
            sign = "-" if weight < 0 else "+" if text else ""
            factor = "" if abs(weight) == 1 else f"{abs(weight):g} "
            text += f" {sign} {factor}{name}" if text else f"{sign}{factor}{name}"
        ends = {"equal to": self.equals, "at least": self.at_least, "at most": self.at_most}
        return f"{text} {' and '.join(f'{word} {end:g}' for word, end in ends.items() if end is not None)}"


class Linear(_Weighted):
    """`linear: {a: 1, b: -2}` with `at_most`, `at_least` or `equals`: bounds of a + ... - 2 b."""

    linear: dict[Name, Real] = Field(min_length=1)
    """The factor of each parameter."""

    @property
    def weights(self) -> Mapping[str, float]:
        """The weight of each parameter."""
        return self.linear

    def faults(self, parameters: Mapping[str, Parameter]) -> Iterator[Fault]:
        """Why it does not fit the parameters."""
        return of_numbers(((name, ("linear", name)) for name in self.linear), parameters)


class Sum(_Weighted):
    """`sum: [a, b, c]` with `equals`, `at_most` or `at_least`: compositions and mixtures."""

    sum: tuple[Name, ...] = Field(min_length=2)
    """The parameters that are added up."""

    @field_validator("sum")
    @classmethod
    def _no_duplicates(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(names)

    @property
    def weights(self) -> Mapping[str, float]:
        """The weight of each parameter: one."""
        return dict.fromkeys(self.sum, 1.0)

    def faults(self, parameters: Mapping[str, Parameter]) -> Iterator[Fault]:
        """Why it does not fit the parameters."""
        yield from of_numbers(((name, ("sum", i)) for i, name in enumerate(self.sum)), parameters)
        units = {name: getattr(parameters.get(name), "unit", None) for name in self.sum}
        stated = {unit: name for name, unit in reversed(units.items()) if unit}
        if len(stated) > 1:
            found = " and ".join(f"{name} in {unit}" for unit, name in reversed(stated.items()))
            yield Fault(("sum",), found, "one unit is needed; `linear` has a factor for each parameter")
