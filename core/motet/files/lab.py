"""The lab file: `load_lab` validates it against the model, the plugins and itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from motet.files.beside import Beside
from motet.files.broker_check import check_broker
from motet.files.consumables_check import Supplies, check_consumables, check_uses
from motet.files.device_check import check_devices
from motet.files.instruments import Bench
from motet.files.node import Node
from motet.files.procedure_check import check_procedure
from motet.files.remote_check import check_remote
from motet.files.report import Report, one_of
from motet.files.safety_check import check_safety
from motet.files.scope import Known
from motet.files.simulation_check import check_simulation
from motet.files.source import parse
from motet.files.steps import devices_of
from motet.files.units import problem
from motet.files.validate import Checked, validate
from motet.model.lab import Lab
from motet.model.procedure import Procedure
from motet.plugins import Registry

_STAND_INS = {"lab": "lab", "stations": {"none": {"devices": {"none": {"driver": "none"}}}}}


Hardware = Literal["real", "simulated"] | None
"""What a lab runs on, whatever its file says; None for what the file says."""


@dataclass(frozen=True, slots=True)
class LabFile:
    """A valid lab file: where it is, what it says, its exact text, and that of the files that its options name."""

    path: Path
    lab: Lab
    text: str
    beside: Mapping[Path, str] = field(default_factory=dict[Path, str])


@dataclass(frozen=True, slots=True)
class CheckedLab:
    """A lab file as far as it is right, for the checks of those who use it."""

    file: LabFile
    checked: Checked[Lab]
    benches: tuple[Bench, ...]
    supplies: Supplies | None


def load_lab(path: Path, registry: Registry, hardware: Hardware = None) -> LabFile:
    """A valid lab. Raises FileProblems with every mistake in the file."""
    report = Report()
    lab = check_lab(path, registry, report, hardware)
    if lab is None or report.problems:
        report.fail()
    return lab.file


def check_lab(path: Path, registry: Registry, report: Report, hardware: Hardware = None) -> CheckedLab | None:
    """The lab as far as it is right, None when nothing of it is. Mistakes go to the report."""
    source = parse(path, report)
    if source is None:
        return None
    beside = Beside(path.parent, registry)
    checked = validate(Lab, beside.found(source.root), report, _STAND_INS)
    if checked is None:
        return None
    if hardware is not None:
        checked = replace(checked, model=checked.model.model_copy(update={"hardware": hardware}))
    check_broker(checked.model.broker, checked.node.at("broker"), report)
    supplies = check_consumables(checked, report)
    for name, procedure in checked.model.procedures.items():
        check_uses(procedure, checked.node.at("procedures", name), supplies, report)
    benches: tuple[Bench, ...] = ()
    if "stations" not in checked.stand_ins:
        benches = check_devices(checked, registry, report)
        for name, procedure in checked.model.procedures.items():
            node, whole = (tree.at("procedures", name) for tree in (checked.node, checked.whole))
            check_steps(procedure, node, whole, benches, declared(procedure, node, report), report)
    check_simulation(checked, benches, registry, report)
    check_safety(checked, benches, report)
    check_remote(checked, report)
    return CheckedLab(LabFile(path, checked.model, source.text, beside.texts), checked, benches, supplies)


def declared(procedure: Procedure, node: Node, report: Report) -> dict[str, Known]:
    """What a procedure says about its parameters: their units. Unknown units go to the report."""
    for name, unit in procedure.parameters.items():
        reason = problem(unit) if unit else None
        if reason is not None:
            where = node.at("parameters", name)
            report.add(where, f"the unit {unit!r}", reason)
    return {name: Known(unit=unit or "") for name, unit in procedure.parameters.items()}


def able(procedure: Procedure, node: Node, benches: tuple[Bench, ...], report: Report) -> tuple[Bench, ...]:
    """The stations that have every device of a procedure. Devices that no station has go to the report."""
    everywhere = list(dict.fromkeys(name for bench in benches for name in bench.instruments))
    needed = devices_of(procedure, node)
    for device, where in needed.items():
        if device not in everywhere:
            report.add(where, f"the device {device!r}", f"{one_of(device, everywhere)} (devices of the lab)")
    known = needed.keys() & set(everywhere)
    return tuple(bench for bench in benches if known <= bench.instruments.keys())


def check_steps(
    procedure: Procedure,
    node: Node,
    whole: Node,
    benches: tuple[Bench, ...],
    parameters: Mapping[str, Known],
    report: Report,
) -> None:
    """Check a procedure at every station that has its devices, once for stations that are alike."""
    for bench in distinct(able(procedure, node, benches, report)):
        check_procedure(procedure, node, whole, bench, parameters, report)


def distinct(benches: tuple[Bench, ...]) -> tuple[Bench, ...]:
    """One of each kind of station."""
    return tuple({bench.key(): bench for bench in reversed(benches)}.values())
