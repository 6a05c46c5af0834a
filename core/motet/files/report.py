"""Gathers every mistake of a set of files, and words the hints."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn

from motet.errors import FileProblems, Problem
from motet.files.node import Node

SHOWN = 12
"""How many allowed names a message lists at most."""


@dataclass
class Report:
    """The mistakes found so far. One mistake in a YAML template that is used several times counts once."""

    problems: list[Problem] = field(default_factory=list[Problem])
    _seen: set[tuple[object, ...]] = field(default_factory=set[tuple[object, ...]])

    def add(self, where: Node, found: str, allowed: str, key: str | None = None) -> None:
        """A mistake at a node, or at `key` below it."""
        full = where.key if key is None else f"{where.key}.{key}".lstrip(".")
        self.put(Problem(where.file, where.line, full, found, allowed))

    def put(self, problem: Problem) -> None:
        """A mistake, unless the same text was reported before."""
        leaf = problem.key.rpartition(".")[2]
        same = (problem.file, problem.line, leaf, problem.found, problem.allowed)
        if same not in self._seen:
            self._seen.add(same)
            self.problems.append(problem)

    def raise_if_any(self) -> None:
        """Raises FileProblems with everything found, by file and line."""
        if self.problems:
            self.fail()

    def fail(self) -> NoReturn:
        """Raises FileProblems with everything found, by file and line."""
        files = list(dict.fromkeys(problem.file for problem in self.problems))
        order = {file: index for index, file in enumerate(files)}
        raise FileProblems(sorted(self.problems, key=lambda p: (order[p.file], p.line or 0)))


def names(known: Iterable[str]) -> str:
    """A list of names for a message, cut when it is long."""
    found = list(known)
    more = f", ... ({len(found)} in all)" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more if found else "none"


def hint(found: str, known: Iterable[str]) -> str:
    """`did you mean 'x'? ` when a known name is near to the one found, else nothing."""
    known = list(known)
    near = get_close_matches(found, known, n=1, cutoff=0.6)
    if not near:
        lower = {name.lower(): name for name in known}
        near = [lower[match] for match in get_close_matches(found.lower(), lower, n=1, cutoff=0.6)]
    return f"did you mean {near[0]!r}? " if near else ""


def one_of(found: str, known: Iterable[str]) -> str:
    """What is allowed instead of a name, with the nearest one first."""
    known = list(known)
    return f"{hint(found, known)}allowed: {names(known)}"
