"""Why a constraint does not fit the parameters of its space."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from motet.model.parameters import Parameter, is_numeric


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a constraint does not fit the parameters: where in it, what was found, and what is allowed.

    `allowed` is None for a `name` that is no parameter.
    """

    path: tuple[str | int, ...]
    found: str
    allowed: str | None = None
    name: str = ""


def each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names as they are. Raises ValueError for one that is there more than once."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"each parameter once; there more than once: {', '.join(twice)}")
    return names


def of_numbers(
    named: Iterable[tuple[str, tuple[str | int, ...]]], parameters: Mapping[str, Parameter]
) -> Iterator[Fault]:
    """Names, each with its place in the constraint, that are no parameters with numbers."""
    for name, path in named:
        parameter = parameters.get(name)
        if parameter is None:
            yield Fault(path, f"the parameter {name!r}", name=name)
        elif not is_numeric(parameter):
            found = f"the parameter {name!r}, whose values are no numbers"
            yield Fault(path, found, "`forbidden` is about choices; here a parameter with numbers is needed")
