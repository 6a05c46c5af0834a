"""What a campaign is after: learner, stop rules, analysis and objectives."""

from collections.abc import Sequence

from motet.contracts.declarations import Kind
from motet.contracts.results import Analysis
from motet.files.choices import choose
from motet.files.node import Node
from motet.files.report import Report, names, one_of
from motet.files.scope import Scope
from motet.files.simulation_check import check_time
from motet.files.units import problem
from motet.files.validate import Checked
from motet.model.campaign import Campaign
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
    """The learner's plugins and the stop rules with their options, the start design against the space, and the time
    between tries."""
    check_time(checked.model.failures.wait, checked.node.at("failures", "wait"), report, least=0.0)
    where = checked.node.at("learner")
    for key, kind in _LEARNER.items():
        ref: PluginRef = getattr(checked.model.learner, key)
        node = where.at(key)
        choice = choose(kind, ref, node, registry, report)
        if choice is None or kind is not Kind.START or where.child(key) is None:
            continue
        start = choice.make(node, report)
        count = 0 if start is None else start.count(max(stations, 1))
        if space.parameters and count > space.size:
            found = f"a start design of {count} points"
            report.add(node, found, f"at most {space.size:g} are needed: the space has no more points")
    for index, rule in enumerate(checked.model.stop):
        stop = checked.node.at("stop")
        node = stop.items[index] if stop.items else stop
        choice = choose(Kind.STOP_RULE, rule, node, registry, report)
        if choice is not None:
            choice.make(node, report)


def check_goal(checked: Checked[Campaign], results: Sequence[Scope], registry: Registry, report: Report) -> None:
    """The analysis with its options, what it reads from the procedure's results, and the objectives."""
    outputs = None
    if "analysis" not in checked.stand_ins:
        where = checked.node.at("analysis")
        choice = choose(Kind.ANALYSIS, checked.model.analysis, where, registry, report)
        analysis: Analysis | None = None if choice is None else choice.make(where, report)
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
    written = where.entries
    for name, node in written.items():
        if outputs is not None and name not in outputs:
            allowed = f"{one_of(name, outputs)} (what the analysis yields)"
            report.add(node, f"the objective {name!r}", allowed)
    stated = {} if "objectives" in checked.stand_ins else checked.model.objectives
    for name, objective in stated.items():
        reason = problem(objective.unit) if objective.unit else None
        if reason is not None:
            report.add(where.at(name, "unit"), f"the unit {objective.unit!r}", reason)
    if len(written) > 1:
        report.add(where, f"the objectives {names(written)}", "one objective: the learner follows a single number")
