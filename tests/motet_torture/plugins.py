"""What the torture brings along: an instrument that is counted, and parts of a learner that fail."""

from collections.abc import Iterable

from motet.contracts.declarations import Declaration, Driver, Simulator
from motet.hookspecs import hookimpl
from motet.plugins import Registry, installed
from motet_torture import doser, learners


class Plugins:
    """Joined by `registry`, not by an entry point: no lab but those of the torture should know them."""

    @hookimpl
    def motet_drivers(self) -> Iterable[Driver]:
        """The doser."""
        return [Driver(doser.NAME, doser.Doser, doser.DriverOptions)]

    @hookimpl
    def motet_simulators(self) -> Iterable[Simulator]:
        """Its simulator."""
        return [Simulator(doser.NAME, doser.SimulatedDoser, doser.Options)]

    @hookimpl
    def motet_starts(self) -> Iterable[Declaration]:
        """A start design that fails."""
        return [Declaration("torture_start", learners.FailingStart, learners.Options)]

    @hookimpl
    def motet_acquisitions(self) -> Iterable[Declaration]:
        """An acquisition that fails."""
        return [Declaration("torture_acquisition", learners.FailingAcquisition, learners.Options)]


def registry() -> Registry:
    """Everything installed, and these."""
    found = installed()
    if not found.manager.has_plugin("motet_torture"):
        found.manager.register(Plugins(), name="motet_torture")
    return found
