"""Interlocks that read a device which several stations share: of one station, of the lab, and as an emergency stop."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import ClassVar

import pytest

from motet.contracts.declarations import Driver, NoOptions
from motet.devices import Context, Device, Limits, Output
from motet.files.safety import lab_wide, of_station, watched_stations
from motet.hookspecs import hookimpl
from motet.model.events import StationState
from motet.model.lab import Lab
from motet.plugins import Registry, load
from motet.simulation.thread import LoopThread
from motet.simulation.virtual import VirtualLoop
from motet.station import LocalStation
from motet.station.fast import FastEngine
from motet.station.interlocks import watched
from motet.station.leases import Leases
from motet.station.shared import Shared


class Oven(Device):
    """It is too hot from the tenth second on, for ten seconds."""

    signals: ClassVar[Mapping[str, Output]] = {"temperature": Output("degC")}

    async def get_temperature(self) -> float:
        return 90.0 if 10 < asyncio.get_running_loop().time() < 20 else 20.0


class Plugins:
    """Brings the driver."""

    @hookimpl
    def motet_drivers(self) -> Iterable[Driver]:
        """One."""
        return [Driver("oven", Oven, transport="none")]


@pytest.fixture
def registry() -> Registry:
    found = load()
    found.manager.register(Plugins(), name="ovens")
    return found


def lab_of(**more: object) -> Lab:
    """Three stations, two of which share an oven."""
    stations = {name: {"devices": {"own": {"driver": "oven"}}} for name in "abc"}
    return Lab.model_validate(
        {"lab": "bench", "stations": stations, "shared": {"oven": {"driver": "oven", "used_by": ["b", "c"]}}, **more}
    )


def states_at_15_s(lab: Lab, registry: Registry, names: str) -> tuple[list[StationState], list[str]]:
    """The states of these stations while it is too hot, and what pressed the emergency stop."""
    pressed: list[str] = []

    async def main() -> list[StationState]:
        shared = Shared("oven", Oven(Context("shared-oven", NoOptions(), Limits("shared-oven", {}))), Leases())
        stations: list[LocalStation] = []
        for name in names:
            devices: dict[str, Device] = {"own": Oven(Context(f"{name}-own", NoOptions(), Limits(name, {})))}
            if "oven" in lab.shared_by(name):
                devices["oven"] = shared.face(name)
            interlocks = of_station(lab, name)
            stations.append(LocalStation(name, devices, FastEngine(), interlocks=interlocks, trip=pressed.append))
            await stations[-1].connect()
        async with watched(lab, registry, stations, pressed.append, lambda event: None):
            await asyncio.sleep(15)
            found = [station.state for station in stations]
            await asyncio.sleep(10)
            assert pressed or all(station.state is StationState.IDLE for station in stations), "it has cooled down"
        for station in stations:
            await station.close()
        return found

    loop = LoopThread(VirtualLoop())
    try:
        return loop.submit(main()).result(10), pressed
    finally:
        loop.close()


@pytest.mark.parametrize("names", ["abc", "ac"], ids=["all at work", "one of its two stations"])
@pytest.mark.parametrize("signal", ["shared.oven.temperature", "oven.temperature"])
def test_one_of_the_lab_holds_every_station(registry: Registry, names: str, signal: str) -> None:
    lab = lab_of(interlocks={"hot": {"pause while": f"{signal} > 80 degC"}})
    assert states_at_15_s(lab, registry, names) == ([StationState.PAUSED] * len(names), [])


def test_one_of_a_station_holds_that_one(registry: Registry) -> None:
    lab = lab_of()
    hot = {"interlocks": {"hot": {"pause while": "oven.temperature > 353.15 K"}}}
    stations = {name: one.model_dump() | (hot if name == "c" else {}) for name, one in lab.stations.items()}
    lab = Lab.model_validate(lab.model_dump() | {"stations": stations})
    states, _ = states_at_15_s(lab, registry, "abc")
    assert states == [StationState.IDLE, StationState.IDLE, StationState.PAUSED]


def test_an_emergency_stop_is_watched_by_each_station_that_uses_it(registry: Registry) -> None:
    lab = lab_of(safety={"estop_when": ["shared.oven.temperature > 80 degC"]})
    assert [len(of_station(lab, name)) for name in "abc"] == [0, 1, 1]
    states, pressed = states_at_15_s(lab, registry, "abc")
    assert states == [StationState.IDLE, StationState.ESTOPPED, StationState.ESTOPPED]
    assert len(pressed) == 2, "each of them by itself: neither needs the other, nor an orchestrator"


def test_what_no_station_can_watch_alone_is_the_labs_with_as_few_stations_as_can_be() -> None:
    both = "shared.oven.temperature > 80 degC and a.own.temperature > 80 degC"
    lab = lab_of(safety={"estop_when": [both]})
    assert [len(of_station(lab, name)) for name in "abc"] == [0, 0, 0]
    assert list(lab_wide(lab)) == ["estop_when_1"]
    assert watched_stations(lab, ["c"]) == ("a", "c")
    assert watched_stations(lab, []) == ("a", "b")
    alone = lab_of(safety={"estop_when": [both.replace("a.own", "b.own")]})
    assert [len(of_station(alone, name)) for name in "abc"] == [0, 1, 0]
    assert lab_wide(alone) == {}
