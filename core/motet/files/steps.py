"""Walks over the steps of a procedure and over the tree they were made from."""

from collections.abc import Iterator, Sequence

from motet.files import expressions
from motet.files.node import Node
from motet.model.procedure import IfStep, Procedure, RepeatStep, Step, VerbStep, WaitStep


def devices_of(procedure: Procedure, node: Node) -> dict[str, Node]:
    """The devices that a procedure names, each with the first step that does."""
    found: dict[str, Node] = {}
    for steps, key in ((procedure.steps, "steps"), (procedure.cleanup, "cleanup")):
        for step, where in verb_steps(steps, node.at(key)):
            found.setdefault(step.device, where)
    return found


def verb_steps(steps: Sequence[Step], node: Node) -> Iterator[tuple[VerbStep, Node]]:
    """Every verb step with its node, also those inside `repeat` and `if`."""
    for step, where in zip(steps, node.items, strict=True):
        match step:
            case VerbStep():
                yield step, where
            case RepeatStep():
                yield from verb_steps(step.steps, where.at("repeat", "steps"))
            case IfStep():
                yield from verb_steps(step.then, where.at("then"))
                yield from verb_steps(step.otherwise, where.at("else")) if step.otherwise else ()
            case WaitStep():
                pass


def used_names(procedure: Procedure) -> frozenset[str]:
    """Every name that steps and conditions of a procedure refer to, as far as they can be read."""
    found: set[str] = set()
    for text in _texts((*procedure.steps, *procedure.cleanup)):
        found.update(match[1] for match in expressions.REFERENCE.finditer(text))
    return frozenset(found)


def _texts(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        match step:
            case VerbStep():
                yield from (value for value in step.arguments.values() if isinstance(value, str))
            case RepeatStep():
                yield step.until or ""
                yield from _texts(step.steps)
            case IfStep():
                yield step.condition
                yield from _texts((*step.then, *step.otherwise))
            case WaitStep():
                pass


def is_whole(node: Node, whole: Node) -> bool:
    """Whether no step of a procedure was left out for its mistakes."""
    return all(node.child(key) == whole.child(key) for key in ("steps", "cleanup"))


def step_names(whole: Node) -> Iterator[str]:
    """Every name that a step of a procedure, right or wrong, may have."""
    for key, node in whole.entries.items():
        yield str(node.content) if key == "as" else key.rpartition(".")[2]
        yield from step_names(node)
    for node in whole.items:
        yield from step_names(node)
