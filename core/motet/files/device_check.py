"""The stations of a lab file: drivers, options, lines, topics, limits, simulators, worlds."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from motet.contracts.declarations import Driver, Kind, Simulator
from motet.files.buses_check import UNKNOWN, Buses, OnLine, device_at
from motet.files.choices import Choice, broken, choose, find
from motet.files.instruments import Bench, Instrument, bench, instrument, limits_of
from motet.files.node import Node
from motet.files.report import Report, names, one_of
from motet.files.shared_check import check_kinds, check_shared
from motet.files.validate import Checked
from motet.model.lab import Device, Lab, SerialLine, Station
from motet.plugins import Registry

_SCHEMES = ("socket", "rfc2217", "loop", "spy", "alt", "hwgrep")
"""What pyserial's `serial_for_url` knows, https://pyserial.readthedocs.io/en/latest/url_handlers.html."""
_PORT = re.compile(r"(?:socket|rfc2217)://[^/:]+:\d+.*|(?:loop|spy|alt|hwgrep)://.*|/.+|COM\d+", re.IGNORECASE)


def check_devices(checked: Checked[Lab], registry: Registry, report: Report) -> tuple[Bench, ...]:
    """Check every device of a lab; the stations as procedures see them, shared devices included."""
    check = _Check(checked, registry, report)
    own = {
        name: check.station(name, station, checked.node.at("stations", name))
        for name, station in checked.model.stations.items()
    }
    shared = {
        name: check.device(device, checked.node.at("shared", name)) for name, device in checked.model.shared.items()
    }
    check_shared(checked, registry, report)
    check_kinds(checked, report)
    return tuple(
        bench(name, station, own[name], _shared_by(name, checked, shared), checked.whole)
        for name, station in checked.model.stations.items()
    )


def _shared_by(
    station: str, checked: Checked[Lab], shared: Mapping[str, Instrument | None]
) -> dict[str, Instrument | None]:
    """The shared devices of a station; those with mistakes may be anybody's."""
    written = dict.fromkeys(checked.whole.at("shared").entries.keys() - shared.keys())
    return written | {name: shared[name] for name in checked.model.shared_by(station)}


