"""YAML 1.2 files as trees of nodes: anchors and merge keys resolved, broken syntax and duplicates reported.

See https://yaml.org/spec/1.2.2/ for the language and https://yaml.org/type/merge.html for `<<`, which 1.2
dropped and every tool still reads.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from motet.errors import Problem
from motet.files.node import Node, shown
from motet.files.node import Path as KeyPath
from motet.files.report import Report

MAX_NODES = 100_000
"""Aliases within aliases grow exponentially: a file that comes to more than this is refused."""

_TAG = "tag:yaml.org,2002:"
_NO_TAGS = "tags have no meaning here: leave it out"
_TEXT = {"str", "timestamp", "value"}
"""Tags of scalars that are kept as text. A date is no type of Motet's files."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read: its exact text, and its tree, whose root is a mapping."""

    path: Path
    text: str
    root: Node

    @property
    def data(self) -> dict[str, Any]:
        """The file as plain dicts, lists and scalars."""
        plain: dict[str, Any] = self.root.plain()
        return plain


def read(path: Path) -> Source:
    """A YAML file whose top is a mapping. Raises FileProblems with everything that is wrong with its YAML."""
    report = Report()
    source = parse(path, report)
    if source is None or report.problems:
        report.fail()
    return source


def parse(path: Path, report: Report, keys: Collection[str] | None = None) -> Source | None:
    """A YAML file as far as it can be read; None, with the reason in the report, when that is not at all.

    With `keys` only what stands under these keys at the top is read, whatever the rest is: for who cannot wait.
    """
    text = read_text(path, report)
    if text is None:
        return None
    if keys is not None:
        text = _only(text, keys)
    file = str(path)
    try:
        yaml: Any = YAML(typ="safe", pure=True)
        composed: Any = yaml.compose(text)
    except (YAMLError, RecursionError) as error:
        report.put(_syntax(file, text, error))
        return None
    if composed is None:
        report.put(Problem(file, None, "", "an empty file", "a mapping of keys to values is needed"))
        return None
    root = _Builder(file, report, yaml.constructor).build(composed, (), _line(composed))
    if not isinstance(composed, MappingNode):
        report.add(root, root.shown(), "a mapping of keys to values is needed at the top of the file")
        return None
    return Source(path, text, root)


