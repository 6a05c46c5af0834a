"""Plugins that a file names: found in the registry, their options validated where they stand in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from motet.contracts.declarations import Declaration, Kind
from motet.errors import PluginProblem
from motet.files.making import made
from motet.files.node import Node
from motet.files.report import Report, one_of
from motet.files.validate import validate
from motet.model.values import PluginRef
from motet.plugins import Registry


@dataclass(frozen=True, slots=True)
class Choice:
    """A plugin that a file names, with its options.

    `intact` is False when options with mistakes were left out: what the plugin says of itself may be wrong.
    """

    kind: Kind
    declaration: Declaration
    options: BaseModel
    intact: bool = True

    def make(self, where: Node, report: Report, registry: Registry) -> Any:
        """The thing itself; None when its options have mistakes or, as reported then, do not go together."""
        if not self.intact:
            return None
        try:
            return made(registry, self.declaration, self.options)
        except PluginProblem as error:
            report.add(where, where.shown(), f"{self.kind} {self.declaration.name!r}: {error}")
            return None
        except (ValueError, TypeError) as error:
            report.add(where, where.shown(), f"{self.kind} {self.declaration.name!r} refuses its options: {error}")
            return None


def choose(kind: Kind, ref: PluginRef, where: Node, registry: Registry, report: Report) -> Choice | None:
    """The plugin that stands at a node as `name` or `{name: {option: value}}`.

    None when it is not as it should be.
    """
    short = len(where.entries) == 1 and ref.name in where.entries
    given = where.entries[ref.name] if short else where.entries.get("options", where)
    return find(kind, ref.name, given if short else where, given, registry, report)


def find(kind: Kind, name: str, where: Node, options: Node, registry: Registry, report: Report) -> Choice | None:
    """The plugin of that name, which stands at `where`, with the options at another node."""
    known = registry.all(kind)
    if name not in known:
        report.add(where, f"the {_word(kind)} {name!r}", f"{one_of(name, known)}{broken(registry)}")
        return None
    try:
        declaration = known[name].declaration
    except PluginProblem as error:
        report.add(where, f"the {_word(kind)} {name!r}", str(error))
        return None
    node = options if isinstance(options.content, Mapping) else replace(options, content={})
    checked = validate(declaration.options, node, report)
    if checked is None:
        return None
    return Choice(kind, declaration, checked.model, checked.node == checked.whole)


def broken(registry: Registry) -> str:
    """What to add to a message about a missing plugin when some could not be loaded."""
    return f" (not loaded: {'; '.join(registry.problems)})" if registry.problems else ""


def _word(kind: Kind) -> str:
    return {Kind.START: "start design", Kind.PENDING: "pending strategy"}.get(kind, kind.replace("_", " "))
