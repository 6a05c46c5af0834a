"""Lines of a lab's serial instruments, or of their simulators: a port each, or one that several on a bus share."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from pydantic import BaseModel

from motet.contracts.declarations import Driver
from motet.lines import Capture, Line, Opener, Port, SerialOpener
from motet.model.lab import Device, Lab, SerialLine
from motet.simulation import LoopClock, MemoryOpener, Multidrop, PtyServer


@dataclass(frozen=True, slots=True)
class Wired:
    """A serial instrument as the lab file states it: its name (`station-device`), driver and the driver's options."""

    name: str
    driver: Driver
    options: BaseModel
    entry: Device

    @property
    def settings(self) -> SerialLine:
        """The line's settings: the instrument's own where the lab file says nothing."""
        assert self.entry.line is not None, "a serial device was checked to have a line"
        own = {**self.driver.line, **cast("Any", self.driver.make).line_for(self.options)}
        return SerialLine.model_validate({**own, **self.entry.line.model_dump(exclude_unset=True)})


@dataclass
class Wiring:
    """Makes lines. `devices` are all serial devices of the lab; `simulator` makes one's simulator, None on hardware."""

    lab: Lab
    clock: LoopClock
    stack: AsyncExitStack
    capture: Capture | None
    devices: Sequence[Wired]
    simulator: Callable[[str], Any] | None
    _shared: dict[str, Port] = field(default_factory=dict[str, Port], init=False)
    _links: Path | None = field(default=None, init=False)

    async def line(self, name: str) -> Line:
        """The line of a device, not open yet."""
        device = next(found for found in self.devices if found.name == name)
        framing = cast("Any", device.driver.make).framing_for(device.options)
        timeout = device.settings.timeout
        if device.driver.address is None:
            return Line(name, await self._opener([device]), framing, timeout=timeout, capture=self.capture)
        return Line(name, await self._port(device.settings.url), framing, timeout=timeout)

    async def _port(self, url: str) -> Port:
        """The port that every addressed device at a URL shares."""
        if url not in self._shared:
            on_it = [found for found in self.devices if found.driver.address and found.settings.url == url]
            name = "+".join(found.name for found in on_it)
            self._shared[url] = Port(name, await self._opener(on_it), self.capture)
        return self._shared[url]

    async def _opener(self, devices: Sequence[Wired]) -> Opener:
        """The way to devices on one line; that to simulators is called after the first of them."""
        settings, name = devices[0].settings, devices[0].name
        if self.simulator is None:
            return SerialOpener(settings)
        simulators = [self.simulator(device.name) for device in devices]
        simulator = simulators[0] if len(simulators) == 1 else Multidrop(simulators, self.clock)
        if self.lab.simulation.lines == "memory":
            return MemoryOpener(simulator, name=name, baudrate=round(settings.baudrate * self.clock.scale))
        if self._links is None:
            self._links = Path(self.stack.enter_context(TemporaryDirectory(prefix="motet-")))
        server = await self.stack.enter_async_context(PtyServer(simulator, link=self._links / name))
        return SerialOpener(settings.model_copy(update={"url": server.path}))
