"""Simulators: the other end of the wire of each driver, and the worlds that a station's instruments share."""

from collections.abc import Iterable

from motet.contracts.declarations import Declaration, Simulator
from motet.hookspecs import hookimpl


@hookimpl
def motet_simulators() -> Iterable[Simulator]:
    """The built-in simulators, each of the driver of the same name."""
    from motet_simulators import ascii as described
    from motet_simulators import (
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
        Simulator("owis_ps90", owis_ps90.OwisPs90, owis_ps90.Options),
        Simulator("elliptec", elliptec.Elliptec, elliptec.Options),
        Simulator("grbl", grbl.Grbl, grbl.Options),
        Simulator("gsv3", gsv3.Gsv3, gsv3.Options),
        Simulator(
            "potentiostat_node",
            potentiostat_node.PotentiostatNode,
            potentiostat_node.Options,
            transport="mqtt",
        ),
        Simulator("bluesky", bluesky.stand_in, bluesky.Options, transport="object", problem=bluesky.problem),
        Simulator("emstat_pico", emstat_pico.EmStatPico, emstat_pico.Options, problem=emstat_pico.problem),
        Simulator("ika_rct", ika_rct.IkaRct, ika_rct.Options),
        Simulator("keithley_2450", keithley_2450.Keithley2450, keithley_2450.Options),
        Simulator("mt_sics", mt_sics.MtSics, mt_sics.Options),
        Simulator("ne1000", ne1000.Ne1000, ne1000.Options),
        Simulator(
            "cavro_xcalibur", cavro_xcalibur.CavroXcalibur, cavro_xcalibur.Options, problem=cavro_xcalibur.problem
        ),
        Simulator("tasmota", tasmota.Tasmota, tasmota.Options, transport="mqtt"),
        Simulator("mqtt_json", mqtt_json.MqttJson, mqtt_json.Options, transport="mqtt", problem=mqtt_json.problem),
        Simulator("ascii", described.Ascii, described.Options),
        Simulator("manual", manual.Manual, manual.Options, transport="person", problem=manual.problem),
        Simulator("benchmark_function", benchmark_function.BenchmarkFunction, benchmark_function.Options),
    ]


@hookimpl
def motet_worlds() -> Iterable[Declaration]:
    """The built-in worlds."""
    from motet_simulators import electrolyte_bench, schwefel_plate, table

    return [
        Declaration("schwefel_plate", schwefel_plate.SchwefelPlate, schwefel_plate.Options),
        Declaration("electrolyte_bench", electrolyte_bench.ElectrolyteBench, electrolyte_bench.Options),
        Declaration("table", table.Table, table.Options),
    ]
