"""What the built-in drivers and simulators declare; asking costs nothing until it is asked."""

import subprocess
import sys

import pytest

from motet.contracts.declarations import Driver, Kind, Simulator
from motet.devices import Device, verbs_of
from motet.plugins import installed

NAMES = ["benchmark_function", "gsv3", "manual", "owis_ps90", "potentiostat_node"]


@pytest.mark.parametrize("name", NAMES)
def test_every_driver_has_a_simulator_of_its_name_and_transport(name: str) -> None:
    driver, simulator = installed().get(Kind.DRIVER, name), installed().get(Kind.SIMULATOR, name)
    assert isinstance(driver, Driver)
    assert isinstance(simulator, Simulator)
    assert driver.transport == simulator.transport
    assert driver.options.model_validate({}) == driver.options()
    assert simulator.options.model_validate({}) == simulator.options()


@pytest.mark.parametrize("name", NAMES)
def test_every_driver_documents_itself_its_verbs_and_their_units(name: str) -> None:
    driver = installed().get(Kind.DRIVER, name)
    assert issubclass(driver.make, Device)  # pyright: ignore[reportArgumentType] - a driver's make is its class
    assert driver.doc
    assert verbs_of(driver.make)
    for spec in verbs_of(driver.make).values():
        assert spec.doc
        assert all(argument.unit for argument in spec.arguments.values() if argument.type is float)


def test_the_plate_is_a_world() -> None:
    assert "schwefel_plate" in installed().all(Kind.WORLD)


def test_importing_the_packages_imports_no_instrument() -> None:
    program = (
        "import sys, motet_drivers, motet_simulators\n"
        "heavy = {'ophyd_async', 'bluesky', 'numpy', 'serial', 'aiomqtt'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
