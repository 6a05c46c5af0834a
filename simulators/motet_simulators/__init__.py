"""Simulators: the other end of the wire of each driver, and the worlds that a station's instruments share."""

from collections.abc import Iterable

from motet.contracts.declarations import Declaration, Simulator
from motet.hookspecs import hookimpl


@hookimpl
def motet_simulators() -> Iterable[Simulator]:
    """The built-in simulators, each of the driver of the same name."""
    from motet_simulators import benchmark_function, gsv3, manual, owis_ps90, potentiostat_node

    return [
        Simulator("owis_ps90", owis_ps90.OwisPs90, owis_ps90.Options),
        Simulator("gsv3", gsv3.Gsv3, gsv3.Options),
        Simulator(
            "potentiostat_node",
            potentiostat_node.PotentiostatNode,
            potentiostat_node.Options,
            transport="mqtt",
        ),
        Simulator("manual", manual.Manual, manual.Options, transport="person", problem=manual.problem),
        Simulator("benchmark_function", benchmark_function.BenchmarkFunction, benchmark_function.Options),
    ]


@hookimpl
def motet_worlds() -> Iterable[Declaration]:
    """The built-in worlds."""
    from motet_simulators import schwefel_plate

    return [Declaration("schwefel_plate", schwefel_plate.SchwefelPlate, schwefel_plate.Options)]
