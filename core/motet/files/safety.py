"""Where each interlock of a lab file is watched: by every station that has all it reads, or for the whole lab."""

from collections.abc import Collection, Mapping
from typing import Any

from motet.contracts.declarations import Driver, Kind
from motet.errors import ProcedureError
from motet.files.signal_conditions import parse_condition
from motet.model.lab import SHARED, Interlock, Lab
from motet.plugins import Registry


def full_name(lab: Lab, name: str) -> str:
    """`station.device.signal` of a name that may leave the station out where only one has such a device.

    `shared` stands for the station of a shared device.

    Raises ProcedureError for one that is not there, or there more than once.
    """
    parts = name.split(".")
    if len(parts) == 3:
        if parts[0] in lab.stations and parts[1] in lab.stations[parts[0]].devices:
            return name
        if parts[0] == SHARED and parts[1] in lab.shared:
            return name
        raise ProcedureError(f"{name}: no device {parts[0]}.{parts[1]}; there is: {', '.join(_devices(lab))}")
    at = [station for station, each in lab.stations.items() if parts[0] in each.devices]
    if not at and parts[0] in lab.shared:
        return f"{SHARED}.{name}"
    if not at:
        raise ProcedureError(f"{name}: no station has a device {parts[0]!r}; there is: {', '.join(_devices(lab))}")
    if len(at) > 1:
        raise ProcedureError(f"{name}: several stations have a device {parts[0]!r}; write {at[0]}.{name}, for one")
    return f"{at[0]}.{name}"


def of_station(lab: Lab, station: str) -> Mapping[str, Interlock]:
    """The interlocks that a station watches by itself: its own, and the emergency stops that read nothing else. What
    reads shared devices only is watched by each station that uses them all."""
    own = {name: one for name, one in _estops(lab).items() if station in _able(lab, one)}
    return {**lab.stations[station].interlocks, **own}


def lab_wide(lab: Lab) -> Mapping[str, Interlock]:
    """The interlocks that hold every station, and the emergency stops that no station can watch by itself."""
    return {**lab.interlocks, **{name: one for name, one in _estops(lab).items() if not _able(lab, one)}}


def watched_stations(lab: Lab, used: Collection[str]) -> tuple[str, ...]:
    """The stations that interlocks of the whole lab read, each once; for a shared device one of its stations, of those
    that are `used` anyway where there is one."""
    found: dict[str, None] = {}
    signals = [name for one in lab_wide(lab).values() for name in _signals(lab, one)]
    for name in sorted(signals, key=lambda name: name.startswith(f"{SHARED}.")):  # then those of the others are known
        readers = readers_of(lab, name)
        found[next((reader for reader in readers if reader in used or reader in found), readers[0])] = None
    return tuple(found)


def readers_of(lab: Lab, name: str) -> tuple[str, ...]:
    """The stations that can read a signal, by its full name: that of its device, or all that use a shared device."""
    station, device, _ = name.split(".")
    if station in lab.stations:
        return (station,)
    return tuple(one for one in lab.stations if device in lab.shared_by(one))


def unit_in(lab: Lab, registry: Registry, name: str) -> str:
    """The unit of a signal, empty without one. Raises ProcedureError for a signal that is not there."""
    station, device, signal = full_name(lab, name).split(".")
    entry = lab.stations[station].devices[device] if station in lab.stations else lab.shared[device]
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


def _able(lab: Lab, interlock: Interlock) -> set[str]:
    """The stations that can watch it by themselves."""
    readers = [set(readers_of(lab, name)) for name in _signals(lab, interlock)]
    return readers[0].intersection(*readers[1:])


def _signals(lab: Lab, interlock: Interlock) -> list[str]:
    """What it reads, by full names."""
    texts = [text for text in (interlock.pause_while, interlock.until) if text is not None]
    return [full_name(lab, name) for text in texts for name in parse_condition(text).signals]


def _devices(lab: Lab) -> list[str]:
    own = [f"{name}.{key}" for name, station in lab.stations.items() for key in station.devices]
    return own + [f"{SHARED}.{key}" for key in lab.shared]
