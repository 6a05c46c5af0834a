"""What pydantic says about a wrong value, in the words of someone who edits a file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from motet.files.node import Node, shown
from motet.files.report import one_of
from motet.model.broker import BROKER_PATTERN, VARIABLE_PATTERN
from motet.model.campaign import QUANTITY_PATTERN
from motet.model.values import NAME_PATTERN

_TYPES = {
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "list_type": "a list",
    "finite_number": "a finite number",
    "none_required": "nothing",
}
_BOUNDS: dict[str, Callable[[Any], str]] = {
    "greater_than": lambda ctx: f"a number above {ctx['gt']:g}",
    "greater_than_equal": lambda ctx: f"a number of at least {ctx['ge']:g}",
    "less_than": lambda ctx: f"a number below {ctx['lt']:g}",
    "less_than_equal": lambda ctx: f"a number of at most {ctx['le']:g}",
    "multiple_of": lambda ctx: f"a multiple of {ctx['multiple_of']:g}",
}
_SIZES = {
    "string_too_long": ("at most {max_length}", "character"),
    "string_too_short": ("at least {min_length}", "character"),
    "too_short": ("at least {min_length}", "entry"),
    "too_long": ("at most {max_length}", "entry"),
}
_PATTERNS = {
    NAME_PATTERN: "a letter followed by letters, digits or underscores",
    BROKER_PATTERN: "embedded, none, or an address such as mqtt://host:1883",
    VARIABLE_PATTERN: "the name of an environment variable",
    r"^[A-Za-z]\w*\.[A-Za-z]\w*$": "a device of a station, as `station.device`,",
    QUANTITY_PATTERN: "a quantity of a device, as `device.quantity`,",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The two halves of a message."""

    found: str
    allowed: str


def worded(errors: Sequence[ErrorDetails], where: Node, model: type[BaseModel]) -> Wording:
    """The message about one place; several errors there are the branches of a union: any would do."""
    first = errors[0]
    key = str(where.path[-1]) if where.path else ""
    match first["type"]:
        case "missing" if isinstance(first["loc"][-1], int):
            return Wording(where.shown(), "a list with more entries is needed")
        case "missing":
            missing = str(first["loc"][-1])
            note = _doc(_fields_at(model, first["loc"][:-1]).get(missing))
            return Wording("nothing", f"the key {missing!r} is needed{note}")
        case "extra_forbidden":
            return Wording(f"the unknown key {key!r}", one_of(key, _fields_at(model, first["loc"][:-1])))
        case "union_tag_invalid" | "union_tag_not_found":
            return _tag(first, where)
        case "string_pattern_mismatch" if first["loc"][-1:] == ("[key]",):
            return Wording(f"the name {key!r}", _allowed(first))
        case _:
            secret = "password" in where.path and isinstance(where.content, str | int | float)
            return Wording(
                "a text that is not shown here" if secret else where.shown(),
                _either(_allowed(error) for error in errors),
            )


def _allowed(error: ErrorDetails) -> str:
    """What is allowed instead of one wrong value."""
    kind, ctx = error["type"], error.get("ctx", {})
    if kind in _TYPES:
        return f"{_TYPES[kind]} is needed"
    if kind in _BOUNDS:
        return f"{_BOUNDS[kind](ctx)} is needed"
    if kind in _SIZES:
        return _size(*_SIZES[kind], ctx)
    if kind in ("literal_error", "enum"):
        choices = [choice.strip("'") for choice in str(ctx["expected"]).replace(" or ", ", ").split(", ")]
        return one_of(str(error["input"]), choices)
    if kind == "string_pattern_mismatch":
        return f"{_PATTERNS.get(str(ctx['pattern']), 'text of the form ' + str(ctx['pattern']))} is needed"
    if kind == "value_error":
        return str(ctx["error"])
    return error["msg"][:1].lower() + error["msg"][1:]


def _tag(error: ErrorDetails, where: Node) -> Wording:
    """A mapping whose kind is told by one of its keys, such as the `type` of a parameter."""
    ctx = error.get("ctx", {})
    discriminator = str(ctx["discriminator"]).strip("'")
    if error["type"] == "union_tag_not_found":
        return Wording(where.shown(), f"the key {discriminator!r} is needed to tell what it is")
    tag = str(ctx["tag"])
    choices = [choice.strip("'") for choice in str(ctx["expected_tags"]).split(", ")]
    return Wording(f"{discriminator}: {shown(tag)}", one_of(tag, choices))


def _either(texts: Iterable[str]) -> str:
    found = list(dict.fromkeys(texts))
    if "a number is needed" in found:
        found = [text for text in found if text != "a whole number is needed"]
    if len(found) > 1 and all(text.endswith(" is needed") for text in found):
        return f"{' or '.join(text.removesuffix(' is needed') for text in found)} is needed"
    return " or ".join(found)


def _size(bound: str, what: str, ctx: Mapping[str, Any]) -> str:
    text = bound.format(**ctx)
    if text.endswith(" 1"):
        return f"{text} {what} is needed"
    return f"{text} {'entries' if what == 'entry' else f'{what}s'} are needed"


def _doc(field: Any) -> str:
    description = getattr(field, "description", None)
    return f": {description[:1].lower()}{description[1:].rstrip('.')}" if description else ""


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> dict[str, Any]:
    """The fields of the model that pydantic's `loc` leads to, under their names in the file."""
    types: list[Any] = [model]
    for part in loc:
        concrete = [inner for outer in types for inner in _expanded(outer)]
        deeper = [inner for outer in concrete for inner in _inside(outer, part)]
        chosen = [t for t in concrete if getattr(t, "__name__", "") == part or _type_tag(t) == part]
        types = deeper or chosen or concrete
    models: list[type[BaseModel]] = [t for outer in types for t in _expanded(outer) if _is_model(t)]
    in_file = {"condition": "if", "otherwise": "else"}
    return {
        in_file.get(key, field.alias or key): field for found in models for key, field in found.model_fields.items()
    }


def _expanded(outer: Any) -> list[Any]:
    """The concrete types of a union or an annotation."""
    origin = get_origin(outer)
    if origin is Annotated:
        return _expanded(get_args(outer)[0])
    if origin in (Union, UnionType):
        return [inner for arg in get_args(outer) for inner in _expanded(arg)]
    return [outer]


def _inside(outer: Any, part: int | str) -> list[Any]:
    """The types that a key or index of a concrete type may have."""
    if _is_model(outer):
        field = outer.model_fields.get(str(part))
        return [] if field is None else [field.annotation]
    args: tuple[Any, ...] = get_args(outer)
    origin = get_origin(outer)
    if origin is dict:
        return [args[-1]]
    if origin in (tuple, list) and isinstance(part, int):
        return list(args[:1]) if args[-1] is Ellipsis else list(args[part : part + 1] or args[-1:])
    return []


def _is_model(outer: Any) -> bool:
    return isinstance(outer, type) and issubclass(outer, BaseModel)


def _type_tag(outer: Any) -> str | None:
    """The value of a `type: Literal[...]` field, by which a union tells its members apart."""
    field = outer.model_fields.get("type") if _is_model(outer) else None
    return get_args(field.annotation)[0] if field is not None and get_origin(field.annotation) is Literal else None
