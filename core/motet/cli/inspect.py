"""`motet check`, `schema` and `plugins`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.exits import Exit, handled
from motet.cli.options import Json

if TYPE_CHECKING:
    from motet.api.check import DryRun

_BY_OBJECTIVES = " (not stated: follows from the objectives)"
_BY_GOAL = " (not stated: follows from the goal)"


@handled
def check(
    file: Annotated[Path, typer.Argument(help="A campaign, lab or procedure file.", metavar="FILE")],
    as_json: Json = False,
) -> None:
    """Validate a file and show what it would do, without touching a device."""
    from motet.errors import FileProblems
    from motet.files.procedure_choice import load_procedure
    from motet.plugins import installed

    try:
        kind = _kind(file)
        if kind == "lab":
            from motet.files.lab import load_lab

            lab = load_lab(file, installed()).lab
            found: dict[str, Any] = {"lab": lab.lab, "stations": list(lab.stations), "shared": list(lab.shared)}
            shared = f", which share {', '.join(lab.shared)}" if lab.shared else ""
            text = f"{file}: lab {lab.lab} with {len(lab.stations)} stations: {', '.join(lab.stations)}{shared}"
        elif kind == "procedure":
            procedure = load_procedure(file)
            found = {"procedure": file.stem, "steps": len(procedure.steps)}
            text = f"{file}: a procedure of {len(procedure.steps)} steps; a campaign that names it checks the devices"
        else:
            from motet.api.check import check_campaign

            dry = check_campaign(file)
            found, text = _campaign_facts(dry), _campaign_text(file, dry)
    except FileProblems as error:
        if not as_json:
            raise
        print(json.dumps({"ok": False, "problems": [_as_dict(problem) for problem in error.problems]}))
        raise typer.Exit(Exit.MISTAKE) from None
    print(json.dumps({"ok": True, **found}) if as_json else text)


def _kind(file: Path) -> str:
    """The kind of file whose keys it has most of: campaign, lab or procedure."""
    from motet.files.report import Report
    from motet.files.source import parse
    from motet.model.campaign import Campaign
    from motet.model.lab import Lab
    from motet.model.procedure import Procedure

    source = parse(file, Report())
    keys = set(source.data) if source is not None else set[str]()
    models = {"campaign": Campaign, "lab": Lab, "procedure": Procedure}
    return max(models, key=lambda kind: len(keys & set(models[kind].model_fields)))


def _as_dict(problem: Any) -> dict[str, Any]:
    return {key: getattr(problem, key) for key in ("file", "line", "key", "found", "allowed")}


def _campaign_facts(dry: "DryRun") -> dict[str, Any]:
    from motet.model.goals import goal_of

    campaign = dry.file.campaign
    return {
        "campaign": campaign.campaign,
        "stations": list(dry.file.stations),
        "stages": [{"stage": stage.name, "stations": list(stage.stations)} for stage in dry.file.stages if stage.name],
        "points": dry.file.space.size if dry.file.space.size != float("inf") else None,
        "objectives": {name: objective.model_dump() for name, objective in campaign.objectives.items()},
        "outcome_constraints": {name: one.model_dump() for name, one in campaign.outcome_constraints.items()},
        "learner": {"goal": goal_of(campaign.learner, campaign.objectives), **_learner(dry)},
        "first": [dict(suggestion.parameters) for suggestion in dry.first],
        "steps": list(dry.steps),
    }


def _campaign_text(path: Path, dry: "DryRun") -> str:
    from motet.cli.text import point
    from motet.model.goals import goal_of
    from motet.store.words import bound, goal

    campaign, space = dry.file.campaign, dry.file.space
    size = "infinitely many" if space.size == float("inf") else f"{space.size:.0f}"
    if space.constraints and space.listed() is None and space.size < float("inf"):
        size = f"fewer than {size}"  # the product of the parameters
    keeps = [bound(name, one) for name, one in campaign.outcome_constraints.items()]
    facts = {
        "stations": f"{', '.join(dry.file.stations)} of lab {dry.file.lab.lab} ({dry.file.lab.hardware} hardware)",
        "space": f"{size} points: {', '.join(space.parameters)}{_constrained(len(space.constraints))}",
        "objective": ", ".join(goal(name, objective) for name, objective in campaign.objectives.items()),
        **({"outcomes": ", ".join(keeps)} if keeps else {}),
        "goal": goal_of(campaign.learner, campaign.objectives) + ("" if campaign.learner.goal else _BY_OBJECTIVES),
        **_parts(dry),
        "ends": ", ".join(rule.name for rule in campaign.stop) or "when the budget or the points are used up",
        "first": "; ".join(point(suggestion.parameters) for suggestion in dry.first),
    }
    lines = [f"{path}: campaign {campaign.campaign} is valid", *(f"  {key:11} {text}" for key, text in facts.items())]
    return "\n".join([*lines, "  each experiment:", *(f"    {step}" for step in dry.steps)])


def _parts(dry: "DryRun") -> dict[str, str]:
    """The learner's parts in words, and whether the file states them."""
    learner = dry.file.campaign.learner
    found: dict[str, str] = {}
    for part, label in _learner(dry).items():
        if label is not None:
            found[part] = label if getattr(learner, part) is not None else f"{label}{_BY_GOAL}"
    return found | ({"repeats": "a measured point may be measured again"} if learner.repeats else {})


