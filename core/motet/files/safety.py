"""Where each interlock of a lab file is watched: by the station whose signals it reads, or for the whole lab."""

from collections.abc import Mapping
from typing import Any

from motet.contracts.declarations import Driver, Kind
from motet.errors import ProcedureError
from motet.files.signal_conditions import parse_condition
from motet.model.lab import Interlock, Lab
from motet.plugins import Registry


def full_name(lab: Lab, name: str) -> str:
    """`station.device.signal` of a name that may leave the station out where only one has such a device.

    Raises ProcedureError for one that is not there, or there more than once.
    """
    parts = name.split(".")
    if len(parts) == 3:
        if parts[0] in lab.stations and parts[1] in lab.stations[parts[0]].devices:
            return name
        raise ProcedureError(f"{name}: no device {parts[0]}.{parts[1]}; there is: {', '.join(_devices(lab))}")
    at = [station for station, each in lab.stations.items() if parts[0] in each.devices]
    if not at:
        raise ProcedureError(f"{name}: no station has a device {parts[0]!r}; there is: {', '.join(_devices(lab))}")
    if len(at) > 1:
        raise ProcedureError(f"{name}: several stations have a device {parts[0]!r}; write {at[0]}.{name}, for one")
    return f"{at[0]}.{name}"


def of_station(lab: Lab, station: str) -> Mapping[str, Interlock]:
    """The interlocks that a station watches by itself: its own, and the emergency stops that read nothing else."""
    own = {name: one for name, one in _estops(lab).items() if _stations(lab, one) == {station}}
    return {**lab.stations[station].interlocks, **own}


def lab_wide(lab: Lab) -> Mapping[str, Interlock]:
    """The interlocks that hold every station, and the emergency stops that read several."""
    return {**lab.interlocks, **{name: one for name, one in _estops(lab).items() if len(_stations(lab, one)) > 1}}


def watched_stations(lab: Lab) -> tuple[str, ...]:
    """The stations that interlocks of the whole lab read, each once."""
    return tuple(dict.fromkeys(name for one in lab_wide(lab).values() for name in sorted(_stations(lab, one))))


def unit_in(lab: Lab, registry: Registry, name: str) -> str:
    """The unit of a signal, empty without one. Raises ProcedureError for a signal that is not there."""
    station, device, signal = full_name(lab, name).split(".")
    entry = lab.stations[station].devices[device]
    driver = registry.get(Kind.DRIVER, entry.driver)
    assert isinstance(driver, Driver)
    make: Any = driver.make
    signals: Mapping[str, Any] = make.signals_for(driver.options.model_validate(entry.options))
    if signal not in signals:
        raise ProcedureError(f"{name}: no such signal; {device} has: {', '.join(signals)}")
    return str(signals[signal].unit)


def estop_name(index: int) -> str:
    """What the emergency stop's condition of that number is called, as if it were an interlock."""
    return f"estop_when_{index + 1}"


def _estops(lab: Lab) -> Mapping[str, Interlock]:
    every = lab.safety.every
    return {
        estop_name(index): Interlock.model_validate({"pause while": condition, "every": every, "then": "estop"})
        for index, condition in enumerate(lab.safety.estop_when)
    }


def _stations(lab: Lab, interlock: Interlock) -> set[str]:
    """The stations whose signals it reads."""
    texts = [text for text in (interlock.pause_while, interlock.until) if text is not None]
    return {full_name(lab, name).partition(".")[0] for text in texts for name in parse_condition(text).signals}


def _devices(lab: Lab) -> list[str]:
    return [f"{name}.{key}" for name, station in lab.stations.items() for key in station.devices]
