"""What the drivers named in a lab file can do: verbs, signals, limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from motet.contracts.declarations import Driver
from motet.files.node import Node
from motet.files.report import Report, one_of
from motet.files.units import convert
from motet.model.lab import Device, Station

if TYPE_CHECKING:
    from motet.devices import Limit, Output, VerbSpec


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a driver's device class declares; the limits of lab and campaign are in units of its verbs' arguments."""

    driver: str
    verbs: "Mapping[str, VerbSpec]"
    signals: "Mapping[str, Output]"
    limits: "Mapping[str, Limit]" = field(default_factory=dict[str, Any])
    campaign_limits: "Mapping[str, Limit]" = field(default_factory=dict[str, Any])

    def gives(self) -> tuple[object, ...]:
        """Equal where the outputs of every verb are."""
        return tuple((name, *spec.outputs.items()) for name, spec in self.verbs.items())


@dataclass(frozen=True, slots=True)
class Bench:
    """A station as procedures see it: its devices by name, None for one with mistakes of its own."""

    station: str
    instruments: Mapping[str, Instrument | None]

    def key(self) -> tuple[object, ...]:
        """Equal for stations on which a procedure does the same."""
        return tuple(
            (name, None if i is None else (i.driver, i.gives(), tuple(sorted(i.limits.items()))))
            for name, i in sorted(self.instruments.items())
        )


def instrument(driver: Driver, options: BaseModel | None, where: Node, report: Report) -> Instrument | None:
    """What a driver's device class declares; `options` are the driver's, None where they have mistakes.

    None when such options decide what its verbs are, or, with the reason in the report, when it declares itself
    wrongly.
    """
    from motet.devices import Device, verbs_of

    device: Any = driver.make
    try:
        if options is not None:
            return Instrument(driver.name, device.verbs_for(options), dict(device.signals_for(options)))
        if device.verbs_for.__func__ is not Device.verbs_for.__func__:
            return None
        return Instrument(driver.name, verbs_of(device), dict(device.signals))
    except (AttributeError, TypeError, NameError, AssertionError) as error:
        reason = f"its device class does not declare its verbs and signals as it should: {error!r}"
        report.add(where, f"the driver {driver.name!r}", reason)
        return None


def limits_of(device: Device, found: Instrument, where: Node, report: Report) -> "dict[str, Limit]":
    """The lab's limits of a device in the units of its verbs' arguments.

    Mistakes in them go to the report.
    """
    from motet.devices import Limit, units_of

    units = units_of(found.verbs.values())
    numeric = {k for v in found.verbs.values() for k, spec in v.arguments.items() if spec.type in (float, int)}
    limits: dict[str, Limit] = {}
    for quantity, bounds in device.limits.items():
        node = where.at("limits", quantity)
        if quantity not in numeric:
            known = [key for key in units if key in numeric]
            report.add(node, f"a limit of {quantity!r}", f"{one_of(quantity, known)} (driver {found.driver})")
            continue
        converted: list[float] = []
        for index, bound in enumerate(bounds):
            try:
                converted.append(convert(bound, units[quantity]))
            except ValueError as error:
                report.add(node.at(index), node.at(index).shown(), str(error))
        if len(converted) < len(bounds):
            continue
        low, high = converted
        if not low < high:
            report.add(node, node.shown(), "the lower bound must be below the upper one")
            continue
        limits[quantity] = Limit(low, high, units[quantity])
    return limits


def bench(
    name: str,
    station: Station,
    instruments: Mapping[str, Instrument | None],
    shared: Mapping[str, Instrument | None],
    whole: Node,
) -> Bench:
    """A station with the devices that are right, and those that stand in the file with mistakes as None; its own, and
    the shared ones that it uses."""
    there = whole.at("stations", name, "devices").entries
    own = {key: instruments.get(key) for key in (*station.devices, *there)}
    return Bench(name, {**shared, **own})
