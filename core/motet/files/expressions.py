"""Conditions of `until` and `if`: comparisons of references and literals, joined by `and`, `or`, `not`.

    $touch.force > 50
    0 < $touch.force <= 50 and not $mode == "dry"

References stand for parameters (`$x`), outputs of earlier steps (`$touch.force`) and of earlier stages
(`$synthesis.weigh.mass`), numbers for values in the unit of what they are compared with. A condition is parsed into a
frozen tree, never executed as Python.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from motet.errors import ProcedureError

REFERENCE = re.compile(r"\$([A-Za-z]\w*(?:\.[A-Za-z]\w*){0,2})", re.ASCII)
"""`$parameter`, `$step.output` or `$stage.step.output`."""

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_SYMBOLS = {
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
    operator.ne: "!=",
}
_ALLOWED = "allowed are $references, numbers, 'text', true, false, < <= > >= == !=, and, or, not, ( )"
_STRING = re.compile(r"'[^']*'|\"[^\"]*\"")
_STAND_IN = "motet_reference_"
_MAX_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Reference:
    """A parameter or an output, by its name without `$`."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it stands."""

    value: float | str | bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left < right`, as one link of a chain."""

    left: Reference | Literal
    compare: Callable[[Any, Any], bool]
    right: Reference | Literal

    @property
    def symbol(self) -> str:
        """How it is written."""
        return _SYMBOLS[self.compare]


@dataclass(frozen=True, slots=True)
class Junction:
    """`and` (all of the parts) or `or` (any of them)."""

    every: bool
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Negation:
    """`not part`."""

    part: "Condition"


Condition = Reference | Comparison | Junction | Negation
"""A reference by itself must be true or false."""


@lru_cache(maxsize=256)
def parse(text: str) -> Condition:
    """The tree of a condition. Raises ProcedureError that says what does not belong into one."""
    if len(text) > _MAX_LENGTH or _STAND_IN in text:
        raise ProcedureError(f"`{text[:40]}...` is not a condition of at most {_MAX_LENGTH} characters")
    names: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        names.append(match[1])
        return f"{_STAND_IN}{len(names) - 1}"

    try:
        source = _outside_strings(text, lambda part: REFERENCE.sub(stand_in, part))
        tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ProcedureError(f"`{text}` is not a condition; {_ALLOWED}") from None
    return _Parser(text, names).condition(tree)


def references(text: str) -> tuple[str, ...]:
    """The names that a condition refers to, each once, in order. Raises ProcedureError."""
    return tuple(dict.fromkeys(_references(parse(text))))


def comparisons(text: str) -> tuple[Comparison, ...]:
    """Every comparison in a condition, in order. Raises ProcedureError."""
    return tuple(node for node in _nodes(parse(text)) if isinstance(node, Comparison))


def evaluate(text: str, values: Mapping[str, Any]) -> bool:
    """Whether a condition holds.

    Raises ProcedureError for a missing name or values that cannot be compared.
    """
    return _holds(parse(text), values, text)


class _Parser:
    """Turns Python's tree of the text into ours, refusing everything else that Python has."""

    def __init__(self, text: str, names: list[str]) -> None:
        self._text = text
        self._names = names

    def condition(self, node: ast.expr) -> Condition:
        match node:
            case ast.BoolOp(op=joint, values=parts):
                return Junction(isinstance(joint, ast.And), tuple(self.condition(part) for part in parts))
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return Negation(self.condition(part))
            case ast.Compare(left=first, ops=ops, comparators=others):
                return self._chain([first, *others], ops)
            case ast.Name():
                found = self._operand(node)
                if isinstance(found, Reference):
                    return found
            case _:
                pass
        raise ProcedureError(f"`{self._text}` compares nothing; something like `$touch.force > 50` is needed")

    def _chain(self, operands: list[ast.expr], ops: list[ast.cmpop]) -> Condition:
        sides = [self._operand(operand) for operand in operands]
        links: list[Condition] = []
        for left, op, right in zip(sides[:-1], ops, sides[1:], strict=True):
            if type(op) not in _COMPARISONS:
                raise ProcedureError(f"`{self._text}` has a comparison of an unknown kind; {_ALLOWED}")
            links.append(Comparison(left, _COMPARISONS[type(op)], right))
        return links[0] if len(links) == 1 else Junction(True, tuple(links))

    def _operand(self, node: ast.expr) -> Reference | Literal:
        match node:
            case ast.Name(id=name) if name.startswith(_STAND_IN):
                return Reference(self._names[int(name.removeprefix(_STAND_IN))])
            case ast.Name(id="true" | "false" as word):
                return Literal(word == "true")
            case ast.Name(id=name):
                raise ProcedureError(f"`{self._text}` has {name!r}; is `${name}` or the text '{name}' meant?")
            case ast.Attribute(value=ast.Name(id=step), attr=output) if not step.startswith(_STAND_IN):
                raise ProcedureError(f"`{self._text}` has {step}.{output}; is `${step}.{output}` meant?")
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return Literal(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return Literal(-value)
            case _:
                raise ProcedureError(f"`{self._text}` compares something else than values; {_ALLOWED}")


def _outside_strings(text: str, change: Callable[[str], str]) -> str:
    """The text with its parts outside of quotes changed."""
    pieces: list[str] = []
    end = 0
    for match in _STRING.finditer(text):
        pieces += [change(text[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*pieces, change(text[end:])])


def _nodes(tree: Condition) -> Iterator[Condition]:
    yield tree
    match tree:
        case Junction(parts=parts):
            for part in parts:
                yield from _nodes(part)
        case Negation(part=part):
            yield from _nodes(part)
        case _:
            return


def _references(tree: Condition) -> Iterator[str]:
    for node in _nodes(tree):
        sides = (node.left, node.right) if isinstance(node, Comparison) else (node,)
        yield from (side.name for side in sides if isinstance(side, Reference))


def _holds(tree: Condition, values: Mapping[str, Any], text: str) -> bool:
    match tree:
        case Junction(every=True, parts=parts):
            return all(_holds(part, values, text) for part in parts)
        case Junction(parts=parts):
            return any(_holds(part, values, text) for part in parts)
        case Negation(part=part):
            return not _holds(part, values, text)
        case Reference(name=name):
            value = _value(tree, values, text)
            if not isinstance(value, bool):
                raise ProcedureError(f"`{text}`: ${name} is {value!r}; true or false is needed")
            return value
        case Comparison(left=left, compare=compare, right=right):
            a, b = _value(left, values, text), _value(right, values, text)
            try:
                return bool(compare(a, b))
            except (TypeError, ValueError):
                raise ProcedureError(f"`{text}`: {a!r} cannot be compared with {b!r}") from None


def _value(side: Reference | Literal, values: Mapping[str, Any], text: str) -> Any:
    if isinstance(side, Literal):
        return side.value
    if side.name not in values:
        raise ProcedureError(f"`{text}`: no value for ${side.name} yet; there is: {', '.join(values) or 'none'}")
    return values[side.name]
