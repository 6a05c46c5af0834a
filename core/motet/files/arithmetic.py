"""Arithmetic in files, such as `volume / rate * 60 * 1.5 + 5`: numbers, names, + - * / ( ), min, max and abs.

An expression is parsed into Python's tree and walked; nothing of it is ever executed as Python.
"""

import ast
import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
_FUNCTIONS: Mapping[str, Callable[[list[float]], float]] = {"min": min, "max": max, "abs": lambda v: abs(v[0])}
_ALLOWED = "allowed are numbers, names, + - * / ( ), min, max and abs"
_MAX_LENGTH = 500


@lru_cache(maxsize=256)
def parse(text: str) -> ast.expr:
    """The tree of an expression. Raises ValueError that says what does not belong into one."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body if len(text) <= _MAX_LENGTH else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None:
        raise ValueError(f"`{text[:60]}` is no expression; {_ALLOWED}")
    for node in _nodes(tree, text):
        del node
    return tree


def names(text: str) -> tuple[str, ...]:
    """The names in an expression, each once, in order. Raises ValueError."""
    return tuple(dict.fromkeys(node.id for node in _nodes(parse(text), text) if isinstance(node, ast.Name)))


def evaluate(text: str | float, values: Mapping[str, float]) -> float:
    """The value of an expression; a number is its own.

    Raises ValueError for a name without a value, a division by zero, or what is not finite.
    """
    if not isinstance(text, str):
        return float(text)
    try:
        found = _value(parse(text), values)
    except KeyError as error:
        raise ValueError(f"`{text}`: there is no {error}; there is: {', '.join(values) or 'nothing'}") from None
    except (ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"`{text}`: {error}") from None
    if not math.isfinite(found):
        raise ValueError(f"`{text}` is {found}; a finite number is needed")
    return found


def _nodes(tree: ast.expr, text: str) -> Iterator[ast.expr]:
    """Every node that is a number, a name or an operation. Raises ValueError for any other."""
    yield tree
    match tree:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float()) | ast.Name():
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            yield from _nodes(left, text)
            yield from _nodes(right, text)
            return
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=part):
            yield from _nodes(part, text)
            return
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as parts, keywords=[]) if name in _FUNCTIONS:
            for part in parts:
                yield from _nodes(part, text)
            return
        case _:
            pass
    raise ValueError(f"`{text}` has `{ast.unparse(tree)}`; {_ALLOWED}")


def _value(tree: ast.expr, values: Mapping[str, float]) -> float:
    match tree:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return float(values[name])
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left, values), _value(right, values))
        case ast.UnaryOp(op=ast.USub(), operand=part):
            return -_value(part, values)
        case ast.UnaryOp(operand=part):
            return _value(part, values)
        case ast.Call(func=ast.Name(id=name), args=parts):
            return _FUNCTIONS[name]([_value(part, values) for part in parts])
        case _:
            raise ValueError(f"`{ast.unparse(tree)}`: {_ALLOWED}")
