"""The limits that a campaign states: of quantities that are there, in units that fit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from motet.files.instruments import Bench, Instrument
from motet.files.node import Node
from motet.files.report import Report, one_of
from motet.files.stages_check import Stage
from motet.files.units import convert
from motet.files.validate import Checked
from motet.model.campaign import Campaign

if TYPE_CHECKING:
    from motet.devices import Limit


def with_limits(checked: Checked[Campaign], stages: Sequence[Stage], report: Report) -> Sequence[Stage]:
    """The stages of a campaign with its limits at the devices of their stations. Mistakes go to the report."""
    benches = [bench for stage in stages for bench in stage.benches]
    found: dict[str, dict[str, Limit]] = {}
    for name in checked.model.limits:
        device, _, quantity = name.partition(".")
        where = checked.node.at("limits", name)
        having = [bench.instruments[device] for bench in benches if device in bench.instruments]
        if benches and not having:
            there = dict.fromkeys(key for bench in benches for key in bench.instruments)
            report.add(where, f"a limit of the device {device!r}", f"{one_of(device, there)} (devices of its stations)")
        instrument = next((each for each in having if each is not None), None)
        limit = None if instrument is None else _limit(checked.model, name, quantity, instrument, where, report)
        if limit is not None:
            found.setdefault(device, {})[quantity] = limit
    return [replace(stage, benches=tuple(_limited(bench, found) for bench in stage.benches)) for stage in stages]


def _limited(bench: Bench, found: "Mapping[str, Mapping[str, Limit]]") -> Bench:
    instruments = {
        key: one if one is None or key not in found else replace(one, campaign_limits=found[key])
        for key, one in bench.instruments.items()
    }
    return replace(bench, instruments=instruments)


def _limit(
    campaign: Campaign, name: str, quantity: str, instrument: Instrument, where: Node, report: Report
) -> "Limit | None":
    from motet.devices import Limit, units_of

    verbs = instrument.verbs.values()
    numeric = {key for verb in verbs for key, spec in verb.arguments.items() if spec.type in (float, int)}
    units = {key: unit for key, unit in units_of(verbs).items() if key in numeric}
    if quantity not in units:
        report.add(where, f"a limit of {quantity!r}", f"{one_of(quantity, units)} (driver {instrument.driver})")
        return None
    bounds: list[float] = []
    for index, bound in enumerate(campaign.limits[name]):
        try:
            bounds.append(convert(bound, units[quantity]))
        except ValueError as error:
            report.add(where.at(index), where.at(index).shown(), str(error))
    if len(bounds) < 2:
        return None
    if not bounds[0] < bounds[1]:
        report.add(where, where.shown(), "the lower bound must be below the upper one")
        return None
    return Limit(bounds[0], bounds[1], units[quantity])
