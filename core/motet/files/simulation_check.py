"""What a lab file says about its simulation: times, and devices that fail."""

from motet.contracts.declarations import Driver, Kind
from motet.files.instruments import Bench
from motet.files.node import Node
from motet.files.report import Report, hint, one_of
from motet.files.units import convert
from motet.files.validate import Checked
from motet.model.lab import SHARED, Lab
from motet.plugins import Registry


def check_simulation(checked: Checked[Lab], benches: tuple[Bench, ...], registry: Registry, report: Report) -> None:
    """Mistakes in `simulation` that the model alone cannot know go to the report."""
    simulation, where = checked.model.simulation, checked.node.at("simulation")
    if simulation.learner_time != "measured":
        check_time(simulation.learner_time, where.at("learner_time"), report, least=0.0, word="measured")
    shared = checked.whole.at("shared").entries
    devices = {
        f"{SHARED if name in shared else bench.station}.{name}": found
        for bench in benches
        for name, found in bench.instruments.items()
    }
    for index, failure in enumerate(simulation.failures):
        node = where.at("failures", index)
        if devices and failure.device not in devices:
            report.add(node.at("device"), f"the device {failure.device!r}", one_of(failure.device, devices))
        instrument = devices.get(failure.device)
        driver = None if instrument is None else registry.get(Kind.DRIVER, instrument.driver)
        if isinstance(driver, Driver) and driver.transport not in ("serial", "mqtt"):
            allowed = f"its driver {driver.name!r} uses neither line nor topic: there is nothing to cut off"
            report.add(node.at("device"), f"the device {failure.device!r}", allowed)
        for key in ("at", "mean_between", "repair"):
            value = getattr(failure, key)
            if value is not None:
                check_time(value, node.at(key), report, least=0.0 if key == "at" else None)


def check_time(value: float | str, where: Node, report: Report, least: float | None = None, word: str = "") -> None:
    """A time must be one, and above 0, or not below `least`; `word` would do as well."""
    try:
        seconds = convert(value, "s")
    except ValueError as error:
        report.add(where, where.shown(), f"{hint(str(value), [word])}{error}")
        return
    if seconds < 0 or (least is None and seconds == 0):
        report.add(
            where, where.shown(), "a time above 0 is needed" if least is None else "a time of 0 or more is needed"
        )
