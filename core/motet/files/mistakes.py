"""What is wrong with a plugin's options, in the words that files are told their mistakes with."""

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

from motet.files.node import Node, Path
from motet.files.report import Report
from motet.files.validate import validate


def mistakes(model: type[BaseModel], options: Mapping[str, Any]) -> str:
    """Every mistake in options that the model refuses, in one line."""
    report = Report()
    validate(model, _node(options, ()), report)
    return "; ".join(f"{problem.key}: found {problem.found}; {problem.allowed}" for problem in report.problems)


def _node(value: Any, path: Path) -> Node:
    """A tree as of a file, but of no lines."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        return Node("", None, path, {str(key): _node(each, (*path, str(key))) for key, each in entries.items()})
    if isinstance(value, list | tuple):
        items = cast("list[Any]", value)
        return Node("", None, path, tuple(_node(each, (*path, number)) for number, each in enumerate(items)))
    return Node("", None, path, value)