def _learner(dry: "DryRun") -> dict[str, str | None]:
    """The learner's parts as they will be used, with the options that the file states."""
    from motet.contracts.declarations import Kind
    from motet.files.making import label_of
    from motet.model.goals import parts_of
    from motet.plugins import installed

    learner = dry.file.campaign.learner
    parts = parts_of(learner, dry.file.campaign.objectives, dry.file.space)
    refs = {
        Kind.START: parts.start,
        Kind.SURROGATE: parts.surrogate,
        Kind.ACQUISITION: parts.acquisition,
        Kind.PENDING: parts.pending,
    }
    found: dict[str, str | None] = {kind.value: label_of(installed(), kind, ref) for kind, ref in refs.items()}
    feasible = learner.feasibility
    found["feasibility"] = None if feasible is None else label_of(installed(), Kind.SURROGATE, feasible)
    return found


def _constrained(count: int) -> str:
    return f", {count} constraint{'s' if count != 1 else ''}" if count else ""


@handled
def schema(kind: Annotated[str, typer.Argument(help="lab, campaign or procedure.", metavar="KIND")]) -> None:
    """Print the JSON schema of a file, for editors."""
    from motet.errors import FileProblems, Problem
    from motet.files.schema import KINDS, schema
    from motet.plugins import installed

    if kind not in KINDS:
        raise FileProblems([Problem("schema", None, "", repr(kind), f"allowed: {', '.join(KINDS)}")])
    print(json.dumps(schema(kind, installed()), indent=2))


@handled
def plugins(
    kind: Annotated[str | None, typer.Option(help="Only this kind: driver, simulator, world, surrogate, ...")] = None,
    as_json: Json = False,
) -> None:
    """List every plugin: kind, name, distribution, version, what it is."""
    from motet.contracts.declarations import Kind
    from motet.plugins import installed

    if kind is not None and kind not in set(Kind):
        raise typer.BadParameter(f"{kind!r} is no kind of plugin; allowed: {', '.join(Kind)}", param_hint="--kind")
    registry = installed()
    kinds = [Kind(kind)] if kind is not None else list(Kind)
    found = [item for wanted in kinds for item in registry.usable(wanted).values()]
    if as_json:
        rows = [
            {
                "kind": item.kind,
                "name": item.declaration.name,
                "distribution": item.distribution,
                "version": item.version,
                "doc": item.declaration.doc,
            }
            for item in found
        ]
        print(json.dumps({"plugins": rows, "problems": registry.problems}))
        return
    from rich.table import Table

    from motet.cli.text import console

    table = Table("kind", "name", "distribution", "version", "what it is")
    for item in found:
        table.add_row(item.kind, item.declaration.name, item.distribution, item.version, item.declaration.doc)
    console().print(table)
    for problem in registry.problems:
        print(f"problem: {problem}", file=sys.stderr)
    if registry.problems:
        raise typer.Exit(Exit.MISTAKE)
