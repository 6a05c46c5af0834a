"""What an object of the Bluesky protocols says of itself: who it is, and which of its data keys a lab file means."""

import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any, cast

from motet.devices import Identity
from motet.errors import ConnectionProblem
from motet.files.units import factor, problem
from motet_drivers.bluesky.options import Reads


def identity_of(target: Any) -> Identity:
    """Its package, its class, its EPICS prefix where it has one, and the package's version."""
    kind = cast("type[Any]", type(target))
    package = kind.__module__.partition(".")[0]
    version = str(getattr(sys.modules.get(package), "__version__", "")) or _installed(package)
    return Identity(kind.__module__, kind.__qualname__, str(getattr(target, "prefix", "")), version)


def told(identity: Identity) -> str:
    """`ophyd.epics_motor:EpicsMotor, prefix IOC:m1, version 1.11.2`."""
    parts = [f"{identity.maker}:{identity.model}"]
    parts += [f"prefix {identity.serial_number}"] if identity.serial_number else []
    parts += [f"version {identity.firmware}"] if identity.firmware else []
    return ", ".join(parts)


def keys_of(where: str, target: Any, described: Mapping[str, Any], wanted: Mapping[str, Reads]) -> dict[str, str]:
    """The data key of each value that is wanted, by its name in the lab file.

    Raises ConnectionProblem, which begins with `where`, for one that is not there, or in another unit.
    """
    return {name: _key(where, target, described, name, one) for name, one in wanted.items()}


def _key(where: str, target: Any, described: Mapping[str, Any], name: str, one: Reads) -> str:
    own, said = str(getattr(target, "name", "")), one.key or name
    tries = [said, f"{own}_{said}", f"{own}-{said}"]
    key = next((key for key in tries if key in described), None)
    if key is None:
        raise ConnectionProblem(f"{where} gives no {said!r} for {name}; it gives: {', '.join(described) or 'nothing'}")
    unit = str(described[key].get("units") or "")
    if unit and one.unit and _differ(unit, one.unit):
        raise ConnectionProblem(f"{where}: {key} is in {unit}, the lab file says {one.unit} for {name}")
    return key


def _differ(unit: str, wanted: str) -> bool:
    """Whether two units are not the same; what people write into EPICS records need not be one at all."""
    if problem(unit) is not None:
        return False
    try:
        return factor(unit, wanted) != 1.0
    except ValueError:
        return True


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
