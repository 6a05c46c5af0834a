"""Checks of stations that other processes host: they need a broker where both sides meet."""

from motet.files import broker_check
from motet.files.node import Node
from motet.files.report import Report
from motet.files.units import convert
from motet.files.validate import Checked
from motet.model.lab import Lab

_LONGEST_S = 86_400.0
_SHORTEST_S = 3.0
"""A station tells its state every two seconds; less is no time to wait for it."""


def check_remote(checked: Checked[Lab], report: Report) -> None:
    """Report remote stations that nobody could reach, times that are none, and shared devices on both sides."""
    lab, node = checked.model, checked.node
    for key in ("alone_after", "lost_after"):
        _check_time(getattr(lab.remote, key), node.at("remote", key), report)
    if "stations" in checked.stand_ins:
        return
    if not (lab.broker.none or lab.broker.embedded) and any(station.remote for station in lab.stations.values()):
        _check_patience(lab, node.at("remote", "lost_after"), report)
    for name, station in lab.stations.items():
        where = node.at("stations", name)
        if station.when_alone is not None and not station.remote:
            report.add(where.at("when_alone"), "`when_alone` for a station of this process", "`remote: true` is needed")
        if station.remote and lab.hardware == "real" and not lab.broker.for_others:
            found = f"a remote station, and `broker: {lab.broker.url}`"
            needed = "`mqtt://HOST`, or `{url: embedded, port: PORT}` for stations on this computer, is needed"
            report.add(where.at("remote"), found, needed)
    _check_shared(lab, node, report)


def _check_patience(lab: Lab, where: Node, report: Report) -> None:
    """A broker that hangs must be noticed, and be used again, before its silence is taken for that of all stations."""
    try:
        patience_s, keepalive_s = convert(lab.remote.lost_after, "s"), broker_check.seconds(lab.broker)
    except ValueError:
        return  # reported where it is checked
    if patience_s < 2 * keepalive_s:
        needed = f"at least {2 * keepalive_s} s is needed, twice `broker.keepalive` ({keepalive_s} s)"
        why = "until a broker that hangs is noticed all stations are silent"
        report.add(where, f"`lost_after: {lab.remote.lost_after}`", f"{needed}: {why}; or a shorter keepalive")


def _check_shared(lab: Lab, node: Node, report: Report) -> None:
    for name, device in lab.shared.items():
        users = device.used_by or tuple(lab.stations)
        remote = [user for user in users if user in lab.stations and lab.stations[user].remote]
        if remote and len(remote) < len(users):
            others = ", ".join(user for user in users if user not in remote)
            found = f"a device that {', '.join(remote)} (remote) and {others} share"
            report.add(node.at("shared", name), found, "all of its stations in one process are needed (`used_by`)")


def _check_time(value: float | str, where: Node, report: Report) -> None:
    try:
        seconds = convert(value, "s")
    except ValueError as error:
        report.add(where, where.shown(), str(error))
        return
    if seconds > _LONGEST_S:
        report.add(
            where, where.shown(), f"at most {_LONGEST_S:g} s are allowed: so long nobody else may have a station"
        )
    if seconds < _SHORTEST_S:
        report.add(where, where.shown(), f"at least {_SHORTEST_S:g} s is needed: that is how often stations are heard")
