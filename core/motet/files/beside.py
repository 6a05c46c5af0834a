"""What options in a lab file mean beyond themselves.

An option of type `Path` is a file, relative to the folder of the lab file. The options that a simulator lists in
`same_as_driver` are the driver's where they are left out: they say what the instrument is. The one that it names in
`whole_driver` is everything that the lab file says to the driver.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from motet.contracts.declarations import Kind
from motet.files.broker_check import broker_beside
from motet.files.node import Node
from motet.files.report import Report
from motet.files.source import read_text
from motet.plugins import Registry
from motet.simulation.faults import Faults

_IN_DEVICE: Mapping[Kind, str] = {Kind.DRIVER: "options", Kind.SIMULATOR: "simulator"}


class Beside:
    """The files that a lab file names. `texts` holds what was read of them, by their paths.

    A file that is not there is left to its plugin, which says so where it stands.
    """

    def __init__(self, folder: Path, registry: Registry) -> None:
        self._folder = folder
        self._registry = registry
        self.texts: dict[Path, str] = {}

    def found(self, root: Node) -> Node:
        """The lab file's tree with the names of files made paths that hold from wherever the program runs."""
        stations = {name: self._station(station) for name, station in root.at("stations").entries.items()}
        root = _with(root, "broker", broker_beside(self._folder, root.at("broker")).entries)
        shared = {name: self._with_world(self._device(device)) for name, device in root.at("shared").entries.items()}
        root = _with(root, "shared", shared)
        return _with(root, "stations", stations)

    def _station(self, station: Node) -> Node:
        devices = {name: self._device(device) for name, device in station.at("devices").entries.items()}
        return self._with_world(_with(station, "devices", devices))

    def _with_world(self, entry: Node) -> Node:
        """A station or shared device with the files of its world."""
        world = entry.child("world")
        if world is None or len(world.entries) != 1:
            return entry
        ((name, options),) = world.entries.items()
        return _with(entry, "world", {name: self._options(Kind.WORLD, name, options)})

    def _device(self, device: Node) -> Node:
        name = device.at("driver").content
        device = self._taken_over(device, name)
        for kind, key in _IN_DEVICE.items():
            options = device.child(key)
            if options is not None and isinstance(name, str):
                device = _with(device, key, self._options(kind, name, options).entries)
        return device

    def _taken_over(self, device: Node, name: object) -> Node:
        """What the simulator takes over from the driver; nothing that its own options state."""
        known = self._registry.all(Kind.SIMULATOR).get(name) if isinstance(name, str) else None
        declaration = None if known is None else known.loaded
        if declaration is None or not issubclass(declaration.options, Faults):
            return device
        model = declaration.options
        given, own = device.at("options").entries, device.at("simulator").entries
        if not given or any(key in own for key in (*model.same_as_driver, model.whole_driver)):
            return device
        taken = {key: node for key, node in given.items() if key in model.same_as_driver}
        if model.whole_driver:
            taken[model.whole_driver] = device.at("options")
        simulator = replace(device.at("simulator"), content={**own, **taken})
        return replace(device, content={**device.entries, "simulator": simulator}) if taken else device

    def _options(self, kind: Kind, name: str, options: Node) -> Node:
        known = self._registry.all(kind).get(name)
        declaration = None if known is None else known.loaded
        if declaration is None:
            return options
        entries = dict(options.entries)
        for key in paths_in(declaration.options):
            node = entries.get(key)
            if node is not None and isinstance(node.content, str) and node.content:
                entries[key] = replace(node, content=str(self._file(node.content)))
        return replace(options, content=entries) if options.entries else options

    def _file(self, name: str) -> Path:
        path = self._folder / name
        if path.is_file():
            text = read_text(path, Report())
            if text is not None:
                self.texts[path] = text
        return path


def paths_in(options: type[BaseModel]) -> tuple[str, ...]:
    """The options that are files."""
    return tuple(key for key, field in options.model_fields.items() if _is_path(field.annotation))


def _is_path(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, UnionType):
        return any(_is_path(part) for part in get_args(annotation))
    return annotation is Path


def _with(node: Node, key: str, entries: Mapping[str, Node]) -> Node:
    """The node with the entries of one of its mappings replaced."""
    inner = node.child(key)
    if inner is None or not inner.entries:
        return node
    return replace(node, content={**node.entries, key: replace(inner, content=dict(entries))})
