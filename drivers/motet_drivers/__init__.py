"""Drivers: one module per instrument, protocol and device together."""

from collections.abc import Iterable

from motet.contracts.declarations import Driver
from motet.hookspecs import hookimpl


@hookimpl
def motet_drivers() -> Iterable[Driver]:
    """The built-in drivers."""
    from motet_drivers import ascii as described
    from motet_drivers import (
        benchmark_function,
        bluesky,
        cavro_xcalibur,
        elliptec,
        emstat_pico,
        grbl,
        gsv3,
        ika_rct,
        keithley_2450,
        manual,
        mqtt_json,
        mt_sics,
        ne1000,
        owis_ps90,
        potentiostat_node,
        tasmota,
    )

    return [
        Driver("owis_ps90", owis_ps90.OwisPs90, owis_ps90.Options, line={"baudrate": 9600}),
        Driver("elliptec", elliptec.Elliptec, elliptec.Options, line={"baudrate": 9600}, address="address"),
        Driver("grbl", grbl.Grbl, grbl.Options, line={"baudrate": 115200}),
        Driver("gsv3", gsv3.Gsv3, gsv3.Options, line={"baudrate": 38400}),
        Driver(
            "potentiostat_node",
            potentiostat_node.PotentiostatNode,
            potentiostat_node.Options,
            transport="mqtt",
        ),
        Driver("bluesky", bluesky.BlueskyObject, bluesky.Options, transport="object"),
        Driver("emstat_pico", emstat_pico.EmStatPico, emstat_pico.Options, line={"baudrate": 230400}),
        Driver("ika_rct", ika_rct.IkaRct, ika_rct.Options, line={"baudrate": 9600, "bytesize": 7, "parity": "E"}),
        Driver("keithley_2450", keithley_2450.Keithley2450, keithley_2450.Options, line={"baudrate": 115200}),
        Driver("mt_sics", mt_sics.MtSics, mt_sics.Options, line={"baudrate": 9600}),
        Driver("ne1000", ne1000.Ne1000, ne1000.Options, line={"baudrate": 19200}, address="address"),
        Driver(
            "cavro_xcalibur",
            cavro_xcalibur.CavroXcalibur,
            cavro_xcalibur.Options,
            line={"baudrate": 9600},
            address="address",
        ),
        Driver("tasmota", tasmota.Tasmota, tasmota.Options, transport="mqtt"),
        Driver("mqtt_json", mqtt_json.MqttJson, mqtt_json.Options, transport="mqtt"),
        Driver("ascii", described.Ascii, described.Options),
        Driver("manual", manual.Manual, manual.Options, transport="person"),
        Driver(
            "benchmark_function",
            benchmark_function.BenchmarkFunction,
            benchmark_function.Options,
            line={"baudrate": 115200},
        ),
    ]
