"""The lab's broker: checks that need several of its keys or the files it names, and where these files are."""

from dataclasses import replace
from pathlib import Path

from motet.errors import ConnectionProblem
from motet.files.node import Node
from motet.files.report import Report
from motet.files.units import convert
from motet.model.broker import Broker

FILES = ("ca", "certificate", "key")
_MOST_S = 65535
"""The longest keepalive that MQTT can state, seconds."""
_PAIR = {"certificate": "key", "key": "certificate"}


def check_broker(broker: Broker, node: Node, report: Report) -> None:
    """Report what does not go together in the lab's broker, and files that are not there."""
    url = node.child("url") or node
    if "@" in broker.url:
        hidden = f"{broker.url.partition('://')[0]}://...@{broker.url.rpartition('@')[2]}"
        better = "`broker: {url: mqtt://HOST, user: NAME, password: {env: VARIABLE}}` is needed"
        report.add(url, f"a user or password in the address {hidden}", f"{better}: campaigns keep a copy of this file")
    elif broker.embedded or broker.none:
        for key, inner in node.entries.items():
            if key != "url" and (key != "port" or broker.none):
                report.add(inner, f"a {key} for `{broker.url}`", "only brokers with an address take one")
        return
    else:
        _check_url(broker, node, url, report)
    if broker.port is not None:
        report.add(node.at("port"), f"a port beside {broker.url!r}", "it is written in the address: mqtt://HOST:PORT")
    _check_files(broker, node, report)
    if broker.password is not None and broker.user is None and "@" not in broker.url:
        report.add(node.at("password"), "a password without a user", "`user: NAME` is needed too")
    for key, other in _PAIR.items():
        if getattr(broker, key) is not None and getattr(broker, other) is None:
            report.add(node.at(key), f"a {key} without a {other}", f"`{other}: FILE` is needed too")
    _check_keepalive(broker, node, report)


def seconds(broker: Broker) -> int:
    """The keepalive in whole seconds. Raises ValueError when it is none."""
    found = convert(broker.keepalive, "s")
    whole = round(found) if 1 <= found <= _MOST_S else 0
    if not whole or abs(found - whole) > 1e-9 * whole:
        raise ValueError(f"whole seconds between 1 s and {_MOST_S} s are needed")
    return whole


def _check_url(broker: Broker, node: Node, url: Node, report: Report) -> None:
    from motet.bus.address import Address  # not at the top: it brings MQTT along, for labs that have none

    try:
        address = Address.parse(broker.url)
    except ConnectionProblem:
        report.add(url, repr(broker.url), "mqtt://HOST, mqtt://HOST:PORT or mqtts://... for TLS is needed")
        return
    if not address.tls:
        for key in FILES:
            if getattr(broker, key) is not None:
                report.add(node.at(key), f"a {key} for {broker.url!r}, which has no TLS", "mqtts://HOST is needed")


def _check_files(broker: Broker, node: Node, report: Report) -> None:
    named: list[tuple[Node, Path | None]] = [(node.at(key), getattr(broker, key)) for key in FILES]
    if broker.password is not None:
        named.append((node.at("password", "file"), broker.password.file))
    for where, path in named:
        if path is not None and not path.is_file():
            report.add(where, f"no file {str(path)!r}", "a file is needed, relative to the folder of the lab file")


def _check_keepalive(broker: Broker, node: Node, report: Report) -> None:
    try:
        seconds(broker)
    except ValueError as error:
        where = node.at("keepalive")
        report.add(where, where.shown(), str(error))


def broker_beside(folder: Path, broker: Node) -> Node:
    """The tree of a lab file's broker with the names of its files made paths that hold for every process of this
    machine. They are no part of `texts`: what a campaign keeps must hold no password and no key."""
    entries = {key: _absolute(folder, node) if key in FILES else node for key, node in broker.entries.items()}
    secret = broker.at("password")
    if "file" in secret.entries:
        inner = {**secret.entries, "file": _absolute(folder, secret.at("file"))}
        entries["password"] = replace(secret, content=inner)
    return replace(broker, content=entries)


def _absolute(folder: Path, node: Node) -> Node:
    if not isinstance(node.content, str) or not node.content:
        return node
    return replace(node, content=str((folder / node.content).absolute()))
