"""What a campaign is after: learner, stop rules, analysis and objectives."""

from collections.abc import Mapping, Sequence
from typing import Any

from motet.contracts.belief import Gives
from motet.contracts.declarations import Kind
from motet.contracts.learning import History, Listed, StartDesign, StopRule, declared_gives
from motet.contracts.results import Analysis
from motet.errors import CampaignError, PluginProblem
from motet.files.choices import choose
from motet.files.fitting import misfit, unmodelled
from motet.files.making import make_plugin
from motet.files.node import Node
from motet.files.report import Report, one_of
from motet.files.scope import Scope
from motet.files.simulation_check import check_time
from motet.files.units import problem
from motet.files.validate import Checked
from motet.model.campaign import Campaign, LearnerConfig
from motet.model.goals import Parts, parts_of
from motet.model.objective import Objective
from motet.model.space import Space
from motet.model.values import PluginRef
from motet.plugins import Registry

_LEARNER = {
    "start": Kind.START,
    "surrogate": Kind.SURROGATE,
    "acquisition": Kind.ACQUISITION,
    "pending": Kind.PENDING,
}


def check_learner(checked: Checked[Campaign], space: Space, stations: int, registry: Registry, report: Report) -> None:
    """The learner's plugins and the stop rules with their options, whether they go together, the start design against
    the space, and the time between tries."""
    if checked.model.learner.longest is not None:
        check_time(checked.model.learner.longest, checked.node.at("learner", "longest"), report, least=0.0)
    check_time(checked.model.failures.wait, checked.node.at("failures", "wait"), report, least=0.0)
    where = checked.node.at("learner")
    config = checked.model.learner
    objectives = {} if "objectives" in checked.stand_ins else checked.model.objectives
    refs = parts_of(config, objectives, space)
    parts: dict[Kind, Any] = {}
    for key, kind in _LEARNER.items():
        ref: PluginRef = getattr(refs, key)
        node = where.at(key)
        part = (
            _made(kind, ref, node, registry, report)
            if where.child(key)
            else _default(kind, ref, node, registry, report)
        )
        if part is not None:
            parts[kind] = part
    if (start := parts.get(Kind.START)) is not None and where.child("start") is not None:
        _check_start(start, where.at("start"), space, stations, report)
    _check_together(config, refs, parts, objectives, where, registry, report)
    for index, rule in enumerate(checked.model.stop):
        stop = checked.node.at("stop")
        node = stop.items[index] if stop.items else stop
        made = _made(Kind.STOP_RULE, rule, node, registry, report)
        if made is not None and objectives:
            _check_rule(made, objectives, node, report)


def _check_rule(rule: StopRule, objectives: Mapping[str, Objective], node: Node, report: Report) -> None:
    """Whether a stop rule can do anything with these objectives, asked before the first experiment."""
    try:
        rule.reason(History((), objectives, 0.0, (), 0.0))
    except CampaignError as error:
        report.add(node, node.shown(), str(error))


def _made(kind: Kind, ref: PluginRef, node: Node, registry: Registry, report: Report) -> Any:
    """The plugin that stands at a node; None, with the reason in the report, when it cannot be made."""
    choice = choose(kind, ref, node, registry, report)
    return None if choice is None else choice.make(node, report, registry)


def _default(kind: Kind, ref: PluginRef, node: Node, registry: Registry, report: Report) -> Any:
    """The plugin that is used where the file names none."""
    try:
        return make_plugin(registry, kind, ref)
    except PluginProblem as error:
        report.add(node, f"nothing, for which {ref.name} is used", str(error))
        return None


def _check_start(start: StartDesign, node: Node, space: Space, stations: int, report: Report) -> None:
    count = start.count(max(stations, 1))
    if space.parameters and count > space.size:
        found = f"a start design of {count} points"
        report.add(node, found, f"at most {space.size:g} are needed: the space has no more points")
    for point in start.points if isinstance(start, Listed) else ():
        if mistakes := space.problems(point):
            report.add(
                node, f"the point {dict(point)}", f"a point of the search space is needed: {'; '.join(mistakes)}"
            )


