"""Stations as the lab file states them: devices with their lines, on instruments or on simulators."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from motet.bus import Bus
from motet.contracts.declarations import Driver, Kind, Simulator
from motet.contracts.people import Person
from motet.devices import Context, Device, Limit, Limits
from motet.errors import PluginProblem
from motet.files.units import convert
from motet.lines import Capture
from motet.model import lab as files
from motet.model.events import Event
from motet.model.lab import Lab
from motet.model.procedure import Procedure
from motet.plugins import Registry
from motet.simulation import LoopClock, MqttHost
from motet.simulation.outages import Drawn, Outages, Scheduled, failing
from motet.station.plugin_plan import MakePlan
from motet.station.station import Engine, LocalStation
from motet.station.wiring import Wired, Wiring


@dataclass
class Builder:
    """Makes the stations of one lab. Servers of simulators are entered into `stack`, which closes them."""

    lab: Lab
    registry: Registry
    make_engine: Callable[[], Awaitable[Engine]]
    stack: AsyncExitStack
    bus: Bus | None = None
    capture: Capture | None = None
    emit: Callable[[Event], None] = lambda event: None
    person: Person | None = None
    clock: LoopClock = field(init=False)
    _wiring: Wiring = field(init=False)
    _worlds: dict[str, Any] = field(default_factory=dict[str, Any], init=False)
    _simulators: dict[str, Any] = field(default_factory=dict[str, Any], init=False)

    def __post_init__(self) -> None:
        self.simulated = self.lab.hardware == "simulated"
        self.clock = LoopClock(asyncio.get_running_loop(), self.lab.scale)
        wired = [
            Wired(f"{station}-{key}", driver, driver.options.model_validate(entry.options), entry)
            for station, config in self.lab.stations.items()
            for key, entry in config.devices.items()
            if (driver := self._driver(entry)).transport == "serial"
        ]
        simulator = self._simulator if self.simulated else None
        self._wiring = Wiring(self.lab, self.clock, self.stack, self.capture, wired, simulator)

    async def station(self, name: str, procedure: Procedure | MakePlan, units: Mapping[str, str]) -> LocalStation:
        """One station with its devices, not connected yet. `units` are those of the campaign's parameters."""
        entries = self.lab.stations[name].devices
        devices = {key: await self._device(f"{name}-{key}", entry) for key, entry in entries.items()}
        engine = await self.make_engine()
        return LocalStation(name, devices, procedure, engine, units=units, scale=self.clock.scale, emit=self.emit)

    async def _device(self, name: str, entry: files.Device) -> Device:
        driver = self._driver(entry)
        options = driver.options.model_validate(entry.options)
        simulator = self._simulator(name) if self.simulated and driver.transport != "none" else None
        person = simulator if driver.transport == "person" and simulator is not None else self.person
        line = await self._wiring.line(name) if driver.transport == "serial" else None
        if driver.transport == "mqtt" and simulator is not None:
            assert self.bus is not None, "a lab with MQTT devices was checked to have a broker"
            await self.stack.enter_async_context(MqttHost(simulator, self.bus, entry.topic or ""))
        limits = Limits(name, dict(_limits(driver.make, options, entry)))
        topic = entry.topic or ""
        stand_in = simulator if driver.transport == "object" else None
        return driver.make(Context(name, options, limits, line, self.bus, topic, self.clock.scale, person, stand_in))

    def _driver(self, entry: files.Device) -> Driver:
        driver = self.registry.get(Kind.DRIVER, entry.driver)
        if not isinstance(driver, Driver):
            raise PluginProblem(f"driver {entry.driver!r} was declared as {type(driver).__name__}, not as Driver")
        return driver

    def _simulator(self, name: str) -> Any:
        """The simulator of a device, made once. Instruments of one station share its world."""
        if name not in self._simulators:
            station, _, key = name.partition("-")
            entry = self.lab.stations[station].devices[key]
            seed = self._seed(station) + list(self.lab.stations[station].devices).index(key) * 1000
            self._simulators[name] = self._new_simulator(name, entry, self._world(station), seed)
        return self._simulators[name]

    def _world(self, station: str) -> Any:
        config = self.lab.stations[station]
        if config.world is not None and station not in self._worlds:
            make, seed = self.registry.make, self._seed(station)
            self._worlds[station] = make(Kind.WORLD, config.world.name, config.world.options, self.clock, seed)
        return self._worlds.get(station)

    def _seed(self, station: str) -> int:
        return self.lab.simulation.seed + list(self.lab.stations).index(station)

    def _new_simulator(self, name: str, entry: files.Device, world: Any, seed: int) -> Any:
        declaration = self.registry.get(Kind.SIMULATOR, entry.driver)
        assert isinstance(declaration, Simulator)
        options = declaration.options.model_validate(simulator_options(self._driver(entry), declaration, entry))
        simulator = declaration.make(options, world, self.clock, seed)
        outages = self._outages(name, seed)
        if outages is None or declaration.transport in ("person", "object"):
            return simulator
        return failing(simulator, declaration.transport, outages)

    def _outages(self, name: str, seed: int) -> Outages | None:
        """The failures that the lab file states for a device, None without any."""
        stated = [f for f in self.lab.simulation.failures if f.device.replace(".", "-") == name]
        scheduled = tuple(Scheduled(convert(f.at, "s"), convert(f.repair, "s")) for f in stated if f.at is not None)
        drawn = tuple(
            Drawn(convert(f.mean_between, "s"), convert(f.repair, "s"), f"{seed}.{index}")
            for index, f in enumerate(stated)
            if f.mean_between is not None
        )
        return Outages(self.clock, scheduled, drawn) if stated else None


def simulator_options(driver: Driver, simulator: Simulator, entry: files.Device) -> dict[str, Any]:
    """The options of a device's simulator; at the address that its driver speaks to, unless they say otherwise."""
    address = driver.address
    if address is None or address not in simulator.options.model_fields:
        return entry.simulator
    spoken_to = getattr(driver.options.model_validate(entry.options), address)
    return {address: spoken_to, **entry.simulator}


def _limits(device: Any, options: BaseModel, entry: files.Device) -> list[tuple[str, Limit]]:
    """The lab's limits, each converted to the unit of the verb arguments of that name."""
    specs = device.verbs_for(options).values()
    units = {key: spec.unit for verb in specs for key, spec in verb.arguments.items()}
    return [
        (key, Limit(convert(low, units[key]), convert(high, units[key]), units[key]))
        for key, (low, high) in entry.limits.items()
    ]
