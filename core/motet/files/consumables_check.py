"""The consumables of a lab, and what a procedure uses up of them, as plain numbers in their units."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from motet.files.node import Node
from motet.files.report import Report, one_of
from motet.files.units import convert, problem, quantity
from motet.files.validate import Checked
from motet.model.consumption import Supply
from motet.model.lab import Consumable, Lab
from motet.model.procedure import Procedure

Supplies = Mapping[str, Supply | None]
"""The consumables of a lab by name, None for one whose unit is not known."""


def check_consumables(checked: Checked[Lab], report: Report) -> Supplies | None:
    """The lab's consumables; None when what the file states is no mapping of them at all."""
    written = checked.whole.at("consumables")
    if written.content is not None and not isinstance(written.content, Mapping):
        return None
    supplies = dict[str, Supply | None].fromkeys(written.entries)
    for name, consumable in checked.model.consumables.items():
        given, kept = (tree.at("consumables", name) for tree in (checked.whole, checked.node))
        supplies[name] = _supply(consumable, kept, report) if _has_its_unit(given, kept) else None
    return supplies


def _has_its_unit(given: Node, kept: Node) -> bool:
    """Whether the unit is as the file states it, not left out for a mistake or under a key that is none."""
    return set(given.entries) - set(kept.entries) <= {"stock", "price", "refill_at"}


def _supply(consumable: Consumable, where: Node, report: Report) -> Supply | None:
    unit = consumable.unit or ""
    reason = problem(unit) if unit else None
    if reason is not None:
        report.add(where.at("unit"), f"the unit {unit!r}", f"{reason}; without `unit` it is counted in pieces")
        return None
    stock = None
    if consumable.stock is not None:
        node = where.at("stock")
        stock = _amount(consumable.stock, unit, node, report)
        if stock is not None and not (stock >= 0 and math.isfinite(stock)):
            report.add(node, node.shown(), "a stock of at least 0 is needed")
    return Supply(unit, stock=stock, price=consumable.price, refill_at=_refill_at(consumable, unit, where, report))


def _refill_at(consumable: Consumable, unit: str, where: Node, report: Report) -> float | None:
    """The amount below which a person is asked to fill it up. It needs a stock to be counted from."""
    if consumable.refill_at is None:
        return None
    node = where.at("refill_at")
    if consumable.stock is None:
        report.add(node, node.shown(), "a `stock` is needed too: what there is at the start")
        return None
    amount = _amount(consumable.refill_at, unit, node, report)
    if amount is not None and not 0 <= amount < math.inf:
        report.add(node, node.shown(), "an amount of at least 0 is needed")
    return amount


def check_uses(procedure: Procedure, node: Node, supplies: Supplies | None, report: Report) -> Mapping[str, Supply]:
    """The lab's consumables with what one run of the procedure uses up of each; `node` is the procedure's tree."""
    if supplies is None:
        check_amounts(procedure, node, report)
        return {}
    found = {name: supply for name, supply in supplies.items() if supply is not None}
    unknown = [name for name in procedure.uses if supplies.get(name) is None]
    for name in unknown:
        if name not in supplies:
            where = node.at("uses", name)
            report.add(where, f"the consumable {name!r}", f"{one_of(name, supplies)} (consumables of the lab)")
    check_amounts(procedure, node, report, unknown)
    for name, stated in procedure.uses.items():
        if name in found:
            where = node.at("uses", name)
            each = _amount(stated, found[name].unit, where, report)
            if each is not None and _is_above_zero(each, where, report):
                found[name] = replace(found[name], each=each)
    return found


def check_amounts(procedure: Procedure, node: Node, report: Report, among: Iterable[str] | None = None) -> None:
    """What a procedure uses, as far as it can be told without the lab; by default all of it."""
    for name in procedure.uses if among is None else among:
        stated, where = procedure.uses[name], node.at("uses", name)
        try:
            number, unit = quantity(stated) if isinstance(stated, str) else (stated, "")
        except ValueError as error:
            report.add(where, where.shown(), str(error))
            continue
        reason = problem(unit) if unit else None
        if reason is not None:
            report.add(where, where.shown(), reason)
        else:
            _is_above_zero(number, where, report)


def _amount(stated: float | str, unit: str, where: Node, report: Report) -> float | None:
    """An amount in the consumable's unit; None, with the reason in the report, when it cannot be in that."""
    try:
        if not unit and isinstance(stated, str) and quantity(stated)[1]:
            raise ValueError("a plain number is needed: the lab states no `unit`, so it is counted in pieces")
        return convert(stated, unit)
    except ValueError as error:
        report.add(where, where.shown(), str(error))
        return None


def _is_above_zero(number: float, where: Node, report: Report) -> bool:
    if 0 < number < math.inf:
        return True
    report.add(where, where.shown(), "an amount above 0 is needed")
    return False
