"""What a station says of itself, derived from its declared devices and its part of the lab file."""

import hashlib
import json
import math
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from motet.contracts.declarations import Kind
from motet.devices import Device, Limit, Output, VerbSpec
from motet.files.beside import paths_in
from motet.model.lab import Lab
from motet.model.procedure import IfStep, Procedure, RepeatStep, Step, VerbStep, WaitStep
from motet.model.values import PluginRef
from motet.plugins import Registry
from motet.remote.messages import ArgumentBody, DeviceBody, Manifest, OutputBody, ProcessBody, VerbBody
from motet.stamps import uuid4, wall

_TYPES: Mapping[type, str] = {float: "number", int: "integer", str: "string", bool: "boolean"}
MOST_DIFFERENCES = 5
"""So many are told in a message."""


def this_process() -> ProcessBody:
    """This program, under an id that no other start of it has."""
    return ProcessBody(process=uuid4().hex, host=platform.node() or "?", pid=os.getpid(), started=wall())


def manifest_of(
    lab: Lab, name: str, devices: Mapping[str, Device], registry: Registry, where: ProcessBody, heartbeat_s: float
) -> Manifest:
    """The manifest of a station with these devices."""
    part = part_of(lab, name, registry)
    versions = dict(registry.versions)
    entries = {**lab.stations[name].devices, **lab.shared_by(name)}
    return Manifest(
        lab=lab.lab,
        station=name,
        where=where,
        version=versions.pop("motet"),
        plugins=versions,
        digest=digest_of(part),
        part=part,
        devices={key: _device(entries[key].driver, device) for key, device in devices.items()},
        heartbeat_s=heartbeat_s,
    )


def part_of(lab: Lab, name: str, registry: Registry) -> dict[str, Any]:
    """What the lab file says of a station that must be the same wherever it is read: its devices, and on what they run.

    A file that an option names counts by its text, not by the folder it lies in.
    """
    station = lab.stations[name].model_dump(mode="json", exclude={"price_per_hour", "kind", "remote", "when_alone"})
    shared = {key: device.model_dump(mode="json") for key, device in lab.shared_by(name).items()}
    for entry in (*station["devices"].values(), *shared.values()):
        for kind, key in ((Kind.DRIVER, "options"), (Kind.SIMULATOR, "simulator")):
            known = registry.all(kind).get(entry["driver"])
            if known is not None and known.loaded is not None:
                _by_text(entry[key], paths_in(known.declaration.options))
    return {
        "lab": lab.lab,
        "hardware": lab.hardware,
        "time_scale": lab.scale,
        "station": station,
        "shared": shared,
    }


def digest_of(part: Mapping[str, Any]) -> str:
    """SHA-256 of a part of a lab file."""
    return hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    """In words, where two parts of lab files differ: `station.devices.pump.line.url: 'a' here, 'b' there`."""
    found = _differ("", dict(here), dict(there))
    more = f"; and {len(found) - MOST_DIFFERENCES} more" if len(found) > MOST_DIFFERENCES else ""
    return "; ".join(found[:MOST_DIFFERENCES]) + more


def _differ(where: str, here: object, there: object) -> Sequence[str]:
    if here == there:
        return []
    told = f"{where}: {_shown(here)} here, {_shown(there)} there"
    if not (isinstance(here, dict) and isinstance(there, dict)):
        return [told]
    mine, yours = cast("dict[str, object]", here), cast("dict[str, object]", there)
    return [
        line
        for key in dict.fromkeys([*mine, *yours])
        for line in _differ(f"{where}.{key}" if where else key, mine.get(key, _NOTHING), yours.get(key, _NOTHING))
    ]


_NOTHING = object()


def _shown(value: object) -> str:
    return "nothing" if value is _NOTHING else repr(value)[:80]


def _by_text(options: dict[str, Any], paths: Sequence[str]) -> None:
    for key in paths:
        path = Path(options[key]) if isinstance(options.get(key), str) else None
        if path is not None and path.is_file():
            options[key] = f"{path.name} sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _device(driver: str, device: Device) -> DeviceBody:
    verbs = {key: _verb(verb.spec, device) for key, verb in device.verbs.items()}
    signals = device.signals_for(device.context.options)
    return DeviceBody(driver=driver, verbs=verbs, signals={key: _output(output) for key, output in signals.items()})


def _verb(spec: VerbSpec, device: Device) -> VerbBody:
    arguments: dict[str, ArgumentBody] = {}
    for key, argument in spec.arguments.items():
        schema: dict[str, Any] = {"type": _TYPES.get(argument.type, "string")}
        limit = spec.limits.get(key, Limit())
        if key not in spec.relative:
            limit = limit.tightened(device.limits.by_quantity.get(key, Limit()))
        schema |= {word: at for word, at in (("minimum", limit.low), ("maximum", limit.high)) if math.isfinite(at)}
        arguments[key] = ArgumentBody(json_schema=schema, unit=argument.unit, required=argument.required)
    outputs = {key: _output(output) for key, output in spec.outputs.items()}
    return VerbBody(doc=spec.doc, arguments=arguments, outputs=outputs, repeatable=spec.repeatable)


def _output(output: Output) -> OutputBody:
    return OutputBody(type=output.dtype, unit=output.unit)


def unrepeatable_of(procedure: Procedure | PluginRef, manifest: Manifest | None) -> tuple[str, ...]:
    """The steps of a procedure, `device.verb`, that must never be repeated by themselves, as far as a station has told;
    of a plugin's plan, whatever the station could do that must not."""
    devices = {} if manifest is None else manifest.devices
    never = [f"{key}.{name}" for key, one in devices.items() for name, verb in one.verbs.items() if not verb.repeatable]
    if isinstance(procedure, PluginRef):
        return tuple(never)
    used = set(_labels((*procedure.steps, *procedure.cleanup)))
    return tuple(label for label in never if label in used)


def _labels(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        match step:
            case VerbStep():
                yield step.label
            case RepeatStep():
                yield from _labels(step.steps)
            case IfStep():
                yield from _labels((*step.then, *step.otherwise))
            case WaitStep():
                pass
