"""Every hook of Motet, in the order of a campaign's life. Plugins join through the entry-point group `motet`.

A hook returns declarations; Motet makes the things themselves only when a file names them. The built-in
drivers, simulators and learners enter by this same door:

    import motet.hookspecs

    @motet.hookspecs.hookimpl
    def motet_surrogates():
        from my_package.ridge import Options, Ridge
        return [Declaration("ridge", Ridge, Options)]
"""

from collections.abc import Iterable

import pluggy

from motet.contracts.declarations import Declaration, Driver, Later, Simulator

hookspec = pluggy.HookspecMarker("motet")
hookimpl = pluggy.HookimplMarker("motet")


@hookspec
def motet_drivers() -> Iterable[Driver | Later]:
    """Drivers; called when a lab file is read. `make(context)` gives the device."""
    raise NotImplementedError


@hookspec
def motet_simulators() -> Iterable[Simulator | Later]:
    """Simulators; called when a lab runs on simulators. `make(options, world, clock, seed)`."""
    raise NotImplementedError


@hookspec
def motet_worlds() -> Iterable[Declaration | Later]:
    """Worlds that the simulators of a station share. `make(options, clock, seed)`."""
    raise NotImplementedError


@hookspec
def motet_procedures() -> Iterable[Declaration]:
    """Procedures written as Bluesky plans; called when a campaign file is read.

    `make(options)` gives a function `plan(devices, parameters)` that yields Bluesky messages.
    """
    raise NotImplementedError


@hookspec
def motet_starts() -> Iterable[Declaration]:
    """Start designs (`motet.contracts.learning.StartDesign`). `make(options)`."""
    raise NotImplementedError


@hookspec
def motet_surrogates() -> Iterable[Declaration]:
    """Surrogates (`motet.contracts.learning.Surrogate`). `make(options)`."""
    raise NotImplementedError


@hookspec
def motet_acquisitions() -> Iterable[Declaration]:
    """Acquisitions (`motet.contracts.learning.Acquisition`). `make(options)`."""
    raise NotImplementedError


@hookspec
def motet_pendings() -> Iterable[Declaration]:
    """Pending strategies (`motet.contracts.learning.Pending`). `make(options)`."""
    raise NotImplementedError


@hookspec
def motet_analyses() -> Iterable[Declaration]:
    """Analyses (`motet.contracts.results.Analysis`); used after every run. `make(options)`."""
    raise NotImplementedError


@hookspec
def motet_stop_rules() -> Iterable[Declaration]:
    """Stop rules (`motet.contracts.learning.StopRule`); asked after every outcome. `make(options)`."""
    raise NotImplementedError


@hookspec
def motet_exporters() -> Iterable[Declaration]:
    """Exporters (`motet.contracts.results.Exporter`); used by `motet export`. `make(options)`."""
    raise NotImplementedError
