"""Stations as the lab file states them: devices with their lines, on instruments or on simulators."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import BaseModel

from motet.bus import Bus
from motet.contracts.declarations import Driver, Kind, Simulator
from motet.contracts.people import Person
from motet.devices import Context, Device, Limit, Limits, verbs_of
from motet.errors import PluginProblem
from motet.files.units import convert
from motet.lines import Capture, Line, Opener, SerialOpener
from motet.model import lab as files
from motet.model.events import Event
from motet.model.lab import Lab
from motet.model.procedure import Procedure
from motet.plugins import Registry
from motet.simulation import LoopClock, MemoryOpener, MqttHost, PtyServer
from motet.simulation.outages import Drawn, Outages, Scheduled, failing
from motet.station.plugin_plan import MakePlan
from motet.station.station import Engine, LocalStation


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

    def __post_init__(self) -> None:
        self.simulated = self.lab.hardware == "simulated"
        self.clock = LoopClock(asyncio.get_running_loop(), self.lab.scale)

    async def station(self, name: str, procedure: Procedure | MakePlan, units: Mapping[str, str]) -> LocalStation:
        """One station with its devices, not connected yet. `units` are those of the campaign's parameters."""
        config = self.lab.stations[name]
        seed = self.lab.simulation.seed + list(self.lab.stations).index(name)
        world = None
        if config.world is not None and self.simulated:
            world = self.registry.make(Kind.WORLD, config.world.name, config.world.options, self.clock, seed)
        devices = {
            key: await self._device(f"{name}-{key}", entry, world, seed + index * 1000)
            for index, (key, entry) in enumerate(config.devices.items())
        }
        engine = await self.make_engine()
        return LocalStation(name, devices, procedure, engine, units=units, scale=self.clock.scale, emit=self.emit)

    async def _device(self, name: str, entry: files.Device, world: Any, seed: int) -> Device:
        driver = self.registry.get(Kind.DRIVER, entry.driver)
        if not isinstance(driver, Driver):
            raise PluginProblem(f"driver {entry.driver!r} was declared as {type(driver).__name__}, not as Driver")
        options = driver.options.model_validate(entry.options)
        simulated = self.simulated and driver.transport != "none"
        simulator = self._simulator(name, entry, world, seed) if simulated else None
        person = simulator if driver.transport == "person" and simulated else self.person
        line = None
        if driver.transport == "serial":
            line = await self._line(name, driver, entry, simulator)
        if driver.transport == "mqtt" and simulator is not None:
            assert self.bus is not None, "a lab with MQTT devices was checked to have a broker"
            await self.stack.enter_async_context(MqttHost(simulator, self.bus, entry.topic or ""))
        limits = Limits(name, dict(_limits(driver.make, entry)))
        topic = entry.topic or ""
        return driver.make(Context(name, options, limits, line, self.bus, topic, self.clock.scale, person))

    def _simulator(self, name: str, entry: files.Device, world: Any, seed: int) -> Any:
        declaration = self.registry.get(Kind.SIMULATOR, entry.driver)
        assert isinstance(declaration, Simulator)
        options: BaseModel = declaration.options.model_validate(entry.simulator)
        simulator = declaration.make(options, world, self.clock, seed)
        outages = self._outages(name, seed)
        if outages is None or declaration.transport == "person":
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

    async def _line(self, name: str, driver: Driver, entry: files.Device, simulator: Any) -> Line:
        assert entry.line is not None, "a serial device was checked to have a line"
        settings = files.SerialLine.model_validate({**driver.line, **entry.line.model_dump(exclude_unset=True)})
        opener: Opener
        if simulator is None:
            opener = SerialOpener(settings)
        elif self.lab.simulation.lines == "memory":
            opener = MemoryOpener(simulator, name=name, baudrate=round(settings.baudrate * self.clock.scale))
        else:
            server = await self.stack.enter_async_context(PtyServer(simulator))
            opener = SerialOpener(settings.model_copy(update={"url": server.path}))
        framing = cast("Any", driver.make).framing
        return Line(name, opener, framing, timeout=settings.timeout, capture=self.capture)


def _limits(device: Any, entry: files.Device) -> list[tuple[str, Limit]]:
    """The lab's limits, each converted to the unit of the verb arguments of that name."""
    units = {key: spec.unit for verb in verbs_of(device).values() for key, spec in verb.arguments.items()}
    return [
        (key, Limit(convert(low, units[key]), convert(high, units[key]), units[key]))
        for key, (low, high) in entry.limits.items()
    ]
