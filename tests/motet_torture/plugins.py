"""What the torture brings along: an instrument that is counted, and parts of a learner that fail."""

from collections.abc import Iterable
from functools import cache

from motet.contracts.declarations import Declaration, Driver, Later, Simulator
from motet.hookspecs import hookimpl
from motet.plugins import Registry, installed, load
from motet_torture.simulated_doser import NAME, Options, SimulatedDoser


class Plugins:
    """Joined by `registry`, not by an entry point: no lab but those of the torture should know them."""

    @hookimpl
    def motet_drivers(self) -> Iterable[Later]:
        """The doser."""
        return [Later(NAME, _doser)]

    @hookimpl
    def motet_simulators(self) -> Iterable[Simulator]:
        """Its simulator."""
        return [Simulator(NAME, SimulatedDoser, Options)]

    @hookimpl
    def motet_starts(self) -> Iterable[Later]:
        """A start design that fails."""
        return [Later("torture_start", _start)]

    @hookimpl
    def motet_acquisitions(self) -> Iterable[Later]:
        """An acquisition that fails."""
        return [Later("torture_acquisition", _acquisition)]


@cache
def registry() -> Registry:
    """Everything installed, and these."""
    return _joined(load())


def join() -> None:
    """Let whatever goes by what is installed know these too, in this process."""
    _joined(installed())


def _joined(found: Registry) -> Registry:
    found.manager.register(Plugins(), name="motet_torture")
    return found


def _doser() -> Driver:
    from motet_torture.doser import Doser, DriverOptions

    return Driver(NAME, Doser, DriverOptions)


def _start() -> Declaration:
    from motet_torture.learners import FailingStart, Options

    return Declaration("torture_start", FailingStart, Options)


def _acquisition() -> Declaration:
    from motet_torture.learners import FailingAcquisition, Options

    return Declaration("torture_acquisition", FailingAcquisition, Options)
