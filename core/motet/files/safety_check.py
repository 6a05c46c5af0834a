"""What a lab file says about safety: conditions on signals that are there, in units that fit, and times."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from motet.errors import ProcedureError
from motet.files import expressions
from motet.files.instruments import Bench
from motet.files.node import Node
from motet.files.report import Report, one_of
from motet.files.safety import full_name, readers_of
from motet.files.scope import NUMERIC, described, kind_of
from motet.files.signal_conditions import SignalCondition, parse_condition
from motet.files.simulation_check import check_time
from motet.files.units import convertible
from motet.files.validate import Checked
from motet.model.lab import Interlock, Lab

if TYPE_CHECKING:
    from motet.devices import Output

Find = Callable[[str], "Output | None"]
"""The signal of a name; None where nothing can be said about it. Raises ProcedureError where there is none."""


def check_safety(checked: Checked[Lab], benches: tuple[Bench, ...], report: Report) -> None:
    """Mistakes in `interlocks` and `safety` that the model alone cannot know go to the report."""
    lab, by_name = checked.model, {bench.station: bench for bench in benches}
    for name, bench in by_name.items():
        where = checked.node.at("stations", name, "interlocks")
        _check_interlocks(lab.stations[name].interlocks, where, _of_station(bench), report)
    find = _of_lab(lab, by_name)
    _check_interlocks(lab.interlocks, checked.node.at("interlocks"), find, report)
    where = checked.node.at("safety")
    for index, text in enumerate(lab.safety.estop_when):
        _check_condition(text, where.at("estop_when", index), find, report)
    for key in ("every", "heartbeat", "safe_within"):
        value = getattr(lab.safety, key)
        if value is not None:
            check_time(value, where.at(key), report)


def _check_interlocks(interlocks: Mapping[str, Interlock], where: Node, find: Find, report: Report) -> None:
    for name, interlock in interlocks.items():
        node = where.at(name)
        _check_condition(interlock.pause_while, node.at("pause while"), find, report)
        if interlock.until is not None:
            _check_condition(interlock.until, node.at("until"), find, report)
        check_time(interlock.every, node.at("every"), report)


def _check_condition(text: str, where: Node, find: Find, report: Report) -> None:
    try:
        condition = parse_condition(text)
        there = {name: find(name) for name in condition.signals}
        for name, output in there.items():
            if output is not None and output.dtype == "array":
                raise ProcedureError(f"{name} is a list of values; a single value can be compared")
        if all(output is not None for output in there.values()):
            _check_comparisons(condition, {name: output for name, output in there.items() if output is not None})
    except ProcedureError as error:
        report.add(where, where.shown(), str(error))


def _check_comparisons(condition: SignalCondition, there: "Mapping[str, Output]") -> None:
    """Raises ProcedureError for values of different kinds, or in different units."""
    condition.in_units(lambda name: there[name].unit)
    for one in expressions.comparisons(condition.inner):
        kinds: set[str] = set()
        units: list[str] = []
        for side in (one.left, one.right):
            if isinstance(side, expressions.Literal):
                kind = kind_of(type(side.value))
            elif side.name.startswith("q"):
                kind = "number"
            else:
                output = there[condition.signals[int(side.name[1:])]]
                kind = output.dtype
                units += [output.unit] if output.unit else []
            kinds.add("number" if kind in (*NUMERIC, "boolean") else kind)
        if len(kinds) > 1:
            both = " with ".join(sorted(described(kind) for kind in kinds))
            raise ProcedureError(f"`{condition.text}`: {both} cannot be compared")
        if len(set(units)) > 1:
            what = "units" if convertible(*units) else "dimensions"
            raise ProcedureError(f"`{condition.text}`: values of different {what} cannot be compared")


def _of_station(bench: Bench) -> Find:
    def find(name: str) -> "Output | None":
        device, _, signal = name.partition(".")
        if "." in signal:
            raise ProcedureError(f"{name}: a station's interlock reads its own devices, as `device.signal`")
        return _signal(bench, device, signal, name)

    return find


def _of_lab(lab: Lab, benches: Mapping[str, Bench]) -> Find:
    def find(name: str) -> "Output | None":
        whole = full_name(lab, name)
        _, device, signal = whole.split(".")
        readers = readers_of(lab, whole)
        if not readers:
            raise ProcedureError(f"{name}: no station uses the shared device {device!r}: none can read it")
        station = readers[0]
        return _signal(benches[station], device, signal, name) if station in benches else None

    return find


def _signal(bench: Bench, device: str, signal: str, name: str) -> "Output | None":
    if device not in bench.instruments:
        raise ProcedureError(f"{name}: no device {device!r}; {one_of(device, bench.instruments)}")
    instrument = bench.instruments[device]
    if instrument is not None and signal not in instrument.signals:
        raise ProcedureError(f"{name}: no signal {signal!r}; {one_of(signal, instrument.signals)}")
    return None if instrument is None else instrument.signals[signal]
