"""Stations as the lab file states them: devices with their lines, on instruments or on simulators."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from motet.bus import Bus
from motet.contracts.declarations import Driver, Kind, Simulator
from motet.contracts.people import Person
from motet.devices import Context, Device, Limit, Limits, units_of
from motet.errors import PluginProblem
from motet.files.safety import of_station
from motet.files.units import convert
from motet.lines import Capture
from motet.model import lab as files
from motet.model.events import Event, LeaseWaited
from motet.model.lab import SHARED, Lab
from motet.model.values import PluginRef
from motet.plugins import Registry
from motet.simulation import LoopClock, MqttHost
from motet.simulation.outages import Drawn, Outages, Scheduled, failing
from motet.station.leases import Leases
from motet.station.local import LocalStation
from motet.station.plugin_plan import MakePlan
from motet.station.shared import AsksForHolder, Shared
from motet.station.station import Engine
from motet.station.wiring import Wired, Wiring

SHORTEST_WAIT_S = 1e-3
"""The shortest wait for a shared device that is told, loop seconds: a turn of the event loop is no wait."""


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
    trip: Callable[[str], object] = lambda reason: None
    """Presses the lab's emergency stop."""
    latched: Callable[[], bool] = lambda: False
    """Whether it is pressed."""
    clock: LoopClock = field(init=False)
    _wiring: Wiring = field(init=False)
    _worlds: dict[str, Any] = field(default_factory=dict[str, Any], init=False)
    _simulators: dict[str, Any] = field(default_factory=dict[str, Any], init=False)
    _made: dict[str, Shared] = field(default_factory=dict[str, Shared], init=False)

    def __post_init__(self) -> None:
        self.simulated = self.lab.hardware == "simulated"
        own = [(station, config.devices) for station, config in self.lab.stations.items()]
        self._entries = {
            f"{place}-{key}": entry
            for place, devices in (*own, (SHARED, self.lab.shared))
            for key, entry in devices.items()
        }
        self._leases = Leases(self._waited, in_turn=True)
        self.clock = LoopClock(asyncio.get_running_loop(), self.lab.scale)
        wired = [
            Wired(name, driver, driver.options.model_validate(entry.options), entry)
            for name, entry in self._entries.items()
            if (driver := self._driver(entry)).transport == "serial"
        ]
        simulator = self._simulator if self.simulated else None
        self._wiring = Wiring(self.lab, self.clock, self.stack, self.capture, wired, simulator)

    async def station(self, name: str) -> LocalStation:
        """One station with its devices, not connected yet."""
        entries = self.lab.stations[name].devices
        devices = {key: await self._device(f"{name}-{key}", entry) for key, entry in entries.items()}
        for key in self.lab.shared_by(name):
            devices[key] = (await self._shared(key)).face(name)
        engine = await self.make_engine()
        return LocalStation(
            name,
            devices,
            engine,
            plans=self._plan,
            scale=self.clock.scale,
            emit=self.emit,
            interlocks=of_station(self.lab, name),
            trip=self.trip,
            latched=self.latched,
        )

    def _plan(self, ref: PluginRef) -> MakePlan:
        return self.registry.make(Kind.PROCEDURE, ref.name, ref.options)

    async def _shared(self, key: str) -> Shared:
        """A device that several stations share, made once."""
        if key not in self._made:
            entry = self.lab.shared[key]
            longest = None if entry.longest is None else convert(entry.longest, "s") / self.clock.scale
            device = await self._device(f"{SHARED}-{key}", entry)
            self._made[key] = Shared(key, device, self._leases, entry.lease, longest)
        return self._made[key]

    def _waited(self, device: str, station: str, seconds: float) -> None:
        if seconds >= SHORTEST_WAIT_S:
            self.emit(LeaseWaited(station, device, seconds))

    async def _device(self, name: str, entry: files.Device) -> Device:
        driver = self._driver(entry)
        options = driver.options.model_validate(entry.options)
        simulator = self._simulator(name) if self.simulated and driver.transport != "none" else None
        person = simulator if driver.transport == "person" and simulator is not None else self._person(name)
        line = await self._wiring.line(name) if driver.transport == "serial" else None
        if driver.transport == "mqtt" and simulator is not None:
            assert self.bus is not None, "a lab with MQTT devices was checked to have a broker"
            await self.stack.enter_async_context(MqttHost(simulator, self.bus, entry.topic or ""))
        limits = Limits(name, dict(_limits(driver.make, options, entry)))
        topic = entry.topic or ""
        stand_in = simulator if driver.transport == "object" else None
        return driver.make(Context(name, options, limits, line, self.bus, topic, self.clock.scale, person, stand_in))

    def _person(self, name: str) -> Person | None:
        """Who is asked by a device; by a shared one, the people of whichever station has it."""
        place, _, key = name.partition("-")
        if self.person is None or place != SHARED or key not in self.lab.shared:
            return self.person
        return AsksForHolder(self.person, self._leases, key)

    def _driver(self, entry: files.Device) -> Driver:
        driver = self.registry.get(Kind.DRIVER, entry.driver)
        if not isinstance(driver, Driver):
            raise PluginProblem(f"driver {entry.driver!r} was declared as {type(driver).__name__}, not as Driver")
        return driver

    def _simulator(self, name: str) -> Any:
        """The simulator of a device, made once. Instruments of one station share its world."""
        if name not in self._simulators:
            place, _, key = name.partition("-")
            is_shared = key in self.lab.shared
            devices = self.lab.shared if is_shared else self.lab.stations[place].devices
            ref = self.lab.shared[key].world if is_shared else self.lab.stations[place].world
            base = self.lab.simulation.seed + (len(self.lab.stations) if is_shared else self._index(place))
            world = self._world(name if is_shared else place, ref, base)
            seed = base + list(devices).index(key) * 1000
            self._simulators[name] = self._new_simulator(name, devices[key], world, seed)
        return self._simulators[name]

    def _world(self, place: str, ref: PluginRef | None, seed: int) -> Any:
        """The world of a station, or of a shared device, made once."""
        if ref is not None and place not in self._worlds:
            self._worlds[place] = self.registry.make(Kind.WORLD, ref.name, ref.options, self.clock, seed)
        return self._worlds.get(place)

    def _index(self, station: str) -> int:
        return list(self.lab.stations).index(station)

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
    units = units_of(device.verbs_for(options).values())
    return [
        (key, Limit(convert(low, units[key]), convert(high, units[key]), units[key]))
        for key, (low, high) in entry.limits.items()
    ]
