"""One argument of a step: its type, its unit, its whole range against the limits of instrument and lab."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from motet.errors import ProcedureError
from motet.files.instruments import Instrument
from motet.files.node import Node
from motet.files.references import reference
from motet.files.report import Report, hint, names
from motet.files.scope import NUMERIC, Known, Scope, described, kind_of, literal
from motet.files.units import convert, convertible, rescale
from motet.model.procedure import Argument, VerbStep

if TYPE_CHECKING:
    from motet.devices import Limit
    from motet.devices.verbs import ArgumentSpec


def check_argument(
    value: Argument,
    where: Node,
    step: VerbStep,
    key: str,
    instrument: Instrument,
    scope: Scope,
    report: Report,
) -> None:
    """Report what is wrong with one argument that its verb has; `where` is its node."""
    spec = instrument.verbs[step.verb].arguments[key]
    try:
        name = reference(value)
    except ProcedureError as error:
        report.add(where, where.shown(), str(error))
        return
    known = _literal(value, where, spec, report) if name is None else check_reference(name, where, scope, report)
    if known is None or (name is not None and not _fits(known, name, where, spec, report)):
        return
    if known.low is None or known.high is None:
        return
    low, high = (rescale(bound, known.unit, spec.unit) for bound in (known.low, known.high))
    for limit, whose in _limits(instrument, step.verb, key):
        if low >= limit.low and high <= limit.high:
            continue
        takes = f"{step.label} takes {key} in {limit}, the limit of {whose}"
        if name is None or known.where is None:
            report.add(where, where.shown(), takes)
        else:
            own = f" {known.unit}" if known.unit else ""
            span = f"{known.low:g}" if known.low == known.high else f"[{known.low:g}, {known.high:g}]"
            report.add(known.where, f"{name} in {span}{own}", takes)


def check_reference(name: str, where: Node, scope: Scope, report: Report) -> Known | None:
    """What is known about a name that is referred to.

    None, with the reason in the report, when it is not there.
    """
    if name in scope.sure:
        return scope.sure[name]
    if scope.may_give(name):
        return Known()
    if name in scope.perhaps:
        report.add(where, f"${name}", "the step that gives it may not have run when this one does")
        return None
    there = [f"${known}" for known in scope.sure]
    near = hint(f"${name}", there)
    report.add(where, f"the reference ${name}", f"{near}there is at this step: {names(there)}")
    return None


def _literal(value: Argument, where: Node, spec: "ArgumentSpec", report: Report) -> Known | None:
    """A literal as what the verb takes, numbers in its unit.

    None, with the reason in the report, when it is not.
    """
    needed = kind_of(spec.type)
    if needed in NUMERIC and isinstance(value, str) and spec.unit:
        try:
            number = convert(value, spec.unit)
        except ValueError as error:
            report.add(where, where.shown(), str(error))
            return None
        return Known(needed, spec.unit, number, number)
    given = literal(value)
    if not given.fits(needed):
        unit = f" of {spec.unit}" if spec.unit else ""
        report.add(where, where.shown(), f"{described(needed)}{unit} is needed")
        return None
    return given


def _fits(known: Known, name: str, where: Node, spec: "ArgumentSpec", report: Report) -> bool:
    """Whether what is referred to has the type and a unit that the verb takes."""
    needed = kind_of(spec.type)
    if not known.fits(needed):
        report.add(where, f"${name}, which is {described(known.kind)}", f"{described(needed)} is needed")
        return False
    if not convertible(known.unit, spec.unit) or (known.unit and not spec.unit):
        allowed = f"a value that can be converted to {spec.unit}" if spec.unit else "a plain number"
        report.add(where, f"${name}, which is in {known.unit}", f"{allowed} is needed")
        return False
    if needed == "integer" and known.unit and known.unit != spec.unit:
        report.add(where, f"${name}, which is in {known.unit}", f"a whole number of {spec.unit} is needed")
        return False
    return True


def _limits(instrument: Instrument, verb: str, key: str) -> "Iterator[tuple[Limit, str]]":
    """The limits that hold for an argument, each with whose it is. A change (`relative`) has no lab limit."""
    spec = instrument.verbs[verb]
    if key in spec.limits:
        yield spec.limits[key], "the instrument"
    for limits, whose in ((instrument.limits, "the lab"), (instrument.campaign_limits, "the campaign")):
        if key in limits and key not in spec.relative:
            yield limits[key], whose
