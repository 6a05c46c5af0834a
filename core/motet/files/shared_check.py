"""Devices that several stations share, and the kinds of stations, as the lab file states them."""

from motet.contracts.declarations import Kind
from motet.files.choices import choose
from motet.files.report import Report, names, one_of
from motet.files.simulation_check import check_time
from motet.files.validate import Checked
from motet.model.lab import Lab
from motet.plugins import Registry


def check_shared(checked: Checked[Lab], registry: Registry, report: Report) -> None:
    """What a shared device is besides a device: its users, its name among theirs, its world, how long it is leased."""
    stations = checked.whole.at("stations").entries
    for name, device in checked.model.shared.items():
        where = checked.node.at("shared", name)
        for index, station in enumerate(device.used_by or ()):
            if station not in stations:
                allowed = f"{one_of(station, stations)} (stations of the lab)"
                report.add(where.at("used_by", index), f"the station {station!r}", allowed)
        owners = [station for station, node in stations.items() if name in node.at("devices").entries]
        if owners:
            allowed = f"another name is needed: {names(owners)} has a device of that name"
            report.add(where, f"the shared device {name!r}", allowed)
        if device.world is not None:
            choose(Kind.WORLD, device.world, where.at("world"), registry, report)
        if device.longest is not None:
            check_time(device.longest, where.at("longest"), report)


def check_kinds(checked: Checked[Lab], report: Report) -> None:
    """A name means either a kind or a station, not both, unless the station is of that kind."""
    lab = checked.model
    for name, station in lab.stations.items():
        other = station.kind
        if other in lab.stations and lab.kind(other) != other:
            where = checked.node.at("stations", name, "kind")
            allowed = f"another name is needed: the station {other!r} is of the kind {lab.kind(other)!r}"
            report.add(where, f"the kind {other!r}", allowed)
