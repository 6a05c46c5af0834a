"""A file as a tree that remembers the line of every key."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

Path = tuple[str | int, ...]
"""Keys and indices from the top of a file."""

MAX_SHOWN = 60
"""How many characters of a value a message shows."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a file with its place: a mapping or list of further nodes, or plain data.

    `line` is that of the key in a mapping and of the value in a list, from 1; None in a file without text.
    Nodes under a YAML alias have the path where they are used and the line where they are written.
    """

    file: str
    line: int | None
    path: Path
    content: "Mapping[str, Node] | tuple[Node, ...] | float | int | str | bool | None"

    @property
    def key(self) -> str:
        """The path with dots: `stations.sdc1.devices.stage.driver`."""
        return ".".join(map(str, self.path))

    @property
    def entries(self) -> "Mapping[str, Node]":
        """The nodes of a mapping by key; none for anything else."""
        return self.content if isinstance(self.content, Mapping) else {}

    @property
    def items(self) -> "tuple[Node, ...]":
        """The nodes of a list; none for anything else."""
        return self.content if isinstance(self.content, tuple) else ()

    def child(self, part: str | int) -> "Node | None":
        """The node at a key or index, None when there is none."""
        if isinstance(part, int) and self.items:
            return self.items[part] if 0 <= part < len(self.items) else None
        return self.entries.get(str(part))

    def at(self, *parts: str | int) -> "Node":
        """The node at a path below this one; an empty one in the line of the deepest there is, if missing."""
        node = self
        for part in parts:
            node = node.child(part) or replace(node, path=(*node.path, part), content=None)
        return node

    def plain(self) -> Any:
        """The same as plain dicts, lists and scalars."""
        if isinstance(self.content, Mapping):
            return {key: node.plain() for key, node in self.content.items()}
        if isinstance(self.content, tuple):
            return [node.plain() for node in self.content]
        return self.content

    def without(self, victims: Collection[Path]) -> "Node":
        """The tree without some of its nodes; the others keep their paths."""
        if isinstance(self.content, Mapping):
            kept = {k: node.without(victims) for k, node in self.content.items() if node.path not in victims}
            return replace(self, content=kept)
        if isinstance(self.content, tuple):
            items = tuple(node.without(victims) for node in self.content if node.path not in victims)
            return replace(self, content=items)
        return self

    def shown(self) -> str:
        """The value as a message shows it: `'abc'`, `5`, `{low: 5, high: 3}`, `nothing`, `a mapping`."""
        text = self.flow()
        if isinstance(self.content, Mapping | tuple):
            kind = "mapping" if isinstance(self.content, Mapping) else "list"
            return text if self.content and len(text) <= MAX_SHOWN else f"{'a' if self.content else 'an empty'} {kind}"
        return text

    def flow(self) -> str:
        """The whole value on one line, as in YAML's flow style."""
        if isinstance(self.content, Mapping):
            return f"{{{', '.join(f'{key}: {node.flow()}' for key, node in self.content.items())}}}"
        if isinstance(self.content, tuple):
            return f"[{', '.join(node.flow() for node in self.content)}]"
        return shown(self.content)


def shown(value: float | str | bool | None) -> str:
    """A scalar as a message shows it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value if len(value) <= MAX_SHOWN else f"{value[: MAX_SHOWN - 3]}...")
        case _:
            return repr(value)
