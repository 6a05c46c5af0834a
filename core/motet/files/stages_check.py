"""The stages of a campaign: what each of them does, and at which stations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.files.instruments import Bench
from motet.files.lab import CheckedLab, able
from motet.files.node import Node
from motet.files.procedure_choice import Chosen, choose_procedure
from motet.files.report import Report, names, one_of
from motet.files.stations_check import choose_stations, named_stations
from motet.files.steps import devices_of
from motet.files.validate import Checked
from motet.model.campaign import Campaign, StageEntry
from motet.plugins import Registry


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage with its procedure and its stations, as far as they are right.

    `name` is empty for the only stage of a campaign without `stages`.
    """

    name: str
    where: Node
    chosen: Chosen
    benches: tuple[Bench, ...]


def choose_stages(
    checked: Checked[Campaign], lab: CheckedLab | None, path: Path, registry: Registry, report: Report
) -> Sequence[Stage]:
    """The stages that a campaign (in the file `path`) states; one that has no name for its `procedure`."""
    stated = checked.model.procedure
    if stated is not None:
        where, whole = checked.node.at("procedure"), checked.whole.at("procedure")
        if "procedure" in checked.stand_ins:
            return ()
        chosen = choose_procedure(stated, where, whole, lab, path, registry, report)
        return (Stage("", where, chosen, choose_stations(checked, lab, chosen, report)),)
    found: list[Stage] = []
    allowed = named_stations(checked, lab, report)
    for index, entry in enumerate(checked.model.stages):
        where = checked.node.at("stages").items[index]
        node, whole = where.at("procedure"), checked.whole.at(*where.path, "procedure")
        chosen = choose_procedure(entry.procedure, node, whole, lab, path, registry, report)
        found.append(Stage(entry.name, where, chosen, _members(entry, where, chosen, lab, allowed, report)))
    _check_names(found, report)
    if len(checked.node.at("stages").items) == len(checked.whole.at("stages").items):
        _check_allowed(checked, found, allowed, report)
    return found


def _members(
    entry: StageEntry,
    where: Node,
    chosen: Chosen,
    lab: CheckedLab | None,
    allowed: Sequence[Bench],
    report: Report,
) -> tuple[Bench, ...]:
    """The stations of a stage: all of its kind, or one by its name, that the campaign may use."""
    if lab is None or not lab.benches:
        return ()
    kinds: dict[str, list[Bench]] = {}
    for bench in lab.benches:
        kinds.setdefault(lab.checked.model.kind(bench.station), []).append(bench)
    by_name = {bench.station: [bench] for bench in lab.benches}
    members = kinds.get(entry.station) or by_name.get(entry.station, [])
    at = where.at("station")
    if not members:
        if len(by_name) == len(lab.checked.whole.at("stations").entries):
            known = f"{one_of(entry.station, dict.fromkeys([*kinds, *by_name]))} (kinds of station, and stations)"
            report.add(at, f"the station {entry.station!r}", known)
        return ()
    usable = [bench for bench in members if not allowed or bench in allowed]
    if not usable:
        found = f"the station {entry.station!r}, none of which `stations` names"
        report.add(at, found, f"one of these has to be among them: {names(bench.station for bench in members)}")
    _check_devices(entry, at, chosen, lab, usable, report)
    return tuple(usable)


def _check_devices(
    entry: StageEntry, at: Node, chosen: Chosen, lab: CheckedLab, members: Sequence[Bench], report: Report
) -> None:
    """Every station of a stage needs all devices of its procedure."""
    if chosen.procedure is None or chosen.node is None:
        return
    able(chosen.procedure, chosen.node, lab.benches, report)
    everywhere = {device for bench in lab.benches for device in bench.instruments}
    for bench in members:
        for device in devices_of(chosen.procedure, chosen.node):
            if device in everywhere and device not in bench.instruments:
                kind = "" if bench.station == entry.station else f" of the kind {entry.station!r}"
                found = f"the station {bench.station!r}{kind}, which has no device {device!r}"
                report.add(at, found, f"the procedure uses it; the station has: {names(bench.instruments)}")


def _check_names(stages: Sequence[Stage], report: Report) -> None:
    """Outputs are referred to by the name of their stage."""
    first: dict[str, Node] = {}
    for stage in stages:
        if stage.name in first:
            node = stage.where.child("stage") or stage.where.at("station")
            allowed = f"line {first[stage.name].line} has it already; give one of them another name with `stage: NAME`"
            report.add(node, f"the stage {stage.name!r} a second time", allowed)
        first.setdefault(stage.name, stage.where)


def _check_allowed(
    checked: Checked[Campaign], stages: Sequence[Stage], allowed: Sequence[Bench], report: Report
) -> None:
    """Every station that the campaign names is of use to one of its stages."""
    at = {bench.station for stage in stages for bench in stage.benches}
    index: Mapping[str, int] = {name: i for i, name in enumerate(checked.model.stations)}
    for bench in allowed:
        if bench.station not in at and all(stage.benches for stage in stages):
            where = checked.node.at("stations", index[bench.station])
            found = f"the station {bench.station!r}, at which there is no stage"
            report.add(where, found, f"the stages are at: {names(stage.name for stage in stages)}")