def _check_together(
    config: LearnerConfig,
    refs: Parts,
    parts: Mapping[Kind, Any],
    objectives: Mapping[str, Objective],
    where: Node,
    registry: Registry,
    report: Report,
) -> None:
    """Whether the surrogate gives what the others need; the classifier of feasibility."""
    if (unmet := _unmet(config, objectives)) is not None:
        report.add(where.at("goal"), f"the goal {config.goal!r}", unmet)
    elif len(parts) == len(_LEARNER) and objectives and unmodelled(objectives, {}) is None:
        names = {kind: getattr(refs, key).name for key, kind in _LEARNER.items()}
        if (found := misfit(registry, names, parts, objectives)) is not None:
            kind, why = found
            key = next(key for key, each in _LEARNER.items() if each is kind)
            report.add(where.at(key), f"the {key} {names[kind]!r}", why)
    if config.feasibility is None:
        return
    node = where.at("feasibility")
    choice = choose(Kind.SURROGATE, config.feasibility, node, registry, report)
    plugin = None if choice is None else choice.make(node, report, registry)
    if plugin is not None and Gives.PROBABILITIES not in declared_gives(plugin):
        report.add(
            node, f"the surrogate {config.feasibility.name!r}", "a classifier is needed: it gives class probabilities"
        )


def _unmet(config: LearnerConfig, objectives: Mapping[str, Objective]) -> str | None:
    """What the goal that the file names needs of the objectives and does not find."""
    if config.goal is None or not objectives or (config.goal == "pareto") == (len(objectives) > 1):
        return None
    needs = "several objectives" if config.goal == "pareto" else "one objective; several have the goal pareto"
    return f"it needs {needs}; there {'is' if len(objectives) == 1 else 'are'} {', '.join(objectives)}"


def check_goal(checked: Checked[Campaign], results: Sequence[Scope], registry: Registry, report: Report) -> None:
    """The analysis with its options, what it reads from the procedure's results, and the objectives."""
    outputs = None
    if "analysis" not in checked.stand_ins:
        where = checked.node.at("analysis")
        choice = choose(Kind.ANALYSIS, checked.model.analysis, where, registry, report)
        analysis: Analysis | None = None if choice is None else choice.make(where, report, registry)
        if analysis is not None:
            outputs = analysis.outputs()
            for scope in results:
                _check_needs(analysis, scope, where, report)
    _check_objectives(checked, outputs, report)


def _check_needs(analysis: Analysis, scope: Scope, where: Node, report: Report) -> None:
    there = [name for name in scope.sure if "." in name]
    for need in analysis.needs():
        if need in scope.perhaps:
            report.add(where, f"the output {need!r}", "its step may not have run: it stands inside an `if`")
        elif need not in there:
            report.add(where, f"the output {need!r}", f"{one_of(need, there)} (outputs of the procedure's steps)")


def _check_objectives(checked: Checked[Campaign], outputs: Sequence[str] | None, report: Report) -> None:
    """`outputs` are the names that the analysis yields, None when that is not known."""
    where = checked.whole.at("objectives")
    _check_outputs(where, "objective", outputs, report)
    stated = {} if "objectives" in checked.stand_ins else checked.model.objectives
    for name, objective in stated.items():
        _check_unit(objective.unit, where.at(name, "unit"), report)
        if objective.error is not None and outputs is not None and objective.error not in outputs:
            found = f"the error {objective.error!r}"
            report.add(where.at(name, "error"), found, f"{one_of(objective.error, outputs)} (what the analysis yields)")
    if (why := unmodelled(stated, checked.model.outcome_constraints)) is not None:
        report.add(where, f"the objectives {', '.join(stated)}", why)
    where = checked.whole.at("outcome_constraints")
    _check_outputs(where, "constrained number", outputs, report)
    for name, constraint in checked.model.outcome_constraints.items():
        _check_unit(constraint.unit, where.at(name, "unit"), report)


def _check_outputs(where: Node, what: str, outputs: Sequence[str] | None, report: Report) -> None:
    for name, node in where.entries.items():
        if outputs is not None and name not in outputs:
            report.add(node, f"the {what} {name!r}", f"{one_of(name, outputs)} (what the analysis yields)")


def _check_unit(unit: str | None, where: Node, report: Report) -> None:
    reason = problem(unit) if unit else None
    if reason is not None:
        report.add(where, f"the unit {unit!r}", reason)
