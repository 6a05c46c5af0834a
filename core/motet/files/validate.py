"""A file's tree against a pydantic model: every mistake is reported, what is right is kept for later checks.

A wrong piece is reported, cut out, and the rest is validated again, until the rest is right. So one wrong key
hides no other mistake, neither in the same model nor in the checks across files that come after.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from motet.files.node import Node, Path
from motet.files.report import Report
from motet.files.wording import worded

M = TypeVar("M", bound=BaseModel)
_BY_ABSENCE = ("missing", "too_short", "value_error", "step", "constraint", "union_tag_not_found")
"""Errors that cutting something out may cause by itself."""


@dataclass(frozen=True, slots=True)
class Checked(Generic[M]):
    """A valid model of what is right in a file, with the tree it was made from.

    `node` lacks what was wrong, so its lists are as long as the model's; `whole` is all there is. `stand_ins`
    are the keys at the top that were wrong or missing: their values are made up for the rest to be checked.
    """

    model: M
    node: Node
    whole: Node
    stand_ins: frozenset[str]


def validate(
    model: type[M], node: Node, report: Report, stand_ins: Mapping[str, Any] | None = None
) -> Checked[M] | None:
    """The model of a tree as far as it is right, None when there is none. Mistakes go to the report.

    `stand_ins` are values for the keys at the top without which there is no model.
    """
    kept, cut, made_up = node, set[Path](), dict[str, Any]()
    spare = dict(stand_ins or {})
    while True:
        try:
            valid = model.model_validate({**kept.plain(), **made_up})
            return Checked(valid, kept, node, frozenset(made_up))
        except ValidationError as error:
            errors = _grouped(error, kept)
        for place, details in errors.items():
            if not _is_our_doing(details[0], place, cut):
                wording = worded(details, place.node, model)
                report.add(place.node, wording.found, wording.allowed, place.missing)
        victims = {place.node.path for place in errors if place.node.path != node.path}
        cut |= {place.node.path for place, details in errors.items() if details[0]["type"] != "extra_forbidden"}
        at_top = [place for place in errors if place.node.path == node.path]
        wanted = {place.missing for place in at_top} if all(p.missing for p in at_top) else set(spare)
        filled = {key: spare.pop(key) for key in list(spare) if key in wanted and key not in kept.entries}
        if not victims and not filled:
            return None
        made_up |= filled
        kept = kept.without(victims)


@dataclass(frozen=True)
class _Place:
    """A node, and the key that is missing below it if that is the matter."""

    node: Node
    missing: str | None

    def __hash__(self) -> int:
        return hash((self.node.path, self.missing))


def _grouped(error: ValidationError, root: Node) -> dict[_Place, list[ErrorDetails]]:
    """The errors by place; several at one place are the branches of a union."""
    found: dict[_Place, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        node, missing = locate(root, details["loc"])
        wanted = missing is not None and details["type"] == "missing" and not missing.isdigit()
        place = _Place(node, missing if wanted else None)
        found.setdefault(place, []).append(details)
    return found


def _is_our_doing(error: ErrorDetails, place: _Place, cut: set[Path]) -> bool:
    if error["type"] == "too_short" and len(place.node.items) >= error.get("ctx", {}).get("min_length", 0):
        return True
    above = place.node.path
    return error["type"] in _BY_ABSENCE and any(path[: len(above)] == above != path for path in cut)


def locate(root: Node, loc: tuple[int | str, ...]) -> tuple[Node, str | None]:
    """The node that pydantic's `loc` is about, and the missing key below it if that is the matter.

    Parts of `loc` that are in no file (tags of unions, fields of short forms) are stepped over.
    """
    node, rest = root, None
    for part in loc:
        deeper = node.child(part) or _short_form(node, part)
        rest = str(part) if deeper is None else None
        node = deeper or node
    return node, rest


def _short_form(node: Node, part: int | str) -> Node | None:
    """Where the short forms of the model keep a field."""
    entries = node.entries
    match part:
        case "RepeatStep":
            return entries.get("repeat")
        case "condition":
            return entries.get("if")
        case "otherwise":
            return entries.get("else")
        case "name" if "as" in entries:
            return entries["as"]
        case "arguments" | "device" | "verb":
            return next((value for key, value in entries.items() if "." in key), None)
        case "options" if len(entries) == 1:
            return next(iter(entries.values()))
        case 0 if not node.items:
            return node
        case _:
            return None