def read_text(path: Path, report: Report) -> str | None:
    """The text of a file in UTF-8; None, with the reason in the report, when there is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        report.put(Problem(str(path), line, "", f"the byte 0x{byte:02x}", "the file must be UTF-8 text"))
    except OSError as error:
        found = f"no such file {path.name!r}" if isinstance(error, FileNotFoundError) else str(error.strerror)
        report.put(Problem(str(path), None, "", found, "a file that can be read is needed"))
    return None


def _only(text: str, keys: Collection[str]) -> str:
    """The text with every line outside of some blocks at the top left empty, so that the others keep their numbers."""
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        if line[:1].strip():
            inside = line.partition(":")[0].strip("\"' ") in keys
        kept.append(line if inside else "")
    return "\n".join(kept)


class _Builder:
    """Turns what the YAML library composed into nodes."""

    def __init__(self, file: str, report: Report, constructor: SafeConstructor) -> None:
        self._file = file
        self._report = report
        self._constructor = constructor
        self._count = 0
        self._open: list[object] = []

    def build(self, node: Any, path: KeyPath, line: int) -> Node:
        """The tree of a composed node, with aliases replaced by what they stand for."""
        here = Node(self._file, line, path, None)
        self._count += 1
        if node in self._open:
            self._report.add(here, "an alias inside the piece it stands for", "a file without such circles")
            return here
        if self._count > MAX_NODES:
            if self._count == MAX_NODES + 1:
                found = f"more than {MAX_NODES} values once its aliases are filled in"
                self._report.put(Problem(self._file, None, "", found, "a smaller file is needed"))
            return here
        self._open.append(node)
        try:
            return Node(self._file, line, path, self._content(node, here))
        finally:
            self._open.pop()

    def _content(self, node: Any, here: Node) -> Any:
        if not isinstance(node, ScalarNode) and _kind(node) not in ("map", "seq"):
            self._report.add(here, f"the tag {node.tag}", _NO_TAGS)
        if isinstance(node, MappingNode):
            return self._mapping(node, here)
        if isinstance(node, SequenceNode):
            items: list[Any] = _value(node)
            return tuple(self.build(item, (*here.path, i), _line(item)) for i, item in enumerate(items))
        return self._scalar(node, here)

    def _mapping(self, node: MappingNode, here: Node) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in _value(node):
            if key.tag == f"{_TAG}merge":
                for name, inherited in self._merged(value, here, _line(key)).items():
                    merged.setdefault(name, inherited)
                continue
            if not _is_text(key):
                found = shown(str(_value(key))) if isinstance(key, ScalarNode) else "a list or mapping"
                where = Node(self._file, _line(key), here.path, None)
                self._report.add(where, f"the key {found}", "a key must be text: put quotes around it")
                continue
            name = str(_value(key))
            entry = self.build(value, (*here.path, name), _line(key))
            if name in own:
                self._report.add(entry, f"the key {name!r} twice", f"line {own[name].line} has it already")
            else:
                own[name] = entry
        return {**merged, **own}

    def _merged(self, value: Any, here: Node, line: int) -> dict[str, Node]:
        """What `<<` brings in: a mapping, or several of which the first one wins."""
        found: dict[str, Node] = {}
        for part in _value(value) if isinstance(value, SequenceNode) else [value]:
            built = self.build(part, here.path, line)
            if not isinstance(part, MappingNode):
                self._report.add(built, f"{built.shown()} after `<<`", "only mappings can be merged: `<<: *name`")
                continue
            for name, node in built.entries.items():
                found.setdefault(name, node)
        return found

    def _scalar(self, node: Any, here: Node) -> Any:
        kind = _kind(node)
        if kind in _TEXT:
            return str(_value(node))
        try:
            match kind:
                case "null":
                    return None
                case "bool":
                    return self._constructor.construct_yaml_bool(node)
                case "int":
                    return int(self._constructor.construct_yaml_int(node))
                case "float":
                    return float(self._constructor.construct_yaml_float(node))
                case _:
                    self._report.add(here, f"the tag {node.tag}", _NO_TAGS)
        except ValueError:
            self._report.add(here, shown(str(_value(node))), f"not readable as {kind}: put quotes around text")
        return None


def _is_text(key: Any) -> bool:
    return isinstance(key, ScalarNode) and _kind(key) in _TEXT


def _kind(node: Any) -> str:
    return str(node.tag).removeprefix(_TAG)


def _value(node: Any) -> Any:
    """What a composed node holds: pairs of nodes, nodes, or text."""
    return node.value


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _syntax(file: str, text: str, error: Exception) -> Problem:
    """What the YAML library says about broken syntax, in plain words where it is often seen."""
    if isinstance(error, RecursionError):
        return Problem(file, None, "", "lists or mappings nested too deeply", "a file of a few levels is needed")
    if isinstance(error, ReaderError):
        position: int = getattr(error, "position", 0)
        line = text[:position].count("\n") + 1
        return Problem(file, line, "", f"the character {text[position]!r}", "a text file is needed")
    mark = getattr(error, "problem_mark", None)
    line = None if mark is None else int(mark.line) + 1
    lines = text.splitlines()
    content = lines[line - 1] if line is not None and line <= len(lines) else ""
    problem = str(getattr(error, "problem", error))
    if "\\t" in problem or "\t" in content[: len(content) - len(content.lstrip())]:
        return Problem(file, line, "", "a tab in the indentation", "YAML is indented with spaces only")
    if "found another document" in problem:
        return Problem(file, line, "", "a second document after `---`", "one document a file")
    if "mapping values are not allowed" in problem:
        allowed = "no `:` can stand there: check the indentation, and put quotes around text with a colon"
        return Problem(file, line, "", shown(content.strip()), allowed)
    context = ""
    if isinstance(error, MarkedYAMLError) and error.context:
        begun = "" if error.context_mark is None else f" that begins in line {error.context_mark.line + 1}"
        context = f" {error.context}{begun}"
    found = shown(content.strip()) if content else "the end of the file"
    return Problem(file, line, "", found, f"this is not YAML: {problem}{context}")