class _Check:
    def __init__(self, checked: Checked[Lab], registry: Registry, report: Report) -> None:
        self._lab = checked.model
        self._whole = checked.whole
        self._registry = registry
        self._report = report
        self._buses = Buses(report)
        self._topics: dict[str, Node] = {}

    def station(self, name: str, station: Station, where: Node) -> dict[str, Instrument | None]:
        """Check a station; what its devices can do, None for those that are not right."""
        if station.world is not None:
            choose(Kind.WORLD, station.world, where.at("world"), self._registry, self._report)
        return {key: self.device(device, where.at("devices", key)) for key, device in station.devices.items()}

    def device(self, device: Device, where: Node) -> Instrument | None:
        """Check a device; what it can do, None when it is not right."""
        driver, choice = self._driver(device, where)
        if driver is None:
            return None
        self._simulator(device, driver, choice, where)
        match driver.transport:
            case "serial":
                self._serial(device, driver, choice, where)
            case "mqtt":
                self._mqtt(device, where)
            case "person" | "object" | "none":
                self._unused("line", driver, where)
                self._unused("topic", driver, where)
        if driver.transport == "serial":
            self._unused("topic", driver, where)
        if driver.transport == "mqtt":
            self._unused("line", driver, where)
        options = choice.options if choice is not None and choice.intact else None
        found = instrument(driver, options, where.at("driver"), self._report)
        if found is None:
            return None
        return replace(found, limits=limits_of(device, found, where, self._report))

    def _driver(self, device: Device, where: Node) -> tuple[Driver | None, Choice | None]:
        """The driver, and it with the device's options where there are any that are right."""
        choice = find(
            Kind.DRIVER,
            device.driver,
            where.at("driver"),
            where.at("options"),
            self._registry,
            self._report,
        )
        known = self._registry.all(Kind.DRIVER).get(device.driver)
        declaration = None if known is None else known.loaded
        return (declaration, choice) if isinstance(declaration, Driver) else (None, None)

    def _simulator(self, device: Device, driver: Driver, choice: Choice | None, where: Node) -> None:
        simulators = self._registry.all(Kind.SIMULATOR)
        if device.driver in simulators:
            options = where.at("simulator")
            found = find(Kind.SIMULATOR, device.driver, where.at("driver"), options, self._registry, self._report)
            if self._lab.hardware == "simulated" and choice is not None and found is not None:
                self._can_simulate(choice, found, options)
        elif device.simulator or (self._lab.hardware == "simulated" and driver.transport != "none"):
            node = where.at("simulator") if device.simulator else where.at("driver")
            allowed = f"drivers with a simulator: {names(sorted(simulators))}{broken(self._registry)}"
            self._report.add(node, f"no simulator named {device.driver!r}", allowed)

    def _can_simulate(self, driver: Choice, simulator: Choice, where: Node) -> None:
        """What the simulator needs to be told, when it is to run."""
        declaration = simulator.declaration
        if not isinstance(declaration, Simulator) or declaration.problem is None:
            return
        if driver.intact and simulator.intact:
            reason = declaration.problem(driver.options, simulator.options)
            if reason is not None:
                self._report.add(where, where.shown(), reason)

    def _serial(self, device: Device, driver: Driver, choice: Choice | None, where: Node) -> None:
        if device.line is None:
            if not self._stands("line", where):
                found = f"the driver {device.driver!r} without a line"
                self._report.add(where, found, "`line: URL` is needed, such as /dev/ttyUSB0", "line")
            return
        node = where.at("line").child("url") or where.at("line")
        url = device.line.url
        scheme = url.partition("://")[0] if "://" in url else ""
        if scheme and scheme not in _SCHEMES:
            self._report.add(node, f"the scheme {scheme!r} of {url!r}", one_of(scheme, _SCHEMES))
        elif not _PORT.fullmatch(url):
            form = "/dev/tty..., socket://HOST:PORT or rfc2217://HOST:PORT is needed"
            self._report.add(node, repr(url), form)
        elif self._lab.hardware == "real" or driver.address is not None:
            self._buses.add(url, _on_line(device, driver, choice, node, where))

    def _mqtt(self, device: Device, where: Node) -> None:
        if self._lab.broker.none:
            found = f"the driver {device.driver!r}, which needs a broker"
            allowed = "with `broker: none` a lab has no MQTT devices; allowed: embedded, mqtt://HOST:PORT"
            self._report.add(where.at("driver"), found, allowed)
        if device.topic is None:
            if not self._stands("topic", where):
                found = f"the driver {device.driver!r} without a topic"
                self._report.add(where, found, "`topic: PREFIX` is needed, such as lab/potentiostat", "topic")
            return
        node = where.at("topic")
        levels = device.topic.split("/")
        if not all(levels) or set(device.topic) & set("+#\0") or device.topic.startswith("$"):
            self._report.add(node, repr(device.topic), "levels separated by single `/`, without + and #, are needed")
        else:
            self._only_once(self._topics, device.topic, node, "topic")

    def _only_once(self, seen: dict[str, Node], value: str, node: Node, what: str) -> None:
        first = seen.setdefault(value, node)
        if first.path != node.path:
            allowed = f"{device_at(first)} has it already: one device a {what}"
            self._report.add(node, f"the {what} {value!r} a second time", allowed)

    def _stands(self, key: str, where: Node) -> bool:
        """Whether a key stands in the file, be it with a mistake that was reported already."""
        return key in self._whole.at(*where.path).entries

    def _unused(self, key: str, driver: Driver, where: Node) -> None:
        if key in where.entries and where.entries[key].content is not None:
            kinds = {"serial": "uses a serial line", "mqtt": "uses MQTT", "person": "asks a person"}
            kind = kinds.get(driver.transport, "uses neither line nor topic")
            found = f"a {key} for the driver {driver.name!r}"
            self._report.add(where.at(key), found, f"it {kind}: leave the {key} out")


def _on_line(device: Device, driver: Driver, choice: Choice | None, node: Node, where: Node) -> OnLine:
    assert device.line is not None
    if driver.address is None:
        return OnLine(node, {})
    if choice is None or not choice.intact:  # what was reported already decides on the rest of its settings
        return OnLine(node, device.line.model_dump(exclude_unset=True), UNKNOWN)
    own = {**driver.line, **cast("Any", driver.make).line_for(choice.options)}
    settings = SerialLine.model_validate({**own, **device.line.model_dump(exclude_unset=True)}).model_dump()
    named = where.at("options").child(driver.address)
    return OnLine(node, settings, getattr(choice.options, driver.address), named)
