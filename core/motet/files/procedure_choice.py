"""Which procedure a campaign runs: one of the lab, of a plugin, of a file of its own, or written in place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from motet.contracts.declarations import Kind
from motet.files.choices import Choice, broken, choose
from motet.files.consumables_check import check_amounts
from motet.files.lab import CheckedLab, declared
from motet.files.node import Node
from motet.files.report import Report, hint, one_of
from motet.files.scope import Known
from motet.files.source import parse
from motet.files.validate import validate
from motet.model.procedure import Procedure
from motet.model.values import PluginRef
from motet.plugins import Registry


@dataclass(frozen=True, slots=True)
class Chosen:
    """The procedure of a campaign or stage, the tree it was made from, the same with its mistakes, and the files read.

    Neither procedure nor plugin is there when what the campaign names is not right. `declared` says what the
    procedure needs, None when it takes whatever parameters the campaign has.
    """

    where: Node
    procedure: Procedure | None = None
    node: Node | None = None
    whole: Node | None = None
    plugin: Choice | None = None
    declared: Mapping[str, Known] | None = None
    files: Mapping[Path, str] = field(default_factory=dict[Path, str])


def choose_procedure(
    stated: Procedure | PluginRef | str,
    where: Node,
    whole: Node,
    lab: CheckedLab | None,
    path: Path,
    registry: Registry,
    report: Report,
) -> Chosen:
    """The procedure that a campaign (in the file `path`) states at a node; `whole` is the same with its mistakes.
    Mistakes go to the report."""
    if isinstance(stated, Procedure):
        needs = declared(stated, where, report) if stated.parameters else None
        return Chosen(where, stated, where, whole, declared=needs)
    if isinstance(stated, PluginRef):
        return Chosen(where, plugin=choose(Kind.PROCEDURE, stated, where, registry, report))
    if stated.endswith((".yaml", ".yml")):
        return _in_file(path.parent / stated, where, report)
    return _named(stated, where, lab, registry, report)


def _named(name: str, where: Node, lab: CheckedLab | None, registry: Registry, report: Report) -> Chosen:
    labs = {} if lab is None else lab.checked.model.procedures
    plugins = registry.all(Kind.PROCEDURE)
    if lab is not None and name in labs:
        procedure = labs[name]
        node, whole = (tree.at("procedures", name) for tree in (lab.checked.node, lab.checked.whole))
        needs = {key: Known(unit=unit or "") for key, unit in procedure.parameters.items()}
        return Chosen(where, procedure, node, whole, declared=needs)
    if name in plugins:
        return Chosen(where, plugin=choose(Kind.PROCEDURE, PluginRef(name=name), where, registry, report))
    written = [] if lab is None else list(lab.checked.whole.at("procedures").entries)
    if lab is not None and name not in written:
        allowed = f"{one_of(name, [*written, *plugins])}, or a YAML file, or `steps:`{broken(registry)}"
        report.add(where, f"the procedure {name!r}", allowed)
    return Chosen(where)


def _in_file(path: Path, where: Node, report: Report) -> Chosen:
    if not path.is_file():
        there = sorted(p.name for p in path.parent.iterdir() if p.is_file()) if path.parent.is_dir() else []
        allowed = f"{hint(path.name, there)}a path relative to the folder of this file is needed"
        report.add(where, f"no such file {where.shown()}", allowed)
        return Chosen(where)
    source = parse(path, report)
    checked = None if source is None else validate(Procedure, source.root, report)
    if source is None or checked is None:
        return Chosen(where)
    needs = declared(checked.model, checked.node, report) if checked.model.parameters else None
    return Chosen(where, checked.model, checked.node, source.root, declared=needs, files={path: source.text})


def load_procedure(path: Path) -> Procedure:
    """The procedure in a file of its own. Raises FileProblems; its devices are not known here."""
    report = Report()
    source = parse(path, report)
    checked = None if source is None else validate(Procedure, source.root, report)
    if checked is None or report.problems:
        report.fail()
    declared(checked.model, checked.node, report)
    check_amounts(checked.model, checked.node, report)
    if report.problems:
        report.fail()
    return checked.model
