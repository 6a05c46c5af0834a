"""Simulators: the other end of the wire of each driver, and the worlds that a station's instruments share."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from motet.contracts.declarations import Declaration, Later, Simulator
from motet.hookspecs import hookimpl


@hookimpl
def motet_simulators() -> Iterable[Later]:
    """The built-in simulators, each of the driver of the same name; imported when a lab file names it."""
    return [
        _simulator("owis_ps90", "OwisPs90"),
        _simulator("elliptec", "Elliptec"),
        _simulator("grbl", "Grbl"),
        _simulator("ne1000", "Ne1000"),
        _simulator("cavro_xcalibur", "CavroXcalibur"),
        _simulator("ika_rct", "IkaRct"),
        _simulator("mt_sics", "MtSics"),
        _simulator("emstat_pico", "EmStatPico"),
        _simulator("keithley_2450", "Keithley2450"),
        _simulator("gsv3", "Gsv3"),
        _simulator("tasmota", "Tasmota", transport="mqtt"),
        _simulator("mqtt_json", "MqttJson", transport="mqtt"),
        _simulator("potentiostat_node", "PotentiostatNode", transport="mqtt"),
        _simulator("ascii", "Ascii"),
        _simulator("bluesky", "stand_in", transport="object"),
        _simulator("manual", "Manual", transport="person"),
        _simulator("benchmark_function", "BenchmarkFunction"),
    ]


@hookimpl
def motet_worlds() -> Iterable[Later]:
    """The built-in worlds."""
    return [
        _world("schwefel_plate", "SchwefelPlate"),
        _world("electrolyte_bench", "ElectrolyteBench"),
        _world("table", "Table"),
    ]


def _simulator(name: str, make: str, **declared: Any) -> Later:
    """The simulator in the module of that name, with `Options` and, where there is one, `problem` beside it."""

    def load() -> Simulator:
        module = import_module(f"motet_simulators.{name}")
        problem = getattr(module, "problem", None)
        return Simulator(name, getattr(module, make), module.Options, problem=problem, **declared)

    return Later(name, load)


def _world(name: str, make: str) -> Later:
    """The world in the module of that name, with `Options` beside it."""

    def load() -> Declaration:
        module = import_module(f"motet_simulators.{name}")
        return Declaration(name, getattr(module, make), module.Options)

    return Later(name, load)
