"""The procedures of a campaign's stages with its parameters, and what there is to analyse when they have run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

from motet.files.lab import distinct
from motet.files.procedure_check import check_procedure
from motet.files.procedure_choice import Chosen
from motet.files.report import Report, hint, names
from motet.files.scope import ANY_STAGE, Known, Scope, known
from motet.files.stages_check import Stage
from motet.files.steps import devices_of, is_whole, used_names, verb_steps
from motet.files.units import convertible
from motet.files.validate import Checked
from motet.model.campaign import Campaign
from motet.model.space import Space


def results_of(checked: Checked[Campaign], stages: Sequence[Stage], space: Space, report: Report) -> Sequence[Scope]:
    """Check the procedures with the campaign's parameters and what earlier stages give; the scopes when all have run.

    There is one for every kind of station, so that each is among them. Nothing is said about that when a procedure is
    a plugin or has mistakes that leave it open.
    """
    if all(stage.chosen.procedure is None for stage in stages):
        return ()
    written = checked.whole.at("parameters")
    parameters = {
        name: known(p, written.child(name) or checked.node.at("candidates")) for name, p in space.parameters.items()
    }
    parameters |= {name: Known() for name in written.entries if name not in parameters}
    missing = len(checked.whole.at("stages").items) > len(checked.node.at("stages").items)
    if parameters and "candidates" not in checked.stand_ins:
        _check_parameters(checked, [stage.chosen for stage in stages], parameters, missing, report)
    before = Scope(unknown=frozenset((ANY_STAGE,) if missing else ()))
    of_stages: list[Sequence[Scope] | None] = []
    for stage in stages:
        scopes = _scopes(stage, parameters, before, report)
        of_stages.append(scopes)
        if stage.name:
            _check_names(stage, [of for of in of_stages[:-1] if of], stages, report)
            before = _after(stage, before, scopes)
    return _together([scopes or () for scopes in of_stages])


def _scopes(stage: Stage, parameters: Mapping[str, Known], before: Scope, report: Report) -> Sequence[Scope] | None:
    """Check a stage at each kind of its stations; the outputs that it gives there, None where that is left open."""
    chosen = stage.chosen
    if chosen.procedure is None or chosen.node is None or chosen.whole is None:
        return None
    if chosen.declared is not None:
        parameters = {name: _with_unit(parameters.get(name), need) for name, need in chosen.declared.items()}
    needed = devices_of(chosen.procedure, chosen.node)
    scopes: list[Scope] = []
    for bench in distinct(stage.benches):
        end = check_procedure(chosen.procedure, chosen.node, chosen.whole, bench, parameters, report, before)
        if all(bench.instruments.get(device) is not None for device in needed):
            sure = {name: what for name, what in end.sure.items() if name.count(".") == 1}
            scopes.append(Scope(sure, end.perhaps - before.perhaps, end.wrong - before.wrong))
    return scopes if scopes and is_whole(chosen.node, chosen.whole) else None


def _after(stage: Stage, before: Scope, scopes: Sequence[Scope] | None) -> Scope:
    """What the next stage may refer to: outputs that every station of this one gives are sure."""
    if scopes is None:
        return replace(before, unknown=before.unknown | {stage.name})
    ends = reduce(_either, scopes)
    sure = {f"{stage.name}.{name}": what for name, what in ends.sure.items()}
    perhaps = frozenset(f"{stage.name}.{name}" for name in ends.perhaps)
    return replace(before, sure={**before.sure, **sure}, perhaps=before.perhaps | perhaps)


def _either(one: Scope, other: Scope) -> Scope:
    """What is known when either may have happened. Nothing is known of the range of what they both give."""
    joined = one.joined(one, other)
    sure = {
        name: what if what == other.sure[name] else _common(what, other.sure[name])
        for name, what in joined.sure.items()
    }
    return replace(joined, sure=sure)


def _common(one: Known, other: Known) -> Known:
    return Known(one.kind if one.kind == other.kind else None, one.unit if one.unit == other.unit else "")


def _together(of_stages: Sequence[Sequence[Scope]]) -> Sequence[Scope]:
    """Scopes of all stages together, so many that every scope of every stage is in one of them."""
    if not all(of_stages):
        return ()
    together: list[Scope] = []
    for index in range(max(len(scopes) for scopes in of_stages)):
        picked = [scopes[min(index, len(scopes) - 1)] for scopes in of_stages]
        sure = {name: what for scope in picked for name, what in scope.sure.items()}
        together.append(Scope(sure, frozenset[str]().union(*(scope.perhaps for scope in picked))))
    return together


def _check_names(stage: Stage, earlier: Sequence[Sequence[Scope]], stages: Sequence[Stage], report: Report) -> None:
    """An analysis names outputs as `step.output`: no two stages may have steps of one name that give any."""
    taken = {
        name.partition(".")[0]: other.name
        for other, scopes in zip(stages, earlier, strict=False)
        for scope in scopes
        for name in (*scope.sure, *scope.perhaps)
    }
    if stage.chosen.procedure is None or stage.chosen.node is None:
        return
    for step, where in verb_steps(stage.chosen.procedure.steps, stage.chosen.node.at("steps")):
        if step.name in taken:
            node = where.at("as") if "as" in where.entries else where
            allowed = f"the stage {taken[step.name]!r} has it already; give one of them another name with `as: NAME`"
            report.add(node, f"the name {step.name!r} for a step of the stage {stage.name!r}", allowed)


def _with_unit(given: Known | None, need: Known) -> Known:
    """What is known about a parameter in its own unit, by default the procedure's."""
    if given is None or not convertible(given.unit, need.unit):
        return need
    return replace(given, unit=given.unit or need.unit)


def _check_parameters(
    checked: Checked[Campaign],
    procedures: Sequence[Chosen],
    parameters: Mapping[str, Known],
    missing: bool,
    report: Report,
) -> None:
    """The parameters that the procedures need against those that the campaign has; `missing`: there are more."""
    where = checked.whole.at("parameters")
    taken = [_taken(chosen) for chosen in procedures]
    for name, given in parameters.items():
        node = where.child(name) or checked.node.at("candidates")
        if not missing and all(of is not None and name not in of for of in taken):
            report.add(node, f"the parameter {name!r}", _unused(name, procedures))
        for chosen in procedures:
            need = (chosen.declared or {}).get(name)
            if need is not None and not convertible(given.unit, need.unit):
                report.add(node.at("unit"), f"the unit {given.unit!r}", f"the procedure takes {name} in {need.unit}")
    for chosen in procedures:
        for name in chosen.declared or ():
            if name not in parameters:
                report.add(where, "nothing", f"the procedure needs the parameter {name!r}", name)


def _taken(chosen: Chosen) -> frozenset[str] | None:
    """The parameters that a procedure takes, None when that cannot be told."""
    if chosen.declared is not None:
        return frozenset(chosen.declared)
    if chosen.procedure is None or chosen.node is None or chosen.whole is None:
        return None
    return used_names(chosen.procedure) if is_whole(chosen.node, chosen.whole) else None


def _unused(name: str, procedures: Sequence[Chosen]) -> str:
    """What to do about a parameter that no procedure takes."""
    one = procedures[0] if len(procedures) == 1 else None
    if one is not None and one.declared is not None:
        return f"{hint(name, one.declared)}the procedure takes: {names(one.declared)}"
    return f"no step of {'the procedure' if one is not None else 'any stage'} uses ${name}"
