"""Who is on which line: a line is one instrument's, or a bus of several that have an address each."""

from dataclasses import dataclass, field
from typing import Any

from motet.files.node import Node
from motet.files.report import Report

UNKNOWN = object()
"""The address of a device whose options have mistakes."""


@dataclass(frozen=True, slots=True)
class OnLine:
    """A device on a line: where its line stands in the file, the line's settings, and its address on a bus.

    `address` is None for an instrument that has none. `named` is where the file states the address. `settings` are as
    far as they are known.
    """

    node: Node
    settings: dict[str, Any]
    address: object = None
    named: Node | None = None

    @property
    def device(self) -> str:
        """`stations.NAME.devices.NAME` or `shared.NAME`."""
        return device_at(self.node)


def device_at(node: Node) -> str:
    """The device that a node below it belongs to: `stations.NAME.devices.NAME` or `shared.NAME`."""
    return ".".join(map(str, node.path[: 2 if node.path[:1] == ("shared",) else 4]))


@dataclass
class Buses:
    """The devices on each line of a lab, in the order of the file."""

    report: Report
    _on: dict[str, list[OnLine]] = field(default_factory=dict[str, list[OnLine]], init=False)

    def add(self, url: str, new: OnLine) -> None:
        """One more device on a line. What does not go together with those before goes to the report."""
        others = self._on.setdefault(url, [])
        for other in others:
            if new.address is None or other.address is None:
                self._say(
                    new.node, f"the line {url!r} a second time", f"{other.device} has it already: one device a line"
                )
                return
            if new.address == other.address and new.address is not UNKNOWN:
                allowed = f"{other.device} has it already on the line {url!r}: each device on a bus needs its own"
                self._say(new.named or new.node, f"the address {new.address!r} a second time", allowed)
                return
            for key in sorted(new.settings.keys() & other.settings.keys()):
                mine, theirs = new.settings[key], other.settings[key]
                if mine != theirs and key != "timeout":
                    found = f"{key} {mine!r} for the line {url!r}"
                    self._say(new.node, found, f"{other.device} on the same line has {theirs!r}: a bus has one setting")
                    return
        others.append(new)

    def _say(self, node: Node, found: str, allowed: str) -> None:
        self.report.add(node, found, allowed)
