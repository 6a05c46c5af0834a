"""Drivers: an instrument each, protocol and device together, in a module or a folder of its name."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from motet.contracts.declarations import Driver, Later
from motet.hookspecs import hookimpl


@hookimpl
def motet_drivers() -> Iterable[Later]:
    """The built-in drivers; each is imported when a lab file names it."""
    return [
        _driver("owis_ps90", "OwisPs90", line={"baudrate": 9600}),
        _driver("elliptec", "Elliptec", line={"baudrate": 9600}, address="address"),
        _driver("grbl", "Grbl", line={"baudrate": 115200}),
        _driver("ne1000", "Ne1000", line={"baudrate": 19200}, address="address"),
        _driver("cavro_xcalibur", "CavroXcalibur", line={"baudrate": 9600}, address="address"),
        _driver("ika_rct", "IkaRct", line={"baudrate": 9600, "bytesize": 7, "parity": "E"}),
        _driver("mt_sics", "MtSics", line={"baudrate": 9600}),
        _driver("emstat_pico", "EmStatPico", line={"baudrate": 230400}),
        _driver("keithley_2450", "Keithley2450", line={"baudrate": 115200}),
        _driver("gsv3", "Gsv3", line={"baudrate": 38400}),
        _driver("tasmota", "Tasmota", transport="mqtt"),
        _driver("mqtt_json", "MqttJson", transport="mqtt"),
        _driver("potentiostat_node", "PotentiostatNode", transport="mqtt"),
        _driver("ascii", "Ascii"),
        _driver("bluesky", "BlueskyObject", transport="object"),
        _driver("manual", "Manual", transport="person"),
        _driver("benchmark_function", "BenchmarkFunction", line={"baudrate": 115200}),
    ]


def _driver(name: str, device: str, **declared: Any) -> Later:
    """The driver in the module of that name: its device class, and `Options` beside it."""

    def load() -> Driver:
        module = import_module(f"motet_drivers.{name}")
        return Driver(name, getattr(module, device), module.Options, **declared)

    return Later(name, load)
