"""Drivers: one module per instrument, protocol and device together."""

from collections.abc import Iterable

from motet.contracts.declarations import Driver
from motet.hookspecs import hookimpl


@hookimpl
def motet_drivers() -> Iterable[Driver]:
    """The built-in drivers."""
    from motet_drivers import benchmark_function, gsv3, manual, owis_ps90, potentiostat_node

    return [
        Driver("owis_ps90", owis_ps90.OwisPs90, owis_ps90.Options, line={"baudrate": 9600}),
        Driver("gsv3", gsv3.Gsv3, gsv3.Options, line={"baudrate": 38400}),
        Driver(
            "potentiostat_node",
            potentiostat_node.PotentiostatNode,
            potentiostat_node.Options,
            transport="mqtt",
        ),
        Driver("manual", manual.Manual, manual.Options, transport="person"),
        Driver(
            "benchmark_function",
            benchmark_function.BenchmarkFunction,
            benchmark_function.Options,
            line={"baudrate": 115200},
        ),
    ]
