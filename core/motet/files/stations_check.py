"""The stations of a campaign, and its procedure with the campaign's parameters at each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from motet.files.instruments import Bench
from motet.files.lab import CheckedLab, able, distinct
from motet.files.procedure_check import check_procedure
from motet.files.procedure_choice import Chosen
from motet.files.report import Report, hint, names, one_of
from motet.files.scope import Known, Scope, known
from motet.files.steps import devices_of, is_whole, used_names
from motet.files.units import convertible
from motet.files.validate import Checked
from motet.model.campaign import Campaign
from motet.model.space import Space


def choose_stations(
    checked: Checked[Campaign], lab: CheckedLab | None, chosen: Chosen, report: Report
) -> tuple[Bench, ...]:
    """The stations that a campaign names, or else all that have its procedure's devices."""
    if lab is None or not lab.benches:
        return ()
    named = _named(checked, lab, report)
    if chosen.procedure is None or chosen.node is None:
        return named or lab.benches
    if named:
        needed = devices_of(chosen.procedure, chosen.node)
        everywhere = {device for bench in lab.benches for device in bench.instruments}
        able(chosen.procedure, chosen.node, lab.benches, report)
        for index, bench in enumerate(named):
            for device in needed:
                if device in everywhere and device not in bench.instruments:
                    where = checked.node.at("stations", index)
                    found = f"the station {bench.station!r}, which has no device {device!r}"
                    report.add(where, found, f"the procedure uses it; the station has: {names(bench.instruments)}")
        return named
    found = able(chosen.procedure, chosen.node, lab.benches, report)
    if not found:
        needed = names(devices_of(chosen.procedure, chosen.node))
        report.add(chosen.where, chosen.where.shown(), f"no station has all of its devices: {needed}")
    return found


def _named(checked: Checked[Campaign], lab: CheckedLab, report: Report) -> tuple[Bench, ...]:
    there = {bench.station: bench for bench in lab.benches}
    written = lab.checked.whole.at("stations").entries
    found: dict[str, Bench] = {}
    for index, name in enumerate(checked.model.stations):
        where = checked.node.at("stations", index)
        if name in found:
            report.add(where, f"the station {name!r} a second time", "each station once")
        elif name in there:
            found[name] = there[name]
        elif name not in written:
            report.add(where, f"the station {name!r}", f"{one_of(name, there)} (stations of the lab)")
    return tuple(found.values())


def results_of(
    checked: Checked[Campaign], chosen: Chosen, benches: tuple[Bench, ...], space: Space, report: Report
) -> Sequence[Scope]:
    """Check the procedure with the campaign's parameters; the scopes when it has run, by kind of station.

    Nothing is said about that when the procedure has mistakes that leave it open.
    """
    if chosen.procedure is None or chosen.node is None or chosen.whole is None:
        return ()
    written = checked.whole.at("parameters")
    parameters = {
        name: known(p, written.child(name) or checked.node.at("candidates")) for name, p in space.parameters.items()
    }
    parameters |= {name: Known() for name in written.entries if name not in parameters}
    searched = bool(parameters) and "candidates" not in checked.stand_ins
    if searched:
        _check_parameters(checked, chosen, parameters, report)
    if chosen.declared is not None:
        parameters = {name: _with_unit(parameters.get(name), need) for name, need in chosen.declared.items()}
    needed = devices_of(chosen.procedure, chosen.node)
    scopes: list[Scope] = []
    for bench in distinct(benches):
        scope = check_procedure(chosen.procedure, chosen.node, chosen.whole, bench, parameters, report)
        if all(bench.instruments.get(device) is not None for device in needed):
            scopes.append(scope)
    return scopes if is_whole(chosen.node, chosen.whole) else ()


def _with_unit(given: Known | None, need: Known) -> Known:
    """What is known about a parameter in its own unit, by default the procedure's."""
    if given is None or not convertible(given.unit, need.unit):
        return need
    return replace(given, unit=given.unit or need.unit)


def _check_parameters(
    checked: Checked[Campaign], chosen: Chosen, parameters: Mapping[str, Known], report: Report
) -> None:
    """The parameters that the procedure needs against those that the campaign has."""
    where = checked.whole.at("parameters")
    used = None
    if chosen.procedure is not None and chosen.node is not None and chosen.whole is not None:
        used = used_names(chosen.procedure) if is_whole(chosen.node, chosen.whole) else None
    for name, given in parameters.items():
        node = where.child(name) or checked.node.at("candidates")
        if chosen.declared is None:
            if used is not None and name not in used:
                report.add(node, f"the parameter {name!r}", f"no step of the procedure uses ${name}")
        elif name not in chosen.declared:
            near = hint(name, chosen.declared)
            allowed = f"{near}the procedure takes: {names(chosen.declared)}"
            report.add(node, f"the parameter {name!r}", allowed)
        elif not convertible(given.unit, chosen.declared[name].unit):
            need = chosen.declared[name].unit
            report.add(node.at("unit"), f"the unit {given.unit!r}", f"the procedure takes {name} in {need}")
    for name in chosen.declared or ():
        if name not in parameters:
            report.add(where, "nothing", f"the procedure needs the parameter {name!r}", name)
