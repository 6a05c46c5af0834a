"""The stations of a campaign without stages."""

from motet.files.instruments import Bench
from motet.files.lab import CheckedLab, able
from motet.files.procedure_choice import Chosen
from motet.files.report import Report, names, one_of
from motet.files.steps import devices_of
from motet.files.validate import Checked
from motet.model.campaign import Campaign


def choose_stations(
    checked: Checked[Campaign], lab: CheckedLab | None, chosen: Chosen, report: Report
) -> tuple[Bench, ...]:
    """The stations that a campaign names, or else all that have its procedure's devices."""
    if lab is None or not lab.benches:
        return ()
    named = named_stations(checked, lab, report)
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


def named_stations(checked: Checked[Campaign], lab: CheckedLab | None, report: Report) -> tuple[Bench, ...]:
    """The stations that a campaign names in `stations`."""
    if lab is None or not lab.benches:
        return ()
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
